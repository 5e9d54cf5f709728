package crest_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// trackedBody is a body that counts how often it was opened and not yet closed.
type trackedBody struct {
	io.Reader
	open *atomic.Int32
	done atomic.Bool
}

func tracked(open *atomic.Int32, text string) *trackedBody {
	open.Add(1)
	return &trackedBody{Reader: strings.NewReader(text), open: open}
}

func (c *trackedBody) Close() error {
	if !c.done.Swap(true) {
		c.open.Add(-1)
	}
	return nil
}

// panickyPart is a jar or a limiter that does.
type panickyPart struct{ setting, reading bool }

func (p panickyPart) SetCookies(*url.URL, []*http.Cookie) {
	if p.setting {
		panic("SetCookies")
	}
}

func (p panickyPart) Cookies(*url.URL) []*http.Cookie {
	if p.reading {
		panic("Cookies")
	}
	return nil
}

func (p panickyPart) Wait(context.Context) error { panic("Wait") }

// openSlots is a limiter that knows how many slots were neither used nor given back.
type openSlots struct{ atomic.Int32 }

func (o *openSlots) Wait(context.Context) error { return nil }

func (o *openSlots) Slot(context.Context, *http.Request, int) (crest.Slot, error) {
	o.Add(1)
	return o, nil
}

func (o *openSlots) Sent()   { o.Add(-1) }
func (o *openSlots) Cancel() { o.Add(-1) }

// A function of the caller's that panics takes the call down and nothing else: bodies are closed, slots and places are free, and
// the next call goes through.
func TestPanicsLeaveNothingOpen(t *testing.T) {
	type upload struct {
		Body func() (io.ReadCloser, error)
	}
	post := crest.Post[upload, thing]("/thing")
	around := func(f func(next http.RoundTripper, req *http.Request)) crest.ClientOption {
		return crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				f(next, req)
				panic("middleware")
			})
		})
	}
	for name, option := range map[string]crest.ClientOption{
		"middleware, before": around(func(http.RoundTripper, *http.Request) {}),
		"middleware, after": around(func(next http.RoundTripper, req *http.Request) {
			if resp, err := next.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
		}),
		"signer":           crest.WithAuth(crest.AuthFunc(func(*http.Request) error { panic("signer") })),
		"token source":     crest.WithBearer(tokenFrom(func(context.Context) (crest.Secret, error) { panic("source") })),
		"jar, reading":     crest.WithCookieJar(panickyPart{reading: true}),
		"jar, setting":     crest.WithCookieJar(panickyPart{setting: true}),
		"limiter":          crest.WithLimiter(panickyPart{}),
		"Redirects.Target": crest.WithRedirects(crest.Redirects{Target: func(*http.Response) string { panic("Target") }}),
		"Redirects.Method": crest.WithRedirects(crest.Redirects{Method: func(int, string) string { panic("Method") }}),
		"Redirects.Keep":   crest.WithRedirects(crest.Redirects{Keep: func(_, _ *url.URL, _ string) bool { panic("Keep") }}),
		"Redirects.Check":  crest.WithRedirects(crest.Redirects{Check: func(*url.URL, []crest.Hop) error { panic("Check") }}),
		"Retry.If":         crest.WithRetry(crest.Retry{Max: 1, If: func(error) bool { panic("If") }}),
		"Retry.Before":     crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait, Statuses: []int{404}, Before: func(int, *http.Request, error) { panic("Before") }}),
	} {
		t.Run(name, func(t *testing.T) {
			var open atomic.Int32
			transport := inMemory(func(req *http.Request) (*http.Response, error) {
				if req.Body != nil {
					_, _ = io.Copy(io.Discard, req.Body)
					_ = req.Body.Close()
				}
				resp := response(req, 303, "", "Location", "https://b.example/thing", "Set-Cookie", "a=1")
				if strings.HasPrefix(name, "Retry") {
					resp.StatusCode = 404
				}
				resp.Body = tracked(&open, "moved")
				return resp, nil
			})
			slots := &openSlots{}
			c := newClient(t, "https://a.example", crest.WithPool(crest.Pool{MaxConns: 1}), crest.WithLimiter(slots), crest.WithHeader("X-Own", "x"),
				crest.WithIdempotencyKey(crest.IdempotencyKey{}), option)
			crest.ReplaceWire(c, transport)
			call := func() {
				_, _ = post.Call(t.Context(), c, upload{func() (io.ReadCloser, error) { return tracked(&open, "x"), nil }})
			}
			require.Panics(t, call)
			require.Zero(t, open.Load(), "bodies are open")
			require.Zero(t, slots.Load(), "slots are taken")
			require.Zero(t, crest.PlacesTaken(c))
			require.Panics(t, call, "nothing is blocked")
		})
	}
}
