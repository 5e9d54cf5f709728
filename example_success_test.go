package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// A conditional request: 304 is no failure, it says that the caller has it already.
func ExampleWithSuccess() {
	type GetBook struct {
		Known string `header:"If-None-Match,omitzero"`
	}
	type Book struct {
		ETag  string `header:"ETag"`
		Title string `json:"title"`
	}
	getBook := crest.Get[GetBook, Book]("/books/7", crest.WithSuccess(http.StatusOK, http.StatusNotModified))

	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v7"`)
		if r.Header.Get("If-None-Match") == `"v7"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"title": "Dune"}`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	var known string
	for range 2 {
		resp, err := getBook.Do(context.Background(), c, GetBook{Known: known})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d %q\n", resp.StatusCode, resp.Model.Title)
		known = resp.Model.ETag
	}
	// Output:
	// 200 "Dune"
	// 304 ""
}
