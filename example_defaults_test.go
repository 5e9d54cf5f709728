package crest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// What goes with every request is a tagged struct as well.
func ExampleWithDefaults() {
	type Common struct {
		Key     crest.Secret `query:"apiKey"`
		Version string       `header:"X-Api-Version"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL.RequestURI(), r.Header.Get("X-Api-Version"))
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithDefaults(Common{Key: crest.NewSecret("k3y"), Version: "2026-11"}))
	if err != nil {
		fmt.Println(err)
		return
	}

	list := crest.Get[crest.Empty, crest.Empty]("/books")
	_, err = list.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)

	// A nearer level wins: the model, an option of the endpoint, or one of the call.
	_, err = list.Call(context.Background(), c, crest.Empty{}, crest.WithHeader("X-Api-Version", "2027-01"))
	fmt.Println(err)
	// Output:
	// /books?apiKey=k3y 2026-11
	// <nil>
	// /books?apiKey=k3y 2027-01
	// <nil>
}

// The client is immutable; what changes while it runs is a holder that an option takes.
func ExampleNewDefaults() {
	type Common struct {
		Tenant string `header:"X-Tenant"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Header.Get("X-Tenant")) })

	common := crest.NewDefaults(Common{Tenant: "north"})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithDefaults(common))
	list := crest.Get[crest.Empty, crest.Empty]("/books")

	_, _ = list.Call(context.Background(), c, crest.Empty{})
	common.Set(Common{Tenant: "south"})
	_, _ = list.Call(context.Background(), c, crest.Empty{})
	// Output:
	// north
	// south
}
