package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// The user agent of an SDK: product, version, build and vendor, and the library behind it.
func ExampleWithHeader_userAgent() {
	const product, version, build, vendor = "petstore-go", "1.4.2", "20261105", "Example Ltd."
	userAgent := fmt.Sprintf("%s/%s (build %s; %s) crest/%s", product, version, build, vendor, crest.Version)

	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.UserAgent()) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithHeader("User-Agent", userAgent))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	// Output: petstore-go/1.4.2 (build 20261105; Example Ltd.) crest/0.1.0
}

// Headers merge by name, the nearest level wins, and WithoutHeader removes one.
func ExampleWithoutHeader() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Printf("%q %q\n", r.Header.Values("X-Team"), r.Header.Values("X-Trace"))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithHeader("X-Team", "client"), crest.WithHeader("X-Trace", "on"))
	list := crest.Get[crest.Empty, crest.Empty]("/books", crest.WithHeader("X-Team", "endpoint"))

	_, _ = list.Call(context.Background(), c, crest.Empty{})
	_, _ = list.Call(context.Background(), c, crest.Empty{}, crest.WithHeader("X-Team", "call"), crest.WithoutHeader("X-Trace"))
	// Output:
	// ["endpoint"] ["on"]
	// ["call"] []
}

func ExampleWithQuery() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.RawQuery) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithQuery("lang", "en"))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{},
		crest.WithQuery("expand", "author", "shelf"))
	// Output: lang=en&expand=author&expand=shelf
}
