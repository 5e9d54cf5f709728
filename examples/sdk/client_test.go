package bookshop

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// stock answers every request for a book.
func stock(_ context.Context, req bookRequest) (Book, error) { return Book{ISBN: req.ISBN}, nil }

func TestEveryRequestSaysWhoSendsIt(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, getBook, stock)
	_, err := c.Book(t.Context(), dune.ISBN)
	require.NoError(t, err)
	header := cresttest.Calls(srv, getBook)[0].Header
	require.Equal(t, "Bearer t0ken", header.Get("Authorization"))
	require.Equal(t, "bookshop-go/1.0.0 crest/"+crest.Version, header.Get("User-Agent"))
}

func TestNewTellsMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		token string
		opts  []Option
		says  string
	}{
		"no token":                 {"", nil, "bookshop: the token is empty"},
		"a base URL without https": {"t0ken", []Option{WithBaseURL("api.bookshop.example")}, "the URL has no scheme"},
		"no logger":                {"t0ken", []Option{WithLogger(nil)}, "the logger is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(tt.token, tt.opts...)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func TestOptionsOfTheUserWin(t *testing.T) {
	token := crest.NewToken("old")
	var seen []string
	spy := func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			seen = append(seen, r.URL.String())
			return next.RoundTrip(r)
		})
	}
	srv, c := faked(t, WithBaseURL("https://trial.bookshop.example/v1"),
		WithOptions(crest.WithBearer(token), crest.WithHeader("User-Agent", "stocktaker/3"), crest.WithMiddleware(spy)))
	cresttest.Handle(srv, getBook, stock)
	token.Set("new")
	_, err := c.Book(t.Context(), dune.ISBN)
	require.NoError(t, err)
	call := cresttest.Calls(srv, getBook)[0]
	require.Equal(t, "Bearer new", call.Header.Get("Authorization"))
	require.Equal(t, "stocktaker/3", call.Header.Get("User-Agent"))
	require.Equal(t, []string{"https://trial.bookshop.example/v1/books/" + dune.ISBN}, seen)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheLogHasTheCallsAndNeverTheToken(t *testing.T) {
	var log bytes.Buffer
	srv, c := faked(t, WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	cresttest.Handle(srv, getBook, stock)
	_, err := c.Book(t.Context(), dune.ISBN)
	require.NoError(t, err)
	require.Contains(t, log.String(), "/books/{isbn}")
	require.NotContains(t, log.String(), "t0ken")
	require.NotContains(t, log.String(), dune.ISBN)
}

func TestAZeroClientGivesErrors(t *testing.T) {
	_, err := new(Client).Book(t.Context(), dune.ISBN)
	require.ErrorIs(t, err, crest.ErrRequest)
}

// The bubble's clock stands still while anything runs, so a request arrives at the moment at which it leaves.
func TestNoMoreRequestsThanTheAPITakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		start := time.Now()
		arrived := make(chan time.Duration, 3*RequestsPerSecond)
		cresttest.Handle(srv, getBook, func(ctx context.Context, req bookRequest) (Book, error) {
			arrived <- time.Since(start)
			return stock(ctx, req)
		})
		for range cap(arrived) {
			go func() { _, _ = c.Book(t.Context(), dune.ISBN) }()
		}
		inSecond := map[time.Duration]int{}
		for range cap(arrived) {
			inSecond[(<-arrived).Truncate(time.Second)]++
		}
		require.Equal(t, map[time.Duration]int{0: RequestsPerSecond, time.Second: RequestsPerSecond, 2 * time.Second: RequestsPerSecond}, inSecond)
		synctest.Wait()
	})
}
