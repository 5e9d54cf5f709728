package bookshop

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// The tests of this file run in bubbles of testing/synctest, where waits take no time and are measured to the nanosecond.

func TestARateLimitThatPassesIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, getBook, stock)
		srv.Fail(1, cresttest.Fault{Status: http.StatusTooManyRequests, RetryAfter: 7 * time.Second}, getBook)
		start := time.Now()
		_, err := c.Book(t.Context(), dune.ISBN)
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), 7*time.Second)
		require.Less(t, time.Since(start), 8*time.Second)
		calls := cresttest.Calls(srv, getBook)
		require.Len(t, calls, 2)
		require.Equal(t, http.StatusTooManyRequests, calls[0].Status)
	})
}

func TestARateLimitThatStaysIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, getBook, stock)
		srv.Fail(-1, cresttest.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Hour, Body: "<html>slow down"})
		start := time.Now()
		_, err := c.Book(t.Context(), dune.ISBN)
		busy, ok := errors.AsType[*RateLimited](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, time.Hour, busy.RetryAfter)
		require.Zero(t, time.Since(start), "nobody waits for an hour")
		require.ErrorContains(t, err, "429 Too Many Requests: too many requests, wait for 1h0m0s (not tried again: the server asks for a wait of 1h0m0s")
	})
}

// A lost connection leaves it open whether the book was created. The key makes it safe to try again.
func TestABookIsCreatedOnceHoweverOftenItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, createBook, func(_ context.Context, req NewBook) (Book, error) { return Book{ISBN: req.ISBN}, nil })
		srv.Fail(1, cresttest.Fault{Cut: true}, createBook)
		srv.Fail(1, cresttest.Fault{Status: http.StatusBadGateway}, createBook)
		_, err := c.CreateBook(t.Context(), dune)
		require.NoError(t, err)
		calls := cresttest.Calls(srv, createBook)
		require.Len(t, calls, 3)
		key := calls[0].Header.Get("Idempotency-Key")
		require.NotEmpty(t, key)
		for _, call := range calls {
			require.Equal(t, key, call.Header.Get("Idempotency-Key"))
			require.Equal(t, dune, call.Req)
		}
	})
}

// A change has no key: a second attempt could meet the version that the first has made, and would blame somebody else for it.
func TestAChangeIsNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, updateBook, func(context.Context, updateRequest) (Book, error) { return Book{ISBN: dune.ISBN}, nil })
		srv.Fail(1, cresttest.Fault{Cut: true}, updateBook)
		_, err := c.UpdateBook(t.Context(), Book{ISBN: dune.ISBN, ETag: `"v1"`}, BookChange{})
		require.ErrorIs(t, err, crest.KindDisconnected)
		failed, ok := errors.AsType[*crest.CallError](err)
		require.True(t, ok)
		require.Equal(t, crest.SentMaybe, failed.Sent)
		require.Len(t, cresttest.Calls(srv, updateBook), 1)
	})
}

// One attempt that hangs leaves time for the next.
func TestASlowAttemptIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, getBook, stock)
		srv.Fail(1, cresttest.Fault{Delay: time.Hour}, getBook)
		start := time.Now()
		_, err := c.Book(t.Context(), dune.ISBN)
		require.NoError(t, err)
		require.Less(t, time.Since(start), attemptTimeout+time.Second)
	})
}

func TestACallThatStaysSlowEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, getBook, stock)
		srv.Fail(-1, cresttest.Fault{Delay: time.Hour}, getBook)
		start := time.Now()
		_, err := c.Book(t.Context(), dune.ISBN)
		require.ErrorIs(t, err, crest.KindTimeout)
		require.LessOrEqual(t, time.Since(start), Timeout)
	})
}

func TestAnAnswerThatIsNotWhatItShouldBe(t *testing.T) {
	for name, tt := range map[string]struct {
		fault cresttest.Fault
		kind  crest.Kind
	}{
		"a page of a hotel's network": {cresttest.Fault{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<p>Log in"}, crest.KindContentType},
		"a book without an ISBN":      {cresttest.Fault{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"title":"Dune"}`}, crest.KindValidation},
		"half a book":                 {cresttest.Fault{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"isbn":"97`}, crest.KindDecode},
	} {
		t.Run(name, func(t *testing.T) {
			srv, c := faked(t)
			cresttest.Handle(srv, getBook, stock)
			srv.Fail(1, tt.fault, getBook)
			book, err := c.Book(t.Context(), dune.ISBN)
			require.ErrorIs(t, err, crest.ErrResponse)
			require.ErrorIs(t, err, tt.kind)
			require.Zero(t, book)
		})
	}
}
