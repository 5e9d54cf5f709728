package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/crest-go/crest"
)

// A codec is for the body alone: path, query and headers are the same whatever the body's format is.
func ExampleWithCodec() {
	type Book struct {
		XMLName struct{} `xml:"book"`
		Title   string   `xml:"title" validate:"required"`
		Pages   int      `xml:"pages,attr"`
	}
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("Accept"), r.Header.Get("Content-Type"), string(body))
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		fmt.Fprint(w, `<book pages="412"><title>Dune</title></book>`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithCodec(crest.XML()))

	book, err := crest.Post[Book, Book]("/books").Call(context.Background(), c, Book{Title: "Dune"})
	fmt.Println(book.Title, book.Pages, err)
	// Output:
	// application/xml application/xml <book pages="0"><title>Dune</title></book>
	// Dune 412 <nil>
}

// Some servers name their JSON something else. WithAccept says what an answer may be called.
func ExampleWithAccept() {
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, `["Dune"]`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	list := crest.Get[crest.Empty, []string]("/books")

	_, err := list.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	books, err := list.Call(context.Background(), c, crest.Empty{}, crest.WithAccept("text/plain", "application/json"))
	fmt.Println(books, err)
	// Output:
	// crest: GET /books: response: content type: text/plain instead of application/json: "[\"Dune\"]"
	// [Dune] <nil>
}

// A client that wants to know of each change of the API refuses fields that its models do not have.
func ExampleWithStrictFields() {
	type Book struct {
		Title string `json:"title"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(answering(200, `{"title": "Dune", "pages": 412}`)))
	latest := crest.Get[crest.Empty, Book]("/books/latest")

	book, err := latest.Call(context.Background(), c, crest.Empty{})
	fmt.Println(book.Title, err)
	_, err = latest.Call(context.Background(), c, crest.Empty{}, crest.WithStrictFields())
	fmt.Println(errors.Is(err, crest.KindDecode))
	// Output:
	// Dune <nil>
	// true
}
