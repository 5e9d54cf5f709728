package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

func ExampleGet() {
	type GetBook struct {
		ISBN string `path:"isbn"`
	}
	type Book struct {
		Title string `json:"title"`
	}
	getBook := crest.Get[GetBook, Book]("/books/{isbn}")

	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{"title": "Dune"}`)))
	book, err := getBook.Call(context.Background(), c, GetBook{ISBN: "978-0441013593"})
	fmt.Println(book.Title, err)
	// Output: Dune <nil>
}

func ExamplePost() {
	type NewBook struct {
		Title string   `json:"title" validate:"required"`
		Tags  []string `json:"tags,omitempty"`
	}
	type Book struct {
		ID    int    `json:"id"`
		Title string `json:"title"`
	}
	// Any 2xx is a success unless WithSuccess says otherwise.
	addBook := crest.Post[NewBook, Book]("/books", crest.WithSuccess(http.StatusCreated))

	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(201, `{"id": 1, "title": "Dune"}`)))
	book, err := addBook.Call(context.Background(), c, NewBook{Title: "Dune"})
	fmt.Println(book, err)
	// Output: {1 Dune} <nil>
}

func ExampleEndpoint_Call() {
	// An endpoint can be declared in place, and its answer decoded into any, for what the SDK does not have yet.
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{"up": true}`)))
	health, err := crest.Get[crest.Empty, any]("/health").Call(context.Background(), c, crest.Empty{})
	fmt.Println(health, err)
	// Output: map[up:true] <nil>
}

func ExampleEndpoint_Do() {
	type Book struct {
		Title string `json:"title"`
	}
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("ETag", `"v7"`)
		fmt.Fprint(w, `{"title": "Dune"}`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	resp, err := crest.Get[crest.Empty, Book]("/books/latest").Do(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mediaType, charset := resp.ContentType()
	fmt.Println(resp.Model.Title, resp.StatusCode, resp.Header.Get("ETag"))
	fmt.Println(mediaType, charset, string(resp.Body))
	// Output:
	// Dune 200 "v7"
	// application/json utf-8 {"title": "Dune"}
}

func ExampleEndpoint_Prepare() {
	type Search struct {
		Text string `query:"q"`
		Page int    `query:"page,omitzero"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `["Dune"]`)))
	search := crest.Get[Search, []string]("/search")

	// Nothing is sent until Send: the request can be looked at first.
	prepared, err := search.Prepare(context.Background(), c, Search{Text: "sand & spice"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(prepared.Method(), prepared.URL())

	resp, err := prepared.Send(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Model)
	// Output:
	// GET https://api.example.com/search?q=sand%20%26%20spice
	// [Dune]
}

func ExampleNewEndpoint() {
	// Any method, such as an API's own verb.
	purge := crest.NewEndpoint[crest.Empty, crest.Empty]("PURGE", "/cache")
	fmt.Println(purge)
	// Output: PURGE /cache
}
