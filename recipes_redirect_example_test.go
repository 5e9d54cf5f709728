package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// followingServer answers with two redirects and then with the book.
func followingServer() http.RoundTripper {
	return fakeServer(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/books/7":
			http.Redirect(w, req, "/archive/7", http.StatusMovedPermanently)
		case "/archive/7":
			http.Redirect(w, req, "https://files.example/7", http.StatusFound)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"title": "Dune", "key": %q}`, req.Header.Get("Authorization"))
		}
	})
}

func Example_followingByHand() {
	server := followingServer()
	// recipe: following-by-hand
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithBearer(crest.NewSecret("k3y")),
		crest.WithRedirects(crest.Redirects{Max: -1}),
		crest.WithSuccess(200, 301, 302, 303, 307, 308))
	if err != nil {
		fmt.Println(err)
		return
	}
	get := crest.Get[crest.Empty, []byte]("/books/7")

	var options []crest.CallOption
	for range 10 {
		resp, err := get.Do(context.Background(), c, crest.Empty{}, options...)
		if err != nil {
			fmt.Println(err)
			return
		}
		if resp.StatusCode < 300 {
			fmt.Println(string(resp.Model))
			return
		}
		fmt.Println(resp.StatusCode, "to", resp.Location())
		options = []crest.CallOption{crest.WithURL(resp.Location())}
	}
	// end of recipe
	// Output:
	// 301 to https://api.example.com/archive/7
	// 302 to https://files.example/7
	// {"title": "Dune", "key": ""}
}
