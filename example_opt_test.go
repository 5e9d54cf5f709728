package crest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/crest-go/crest"
)

// An Opt is left out, null, or a value.
func ExampleOpt() {
	type EditBook struct {
		ID    int               `path:"id"`
		Title crest.Opt[string] `json:"title"`
		Shelf crest.Opt[string] `json:"shelf"`
		Pages crest.Opt[int]    `json:"pages"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	_, err := crest.Patch[EditBook, crest.Empty]("/books/{id}").Call(context.Background(), c, EditBook{
		ID:    7,
		Shelf: crest.Null[string](), // clear it
		Pages: crest.Some(0),        // set it, to zero
	})
	fmt.Println(err)
	// Output:
	// {"shelf":null,"pages":0}
	// <nil>
}

func ExampleOpt_Get() {
	type Book struct {
		Title crest.Opt[string] `json:"title"`
		Shelf crest.Opt[string] `json:"shelf"`
		Pages crest.Opt[int]    `json:"pages"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{"title": "Dune", "shelf": null}`)))

	book, err := crest.Get[crest.Empty, Book]("/books/7").Call(context.Background(), c, crest.Empty{})
	title, ok := book.Title.Get()
	fmt.Println(title, ok, err)
	fmt.Println("shelf is null:", book.Shelf.IsNull())
	fmt.Println("pages are unset:", book.Pages.IsZero(), book.Pages.Or(100))
	// Output:
	// Dune true <nil>
	// shelf is null: true
	// pages are unset: true 100
}
