package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/crest-go/crest"
)

// Any http.RoundTripper can be the transport. It belongs to the caller: two clients that share one share its connections, and closing
// one of them leaves it to the other.
func ExampleWithTransport() {
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { connections[r.RemoteAddr] = true }))
	defer server.Close()
	transport := &http.Transport{IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4}
	defer transport.CloseIdleConnections()

	books, _ := crest.New[*crest.Problem](server.URL+"/books", crest.WithTransport(transport))
	films, _ := crest.New[*crest.Problem](server.URL+"/films", crest.WithTransport(transport))
	latest := crest.Get[crest.Empty, crest.Empty]("/latest")
	_, err := latest.Call(context.Background(), books, crest.Empty{})
	fmt.Println(err)
	fmt.Println(books.Close())
	_, err = latest.Call(context.Background(), books, crest.Empty{})
	fmt.Println(errors.Is(err, crest.ErrClosed))
	_, err = latest.Call(context.Background(), films, crest.Empty{})
	fmt.Println(err)
	fmt.Println("connections:", len(connections))
	// Output:
	// <nil>
	// <nil>
	// true
	// <nil>
	// connections: 1
}
