// Package recipes runs those recipes of docs/recipes.md that need a library which crest itself does not.
package recipes

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tidwall/gjson"

	"github.com/crest-go/crest"
)

func Example_unknownJSON() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"a":{"b":[{"c":"found"}]}}`)
	}))
	defer server.Close()
	c, _ := crest.New[*crest.Problem](server.URL)
	defer c.Close()

	// recipe: gjson
	document, err := crest.Get[crest.Empty, []byte]("/document").Call(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, missing := gjson.GetBytes(document, "a.b.0.c"), gjson.GetBytes(document, "a.x")
	// end of recipe
	fmt.Println(value, missing.Exists(), missing.Int())
	// Output: found false 0
}
