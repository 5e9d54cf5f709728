package crest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/crest-go/crest"
)

// Two at a time, whatever the number of goroutines. The third waits until a body is closed, or until its context ends.
func ExampleWithPool() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer server.Close()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithPool(crest.Pool{
		MaxConns: 2, MaxIdlePerHost: 2, IdleTimeout: 30 * time.Second,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	open := crest.Get[crest.Empty, io.ReadCloser]("/")
	first, _ := open.Call(context.Background(), c, crest.Empty{})
	second, _ := open.Call(context.Background(), c, crest.Empty{})
	defer second.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = open.Call(ctx, c, crest.Empty{})
	fmt.Println(err)

	_ = first.Close()
	third, err := open.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	_ = third.Close()
	// Output:
	// crest: GET /: transport: no place became free in the pool of the client (Pool.MaxConns, MaxConnsPerHost): context deadline exceeded
	// <nil>
}
