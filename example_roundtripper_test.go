package crest_test

import (
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// Another library can use the client's way out: its middleware, limiter, credentials and transport.
func ExampleRoundTripper() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL.Path, r.Header.Get("Authorization"))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(server), crest.WithBearer(crest.NewSecret("t0ken")))

	other := &http.Client{Transport: crest.RoundTripper(c)}
	resp, err := other.Get("https://api.example.com/graphql")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)

	// Credentials stay at their origin.
	_, err = other.Get("https://elsewhere.example.net/")
	fmt.Println(err != nil)
	// Output:
	// /graphql Bearer t0ken
	// 200
	// true
}
