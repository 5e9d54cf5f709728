package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// showCookies answers with nothing and prints what it got.
var showCookies = fakeServer(func(_ http.ResponseWriter, r *http.Request) {
	fmt.Printf("%s: %q\n", r.URL.Path, r.Header.Get("Cookie"))
})

// A cookie of the options goes out with the requests of its level and is kept in no jar. The nearest level wins.
func ExampleWithCookie() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(showCookies),
		crest.WithCookie("theme", "dark"), crest.WithCookie("lang", "en"))
	books := crest.Get[crest.Empty, crest.Empty]("/books", crest.WithCookie("lang", "de"))

	_, _ = books.Call(context.Background(), c, crest.Empty{})
	_, _ = books.Call(context.Background(), c, crest.Empty{}, crest.WithCookie("lang", "fr"))
	// Output:
	// /books: "theme=dark; lang=de"
	// /books: "theme=dark; lang=fr"
}

// WithoutCookie leaves out what a farther level, or the model, would send.
func ExampleWithoutCookie() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(showCookies),
		crest.WithCookie("theme", "dark"), crest.WithCookie("lang", "en"))
	books := crest.Get[crest.Empty, crest.Empty]("/books")

	_, _ = books.Call(context.Background(), c, crest.Empty{})
	_, _ = books.Call(context.Background(), c, crest.Empty{}, crest.WithoutCookie("theme"))
	// Output:
	// /books: "theme=dark; lang=en"
	// /books: "lang=en"
}

// Every request of this client asks for a page size, but for one endpoint.
func ExampleWithoutQuery() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.RequestURI()) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithQuery("per_page", "50"), crest.WithQuery("v", "2"))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	_, _ = crest.Get[crest.Empty, crest.Empty]("/export", crest.WithoutQuery("per_page")).Call(context.Background(), c, crest.Empty{})
	// Output:
	// /books?per_page=50&v=2
	// /export?v=2
}
