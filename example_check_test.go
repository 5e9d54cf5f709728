package crest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

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

// In a stream each piece is looked at before it is decoded, so that an error in the middle is the API's own.
func ExampleWithCheck_stream() {
	type Word struct {
		Text string `json:"text" validate:"required"`
	}
	complete := crest.NewStream[crest.Empty, Word](http.MethodPost, "/completions", crest.WithDone("[DONE]"),
		crest.WithCheck(func(e *crest.Error) bool { return bytes.HasPrefix(e.Body, []byte(`{"code":`)) }))

	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"text\": \"Hel\"}\n\n", "event: error\ndata: {\"code\": \"overloaded\", \"message\": \"too many at once\"}\n\n")
	})
	c, _ := crest.New[*Failure]("https://api.example.com", crest.WithTransport(server))

	for word, err := range complete.Call(context.Background(), c, crest.Empty{}) {
		if said, ok := c.AsError(err); ok {
			fmt.Println(err)
			fmt.Println(said.Code)
			return
		}
		fmt.Println(word.Text)
	}
	// Output:
	// Hel
	// crest: POST /completions: piece 2 of the stream: 200 OK: too many at once
	// overloaded
}
