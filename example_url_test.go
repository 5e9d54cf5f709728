package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// The server names the next page in a Link header: WithURL goes there. On the client's own origin the
// credentials go along, on another one they stay at home.
func ExampleWithURL() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("after") == "" {
			w.Header().Set("Link", `</books?after=2>; rel="next"`)
			fmt.Fprint(w, `["Dune", "Solaris"]`)
			return
		}
		fmt.Fprint(w, `["Ubik"]`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	list := crest.Get[crest.Empty, []string]("/books")

	var opts []crest.CallOption
	for more := true; more; {
		resp, err := list.Do(context.Background(), c, crest.Empty{}, opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Model)
		more = false
		for _, link := range resp.Links() {
			if link.Rel == "next" {
				opts, more = []crest.CallOption{crest.WithURL(link.URL)}, true
			}
		}
	}
	// Output:
	// [Dune Solaris]
	// [Ubik]
}
