package crest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// Where the fields of a request go is said by their tags.
func ExampleGet_fields() {
	type ListBooks struct {
		Shelf   string            `path:"shelf"`                    // one segment, escaped
		Authors []string          `query:"author,omitzero"`         // a slice repeats
		IDs     []int             `query:"id,explode=false"`        // id=1,2
		Since   time.Time         `query:"since,format=date"`       // 2026-11-05
		Limit   int               `query:"limit" default:"20"`      // the default stands in for zero
		Filter  map[string]string `query:"filter,style=deepObject"` // filter[lang]=en
		Trace   string            `header:"X-Trace-Id,omitzero"`
		Theme   string            `cookie:"theme,omitzero"`
	}
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.EscapedPath())
		for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
			fmt.Println(" ", pair)
		}
		fmt.Println("X-Trace-Id:", r.Header.Get("X-Trace-Id"))
		fmt.Println("Cookie:", r.Header.Get("Cookie"))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com/v1", crest.WithTransport(server))

	_, err := crest.Get[ListBooks, crest.Empty]("/shelves/{shelf}/books").Call(context.Background(), c, ListBooks{
		Shelf:   "science fiction/new",
		Authors: []string{"Herbert", "Le Guin"},
		IDs:     []int{1, 2},
		Since:   time.Date(2026, time.November, 5, 0, 0, 0, 0, time.UTC),
		Filter:  map[string]string{"lang": "en"},
		Trace:   "t-1",
		Theme:   "dark",
	})
	fmt.Println(err)
	// Output:
	// GET /v1/shelves/science%20fiction%2Fnew/books
	//   author=Herbert
	//   author=Le%20Guin
	//   id=1,2
	//   since=2026-11-05
	//   limit=20
	//   filter%5Blang%5D=en
	// X-Trace-Id: t-1
	// Cookie: theme=dark
	// <nil>
}

// Beside located fields the json fields together are the body.
func ExamplePut() {
	type RenameBook struct {
		ID    int    `path:"id"`
		Match string `header:"If-Match"`
		Title string `json:"title"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Method, r.URL.Path, r.Header.Get("If-Match"), string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	_, err := crest.Put[RenameBook, crest.Empty]("/books/{id}").Call(context.Background(), c,
		RenameBook{ID: 7, Match: `"v1"`, Title: "Dune Messiah"})
	fmt.Println(err)
	// Output:
	// PUT /books/7 "v1" {"title":"Dune Messiah"}
	// <nil>
}

// A field named Body without a tag is the whole body. An io.Reader is sent as it is read.
func ExamplePost_body() {
	type Upload struct {
		Name string `path:"name"`
		Type string `header:"Content-Type"`
		Body io.Reader
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.URL.Path, r.Header.Get("Content-Type"), string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	_, err := crest.Post[Upload, crest.Empty]("/files/{name}").Call(context.Background(), c,
		Upload{Name: "a.csv", Type: "text/csv", Body: strings.NewReader("id,title\n1,Dune")})
	fmt.Println(err)
	// Output:
	// /files/a.csv text/csv id,title
	// 1,Dune
	// <nil>
}

// Fields with a form tag are an urlencoded body.
func ExamplePost_form() {
	type Login struct {
		Name     string       `form:"name"`
		Password crest.Secret `form:"password"`
		Scopes   []string     `form:"scope,omitzero"`
	}
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("Content-Type"))
		fmt.Println(string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	_, err := crest.Post[Login, crest.Empty]("/login").Call(context.Background(), c,
		Login{Name: "ann", Password: crest.NewSecret("p&ss"), Scopes: []string{"read", "write"}})
	fmt.Println(err)
	// Output:
	// application/x-www-form-urlencoded
	// name=ann&password=p%26ss&scope=read&scope=write
	// <nil>
}

// In a response model header and cookie fields are read from the head of the answer.
func ExampleGet_responseHeaders() {
	type Book struct {
		ETag      string    `header:"ETag"`
		Modified  time.Time `header:"Last-Modified,format=http-date"`
		Remaining int       `header:"X-RateLimit-Remaining"`
		Title     string    `json:"title"`
	}
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"v7"`)
		w.Header().Set("Last-Modified", "Thu, 05 Nov 2026 08:00:00 GMT")
		w.Header().Set("X-RateLimit-Remaining", "41")
		fmt.Fprint(w, `{"title": "Dune"}`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	book, err := crest.Get[crest.Empty, Book]("/books/latest").Call(context.Background(), c, crest.Empty{})
	fmt.Println(book.Title, book.ETag, book.Modified.Format(time.DateOnly), book.Remaining, err)
	// Output: Dune "v7" 2026-11-05 41 <nil>
}

// {path...} takes many segments; every other placeholder takes one, whatever is in the value.
func ExampleGet_rest() {
	type Raw struct {
		Branch string `path:"branch"`
		Path   string `path:"path"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com")
	prepared, err := crest.Get[Raw, []byte]("/raw/{branch}/{path...}").Prepare(context.Background(), c,
		Raw{Branch: "fix/typo", Path: "docs/a guide.md"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(prepared.URL())
	// Output: https://api.example.com/raw/fix%2Ftypo/docs/a%20guide.md
}
