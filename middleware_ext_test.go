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

// tracer notes its name on the way out, and how often it was composed.
type tracer struct {
	mu       sync.Mutex
	steps    []string
	composed map[string]int
}

func (tr *tracer) mark(name string) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if tr.composed == nil {
			tr.composed = map[string]int{}
		}
		tr.composed[name]++
		return inMemory(func(req *http.Request) (*http.Response, error) {
			tr.step(name)
			resp, err := next.RoundTrip(req)
			tr.step("/" + name)
			return resp, err
		})
	}
}

func (tr *tracer) step(name string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.steps = append(tr.steps, name)
}

// Wait makes a tracer a Limiter.
func (tr *tracer) Wait(context.Context) error {
	tr.step("limit")
	return nil
}

// Token makes a tracer a TokenSource.
func (tr *tracer) Token(context.Context) (crest.Secret, error) {
	tr.step("obtain")
	return crest.NewSecret("t"), nil
}

func (tr *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	tr.step("send")
	return response(req, 204, ""), nil
}

// The way of a call: credentials are obtained, the middleware runs from the client's to the call's, the limiter comes below it.
func TestMiddlewareOrderAndComposition(t *testing.T) {
	tr := &tracer{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(tr), crest.WithBearer(tr), crest.WithLimiter(tr),
		crest.WithMiddleware(tr.mark("client1"), nil, tr.mark("client2")), crest.WithMiddleware(tr.mark("client3")))
	e := crest.Get[crest.Empty, crest.Empty]("/x", crest.WithMiddleware(tr.mark("endpoint1"), tr.mark("endpoint2")))
	own := crest.WithMiddleware(tr.mark("call"))
	const n = 3
	for range n {
		tr.steps = nil
		_, err := e.Call(t.Context(), c, crest.Empty{}, own)
		require.NoError(t, err)
		require.Equal(t, "obtain client1 client2 client3 endpoint1 endpoint2 call limit send /call /endpoint2 /endpoint1 /client3 /client2 /client1", strings.Join(tr.steps, " "))
	}
	require.Equal(t, map[string]int{"client1": 1, "client2": 1, "client3": 1, "endpoint1": 1, "endpoint2": 1, "call": n}, tr.composed)
}

// One endpoint serves clients with and without middleware of their own.
func TestMiddlewareBelongsToItsLevel(t *testing.T) {
	tr := &tracer{}
	with := newClient(t, "https://a.example.com", crest.WithTransport(&recorder{}), crest.WithMiddleware(tr.mark("with")))
	without := newClient(t, "https://b.example.com", crest.WithTransport(&recorder{}))
	e := crest.Get[crest.Empty, crest.Empty]("/x", crest.WithMiddleware(tr.mark("endpoint")))
	_, err := e.Call(t.Context(), with, crest.Empty{})
	require.NoError(t, err)
	_, err = e.Call(t.Context(), without, crest.Empty{})
	require.NoError(t, err)
	_, err = ping.Call(t.Context(), with, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "with endpoint /endpoint /with endpoint /endpoint with /with", strings.Join(tr.steps, " "))
}

// closing is a body that knows whether it was closed.
type closing struct {
	io.Reader
	closed atomic.Int32
}

func (c *closing) Close() error {
	c.closed.Add(1)
	return nil
}

func TestMiddlewareFailures(t *testing.T) {
	own := errors.New("the cache is broken")
	type upload struct{ Body io.Reader }
	for name, tt := range map[string]struct {
		middleware crest.Middleware
		step       crest.Step
		kind       crest.Kind
		want       string
	}{
		"its own error": {func(http.RoundTripper) http.RoundTripper {
			return inMemory(func(*http.Request) (*http.Response, error) { return nil, own })
		}, crest.ErrTransport, "", "the cache is broken"},
		"nil RoundTripper": {func(http.RoundTripper) http.RoundTripper { return nil }, crest.ErrRequest, "", "a middleware returned no http.RoundTripper"},
		"nil response": {func(http.RoundTripper) http.RoundTripper {
			return inMemory(func(*http.Request) (*http.Response, error) { return nil, nil })
		}, crest.ErrTransport, crest.KindProtocol, "neither a response nor an error"},
		"lost context": {func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				return next.RoundTrip(req.WithContext(context.Background()))
			})
		}, crest.ErrRequest, "", "derive it from req.Context()"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(tt.middleware))
			_, err := crest.Post[upload, crest.Empty]("/x").Call(t.Context(), c, upload{strings.NewReader("x")})
			fails(t, err, tt.step, tt.kind, crest.SentNo)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, name == "its own error", errors.Is(err, own))
			rec.none(t)
		})
	}
}

// A fake that leaves out the body gives an empty one, as with http.Client.
func TestMiddlewareNilBody(t *testing.T) {
	rt := inMemory(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil })
	c := newClient(t, "https://api.example.com", crest.WithTransport(rt))
	text, err := crest.Get[crest.Empty, string]("/x").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Empty(t, text)
}

// A response beside an error is closed, as http.Client would.
func TestMiddlewareResponseBesideAnError(t *testing.T) {
	body := &closing{Reader: strings.NewReader("x")}
	both := crest.WithTransport(inMemory(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body}, io.EOF
	}))
	_, err := ping.Call(t.Context(), newClient(t, "https://x.example", both), crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
	require.EqualValues(t, 1, body.closed.Load())
}

// A middleware, a token source or a limiter may call another client. What that call failed with is not what this one failed with.
func TestErrorsOfNestedCalls(t *testing.T) {
	inner := newClient(t, "https://inner.example", crest.WithTransport(fixed(404, `{"message":"inner"}`, "Content-Type", "application/json")))
	call := func(ctx context.Context) error {
		_, err := getThing.Call(ctx, inner, crest.Empty{})
		return err
	}
	for name, tt := range map[string]struct {
		opt  crest.ClientOption
		step crest.Step
	}{
		"middleware": {crest.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) { return nil, call(req.Context()) })
		}), crest.ErrTransport},
		"token":   {crest.WithBearer(tokenFunc(func(ctx context.Context) (crest.Secret, error) { return crest.Secret{}, call(ctx) })), crest.ErrCredentials},
		"limiter": {crest.WithLimiter(limiterFunc(call)), crest.ErrLimited},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), newClient(t, "https://outer.example", crest.WithTransport(&recorder{}), tt.opt), crest.Empty{})
			failed := fails(t, err, tt.step, "", crest.SentNo)
			require.Equal(t, "GET /ping", failed.Endpoint)
			require.NotErrorIs(t, err, crest.Status(404))
			_, ok := errors.AsType[*failure](err)
			require.False(t, ok, "the model is that of another API's failure")
			require.ErrorContains(t, err, "404 Not Found: inner")
		})
	}
}

type tokenFunc func(context.Context) (crest.Secret, error)

func (f tokenFunc) Token(ctx context.Context) (crest.Secret, error) { return f(ctx) }

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// refusing is a limiter that lets nothing through.
type refusing struct{ err error }

func (r refusing) Wait(context.Context) error { return r.err }

func TestLimiterRefusal(t *testing.T) {
	cause := errors.New("quota is used up")
	type upload struct{ Body io.Reader }
	post := crest.Post[upload, crest.Empty]("/x")
	for name, opts := range map[string]struct {
		client   []crest.ClientOption
		endpoint *crest.Endpoint[upload, crest.Empty]
	}{
		"client":   {[]crest.ClientOption{crest.WithLimiter(refusing{cause})}, post},
		"endpoint": {nil, crest.Post[upload, crest.Empty]("/x", crest.WithLimiter(refusing{cause}))},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", append(opts.client, crest.WithTransport(rec))...)
			body := &closing{Reader: strings.NewReader("x")}
			_, err := opts.endpoint.Call(t.Context(), c, upload{body})
			failed := fails(t, err, crest.ErrLimited, "", crest.SentNo)
			require.ErrorIs(t, err, cause)
			require.Empty(t, failed.Attempts, "nothing was tried")
			require.EqualValues(t, 1, body.closed.Load(), "the body is closed on every way out")
			rec.none(t)
		})
	}
	_, err := crest.New[*failure]("https://api.example.com", crest.WithLimiter(nil))
	require.ErrorContains(t, err, "the limiter is nil")
}

// counting is a limiter that counts.
type counting struct{ n atomic.Int32 }

func (c *counting) Wait(context.Context) error {
	c.n.Add(1)
	return nil
}

// Promise 3, as far as it goes today: a middleware that sends twice takes two slots, of each limiter.
func TestPromise3SlotsAreTakenBelowTheMiddleware(t *testing.T) {
	client, endpoint := &counting{}, &counting{}
	twice := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			first, err := next.RoundTrip(req.Clone(req.Context()))
			if err == nil {
				_ = first.Body.Close()
			}
			return next.RoundTrip(req)
		})
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(&recorder{}), crest.WithLimiter(client), crest.WithMiddleware(twice))
	_, err := crest.Get[crest.Empty, crest.Empty]("/x", crest.WithLimiter(endpoint)).Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.EqualValues(t, 2, client.n.Load())
	require.EqualValues(t, 2, endpoint.n.Load())
}

func TestEndpointInfo(t *testing.T) {
	var got []crest.Info
	look := func(req *http.Request) {
		info, ok := crest.EndpointInfo(req)
		require.True(t, ok)
		got = append(got, info)
	}
	c := newClient(t, "https://api.example.com/v1", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		look(req)
		return response(req, 204, ""), nil
	})), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			look(req)
			return next.RoundTrip(req)
		})
	}))
	type request struct {
		ID int `path:"id"`
	}
	_, err := crest.Delete[request, crest.Empty]("/things/{id}").Call(t.Context(), c, request{5})
	require.NoError(t, err)
	want := crest.Info{Endpoint: "DELETE /things/{id}", Route: "/things/{id}", Attempt: 1, Hop: 1}
	require.Equal(t, []crest.Info{want, want}, got)

	_, ok := crest.EndpointInfo(&http.Request{})
	require.False(t, ok)
}

// Requests are counted through attempts, redirects since the last attempt began, and waiting until now.
func TestEndpointInfoOfEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, heard []crest.Info
		look := func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				before, _ := crest.EndpointInfo(req)
				defer func() {
					after, _ := crest.EndpointInfo(req)
					heard = append(heard, after)
				}()
				asked = append(asked, before)
				return next.RoundTrip(req)
			})
		}
		rec := each(moved(302, "/2"), ended(503), moved(302, "/2"), moved(302, "/3"), ended(200))
		c := newClient(t, "https://a.example", crest.WithTransport(rec), crest.WithMiddleware(look), crest.WithRateLimit(1, time.Second),
			crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait}))
		_, err := crest.Get[crest.Empty, thing]("/thing").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Len(t, asked, 5)
		for i, want := range []struct{ attempt, redirects int }{{1, 0}, {1, 1}, {2, 0}, {2, 1}, {2, 2}} {
			info := crest.Info{Endpoint: "GET /thing", Route: "/thing", Attempt: want.attempt, Hop: want.redirects + 1, Resent: i, Redirects: want.redirects}
			require.Equal(t, info, asked[i])
			if i > 0 {
				require.InDelta(t, time.Second, heard[i].Wait, float64(10*time.Millisecond), "request %d", i)
			}
		}
	})
}

func TestTransportWithoutAnswerAndError(t *testing.T) {
	nothing := inMemory(func(*http.Request) (*http.Response, error) { return nil, nil })
	c := newClient(t, "https://a.example", crest.WithTransport(nothing), crest.WithRetry(crest.Retry{Max: -1}))
	_, err := crest.Get[crest.Empty, thing]("/thing").Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
}

func TestRoundTripper(t *testing.T) {
	rec := &recorder{}
	tr, limiter := &tracer{}, &counting{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(tr.mark("client")),
		crest.WithLimiter(limiter), crest.WithBearer(crest.NewSecret("s3cr3t")))
	rt := crest.RoundTripper(&sdk{c})
	do := func(url string, body io.ReadCloser) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		if err == nil {
			require.NoError(t, resp.Body.Close())
		}
		require.Empty(t, req.Header.Get("Authorization"), "the caller's request was changed")
		return err
	}
	require.NoError(t, do("https://api.example.com/x", http.NoBody))
	require.Equal(t, "Bearer s3cr3t", rec.last(t).Header.Get("Authorization"))
	require.Equal(t, []string{"client", "/client"}, tr.steps)
	require.EqualValues(t, 1, limiter.n.Load())

	body := &closing{Reader: strings.NewReader("x")}
	err := do("https://evil.example/x?key=s3cr3t", body)
	failed := fails(t, err, crest.ErrCredentials, "", crest.SentNo)
	require.Equal(t, "POST https://evil.example/x?key=[redacted]", failed.Endpoint)
	require.NotZero(t, body.closed.Load())
	rec.none(t)

	err = (func() error {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x.example", nil)
		_, err := crest.RoundTripper(nil).RoundTrip(req)
		return err
	})()
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
}
