package crest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/crest-go/crest"
)

// quota is a limiter: it lets a number of requests through, and no more. golang.org/x/time/rate's fits as well.
type quota struct{ left chan struct{} }

func (q quota) Wait(context.Context) error {
	select {
	case <-q.left:
		return nil
	default:
		return errors.New("the quota is used up")
	}
}

// Every request waits for the client's limiter. What it refuses was not sent.
func ExampleWithLimiter() {
	left := make(chan struct{}, 1)
	left <- struct{}{}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithLimiter(quota{left}))
	list := crest.Get[crest.Empty, []string]("/books")

	_, err := list.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	_, err = list.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.ErrLimited))
	// Output:
	// <nil>
	// crest: GET /books: limited: the quota is used up
	// true
}
