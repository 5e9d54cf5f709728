package crest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// tally is a transport that counts, and remembers nothing.
type tally struct {
	n    atomic.Int64
	next func(n int64) step
}

func (c *tally) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.next(c.n.Add(1))(req)
}

// always is a tally of one answer.
func always(s step) *tally { return &tally{next: func(int64) step { return s }} }

// frugal is a client whose retries follow at once and are bounded by the budget alone.
func frugal(t testing.TB, rt http.RoundTripper, budget int, opts ...crest.ClientOption) *crest.Client[*failure] {
	rules := crest.WithRetry(crest.Retry{Max: 3, Backoff: constant(0), Budget: budget})
	return newClient(t, "https://api.example.com", append([]crest.ClientOption{rules, crest.WithTransport(rt)}, opts...)...)
}

const usedUp = "(not tried again: the client's retry budget is used up)"

// 10 000 calls at a server that fails all the time: 500/14 = 35 retries in all, 500/5 = 100 where it throttles.
func TestRetryBudgetOfAServerThatAlwaysFails(t *testing.T) {
	for name, tt := range map[string]struct {
		fails   step
		budget  int
		retries int64
	}{
		"503":                  {gives(503), 0, 35},
		"lost":                 {breaks(io.EOF), 0, 35},
		"429":                  {gives(429), 0, 100},
		"503 with Retry-After": {gives(503, "Retry-After", "1"), 0, 100},
		"its own":              {gives(503), 28, 2},
		"too small for one":    {gives(503), 13, 0},
		"none":                 {gives(503), crest.NoBound, 30_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := always(tt.fails)
				c := frugal(t, server, tt.budget)
				refused := 0
				for range 10_000 {
					_, err := ping.Call(t.Context(), c, crest.Empty{})
					require.Error(t, err)
					if strings.Contains(err.Error(), usedUp) {
						refused++
					}
				}
				require.Equal(t, 10_000+tt.retries, server.n.Load())
				require.Equal(t, 10_000-int(tt.retries)/3, refused, "the error says why")
			})
		})
	}
}

// The same from 64 goroutines: not one retry more.
func TestRetryBudgetOfManyGoroutines(t *testing.T) {
	server := always(gives(503))
	c := frugal(t, server, 0)
	var running sync.WaitGroup
	for range 64 {
		running.Go(func() {
			for range 157 {
				_, _ = ping.Call(context.Background(), c, crest.Empty{})
			}
		})
	}
	running.Wait()
	require.Equal(t, int64(64*157+35), server.n.Load())
}

// A retry that succeeds costs nothing: a server that fails every other time is never given up.
func TestRetryBudgetComesBack(t *testing.T) {
	for name, fails := range map[string]step{"503": gives(503), "429": gives(429)} {
		t.Run(name, func(t *testing.T) {
			server := &tally{next: func(n int64) step {
				if n%2 == 1 {
					return fails
				}
				return gives(204)
			}}
			c := frugal(t, server, 14)
			for range 1000 {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			}
			require.EqualValues(t, 2000, server.n.Load())
		})
	}
}

// Of a call that succeeds at its third attempt the last retry comes back, the one before it stays spent: 500 pay for 34 of those,
// and 24 are left, for one more retry.
func TestRetryBudgetOfSeveralRetries(t *testing.T) {
	server := &tally{next: func(n int64) step {
		if n%3 == 0 {
			return gives(204)
		}
		return gives(503)
	}}
	c := frugal(t, server, 0)
	good := 0
	for {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		if err != nil {
			require.ErrorContains(t, err, usedUp)
			break
		}
		good++
	}
	require.Equal(t, 34, good)
}

// A call that succeeds at once brings 1: fourteen of them pay for a retry. A budget is never more than full.
func TestRetryBudgetIsEarned(t *testing.T) {
	var broken atomic.Bool
	server := &tally{next: func(int64) step {
		if broken.Load() {
			return gives(503)
		}
		return gives(204)
	}}
	c := frugal(t, server, 14, crest.WithRetry(crest.Retry{Max: 1}))
	attempts := func() int {
		broken.Store(true)
		defer broken.Store(false)
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		return len(callError(t, err).Attempts)
	}
	succeed := func(n int) {
		for range n {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
	}
	succeed(1000)
	require.Equal(t, 2, attempts())
	require.Equal(t, 1, attempts(), "it was full, not more")
	succeed(13)
	require.Equal(t, 1, attempts())
	succeed(1)
	require.Equal(t, 2, attempts())
	require.Equal(t, 1, attempts())
}

// A wait that is cancelled gives its cost back, and so does none that is not begun.
func TestRetryBudgetOfCancelledWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTransport(always(gives(503))),
			crest.WithRetry(crest.Retry{Max: 1, Backoff: constant(time.Minute), Budget: 14}))
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := ping.Call(ctx, c, crest.Empty{})
			gone(t, err, crest.Status(503), context.Canceled)
			require.NotContains(t, err.Error(), "budget")
			ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			_, err = ping.Call(ctx, c, crest.Empty{})
			cancel()
			require.ErrorContains(t, err, "would outlast")
		}
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.Len(t, callError(t, err).Attempts, 2, "it is still there")
		_, err = ping.Call(t.Context(), c, crest.Empty{})
		require.ErrorContains(t, err, usedUp)
		require.Len(t, callError(t, err).Attempts, 1)
	})
}

// Each client has its own, shared by all of its endpoints and calls.
func TestRetryBudgetIsTheClients(t *testing.T) {
	a, b := frugal(t, always(gives(503)), 28), frugal(t, always(gives(503)), 28)
	retries := func(c crest.Caller, e *crest.Endpoint[crest.Empty, crest.Empty], opts ...crest.CallOption) int {
		_, err := e.Call(t.Context(), c, crest.Empty{}, opts...)
		return len(callError(t, err).Attempts) - 1
	}
	other := crest.Get[crest.Empty, crest.Empty]("/other", crest.WithRetry(crest.Retry{Max: 5}))
	require.Equal(t, 1, retries(a, ping, crest.WithRetry(crest.Retry{Max: 1})))
	require.Equal(t, 1, retries(a, other), "what is left of a's")
	require.Equal(t, 0, retries(a, ping))
	require.Equal(t, 2, retries(b, ping), "b's is whole")
	require.Equal(t, 0, retries(b, other))
}

// The error of a call that the budget has ended is the last failure, whole.
func TestRetryBudgetError(t *testing.T) {
	c := frugal(t, always(breaks(io.EOF)), 14)
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	failed := fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
	require.EqualError(t, err, "crest: GET /ping: transport: disconnected: EOF (the request may have been received) (2 attempts) "+usedUp)
	require.Len(t, failed.Attempts, 2)
	require.ErrorIs(t, err, io.EOF)
	require.False(t, errors.Is(err, context.DeadlineExceeded))
}

// A retry that was paid for and never sent gives its cost back: the limiter refused it.
func TestRetryBudgetOfARetryThatWasNotSent(t *testing.T) {
	n := 0
	server := play(gives(503))
	c := retried(t, server, crest.WithRetry(crest.Retry{Budget: 14}), crest.WithLimiter(limiterFunc(func(context.Context) error {
		if n++; n == 2 {
			return errors.New("no slot")
		}
		return nil
	})))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorContains(t, err, "not tried again: no slot")
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorContains(t, err, "(2 attempts) (not tried again: the client's retry budget is used up)")
	require.Equal(t, 3, server.sent())
}

// Or it was cancelled while it waited for its slot.
func TestRetryBudgetOfARetryCancelledInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(gives(503))
		c := retried(t, server, crest.WithRetry(crest.Retry{Budget: 14}), crest.WithRateLimit(1, time.Hour))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(errShutdown) })
		_, err := ping.Call(ctx, c, crest.Empty{}, crest.WithTimeout(10*time.Hour))
		gone(t, err, crest.Status(503), context.Canceled, errShutdown)
		_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(10*time.Hour))
		require.ErrorContains(t, err, "(2 attempts)")
	})
}
