package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/crest-go/crest"
)

// One proxy for everything, with a password that goes to the proxy and nowhere else.
func ExampleWithProxy() {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.RequestURI, r.Header.Get("Proxy-Authorization") != "")
		w.WriteHeader(http.StatusNoContent)
	}))
	defer proxy.Close()
	u := &url.URL{Scheme: "http", Host: proxy.Listener.Addr().String(), User: url.UserPassword("me", "s3cr3t")}
	c, err := crest.New[*crest.Problem]("http://api.example.com", crest.WithProxy(http.ProxyURL(u)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	get := crest.Get[crest.Empty, crest.Empty]("/pets")
	_, err = get.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)

	proxy.Close()
	_, err = get.Call(context.Background(), c, crest.Empty{}, crest.WithRetry(crest.Retry{Max: -1}))
	failed, _ := errors.AsType[*crest.CallError](err)
	fmt.Println(errors.Is(err, crest.KindProxy), "sent:", failed.Sent)
	// Output:
	// GET http://api.example.com/pets true
	// <nil>
	// true sent: no
}

// No proxy at all, whatever the environment says.
func ExampleWithProxy_none() {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithProxy(nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output: <nil>
}
