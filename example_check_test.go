package crest_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/crest-go/crest"
)

// Failure is the error model of an API that sends it with any status.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Message }

// Some APIs answer 200 with an error inside. A check makes it the failure that it is.
func ExampleWithCheck() {
	c, _ := crest.New[*Failure]("https://api.example.com",
		crest.WithTransport(answering(200, `{"code": "no_such_book", "message": "there is no book 9"}`)),
		crest.WithCheck(func(e *crest.Error) bool { return bytes.Contains(e.Body, []byte(`"code":`)) }))

	_, err := crest.Get[crest.Empty, any]("/books/9").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	if said, ok := c.AsError(err); ok {
		fmt.Println(said.Code)
	}
	// Output:
	// crest: GET /books/9: 200 OK: there is no book 9
	// no_such_book
}
