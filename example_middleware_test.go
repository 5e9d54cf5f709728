package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// roundTripper makes a function an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// logCalls is a middleware. It must neither change the request nor read the body; it works on a clone if it has to.
func logCalls(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		name := req.Method + " " + req.URL.Path
		if info, ok := crest.EndpointInfo(req); ok {
			name = info.Endpoint // the route, which has few values, and not the path, which has many
		}
		if err != nil {
			fmt.Println(name, err)
			return nil, err
		}
		fmt.Println(name, resp.StatusCode, "credentials seen:", req.Header.Get("Authorization") != "")
		return resp, nil
	})
}

func ExampleWithMiddleware() {
	type GetBook struct {
		ID int `path:"id"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{}`)),
		crest.WithBearer(crest.NewSecret("t0ken")),
		crest.WithMiddleware(logCalls))

	_, err := crest.Get[GetBook, any]("/books/{id}").Call(context.Background(), c, GetBook{ID: 7})
	fmt.Println(err)
	// Output:
	// GET /books/{id} 200 credentials seen: false
	// <nil>
}

// EndpointInfo tells hooks what a request belongs to. Those of the client are outermost, then the endpoint's, then the call's.
func ExampleEndpointInfo() {
	hook := func(level string) crest.Option {
		return crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				info, _ := crest.EndpointInfo(req)
				fmt.Println(level, "asks:", info.Endpoint, info.Attempt, info.Hop)
				resp, err := next.RoundTrip(req)
				if err == nil {
					fmt.Println(level, "hears:", resp.StatusCode)
				}
				return resp, err
			})
		})
	}
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/books/7" {
			http.Redirect(w, r, "/works/7", http.StatusFound)
		}
	})
	type GetBook struct {
		ID int `path:"id"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), hook("client"))
	book := crest.Get[GetBook, crest.Empty]("/books/{id}", hook("endpoint"))

	_, err := book.Call(context.Background(), c, GetBook{ID: 7}, hook("call"))
	fmt.Println(err)
	// Output:
	// client asks: GET /books/{id} 1 1
	// endpoint asks: GET /books/{id} 1 1
	// call asks: GET /books/{id} 1 1
	// call hears: 302
	// endpoint hears: 302
	// client hears: 302
	// client asks: GET /books/{id} 1 2
	// endpoint asks: GET /books/{id} 1 2
	// call asks: GET /books/{id} 1 2
	// call hears: 200
	// endpoint hears: 200
	// client hears: 200
	// <nil>
}
