package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/crest-go/crest"
)

// hanging is a server that never answers.
type hanging struct{}

func (hanging) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// A timeout limits the whole call. The deadline of the context holds as well; the nearer one ends the call.
func ExampleWithTimeout() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(hanging{}), crest.WithTimeout(100*time.Millisecond))

	_, err := crest.Get[crest.Empty, any]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(errors.Is(err, crest.ErrTransport), errors.Is(err, crest.KindTimeout), errors.Is(err, context.DeadlineExceeded))

	var failed *crest.CallError
	if errors.As(err, &failed) {
		fmt.Println("was it sent?", failed.Sent)
	}
	// Output:
	// true true true
	// was it sent? maybe
}
