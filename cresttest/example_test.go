package cresttest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// example stands in for the *testing.T that a test has.
type example struct{ cleanups []func() }

func (e *example) Helper()                           {}
func (e *example) Errorf(format string, args ...any) { log.Printf(format, args...) }
func (e *example) Cleanup(f func())                  { e.cleanups = append(e.cleanups, f) }
func (e *example) end() {
	for _, f := range e.cleanups {
		f()
	}
}

// Book is a model of the SDK that the examples test.
type Book struct {
	ISBN  string `json:"isbn"`
	Title string `json:"title"`
}

// GetBookRequest asks for one.
type GetBookRequest struct {
	ISBN string `path:"isbn" validate:"required"`
}

// UnknownBook is what the API answers with where it has none.
type UnknownBook struct {
	ISBN string `json:"isbn"`
}

func (e *UnknownBook) Error() string { return "no book " + e.ISBN }

// The SDK's endpoints, which its tests share with it.
var (
	getBook   = crest.Get[GetBookRequest, Book]("/books/{isbn}", crest.WithErrors(crest.ErrorMap{404: crest.As[*UnknownBook]()}))
	newBooks  = crest.NewStream[crest.Empty, Book](http.MethodGet, "/books/new")
	listBooks = crest.NewPager[Book](crest.Get[ListBooksRequest, BookPage]("/books"), crest.Paging{Items: "books", Cursor: "after", NextCursor: "next"})
)

// ListBooksRequest asks for a page.
type ListBooksRequest struct {
	After string `query:"after,omitzero"`
}

// BookPage is one.
type BookPage struct {
	Books []Book `json:"books"`
	Next  string `json:"next,omitzero"`
}

// library is the SDK's constructor. Tests give it the way to the fake server.
func library(opts ...crest.ClientOption) *crest.Client[*crest.Problem] {
	c, err := crest.New[*crest.Problem]("https://api.example.com/v1", append([]crest.ClientOption{crest.WithRetry(crest.Retry{Backoff: soon})}, opts...)...)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// soon keeps the examples short.
func soon(int, error) time.Duration { return time.Millisecond }

func Example() {
	t := new(example) // in a test: t *testing.T
	defer t.end()

	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, getBook, func(_ context.Context, req GetBookRequest) (Book, error) {
		if req.ISBN != "0306406152" {
			return Book{}, &UnknownBook{ISBN: req.ISBN} // a 404, as the ErrorMap says
		}
		return Book{ISBN: req.ISBN, Title: "Thermodynamics"}, nil
	})
	c := library(crest.WithTransport(srv.Transport()))
	defer func() { _ = c.Close() }()

	book, err := getBook.Call(context.Background(), c, GetBookRequest{ISBN: "0306406152"})
	fmt.Println(book.Title, err)
	_, err = getBook.Call(context.Background(), c, GetBookRequest{ISBN: "1"})
	fmt.Println(err)
	// Output:
	// Thermodynamics <nil>
	// crest: GET /books/{isbn}: 404 Not Found: no book 1
}

func ExampleServer_Fail() {
	t := new(example)
	defer t.end()

	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, getBook, func(_ context.Context, req GetBookRequest) (Book, error) { return Book{ISBN: req.ISBN}, nil })
	srv.Fail(1, cresttest.Fault{Status: http.StatusServiceUnavailable}, getBook)
	srv.Fail(1, cresttest.Fault{Cut: true, After: 10}, getBook)
	c := library(crest.WithTransport(srv.Transport()))
	defer func() { _ = c.Close() }()

	_, err := getBook.Call(context.Background(), c, GetBookRequest{ISBN: "1"})
	fmt.Println(err)
	for _, call := range cresttest.Calls(srv, getBook) {
		fmt.Println(call.Req.ISBN, call.Status)
	}
	// Output:
	// <nil>
	// 1 503
	// 1 200
	// 1 200
}

func ExampleCalls() {
	t := new(example)
	defer t.end()

	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, getBook, func(_ context.Context, req GetBookRequest) (Book, error) { return Book{ISBN: req.ISBN}, nil })
	c := library(crest.WithTransport(srv.Transport()), crest.WithBearer(crest.NewSecret("token")))
	defer func() { _ = c.Close() }()

	_, err := getBook.Call(context.Background(), c, GetBookRequest{ISBN: "1/2"})
	calls := cresttest.Calls(srv, getBook)
	fmt.Println(err, len(calls), calls[0].Req.ISBN, calls[0].URL.EscapedPath(), calls[0].Header.Get("Authorization"))
	// Output: <nil> 1 1/2 /books/1%2F2 Bearer token
}

func ExampleHandleStream() {
	t := new(example)
	defer t.end()

	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.HandleStream(srv, newBooks, func(_ context.Context, _ crest.Empty, send func(crest.Event[Book]) error) error {
		for i, title := range []string{"Emma", "Ulysses"} {
			if err := send(crest.Event[Book]{ID: fmt.Sprint(i), Data: Book{Title: title}}); err != nil {
				return err
			}
		}
		return errors.New("the connection is cut here")
	})
	c := library(crest.WithTransport(srv.Transport()))
	defer func() { _ = c.Close() }()

	for book, err := range newBooks.Call(context.Background(), c, crest.Empty{}) {
		fmt.Println(book.Title, errors.Is(err, crest.KindTruncated))
	}
	// Output:
	// Emma false
	// Ulysses false
	//  true
}

func ExampleHandle_pages() {
	t := new(example)
	defer t.end()

	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, listBooks.Endpoint(), func(_ context.Context, req ListBooksRequest) (BookPage, error) {
		if req.After == "" {
			return BookPage{Books: []Book{{Title: "Emma"}}, Next: "1"}, nil
		}
		return BookPage{Books: []Book{{Title: "Ulysses"}}}, nil
	})
	c := library(crest.WithTransport(srv.Transport()))
	defer func() { _ = c.Close() }()

	for book, err := range listBooks.Items(context.Background(), c, ListBooksRequest{}) {
		fmt.Println(book.Title, err)
	}
	// Output:
	// Emma <nil>
	// Ulysses <nil>
}

func ExampleReplyOf() {
	t := new(example)
	defer t.end()

	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, getBook, func(ctx context.Context, req GetBookRequest) (Book, error) {
		reply := cresttest.ReplyOf(ctx)
		reply.Status = http.StatusNonAuthoritativeInfo
		reply.Header.Set("X-Request-Id", "42")
		return Book{ISBN: req.ISBN}, nil
	})
	c := library(crest.WithTransport(srv.Transport()))
	defer func() { _ = c.Close() }()

	resp, err := getBook.Do(context.Background(), c, GetBookRequest{ISBN: "1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.Header.Get("X-Request-Id"))
	// Output: 203 42
}
