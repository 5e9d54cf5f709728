package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// LibraryError is the API's error model: what every failure becomes that no entry names.
type LibraryError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *LibraryError) Error() string { return e.Message }

// OutOfBooks is what a 409 means. Part of it comes from a header.
type OutOfBooks struct {
	Back  string `header:"X-Back-On"`
	Title string `json:"title"`
}

func (e *OutOfBooks) Error() string { return e.Title + " is back on " + e.Back }

// Errors are types. An ErrorMap says which status becomes which.
func ExampleErrorMap() {
	borrow := crest.Post[crest.Empty, crest.Empty]("/books/7/loans", crest.WithErrors(crest.ErrorMap{
		409: crest.As[*OutOfBooks](),
	}))
	call := func(server fakeServer) error {
		c, _ := crest.New[*LibraryError]("https://api.example.com", crest.WithTransport(server))
		_, err := borrow.Call(context.Background(), c, crest.Empty{})
		return err
	}

	err := call(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Back-On", "Friday")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"title": "Dune"}`)
	})
	fmt.Println(err)
	if out, ok := errors.AsType[*OutOfBooks](err); ok {
		fmt.Println("try again on", out.Back)
	}

	err = call(answering(403, `{"code": "card_expired", "message": "your card has expired"}`))
	fmt.Println(err)
	if said, ok := errors.AsType[*LibraryError](err); ok {
		fmt.Println("code:", said.Code)
	}

	// A body that is no model never hides the status.
	err = call(answering(502, `<html>Bad Gateway</html>`))
	fmt.Println(err)
	// Output:
	// crest: POST /books/7/loans: 409 Conflict: Dune is back on Friday
	// try again on Friday
	// crest: POST /books/7/loans: 403 Forbidden: your card has expired
	// code: card_expired
	// crest: POST /books/7/loans: 502 Bad Gateway (no *crest_test.LibraryError: decode: json: not valid JSON at byte 1): "<html>Bad Gateway</html>"
}

// Error maps merge by status: the endpoint adds to what the client says, and the nearest level wins.
func ExampleWithErrors() {
	errShelfFull := errors.New("the shelf is full")
	c, _ := crest.New[*LibraryError]("https://api.example.com", crest.WithTransport(answering(409, `{"title": "Dune"}`)),
		crest.WithErrors(crest.ErrorMap{409: crest.As[*OutOfBooks]()}))
	lend := crest.Post[crest.Empty, crest.Empty]("/books/7/loans")
	shelve := crest.Put[crest.Empty, crest.Empty]("/shelves/1/books/7", crest.WithErrors(crest.ErrorMap{
		409: crest.ErrorFunc(func(*crest.Error) error { return errShelfFull }),
	}))

	_, err := lend.Call(context.Background(), c, crest.Empty{})
	_, out := errors.AsType[*OutOfBooks](err)
	fmt.Println(out)
	_, err = shelve.Call(context.Background(), c, crest.Empty{})
	fmt.Println(errors.Is(err, errShelfFull))
	// Output:
	// true
	// true
}
