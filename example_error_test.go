package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/crest-go/crest"
)

func ExampleStatus() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(answering(409, ``)))
	_, err := crest.Delete[crest.Empty, crest.Empty]("/books/7").Call(context.Background(), c, crest.Empty{})

	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.Status(http.StatusConflict)))
	fmt.Println(errors.Is(err, crest.Status(crest.Status4XX)))
	fmt.Println(errors.Is(err, crest.Status(http.StatusNotFound)))
	// Output:
	// crest: DELETE /books/7: 409 Conflict
	// true
	// true
	// false
}

// An *Error is there whenever the server answered, and not with a declared success.
func ExampleError() {
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req-42")
		w.Header().Set("Retry-After", "120") // more than a call waits for
		http.Error(w, "try later", http.StatusServiceUnavailable)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	_, err := crest.Get[crest.Empty, any]("/books").Call(context.Background(), c, crest.Empty{})

	if answer, ok := errors.AsType[*crest.Error](err); ok {
		fmt.Println(answer.StatusCode, answer.RequestID, answer.RetryAfter)
		fmt.Printf("%q\n", answer.Body)
	}
	// Output:
	// 503 req-42 2m0s
	// "try later\n"
}

// Every failed call returns a *CallError: at which step it failed, and whether the server may have seen the request.
func ExampleCallError() {
	broken := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>Log in to the hotel's network")
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(broken))
	_, err := crest.Get[crest.Empty, []string]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)

	var failed *crest.CallError
	if errors.As(err, &failed) {
		fmt.Println(failed.Step == crest.ErrResponse, failed.Kind == crest.KindContentType, failed.Sent)
	}
	// errors.Is finds step and kind as well.
	fmt.Println(errors.Is(err, crest.ErrResponse), errors.Is(err, crest.KindContentType))
	// Output:
	// crest: GET /books: response: content type: text/html instead of application/json: "<p>Log in to the hotel's network"
	// true true yes
	// true true
}

// Problem is the error model of RFC 9457, for APIs that answer application/problem+json.
func ExampleProblem() {
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"title": "Not enough credit", "detail": "The balance is 30, the price is 50", "balance": 30}`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	_, err := crest.Post[crest.Empty, crest.Empty]("/orders").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)

	if problem, ok := c.AsError(err); ok { // errors.AsType[*crest.Problem](err), with the type filled in
		fmt.Println(problem.Detail)
		fmt.Println("balance:", string(problem.Extensions["balance"]))
	}
	// Output:
	// crest: POST /orders: 403 Forbidden: Not enough credit: The balance is 30, the price is 50
	// The balance is 30, the price is 50
	// balance: 30
}

func ExampleClient_Close() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com")
	_ = c.Close()

	_, err := crest.Get[crest.Empty, any]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.ErrClosed))
	// Output:
	// crest: GET /books: closed: the client was closed
	// true
}
