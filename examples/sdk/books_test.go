package bookshop

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

func TestBook(t *testing.T) {
	srv, c := faked(t)
	want := Book{ISBN: dune.ISBN, Title: "Dune", Author: "Frank Herbert", Genres: []string{"sf"}, Price: 1099, ETag: `"v7"`}
	cresttest.Handle(srv, getBook, func(_ context.Context, req bookRequest) (Book, error) {
		if req.ISBN != dune.ISBN {
			return Book{}, &NotFound{Title: "Not Found", Detail: "no book " + req.ISBN}
		}
		return want, nil
	})
	got, err := c.Book(t.Context(), dune.ISBN)
	require.NoError(t, err)
	require.Equal(t, want, got)

	_, err = c.Book(t.Context(), "1")
	missing, ok := errors.AsType[*NotFound](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "no book 1", missing.Detail)
	require.EqualError(t, err, "crest: GET /books/{isbn}: 404 Not Found: no book 1")
}

func TestCreateBook(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, createBook, func(_ context.Context, req NewBook) (Book, error) {
		if req.Price > 5000 {
			return Book{}, &Invalid{Fields: []InvalidField{{"price", "is too high"}, {"title", "does not sell"}}}
		}
		return Book{ISBN: req.ISBN, Title: req.Title, ETag: `"v1"`}, nil
	})
	got, err := c.CreateBook(t.Context(), dune)
	require.NoError(t, err)
	require.Equal(t, Book{ISBN: dune.ISBN, Title: "Dune", ETag: `"v1"`}, got)
	require.Equal(t, dune, cresttest.Calls(srv, createBook)[0].Req)

	dear := dune
	dear.Price = 9000
	_, err = c.CreateBook(t.Context(), dear)
	invalid, ok := errors.AsType[*Invalid](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, []InvalidField{{"price", "is too high"}, {"title", "does not sell"}}, invalid.Fields)
	require.EqualError(t, err, "crest: POST /books: 422 Unprocessable Entity: price is too high, title does not sell")
}

func TestWhatBreaksItsOwnRulesIsNotSent(t *testing.T) {
	srv, c := faked(t) // no endpoint answers: a request would fail the test
	for name, call := range map[string]func(ctx context.Context) error{
		"a new book without a title": func(ctx context.Context) error {
			_, err := c.CreateBook(ctx, NewBook{ISBN: dune.ISBN, Author: "?", Price: 1})
			return err
		},
		"a new book with a wrong ISBN": func(ctx context.Context) error {
			_, err := c.CreateBook(ctx, NewBook{ISBN: "9780441013590", Title: "Dune", Author: "?", Price: 1})
			return err
		},
		"a change to a book of a list, which has no version": func(ctx context.Context) error {
			_, err := c.UpdateBook(ctx, Book{ISBN: dune.ISBN}, BookChange{})
			return err
		},
		"no book": func(ctx context.Context) error { return c.DeleteBook(ctx, "") },
		"a page of thousands": func(ctx context.Context) error {
			_, err := c.BookPage(ctx, Filter{PageSize: 5000}, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := call(t.Context())
			require.ErrorIs(t, err, crest.ErrRequest)
			require.ErrorIs(t, err, crest.KindValidation)
		})
	}
	require.Empty(t, cresttest.Calls(srv, createBook))
}

func TestUpdateBook(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, updateBook, func(_ context.Context, req updateRequest) (Book, error) {
		if req.ETag != `"v7"` {
			return Book{}, &Changed{Detail: "the book is another version by now"}
		}
		return Book{ISBN: req.ISBN, Price: req.Price.Or(0), ETag: `"v8"`}, nil
	})
	read := Book{ISBN: dune.ISBN, Title: "Dune", ETag: `"v7"`}
	change := BookChange{Price: crest.Some[int64](999), Genres: crest.Null[[]string]()}
	got, err := c.UpdateBook(t.Context(), read, change)
	require.NoError(t, err)
	require.Equal(t, Book{ISBN: dune.ISBN, Price: 999, ETag: `"v8"`}, got)
	require.Equal(t, updateRequest{bookRequest{dune.ISBN}, `"v7"`, change}, cresttest.Calls(srv, updateBook)[0].Req)

	read.ETag = `"v6"`
	_, err = c.UpdateBook(t.Context(), read, change)
	_, ok := errors.AsType[*Changed](err)
	require.True(t, ok, "%v", err)
	require.Len(t, cresttest.Calls(srv, updateBook), 2, "a change that came too late is not tried again")
}

func TestDeleteBook(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, deleteBook, func(_ context.Context, req bookRequest) (crest.Empty, error) {
		if req.ISBN == emma.ISBN {
			return crest.Empty{}, &NotFound{Detail: "no book " + req.ISBN}
		}
		return crest.Empty{}, nil
	})
	require.NoError(t, c.DeleteBook(t.Context(), dune.ISBN))
	_, ok := errors.AsType[*NotFound](c.DeleteBook(t.Context(), emma.ISBN))
	require.True(t, ok)
}
