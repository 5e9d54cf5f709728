package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// An audit log of one's own shows what crest's own texts show.
func ExampleRedactionOf() {
	audit := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			hide := crest.RedactionOf(req)
			resp, err := next.RoundTrip(req)
			if err == nil {
				fmt.Println(resp.StatusCode, req.Method, hide.URL(req.URL, "sort"), hide.RequestHeader(req.Header)["X-User"])
			}
			return resp, err
		})
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithMiddleware(audit), crest.WithHeader("X-User", "ada@example.com"))
	defer c.Close()

	type Find struct {
		Mail string `query:"mail"`
		Sort string `query:"sort"`
	}
	_, _ = crest.Get[Find, []string]("/users").Call(context.Background(), c, Find{"eve@example.com", "name"})
	// Output:
	// 200 GET https://api.example.com/users?mail=[redacted]&sort=name [[redacted]]
}
