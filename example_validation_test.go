package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// Loan has rules that tags cannot express: crest asks its Validate method as well.
type Loan struct {
	Book string `json:"book" validate:"required"`
	From int    `json:"from" validate:"gte=1,lte=365"` // days of the year
	To   int    `json:"to"`
}

// Validate says whether the loan makes sense.
func (l Loan) Validate() error {
	if l.To < l.From {
		return errors.New("the loan ends before it begins")
	}
	return nil
}

// A request that breaks its own rules is not sent. The rules are validator's tags and the model's Validate method.
func ExamplePost_validate() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(fakeServer(func(http.ResponseWriter, *http.Request) { panic("something was sent") })))
	lend := crest.Post[Loan, crest.Empty]("/loans")

	_, err := lend.Call(context.Background(), c, Loan{From: 400, To: 401})
	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.ErrRequest), errors.Is(err, crest.KindValidation))

	_, err = lend.Call(context.Background(), c, Loan{Book: "Dune", From: 20, To: 10})
	fmt.Println(err)
	// Output:
	// crest: POST /loans: request: validation: Book fails required; From fails lte=365
	// true true
	// crest: POST /loans: request: validation: the loan ends before it begins
}

// Answers are held to the rules of their models too. Observe reports what breaks them and goes on.
func ExampleWithValidation() {
	type Book struct {
		Title string `json:"title" validate:"required"`
		Pages int    `json:"pages" validate:"gte=1"`
	}
	getBook := crest.Get[crest.Empty, Book]("/books/7")
	server := crest.WithTransport(answering(200, `{"title": "Dune", "pages": 0}`))

	strict, _ := crest.New[*crest.Problem]("https://api.example.com", server)
	_, err := getBook.Call(context.Background(), strict, crest.Empty{})
	fmt.Println(err)

	relaxed, _ := crest.New[*crest.Problem]("https://api.example.com", server,
		crest.WithValidation(crest.Validation{
			Mode:   crest.Observe,
			Report: func(_ context.Context, err *crest.CallError) { fmt.Println("observed:", err) },
		}))
	book, err := getBook.Call(context.Background(), relaxed, crest.Empty{})
	fmt.Println(book, err)
	// Output:
	// crest: GET /books/7: response: validation: Pages fails gte=1
	// observed: crest: GET /books/7: response: validation: Pages fails gte=1
	// {Dune 0} <nil>
}
