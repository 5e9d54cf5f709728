package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

func ExampleWithBearer() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Header.Get("Authorization")) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithBearer(crest.NewSecret("t0ken")))
	list := crest.Get[crest.Empty, crest.Empty]("/books")

	_, _ = list.Call(context.Background(), c, crest.Empty{})
	// One call can have a credential of its own.
	_, _ = list.Call(context.Background(), c, crest.Empty{}, crest.WithBearer(crest.NewSecret("another")))
	// Output:
	// Bearer t0ken
	// Bearer another
}

// A Token can be replaced while the client runs.
func ExampleNewToken() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Header.Get("Authorization")) })
	token := crest.NewToken("monday")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithBearer(token))
	list := crest.Get[crest.Empty, crest.Empty]("/books")

	_, _ = list.Call(context.Background(), c, crest.Empty{})
	token.Set("tuesday")
	_, _ = list.Call(context.Background(), c, crest.Empty{})
	// Output:
	// Bearer monday
	// Bearer tuesday
}

// Other schemes than Bearer.
func ExampleWithAuthorization() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Header.Get("Authorization")) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithAuthorization("OAuth", crest.NewSecret("t0ken")))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	// Output: OAuth t0ken
}

// Over plain http everyone on the way could read a credential: New says so, instead of the first call.
func ExampleWithPlainCredentials() {
	token := crest.WithBearer(crest.NewSecret("t0ken"))
	_, err := crest.New[*crest.Problem]("http://intranet.example.com", token)
	fmt.Println(err)

	_, err = crest.New[*crest.Problem]("http://intranet.example.com", token, crest.WithPlainCredentials())
	fmt.Println(err)
	// Output:
	// crest: New: the base URL is plain http and the client has credentials, which everyone on the way could read: use https, or allow it with WithPlainCredentials
	// <nil>
}
