package crest_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/crest-go/crest"
)

// Bodies go out under the coding that the API documents; an endpoint whose uploads are compressed already takes it back.
func ExampleWithCompression() {
	type Report struct {
		Text string `json:"text"`
	}
	type Photo struct{ Body io.Reader }
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		text, _ := io.ReadAll(body)
		fmt.Printf("%s %q %s\n", r.URL.Path, r.Header.Get("Content-Encoding"), text)
	})
	report := crest.Post[Report, crest.Empty]("/reports")
	photo := crest.Put[Photo, crest.Empty]("/photos", crest.WithCompression("identity"))

	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithCompression("gzip"))
	_, _ = report.Call(context.Background(), c, Report{"a long, long text"})
	_, _ = photo.Call(context.Background(), c, Photo{strings.NewReader("JPEG")})
	// Output:
	// /reports "gzip" {"text":"a long, long text"}
	// /photos "" JPEG
}
