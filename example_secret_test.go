package crest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/crest-go/crest"
)

// A Secret shows itself nowhere but on the wire.
func ExampleSecret() {
	type RotateKey struct {
		Admin crest.Secret `header:"X-Admin-Key"` // attached below the middleware, for the client's own origin alone
		Key   crest.Secret `json:"key"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println("on the wire:", r.Header.Get("X-Admin-Key"), string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	req := RotateKey{Admin: crest.NewSecret("r00t"), Key: crest.NewSecret("n3w")}
	_, err := crest.Post[RotateKey, crest.Empty]("/keys").Call(context.Background(), c, req)
	fmt.Println(err)

	text, _ := json.Marshal(req.Key)
	fmt.Printf("printed: %v %+v %s\n", req.Key, req, text)
	fmt.Println("if it must be:", req.Key.Reveal())
	// Output:
	// on the wire: r00t {"key":"n3w"}
	// <nil>
	// printed: [redacted] {Admin:[redacted] Key:[redacted]} "[redacted]"
	// if it must be: n3w
}
