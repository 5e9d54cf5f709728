package crest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/crest-go/crest"
)

// vault stands for whatever keeps the credentials: a file, a service, an OAuth2 flow.
type vault struct{ sealed bool }

func (v *vault) Token(context.Context) (crest.Secret, error) {
	if v.sealed {
		return crest.Secret{}, errors.New("the vault is sealed")
	}
	return crest.NewSecret("t0ken"), nil
}

// A source is asked once per call. Where it has nothing to give, nothing is sent.
func ExampleTokenSource() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{}`)), crest.WithBearer(&vault{sealed: true}))

	_, err := crest.Get[crest.Empty, any]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.ErrCredentials))
	// Output:
	// crest: GET /books: credentials: the token source failed: the vault is sealed
	// true
}
