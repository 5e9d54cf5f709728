package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// taking answers after a while, in virtual time.
type taking struct {
	time.Duration
	inner http.RoundTripper
	mu    sync.Mutex
	sent  []time.Time
}

func (s *taking) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.sent = append(s.sent, time.Now())
	s.mu.Unlock()
	select {
	case <-time.After(s.Duration):
		return s.inner.RoundTrip(req)
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// Every hop takes a slot: no window ever holds more than the limit, whatever redirects.
func TestRedirectSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := &taking{0, inMemory(func(req *http.Request) (*http.Response, error) {
			if n := len(req.URL.Path); n < 5 {
				return moved(302, req.URL.Path+"x")(req), nil
			}
			return ended(200)(req), nil
		}), sync.Mutex{}, nil}
		c := newClient(t, "https://a.example", crest.WithTransport(wire), crest.WithRateLimit(2, time.Second))
		start := time.Now()
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() {
				r, err := crest.Get[crest.Empty, thing]("/x").Do(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Len(t, r.History, 3)
				require.Len(t, r.Attempts, 1)
			})
		}
		calls.Wait()
		require.Len(t, wire.sent, 12)
		require.Greater(t, time.Since(start), 5*time.Second)
		slices.SortFunc(wire.sent, time.Time.Compare)
		for i := 2; i < len(wire.sent); i++ {
			require.Greater(t, wire.sent[i].Sub(wire.sent[i-2]), time.Second, "the window of hop %d", i)
		}
	})
}

// A hop that cannot have its slot in time ends the call, which was sent.
func TestRedirectWithoutASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := chain(5)
		_, err := follow(t, rec, crest.WithRateLimit(2, time.Hour), crest.WithTimeout(time.Minute))
		failed := fails(t, err, crest.ErrLimited, "", crest.SentYes)
		require.Len(t, rec.all, 2)
		require.Len(t, failed.History, 2)
		require.Len(t, failed.Attempts, 1)
	})
}

// Every hop passes every level of middleware, and knows its number.
func TestRedirectMiddleware(t *testing.T) {
	var seen []string
	note := func(level string) crest.Middleware {
		return func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				info, ok := crest.EndpointInfo(req)
				require.True(t, ok)
				require.Equal(t, "GET /thing", info.Endpoint)
				require.Equal(t, "/thing", info.Route)
				seen = append(seen, fmt.Sprint(level, " ", info.Attempt, ".", info.Hop, " ", req.Method, " ", req.URL))
				return next.RoundTrip(req)
			})
		}
	}
	rec := each(moved(302, "/2"), moved(307, "https://b.example/3"), ended(503), moved(302, "/2"), ended(200))
	c := newClient(t, "https://a.example", crest.WithTransport(rec), crest.WithMiddleware(note("client")), crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait}))
	r, err := crest.Get[crest.Empty, thing]("/thing", crest.WithMiddleware(note("endpoint"))).Do(t.Context(), c, crest.Empty{}, crest.WithMiddleware(note("call")))
	require.NoError(t, err)
	var want []string
	for _, hop := range []string{
		"1.1 GET https://a.example/thing", "1.2 GET https://a.example/2", "1.3 GET https://b.example/3", "2.1 GET https://a.example/thing", "2.2 GET https://a.example/2",
	} {
		want = append(want, "client "+hop, "endpoint "+hop, "call "+hop)
	}
	require.Equal(t, want, seen)
	require.Len(t, r.History, 1, "of the last attempt")
	require.Equal(t, []int{503, 200}, []int{r.Attempts[0].StatusCode, r.Attempts[1].StatusCode})
}

// The time of an attempt spans its hops, without the waits for their slots.
func TestRedirectTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		limits crest.Timeouts
		each   time.Duration // of the three hops
		rate   []crest.ClientOption
		kind   crest.Kind // "" is fine
		took   time.Duration
	}{
		"in time":            {crest.Timeouts{Attempt: 10 * time.Second}, 3 * time.Second, nil, "", 9 * time.Second},
		"attempt":            {crest.Timeouts{Attempt: 8 * time.Second}, 3 * time.Second, nil, crest.KindTimeoutAttempt, 8 * time.Second},
		"attempt, first hop": {crest.Timeouts{Attempt: 2 * time.Second}, 3 * time.Second, nil, crest.KindTimeoutAttempt, 2 * time.Second},
		"total":              {crest.Timeouts{Total: 8 * time.Second}, 3 * time.Second, nil, crest.KindTimeoutTotal, 8 * time.Second},
		"waits do not count": {
			crest.Timeouts{Attempt: 10 * time.Second}, 3 * time.Second, []crest.ClientOption{crest.WithRateLimit(1, time.Minute)}, "", 2*time.Minute + 9*time.Second,
		},
		"waits and time": {
			crest.Timeouts{Attempt: 8 * time.Second}, 3 * time.Second, []crest.ClientOption{crest.WithRateLimit(1, time.Minute)}, crest.KindTimeoutAttempt, 2*time.Minute + 8*time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := &taking{tt.each, each(moved(302, "/2"), moved(302, "/3"), ended(200)), sync.Mutex{}, nil}
				start := time.Now()
				r, err := follow(t, wire, append(tt.rate, crest.WithTimeouts(tt.limits))...)
				require.InDelta(t, tt.took, time.Since(start), float64(time.Millisecond))
				var attempts []crest.Attempt
				if tt.kind != "" {
					failed := fails(t, err, crest.ErrTransport, tt.kind, failedSent(wire))
					attempts = failed.Attempts
					require.Len(t, failed.History, len(wire.sent)-1)
				} else {
					require.NoError(t, err)
					attempts = r.Attempts
					require.True(t, tt.rate != nil || r.Elapsed == tt.each, "of the last hop")
				}
				require.Len(t, attempts, 1)
				require.InDelta(t, tt.took, attempts[0].Duration+attempts[0].Wait, float64(time.Millisecond))
				if tt.rate == nil {
					require.Zero(t, attempts[0].Wait)
				} else {
					require.InDelta(t, 2*time.Minute, attempts[0].Wait, float64(time.Millisecond))
				}
			})
		})
	}
}

// failedSent is what is known after a timeout: with an answer before, it was sent for sure.
func failedSent(wire *taking) crest.Sent {
	if len(wire.sent) > 1 {
		return crest.SentYes
	}
	return crest.SentMaybe
}

// The body of a hop that hangs takes from the attempt's time; it does not bring it back.
func TestRedirectBodyTakesTheAttemptsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := each(func(req *http.Request) *http.Response {
			resp := moved(302, "/2")(req)
			resp.Body, resp.ContentLength = stuckBody{req, new(atomic.Bool)}, -1
			return resp
		}, ended(200))
		start := time.Now()
		_, err := follow(t, &taking{time.Millisecond, rec, sync.Mutex{}, nil}, crest.WithTimeouts(crest.Timeouts{Attempt: 500 * time.Millisecond}))
		require.ErrorIs(t, err, crest.KindTimeoutAttempt)
		require.InDelta(t, 500*time.Millisecond, time.Since(start), float64(time.Millisecond))
	})
}

// A call that is cancelled at its second hop says so, and what came before.
func TestRedirectCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		wire := &taking{2 * time.Second, chain(5), sync.Mutex{}, nil}
		c := newClient(t, "https://a.example", crest.WithTransport(wire))
		time.AfterFunc(5*time.Second, func() { cancel(errNotThere) })
		start := time.Now()
		_, err := getThing.Call(ctx, c, crest.Empty{})
		failed := fails(t, err, crest.ErrTransport, "", crest.SentYes)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errNotThere)
		require.Equal(t, 5*time.Second, time.Since(start))
		require.Len(t, failed.History, 2)
		require.Len(t, wire.sent, 3)
	})
}

// What failed after a redirect is tried again, from the beginning, only where the whole may be executed twice: the first request was.
func TestRetriesAfterRedirects(t *testing.T) {
	refuse := func(*http.Request) *http.Response { return nil }
	for name, tt := range map[string]struct {
		method string
		opts   []crest.EndpointOption
		script []func(*http.Request) *http.Response
		want   string // the methods of all requests
	}{
		"GET 302 503":             {"GET", nil, answersOf(moved(302, "/2"), ended(503)), "GET GET GET GET"},
		"GET 302 429":             {"GET", nil, answersOf(moved(302, "/2"), ended(429)), "GET GET GET GET"},
		"GET 302 404":             {"GET", nil, answersOf(moved(302, "/2"), ended(404)), "GET GET"},
		"GET 302 no connection":   {"GET", nil, answersOf(moved(302, "/2"), refuse), "GET GET GET GET"},
		"POST 303 503":            {"POST", nil, answersOf(moved(303, "/2"), ended(503)), "POST GET"},
		"POST 303 429":            {"POST", nil, answersOf(moved(303, "/2"), ended(429)), "POST GET"},
		"POST 303 no connection":  {"POST", nil, answersOf(moved(303, "/2"), refuse), "POST GET"},
		"POST 307 503":            {"POST", nil, answersOf(moved(307, "/2"), ended(503)), "POST POST"},
		"POST 307 429":            {"POST", nil, answersOf(moved(307, "/2"), ended(429)), "POST POST POST POST"}, // a 307 has done nothing either
		"POST 308 429":            {"POST", nil, answersOf(moved(308, "/2"), ended(429)), "POST POST POST POST"},
		"POST 302 307 429":        {"POST", nil, answersOf(moved(302, "/2"), moved(307, "/3"), ended(429)), "POST GET GET"},
		"POST 303 303 429":        {"POST", nil, answersOf(moved(303, "/2"), moved(302, "/3"), ended(429)), "POST GET GET"},
		"idempotent POST 303 503": {"POST", []crest.EndpointOption{crest.WithIdempotent()}, answersOf(moved(303, "/2"), ended(503)), "POST GET POST GET"},
		"POST with a key 303 429": {
			"POST", []crest.EndpointOption{crest.WithIdempotencyKey(crest.IdempotencyKey{})}, answersOf(moved(303, "/2"), ended(429)), "POST GET POST GET",
		},
		"POST with a key abroad": {
			"POST", []crest.EndpointOption{crest.WithIdempotencyKey(crest.IdempotencyKey{})}, answersOf(moved(303, "https://b.example/2"), ended(503)), "POST GET POST GET",
		},
		"PUT 303 503":                {"PUT", nil, answersOf(moved(303, "/2"), ended(503)), "PUT GET PUT GET"},
		"not idempotent GET 302 503": {"GET", []crest.EndpointOption{crest.WithoutIdempotent()}, answersOf(moved(302, "/2"), ended(503)), "GET GET"},
		"POST 429 at once":           {"POST", nil, answersOf(ended(429), ended(429)), "POST POST"},
		"refused":                    {"GET", nil, answersOf(moved(302, "file:///x"), ended(200)), "GET"},
		"POST to GET is no retry":    {"POST", nil, answersOf(moved(303, "/2"), ended(200)), "POST GET"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, befores := 0, 0
				var sent, keys []string
				wire := inMemory(func(req *http.Request) (*http.Response, error) {
					sent = append(sent, req.Method)
					if key := req.Header.Get("Idempotency-Key"); key != "" {
						keys = append(keys, key)
						require.Equal(t, "a.example", req.URL.Host)
					}
					answer := tt.script[n%len(tt.script)]
					n++
					if resp := answer(req); resp != nil {
						return resp, nil
					}
					return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
				})
				c := newClient(t, "https://a.example", crest.WithTransport(wire), crest.WithRetry(crest.Retry{
					Max: 1, If: func(error) bool { return false },
					Before: func(n int, req *http.Request, last error) {
						befores++
						require.Equal(t, "/x", req.URL.Path)
						require.Error(t, last)
					},
				}))
				_, err := crest.NewEndpoint[crest.Empty, thing](tt.method, "/x", tt.opts...).Call(t.Context(), c, crest.Empty{})
				require.Equal(t, tt.want, strings.Join(sent, " "))
				attempts := 1
				if !strings.HasSuffix(name, "no retry") {
					failed := callError(t, err)
					require.Equal(t, crest.SentYes, failed.Sent)
					attempts = len(failed.Attempts)
				}
				require.Equal(t, attempts-1, befores, "once for each retry, and for no hop")
				require.LessOrEqual(t, len(slices.Compact(keys)), 1, "one key for the whole call")
			})
		})
	}
}

func answersOf(answers ...func(*http.Request) *http.Response) []func(*http.Request) *http.Response {
	return answers
}
