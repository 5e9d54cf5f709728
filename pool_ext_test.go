package crest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// busyServer is a server that knows how many connections it has had, and how many requests are inside it.
type busyServer struct {
	url                string
	connections        atomic.Int32
	inside, most, seen atomic.Int32
	closes             atomic.Int32 // requests that said Connection: close
}

func serveBusy(t testing.TB, h http.HandlerFunc) *busyServer {
	t.Helper()
	s := &busyServer{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.seen.Add(1)
		n := s.inside.Add(1)
		defer s.inside.Add(-1)
		for old := s.most.Load(); n > old && !s.most.CompareAndSwap(old, n); old = s.most.Load() {
		}
		if r.Close {
			s.closes.Add(1)
		}
		h(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func TestPoolSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		pools     []crest.Pool
		all, host int
		timeout   time.Duration
		close     bool
	}{
		"the defaults":   {nil, 512, 256, 90 * time.Second, false},
		"zero":           {[]crest.Pool{{}}, 512, 256, 90 * time.Second, false},
		"fewer":          {[]crest.Pool{{MaxIdlePerHost: 10, IdleTimeout: time.Second}}, 512, 10, time.Second, false},
		"more":           {[]crest.Pool{{MaxIdlePerHost: 1000}}, 1000, 1000, 90 * time.Second, false},
		"for ever":       {[]crest.Pool{{IdleTimeout: crest.NoTimeout}}, 512, 256, 0, false},
		"close":          {[]crest.Pool{{CloseAfterUse: true}}, 512, 256, 90 * time.Second, true},
		"field by field": {[]crest.Pool{{MaxIdlePerHost: 10, IdleTimeout: time.Second}, {IdleTimeout: time.Minute}}, 512, 10, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			var opts []crest.ClientOption
			for _, p := range tt.pools {
				opts = append(opts, crest.WithPool(p))
			}
			rt := crest.OwnTransport(newClient(t, "https://api.example.com", opts...))
			require.Equal(t, []int{tt.all, tt.host}, []int{rt.MaxIdleConns, rt.MaxIdleConnsPerHost})
			require.Equal(t, tt.timeout, rt.IdleConnTimeout)
			require.Equal(t, tt.close, rt.DisableKeepAlives)
			require.Zero(t, rt.MaxConnsPerHost, "hops are bounded around the exchange")
		})
	}
}

// S4.3, S4.39: each request has a connection of its own.
func TestPoolCloseAfterUse(t *testing.T) {
	s := serveBusy(t, reply(204, ""))
	c := newClient(t, s.url, crest.WithPool(crest.Pool{CloseAfterUse: true}))
	for range 3 {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	require.Equal(t, []int32{3, 3}, []int32{s.connections.Load(), s.closes.Load()})
	kept := newClient(t, s.url)
	for range 3 {
		_, err := ping.Call(t.Context(), kept, crest.Empty{})
		require.NoError(t, err)
	}
	require.Equal(t, []int32{4, 3}, []int32{s.connections.Load(), s.closes.Load()})
}

// S4.40: a connection that was idle longer than IdleTimeout is not used again.
func TestPoolIdleTimeout(t *testing.T) {
	closed := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(reply(204, ""))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, crest.WithPool(crest.Pool{IdleTimeout: time.Millisecond}))
	for range 2 {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		<-closed
	}
}

// A place is one hop, from before the request until the body of its answer is closed.
func TestPoolBoundsHops(t *testing.T) {
	body := reply(200, "hello", "Content-Type", "text/plain")
	for name, tt := range map[string]struct {
		pool crest.Pool
		h2   bool
		most int
	}{
		"no bound":        {crest.Pool{}, false, 8},
		"MaxConns":        {crest.Pool{MaxConns: 3}, false, 3},
		"MaxConnsPerHost": {crest.Pool{MaxConnsPerHost: 2}, false, 2},
		"the smaller":     {crest.Pool{MaxConns: 2, MaxConnsPerHost: 5}, false, 2},
		"MaxConns of h2":  {crest.Pool{MaxConns: 3}, true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			ca := newAuthority(t, "servers")
			var inside, most atomic.Int32
			full := make(chan struct{}, 8)
			finish := make(chan struct{})
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := inside.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				full <- struct{}{}
				<-finish
				inside.Add(-1)
				body(w, r)
			}))
			server.TLS, server.EnableHTTP2 = ca.serving(t), tt.h2
			server.StartTLS()
			t.Cleanup(server.Close)
			c := newClient(t, server.URL, crest.WithTLS(ca.trusting()), crest.WithPool(tt.pool))
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() {
					_, err := crest.Get[crest.Empty, string]("/").Call(t.Context(), c, crest.Empty{})
					require.NoError(t, err)
				})
			}
			for range tt.most {
				<-full
			}
			eventually(t, func() bool { return crest.PlacesWaiting(c) == 8-tt.most })
			close(finish)
			calls.Wait()
			require.EqualValues(t, tt.most, most.Load())
			require.Zero(t, crest.PlacesTaken(c))
		})
	}
}

// Every way that a hop can end gives its place back: the next call would wait for ever.
func TestPoolPlacesComeBack(t *testing.T) {
	refused := errors.New("no credentials today")
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		opts    []crest.ClientOption
		call    func(t *testing.T, c *crest.Client[*failure]) error
	}{
		"typed":       {replyJSON(200, thingJSON), nil, callThing},
		"empty":       {reply(204, ""), nil, callPing},
		"not decoded": {replyJSON(200, "{"), nil, callThing},
		"an error":    {replyJSON(404, "{}"), nil, callThing},
		"no answer":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, callPing},
		"retries":     {reply(503, ""), []crest.ClientOption{crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait})}, callPing},
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ping" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
			}
		}, nil, callPing},
		"redirects without end": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }, nil, callPing},
		"a token that the same client fetches after a 401": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" && r.Header.Get("Authorization") != "Bearer new" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}, nil, func(t *testing.T, c *crest.Client[*failure]) error {
			fetched := 0
			source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
				fetched++
				_, err := crest.Post[crest.Empty, crest.Empty]("/token").Call(ctx, c, crest.Empty{})
				return crest.Grant{Token: crest.NewSecret([]string{"old", "new"}[fetched-1])}, err
			})
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithBearer(source))
			require.NoError(t, err)
			return err
		}},
		"body read by the caller": {replyJSON(200, thingJSON), nil, func(t *testing.T, c *crest.Client[*failure]) error {
			body, err := download.Call(t.Context(), c, crest.Empty{})
			if err == nil {
				_, _ = io.ReadAll(body)
				require.NoError(t, body.Close())
			}
			return err
		}},
		"body closed at once": {reply(200, "hello"), nil, func(t *testing.T, c *crest.Client[*failure]) error {
			body, err := download.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, body.Close())
			return err
		}},
		"another library": {reply(200, "hello"), nil, func(t *testing.T, c *crest.Client[*failure]) error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, crest.BaseURL(c), nil)
			require.NoError(t, err)
			resp, err := crest.RoundTripper(c).RoundTrip(req)
			require.NoError(t, err)
			require.EqualValues(t, 1, crest.PlacesTaken(c))
			_, _ = io.ReadAll(resp.Body)
			return nil // the end of the body is enough
		}},
		"a middleware that forgets a body": {reply(200, "hello"), []crest.ClientOption{crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				if _, err := next.RoundTrip(req); err != nil {
					return nil, err
				}
				return nil, refused
			})
		})}, callPing},
		"authorization fails": {reply(204, ""), []crest.ClientOption{crest.WithMiddleware(toward("http://other.test"))}, func(t *testing.T, c *crest.Client[*failure]) error {
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithBearer(crest.NewSecret("x")))
			require.ErrorIs(t, err, crest.ErrCredentials)
			return err
		}},
		"cancelled under way": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil, func(t *testing.T, c *crest.Client[*failure]) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			_, err := ping.Call(ctx, c, crest.Empty{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, tt.handler), append(tt.opts, crest.WithPool(crest.Pool{MaxConns: 1}))...)
			for range 3 {
				_ = tt.call(t, c)
				if name == "a middleware that forgets a body" { // the place is left with the hop's context
					eventually(t, func() bool { return crest.PlacesTaken(c) == 0 })
				}
				require.Zero(t, crest.PlacesTaken(c))
			}
		})
	}
}

func callPing(t *testing.T, c *crest.Client[*failure]) error {
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	return err
}

func callThing(t *testing.T, c *crest.Client[*failure]) error {
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	return err
}

// toward is a middleware that sends requests elsewhere.
func toward(base string) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			other, err := http.NewRequestWithContext(req.Context(), req.Method, base, nil)
			if err != nil {
				return nil, err
			}
			return next.RoundTrip(other)
		})
	}
}

// S4.34: a waiter leaves when its context ends, and says that nothing was sent. Its Attempt timeout stands still meanwhile.
func TestPoolWaiterLeaves(t *testing.T) { synctest.Test(t, testPoolWaiterLeaves) }

func testPoolWaiterLeaves(t *testing.T) {
	var seen atomic.Int32
	c := newClient(t, bubbleURL, crest.WithPool(crest.Pool{MaxConnsPerHost: 1}), crest.WithRetry(crest.Retry{Max: 3}))
	crest.ReplaceWire(c, inMemory(func(req *http.Request) (*http.Response, error) {
		seen.Add(1)
		return response(req, 200, "hello"), nil
	}))
	body, err := download.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)

	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	time.AfterFunc(10*time.Millisecond, func() { cancel(enough) })
	_, err = ping.Call(ctx, c, crest.Empty{})
	failed := fails(t, err, crest.ErrTransport, "", crest.SentNo)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, enough)
	require.ErrorContains(t, err, "no place became free")
	require.Empty(t, failed.Attempts, "the wire was not reached")

	_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(10*time.Millisecond))
	fails(t, err, crest.ErrTransport, crest.KindTimeoutTotal, crest.SentNo)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	time.AfterFunc(30*time.Second, func() { _ = body.Close() })
	_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithTimeouts(crest.Timeouts{Attempt: 10 * time.Second}))
	require.NoError(t, err)
	require.EqualValues(t, 2, seen.Load())
}

// In virtual time: the attempt's time stands still while it waits for a place, and the wait is told.
func TestPoolWaitIsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := pooledInMemory(t, crest.Pool{MaxConns: 1}, crest.WithTimeouts(crest.Timeouts{Attempt: time.Second}))
		defer stop()
		body, err := download.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		time.AfterFunc(5*time.Second, func() { _ = body.Close() })
		start := time.Now()
		_, err = getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// Nor does it go on when a middleware sends a second request.
func TestPoolWaitIsNoAttemptOfAMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		between := func() {}
		twice := crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				require.NoError(t, err)
				_ = resp.Body.Close()
				between()
				return next.RoundTrip(req)
			})
		})
		c, stop := pooledInMemory(t, crest.Pool{MaxConns: 1}, crest.WithTimeouts(crest.Timeouts{Attempt: time.Second}), twice)
		defer stop()
		between = func() {
			between = func() {}
			body, err := download.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			time.AfterFunc(5*time.Second, func() { _ = body.Close() })
		}
		start := time.Now()
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// A stream keeps its place, and a limiter's slot that was taken before the place is given back with it.
func TestPoolGivesSlotsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := pooledInMemory(t, crest.Pool{MaxConns: 1}, crest.WithRateLimit(2, time.Hour))
		defer stop()
		body, err := download.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = getThing.Call(ctx, c, crest.Empty{})
		fails(t, err, crest.ErrTransport, "", crest.SentNo)
		require.NoError(t, body.Close())
		start := time.Now()
		_, err = getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Zero(t, time.Since(start), "the second of two slots is free: who gave up sent nothing")
	})
}

// pooledInMemory is a client whose own transport is replaced below the pool by one without a network.
func pooledInMemory(t *testing.T, p crest.Pool, opts ...crest.ClientOption) (c *crest.Client[*failure], stop func()) {
	t.Helper()
	c = newClient(t, "https://api.example.com", append(opts, crest.WithPool(p))...)
	crest.ReplaceWire(c, fixed(200, thingJSON, "Content-Type", "application/json"))
	return c, func() { _ = c.Close() }
}

// Many goroutines, few places, some that give up: nothing is lost and the bound holds.
func TestPoolUnderLoad(t *testing.T) {
	s := serveBusy(t, replyJSON(200, thingJSON))
	c := newClient(t, s.url, crest.WithPool(crest.Pool{MaxConns: 4, MaxConnsPerHost: 3}))
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for n := range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if (i+n)%5 == 0 {
					time.AfterFunc(time.Duration(n)*50*time.Microsecond, cancel)
				}
				_, _ = getThing.Call(ctx, c, crest.Empty{})
				cancel()
			}
		})
	}
	all.Wait()
	eventually(t, func() bool { return crest.PlacesTaken(c) == 0 })
}
