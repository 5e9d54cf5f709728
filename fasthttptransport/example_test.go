package fasthttptransport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/fasthttptransport"
)

// A client over fasthttp. Nothing else changes.
func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Rex") }))
	defer server.Close()

	transport := &fasthttptransport.Transport{}
	defer transport.CloseIdleConnections()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTransport(transport))
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := crest.Get[crest.Empty, string]("/name").Call(context.Background(), c, crest.Empty{})
	fmt.Println(name, err)
	// Output: Rex <nil>
}
