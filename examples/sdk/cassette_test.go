package bookshop

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/crest-go/crest/examples/sdk/internal/shop"
)

// recorded is a client whose exchanges lie in a file of testdata. They were recorded from a real shop and are played from the file, without it:
//
//	CREST_CASSETTES=record go test -run TestRecorded ./examples/sdk
//
// records them anew, and what the API has changed stands in the diff. The token is not in the file. Where the variable CI is set, nothing is recorded, and
// what is in a file has to be played.
//
// For an API that is somewhere already, the shop is not needed: New with the token from the environment is enough.
func recorded(t *testing.T, file string, opts ...cresttest.CassetteOption) *Client {
	t.Helper()
	tape := cresttest.Cassette(t, file, opts...)
	c, err := New("t0ken", WithTransport(toShop(t)), WithOptions(crest.WithMiddleware(tape)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// toShop leads to a real shop, whatever the host of a request, so that the API's own name is recorded and no port that is another next time.
func toShop(t *testing.T) http.RoundTripper {
	t.Helper()
	server := httptest.NewTLSServer(shop.New("t0ken", func() time.Time { return noon }))
	way := server.Client().Transport.(*http.Transport).Clone()
	way.TLSClientConfig.ServerName = "example.com" // which the server has a certificate for
	way.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	t.Cleanup(func() {
		way.CloseIdleConnections()
		server.Close()
	})
	return way
}

func TestRecordedBooks(t *testing.T) {
	c := recorded(t, "testdata/books.http", cresttest.Of(getBook), cresttest.Of(createBook), cresttest.Of(updateBook),
		cresttest.Of(deleteBook), cresttest.Of(listBooks.Endpoint()), cresttest.ShowQuery("q", "genre", "max_price", "limit", "after"))
	ctx := t.Context()
	made, err := c.CreateBook(ctx, dune)
	require.NoError(t, err)
	require.Equal(t, `"v1"`, made.ETag)
	_, err = c.CreateBook(ctx, emma)
	require.NoError(t, err)
	_, err = c.CreateBook(ctx, dune)
	invalid, ok := errors.AsType[*Invalid](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, []InvalidField{{"isbn", "is in the shop already"}}, invalid.Fields)

	read, err := c.Book(ctx, dune.ISBN)
	require.NoError(t, err)
	require.Equal(t, made, read)
	cheaper, err := c.UpdateBook(ctx, read, BookChange{Price: crest.Some[int64](999)})
	require.NoError(t, err)
	require.Equal(t, int64(999), cheaper.Price)
	_, err = c.UpdateBook(ctx, read, BookChange{Price: crest.Some[int64](1)})
	_, ok = errors.AsType[*Changed](err)
	require.True(t, ok, "%v", err)

	var titles []string
	for book, err := range c.Books(ctx, Filter{PageSize: 1}) {
		require.NoError(t, err)
		titles = append(titles, book.Title)
	}
	require.Equal(t, []string{"Emma", "Dune"}, titles)
	found, err := c.BookPage(ctx, Filter{Query: "austen", Genres: []string{"sf", "romance"}, MaxPrice: 1000}, "")
	require.NoError(t, err)
	require.Len(t, found.Books, 1)

	require.NoError(t, c.DeleteBook(ctx, emma.ISBN))
	_, err = c.Book(ctx, emma.ISBN)
	_, ok = errors.AsType[*NotFound](err)
	require.True(t, ok, "%v", err)
}

func TestRecordedCover(t *testing.T) {
	c := recorded(t, "testdata/cover.http", cresttest.Of(createBook), cresttest.Of(setCover), cresttest.Of(getCover))
	_, err := c.CreateBook(t.Context(), dune)
	require.NoError(t, err)
	_, err = c.SetCover(t.Context(), dune.ISBN, crest.File{ContentType: "image/svg+xml", Content: strings.NewReader("<svg/>")})
	require.NoError(t, err)
	var got bytes.Buffer
	require.NoError(t, c.Cover(t.Context(), dune.ISBN, &got))
	require.Equal(t, "<svg/>", got.String())
}

func TestRecordedChanges(t *testing.T) {
	c := recorded(t, "testdata/changes.http", cresttest.Of(createBook), cresttest.Of(deleteBook), cresttest.OfStream(watchChanges))
	_, err := c.CreateBook(t.Context(), dune)
	require.NoError(t, err)
	require.NoError(t, c.DeleteBook(t.Context(), dune.ISBN))
	var got []Change
	for change, err := range c.Changes(t.Context(), FirstChange) {
		require.NoError(t, err)
		if got = append(got, change); change.Kind == Deleted {
			break
		}
	}
	require.Equal(t, []Change{{"1", Created, dune.ISBN, noon}, {"2", Deleted, dune.ISBN, noon}}, got)
}
