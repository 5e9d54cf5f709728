package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/crest-go/crest"
)

// A response model of io.ReadCloser leaves the body to the caller, who closes it. Nothing is held in memory.
func ExampleEndpoint_Call_readCloser() {
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a long, long text") })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	body, err := crest.Get[crest.Empty, io.ReadCloser]("/books/7/text").Call(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	fmt.Println(string(text), err)
	// Output: a long, long text <nil>
}

// With a Body field, headers of the answer stand beside the body.
func ExampleEndpoint_Call_bodyField() {
	type Cover struct {
		Type string `header:"Content-Type"`
		Body []byte
	}
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte{0x89, 'P', 'N', 'G'})
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	cover, err := crest.Get[crest.Empty, Cover]("/books/7/cover").Call(context.Background(), c, crest.Empty{})
	fmt.Printf("%s %d bytes %v\n", cover.Type, len(cover.Body), err)
	// Output: image/png 4 bytes <nil>
}

// Every body has a bound, 10 MiB if nothing else is said. What is larger is an error, never a part of it.
func ExampleWithBounds() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `["Dune", "Solaris", "Ubik"]`)),
		crest.WithBounds(crest.Bounds{Body: 16}))

	_, err := crest.Get[crest.Empty, []string]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(errors.Is(err, crest.ErrResponse), errors.Is(err, crest.KindTooLarge))
	// Output: true true
}

// Some search APIs want a body on GET.
func ExampleWithGetBody() {
	type Search struct {
		Query string `json:"query"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Method, r.URL.Path, string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	_, err := crest.Get[Search, crest.Empty]("/_search", crest.WithGetBody()).Call(context.Background(), c, Search{"dune"})
	fmt.Println(err)
	// Output:
	// GET /_search {"query":"dune"}
	// <nil>
}
