package cresttest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// The first run of a test records what the API says, later ones play it back.
func ExampleCassette() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"isbn":"0306406152","title":"Thermodynamics"}`)
	}))
	dir, _ := os.MkdirTemp("", "cassettes")
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "books.http") // in a test: "testdata/books.http"

	test := func() {
		t := new(example) // in a test: t *testing.T
		defer t.end()
		c, _ := crest.New[*crest.Problem](api.URL+"/v1", crest.WithPlainCredentials(), crest.WithBearer(crest.NewSecret("s3cr3t")),
			crest.WithMiddleware(cresttest.Cassette(t, file, cresttest.Of(getBook), cresttest.ShowQuery("lang"))))
		defer func() { _ = c.Close() }()
		book, err := getBook.Call(context.Background(), c, GetBookRequest{ISBN: "0306406152"}, crest.WithQuery("lang", "en"))
		fmt.Println(book.Title, err)
	}
	defer inNoCI()()
	test()
	api.Close()
	test()
	text, _ := os.ReadFile(file)
	fmt.Println(strings.ReplaceAll(string(text), strings.TrimPrefix(api.URL, "http://"), "api.example.com"))
	// Output:
	// Thermodynamics <nil>
	// Thermodynamics <nil>
	// # crest cassette 1
	//
	// === GET /books/{isbn}
	// GET /v1/books/0306406152?lang=en HTTP/1.1
	// Accept: application/json
	// Host: api.example.com
	//
	// === answer
	// HTTP/1.1 200 OK
	// Content-Type: application/json
	//
	// {"isbn":"0306406152","title":"Thermodynamics"}
}

// What an author has edited by hand is held to the models before it is played.
func ExampleOf() {
	dir, _ := os.MkdirTemp("", "cassettes")
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "books.http")
	_ = os.WriteFile(file, []byte(`# crest cassette 1

=== GET /books/{isbn}
GET /v1/books/0306406152 HTTP/1.1

=== answer
HTTP/1.1 200 OK
Content-Type: application/json

{"isbn":306406152}
`), 0o600)
	defer inNoCI()()
	t := &teller{hide: dir + string(filepath.Separator)}
	cresttest.Cassette(t, file, cresttest.Of(getBook))
	// Output:
	// cresttest: books.http:3: GET /books/{isbn} (GET /v1/books/0306406152): the model does not accept the answer: crest: GET /books/{isbn}: response: decode: json: field "isbn" at byte 17: number does not fit Go type string
}

// A stream is recorded as far as it is read.
func ExampleOfStream() {
	defer inNoCI()()
	dir, _ := os.MkdirTemp("", "cassettes")
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "new.http")
	_ = os.WriteFile(file, []byte(`# crest cassette 1

=== GET /books/new
GET /v1/books/new HTTP/1.1

=== answer
HTTP/1.1 200 OK
Content-Type: text/event-stream

data: {"title":"Emma"}

data: {"title":"Ulysses"}


`), 0o600)
	t := new(example)
	defer t.end()
	c := library(crest.WithMiddleware(cresttest.Cassette(t, file, cresttest.OfStream(newBooks))))
	defer func() { _ = c.Close() }()
	for book, err := range newBooks.Call(context.Background(), c, crest.Empty{}) {
		fmt.Println(book.Title, err)
	}
	// Output:
	// Emma <nil>
	// Ulysses <nil>
}

// teller prints what a test would be told.
type teller struct {
	example
	hide string
}

func (t *teller) Errorf(format string, args ...any) {
	fmt.Println(strings.ReplaceAll(fmt.Sprintf(format, args...), t.hide, ""))
}

// inNoCI lets the examples run the same everywhere.
func inNoCI() (restore func()) {
	ci, set := os.LookupEnv("CI")
	mode, moded := os.LookupEnv("CREST_CASSETTES")
	_ = os.Unsetenv("CI")
	_ = os.Unsetenv("CREST_CASSETTES")
	return func() {
		if set {
			_ = os.Setenv("CI", ci)
		}
		if moded {
			_ = os.Setenv("CREST_CASSETTES", mode)
		}
	}
}
