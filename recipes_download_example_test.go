package crest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/crest-go/crest"
)

// recipe: chunks

// chunks makes a writer of a function that is called with each chunk of a body. The function must not keep it.
type chunks func(chunk []byte) error

func (f chunks) Write(p []byte) (int, error) {
	if err := f(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// end of recipe

func Example_chunks() {
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 20_000)) })
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	if err != nil {
		fmt.Println(err)
		return
	}
	// recipe: chunks-use
	lines, size := 0, 0
	consume := func(chunk []byte) error {
		size += len(chunk)
		lines += strings.Count(string(chunk), "\n")
		return nil
	}
	_, err = crest.Download(context.Background(), c, crest.Get[crest.Empty, io.ReadCloser]("/log"), crest.Empty{}, chunks(consume))
	// end of recipe
	fmt.Println(size, lines, err)
	// Output: 20000 0 <nil>
}
