package crestdebug_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/crestdebug"
)

// The page of an SDK's client, at a path of the program's own server for operators.
func ExampleHandler() {
	type SDK struct{ *crest.Client[*crest.Problem] }
	client, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithStats(), crest.WithTransport(answering(`{}`)))
	sdk := &SDK{client}
	_, _ = crest.Get[crest.Empty, any]("/pets").Call(context.Background(), sdk, crest.Empty{})

	mux := http.NewServeMux()
	mux.Handle("GET /debug/api", crestdebug.Handler(sdk))

	page := httptest.NewRecorder()
	mux.ServeHTTP(page, httptest.NewRequest("GET", "/debug/api?refresh=0", nil))
	fmt.Println(page.Code, page.Header().Get("Content-Type"))
	fmt.Println(strings.Contains(page.Body.String(), "GET /pets"))
	// Output:
	// 200 text/html; charset=utf-8
	// true
}

// Two clients of one API are told apart by their names.
func ExampleNamed() {
	reads, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithStats())
	writes, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithStats())
	page := httptest.NewRecorder()
	crestdebug.Handler(crestdebug.Named("reads", reads), crestdebug.Named("writes", writes)).ServeHTTP(page, httptest.NewRequest("GET", "/", nil))
	fmt.Println(strings.Contains(page.Body.String(), "<title>crest: reads, writes</title>"))
	// Output:
	// true
}

// answering is a transport that always gives the same JSON.
func answering(body string) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.WriteString(body)
		resp := w.Result()
		resp.Request = req
		return resp, nil
	})
}
