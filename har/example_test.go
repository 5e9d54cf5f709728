package har_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

// A Recorder is given to a client, and writes an archive at any time, such as when a call has failed or a program ends.
func ExampleRecorder() {
	type GetBook struct {
		ID  int          `path:"id"`
		Key crest.Secret `query:"key"`
	}
	server := inMemory(func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, `{"title":"The Art"}`, "Content-Type", "application/json"), nil
	})
	rec := &har.Recorder{Max: 100, Body: 64 << 10}
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithMiddleware(rec.Middleware))
	defer c.Close()
	_, err := crest.Get[GetBook, any]("/books/{id}?page=2&draft=yes").Call(context.Background(), c, GetBook{7, crest.NewSecret("k3y")})
	fmt.Println(err)

	var file bytes.Buffer
	if _, err := rec.WriteTo(&file); err != nil {
		fmt.Println(err)
	}
	var read archive
	fmt.Println(json.Unmarshal(file.Bytes(), &read))
	for _, e := range read.Log.Entries {
		fmt.Println(e.Endpoint, e.Request.URL, e.Response.Status, e.Response.Content.Text)
	}
	// Output:
	// <nil>
	// <nil>
	// GET /books/{id}?page=2&draft=yes https://api.example.com/books/7?page=2&draft=[redacted] 200 {"title":"The Art"}
}
