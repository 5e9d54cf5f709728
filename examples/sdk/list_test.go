package bookshop

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// shelves answers pages of two out of as many books as it is told.
func shelves(books int) func(context.Context, listRequest) (BookPage, error) {
	return func(_ context.Context, req listRequest) (BookPage, error) {
		at, _ := strconv.Atoi(req.After)
		var page BookPage
		for ; at < books && len(page.Books) < 2; at++ {
			page.Books = append(page.Books, Book{ISBN: strconv.Itoa(at + 1)})
		}
		if at < books {
			page.Next = strconv.Itoa(at)
		}
		return page, nil
	}
}

func TestBooksWalksAllPages(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, listBooks.Endpoint(), shelves(5))
	filter := Filter{Query: "a&b", Genres: []string{"sf", "new weird"}, MaxPrice: 2000, PageSize: 2}
	var got []string
	for book, err := range c.Books(t.Context(), filter) {
		require.NoError(t, err)
		got = append(got, book.ISBN)
	}
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, got)

	calls := cresttest.Calls(srv, listBooks.Endpoint())
	require.Len(t, calls, 3)
	for i, after := range []string{"", "2", "4"} {
		require.Equal(t, listRequest{filter, after}, calls[i].Req, "the filter goes along with every page")
	}
	require.Equal(t, "q=a%26b&genre=sf&genre=new%20weird&max_price=2000&limit=2", calls[0].URL.RawQuery)
}

func TestBooksFetchesNoMoreThanTheLoopWants(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, listBooks.Endpoint(), shelves(5))
	for range c.Books(t.Context(), Filter{}) {
		break
	}
	require.Len(t, cresttest.Calls(srv, listBooks.Endpoint()), 1)
}

func TestBooksEndsWithAnError(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, listBooks.Endpoint(), shelves(5))
	books := 0
	for book, err := range c.Books(t.Context(), Filter{}) {
		if err != nil {
			require.ErrorIs(t, err, crest.Status(403))
			require.Zero(t, book)
			break
		}
		if books++; books == 2 { // of the first page
			srv.Fail(1, cresttest.Fault{Status: 403})
		}
	}
	require.Equal(t, 2, books)
}

func TestBookPage(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, listBooks.Endpoint(), shelves(3))
	first, err := c.BookPage(t.Context(), Filter{}, "")
	require.NoError(t, err)
	require.Equal(t, BookPage{Books: []Book{{ISBN: "1"}, {ISBN: "2"}}, Next: "2"}, first)
	last, err := c.BookPage(t.Context(), Filter{}, first.Next)
	require.NoError(t, err)
	require.Equal(t, BookPage{Books: []Book{{ISBN: "3"}}}, last)
}
