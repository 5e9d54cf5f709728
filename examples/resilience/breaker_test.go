package resilience

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func newBreaker() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().WithFailureThreshold(3).WithSuccessThreshold(1).WithDelay(time.Minute).Build()
}

// An open breaker keeps requests from the server. Its error is found in crest's, which says that nothing was sent.
func TestBreakerOpensAndCloses(t *testing.T) {
	serve := func(number int, w http.ResponseWriter, _ *http.Request) {
		if number < 5 {
			w.WriteHeader(http.StatusNotImplemented)
		}
	}
	on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
		b := newBreaker()
		c := newClient(t, transport, crest.WithMiddleware(Breaker(b)))
		call := func() error {
			_, err := get.Call(t.Context(), c, crest.Empty{})
			return err
		}
		for range 3 {
			require.ErrorIs(t, call(), crest.Status(http.StatusNotImplemented))
		}
		err := call()
		require.ErrorIs(t, err, circuitbreaker.ErrOpen)
		require.ErrorIs(t, err, crest.ErrTransport)
		failed, _ := errors.AsType[*crest.CallError](err)
		require.Equal(t, crest.SentNo, failed.Sent)
		require.Equal(t, 3, n.count())

		time.Sleep(time.Minute)
		require.ErrorIs(t, call(), crest.Status(http.StatusNotImplemented), "one is let through")
		require.ErrorIs(t, call(), circuitbreaker.ErrOpen)
		time.Sleep(time.Minute)
		require.NoError(t, call())
		require.True(t, b.IsClosed())
	})
}

// What a breaker counts, and what says nothing about the server.
func TestBreakerCountsWhatTheServerDid(t *testing.T) {
	answer := func(status int) handler {
		return func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	shutdown := errors.New("the program ends")
	for name, tt := range map[string]struct {
		serve handler
		call  func(t *testing.T, c crest.Caller) error
		opts  []crest.ClientOption
		is    error
		opens bool
	}{
		"no answer in time": {serve: hang, is: crest.KindTimeout, opens: true, call: func(t *testing.T, c crest.Caller) error {
			_, err := get.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Second))
			return err
		}},
		"the caller's deadline": {serve: hang, is: context.DeadlineExceeded, opens: true, call: func(t *testing.T, c crest.Caller) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := get.Call(ctx, c, crest.Empty{})
			return err
		}},
		"cancelled": {serve: hang, is: context.Canceled, call: func(t *testing.T, c crest.Caller) error {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := get.Call(ctx, c, crest.Empty{})
			return err
		}},
		"cancelled with a cause": {serve: hang, is: shutdown, call: func(t *testing.T, c crest.Caller) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(shutdown) })
			_, err := get.Call(ctx, c, crest.Empty{})
			return err
		}},
		"not let out by the limiter": {
			serve: answer(http.StatusNoContent), is: crest.ErrLimited,
			opts: []crest.ClientOption{crest.WithRateLimit(1, time.Hour), crest.WithTimeout(time.Minute)},
			call: func(t *testing.T, c crest.Caller) error {
				_, err := get.Call(t.Context(), c, crest.Empty{}, crest.WithCost(2))
				return err
			},
		},
		"the client's mistakes":   {serve: answer(http.StatusNotFound), is: crest.Status(http.StatusNotFound)},
		"the limit of the server": {serve: answer(http.StatusTooManyRequests), is: crest.Status(http.StatusTooManyRequests)},
		"the server's failures":   {serve: answer(http.StatusNotImplemented), is: crest.Status(http.StatusNotImplemented), opens: true},
	} {
		t.Run(name, func(t *testing.T) {
			on(t, tt.serve, func(t *testing.T, _ *network, transport crest.ClientOption) {
				b := newBreaker()
				c := newClient(t, append(tt.opts, transport, crest.WithMiddleware(Breaker(b)))...)
				call := tt.call
				if call == nil {
					call = func(t *testing.T, c crest.Caller) error {
						_, err := get.Call(t.Context(), c, crest.Empty{})
						return err
					}
				}
				for range 3 {
					require.ErrorIs(t, call(t, c), tt.is)
				}
				require.Equal(t, tt.opens, b.IsOpen())
			})
		})
	}
}

// Failures in a row stay in a row although cancelled calls lie between them.
func TestBreakerForgetsCancelledCalls(t *testing.T) {
	on(t, hang, func(t *testing.T, _ *network, transport crest.ClientOption) {
		b := newBreaker()
		c := newClient(t, transport, crest.WithMiddleware(Breaker(b)))
		for range 3 {
			cancelled(t, c)
			require.False(t, b.IsOpen())
			_, err := get.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Second))
			require.ErrorIs(t, err, crest.KindTimeout)
		}
		require.True(t, b.IsOpen())
	})
}

// A trial that is cancelled neither closes the breaker nor leaves it half-open for ever.
func TestBreakerTrialThatSaysNothing(t *testing.T) {
	serve := func(number int, w http.ResponseWriter, r *http.Request) {
		if number == 1 {
			hang(number, w, r)
		}
	}
	on(t, serve, func(t *testing.T, _ *network, transport crest.ClientOption) {
		b := newBreaker()
		b.Open()
		c := newClient(t, transport, crest.WithMiddleware(Breaker(b)))
		time.Sleep(time.Minute)
		cancelled(t, c)
		require.True(t, b.IsOpen())
		time.Sleep(time.Minute)
		_, err := get.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.True(t, b.IsClosed())
	})
}

func TestBreakerSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		b.HalfOpen()
		broken := Breaker(b)(roundTripFunc(func(*http.Request) (*http.Response, error) { panic("broken") }))
		require.Panics(t, func() { _, _ = broken.RoundTrip(&http.Request{}) })
		require.True(t, b.IsOpen())
	})
}

func cancelled(t *testing.T, c crest.Caller) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	_, err := get.Call(ctx, c, crest.Empty{})
	require.ErrorIs(t, err, context.Canceled)
}

// Who is refused has opened a body, which is closed.
func TestRefusedBodiesAreClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		refuse func() crest.Middleware
		is     error
	}{
		"breaker": {func() crest.Middleware {
			b := newBreaker()
			b.Open()
			return Breaker(b)
		}, circuitbreaker.ErrOpen},
		"bulkhead": {func() crest.Middleware { return Bulkhead(bulkhead.New[any](0), 0) }, bulkhead.ErrFull},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var opened, closed int
				c := newClient(t, crest.WithMiddleware(tt.refuse()))
				_, err := upload.Call(t.Context(), c, uploadRequest{func() (io.ReadCloser, error) {
					opened++
					return &closer{&closed}, nil
				}})
				require.ErrorIs(t, err, tt.is)
				require.Positive(t, opened)
				require.Equal(t, opened, closed)
			})
		})
	}
}

type closer struct{ closed *int }

func (*closer) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closer) Close() error           { *c.closed++; return nil }

// A client that is called for each attempt of another one's call multiplies the attempts, unless its retries are off.
func TestNestedRetriesMultiply(t *testing.T) {
	for name, tt := range map[string]struct {
		inner    []crest.ClientOption
		requests int
	}{
		"both try again": {nil, 4*4 + 4},
		"the outer one":  {[]crest.ClientOption{crest.WithRetry(crest.Retry{Max: -1})}, 4 + 4},
	} {
		t.Run(name, func(t *testing.T) {
			serve := func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
			on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
				inner := newClient(t, append(tt.inner, transport)...)
				asking := func(next http.RoundTripper) http.RoundTripper {
					return roundTripFunc(func(req *http.Request) (*http.Response, error) {
						_, _ = get.Call(req.Context(), inner, crest.Empty{}) // what it says is not needed
						return next.RoundTrip(req)
					})
				}
				_, err := get.Call(t.Context(), newClient(t, transport, crest.WithMiddleware(asking)), crest.Empty{})
				require.ErrorIs(t, err, crest.Status(http.StatusServiceUnavailable))
				require.Equal(t, tt.requests, n.count())
			})
		})
	}
}

// A call meets an open breaker once: crest does not try again after a middleware's own error.
func TestBreakerEndsTheCall(t *testing.T) {
	serve := func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
		c := newClient(t, transport, crest.WithMiddleware(Breaker(newBreaker())))
		_, err := get.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, circuitbreaker.ErrOpen)
		require.Equal(t, 3, n.count(), "each attempt is a failure, and the third opens the breaker")
		start := time.Now()
		_, err = get.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, circuitbreaker.ErrOpen)
		require.Zero(t, time.Since(start))
	})
}
