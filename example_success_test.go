package crest_test

import (
	"bytes"
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

// Some APIs answer 200 with an error inside. A check makes it the failure that it is.
func ExampleWithCheck() {
	c, _ := crest.New[*LibraryError]("https://api.example.com",
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
