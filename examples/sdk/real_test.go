package bookshop

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/sdk/internal/shop"
)

// dune and emma are books that tests put into the shop.
var (
	dune = NewBook{ISBN: "9780441013593", Title: "Dune", Author: "Frank Herbert", Genres: []string{"sf"}, Price: 1099}
	emma = NewBook{ISBN: "9780141439587", Title: "Emma", Author: "Jane Austen", Genres: []string{"novel", "romance"}, Price: 899}
)

// opened is a client of a real shop on a socket.
func opened(t *testing.T, opts ...Option) *Client {
	t.Helper()
	server := httptest.NewServer(shop.New("t0ken", time.Now))
	c, err := New("t0ken", append([]Option{WithBaseURL(server.URL + "/v1")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		server.CloseClientConnections()
		server.Close()
	})
	return c
}

// The fakes of the other tests say what the SDK makes of an answer. This test says that the API answers so.
func TestTheWholeLifeOfABook(t *testing.T) {
	c := opened(t)
	ctx := t.Context()
	made, err := c.CreateBook(ctx, dune)
	require.NoError(t, err)
	require.Equal(t, Book{ISBN: dune.ISBN, Title: "Dune", Author: "Frank Herbert", Genres: []string{"sf"}, Price: 1099, ETag: `"v1"`}, made)
	_, err = c.CreateBook(ctx, emma)
	require.NoError(t, err)

	_, err = c.CreateBook(ctx, dune)
	invalid, ok := errors.AsType[*Invalid](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, []InvalidField{{"isbn", "is in the shop already"}}, invalid.Fields)

	cheaper, err := c.UpdateBook(ctx, made, BookChange{Price: crest.Some[int64](999), Genres: crest.Null[[]string]()})
	require.NoError(t, err)
	require.Equal(t, Book{ISBN: dune.ISBN, Title: "Dune", Author: "Frank Herbert", Price: 999, ETag: `"v2"`}, cheaper)
	_, err = c.UpdateBook(ctx, made, BookChange{Price: crest.Some[int64](1)})
	_, ok = errors.AsType[*Changed](err)
	require.True(t, ok, "%v", err)

	var titles []string
	for book, err := range c.Books(ctx, Filter{PageSize: 1}) {
		require.NoError(t, err)
		titles = append(titles, book.Title)
	}
	require.Equal(t, []string{"Emma", "Dune"}, titles)
	for book, err := range c.Books(ctx, Filter{Query: "AUSTEN", Genres: []string{"sf", "romance"}, MaxPrice: 900}) {
		require.NoError(t, err)
		require.Equal(t, "Emma", book.Title)
	}

	require.NoError(t, c.DeleteBook(ctx, dune.ISBN))
	_, err = c.Book(ctx, dune.ISBN)
	missing, ok := errors.AsType[*NotFound](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "no book "+dune.ISBN, missing.Detail)
}

func TestACoverGoesUpAndComesDown(t *testing.T) {
	c := opened(t)
	_, err := c.CreateBook(t.Context(), dune)
	require.NoError(t, err)
	image := bytes.Repeat([]byte("image"), 20_000)
	var last crest.Progress
	got, err := c.SetCover(t.Context(), dune.ISBN, crest.File{ContentType: "image/png", Content: bytes.NewReader(image)},
		crest.WithProgress(func(p crest.Progress) {
			if p.Upload {
				last = p
			}
		}))
	require.NoError(t, err)
	require.Equal(t, int64(len(image)), got.Size)
	require.Equal(t, crest.Progress{Upload: true, Done: got.Size, Total: got.Size, Attempt: 1}, last)

	var back bytes.Buffer
	require.NoError(t, c.Cover(t.Context(), dune.ISBN, &back))
	require.Equal(t, image, back.Bytes())

	_, err = c.SetCover(t.Context(), dune.ISBN, crest.File{ContentType: "text/plain", Content: strings.NewReader("no image")})
	said, ok := c.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "a cover is an image", said.Detail)
}

func TestChangesAreToldAsTheyHappen(t *testing.T) {
	c := opened(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := c.CreateBook(ctx, dune)
	require.NoError(t, err)
	var kinds []ChangeKind
	for change, err := range c.Changes(ctx, FirstChange) {
		require.NoError(t, err)
		require.Equal(t, dune.ISBN, change.ISBN)
		if kinds = append(kinds, change.Kind); change.Kind == Created {
			require.NoError(t, c.DeleteBook(ctx, dune.ISBN))
			continue
		}
		break
	}
	require.Equal(t, []ChangeKind{Created, Deleted}, kinds)
}

func TestATokenThatIsNotKnown(t *testing.T) {
	c := opened(t, WithOptions(crest.WithBearer(crest.NewSecret("another"))))
	_, err := c.Book(t.Context(), dune.ISBN)
	require.ErrorIs(t, err, crest.Status(http.StatusUnauthorized))
	require.EqualError(t, err, "crest: GET /books/{isbn}: 401 Unauthorized: the token is not known")
}

// The answer to the first request is lost after the shop has created the book. It knows the second one by its key.
func TestALostAnswerDoesNotMakeTwoBooks(t *testing.T) {
	requests := 0
	losesTheFirst := func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if requests++; requests > 1 || err != nil {
				return resp, err
			}
			return nil, errors.Join(errors.New("lost"), resp.Body.Close())
		})
	}
	c := opened(t, WithOptions(crest.WithMiddleware(losesTheFirst)))
	made, err := c.CreateBook(t.Context(), dune)
	require.NoError(t, err, "not: is in the shop already")
	require.Equal(t, dune.ISBN, made.ISBN)
	require.Equal(t, 2, requests)
	for change, err := range c.Changes(t.Context(), FirstChange) {
		require.NoError(t, err)
		require.Equal(t, Change{ID: "1", Kind: Created, ISBN: dune.ISBN, At: change.At}, change)
		break
	}
}
