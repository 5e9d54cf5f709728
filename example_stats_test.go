package crest_test

import (
	"context"
	"expvar"
	"fmt"
	"net/http"
	"strings"

	"github.com/crest-go/crest"
)

// The figures of a client, by its operations.
func ExampleWithStats() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/books/3" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithStats())
	type GetBook struct {
		ID int `path:"id"`
	}
	getBook := crest.Get[GetBook, crest.Empty]("/books/{id}")
	for id := range 4 {
		_, _ = getBook.Call(context.Background(), c, GetBook{ID: id})
	}
	s := crest.StatsOf(c)
	for _, e := range s.Endpoints {
		fmt.Println(e.Endpoint, e.Calls, "calls,", e.Failed, "failed:", e.Statuses, e.Failures)
		fmt.Println("half of them took longer than 0:", e.Latency.Quantile(0.5) > 0)
	}
	fmt.Println(s.Errors[0].Text)
	// Output:
	// GET /books/{id} 4 calls, 1 failed: map[200:3 404:1] map[status:1]
	// half of them took longer than 0: true
	// crest: GET /books/{id}: 404 Not Found
}

// The figures among the program's variables, which package expvar serves as JSON at /debug/vars. A program gives them a name once, by
// expvar.Publish.
func ExampleWithStats_expvar() {
	server := fakeServer(func(http.ResponseWriter, *http.Request) {})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithStats())
	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})

	var variables expvar.Map
	variables.Set("api", expvar.Func(func() any { return crest.StatsOf(c) }))
	text := variables.String()
	fmt.Println(strings.HasPrefix(text, `{"api": {"on":true,"origin":"https://api.example.com","since":"20`))
	fmt.Println(strings.Contains(text, `"endpoints":[{"endpoint":"GET /books","calls":1,"failed":0,`))
	// Output:
	// true
	// true
}
