package crest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// What a call made is in one piece of memory, and whoever keeps a part of it keeps all: request body, answer and models. What callers
// keep, responses and errors, must not be a part of it.
func TestNothingKeepsACallInMemory(t *testing.T) {
	elsewhere := crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			req.URL.Host = "elsewhere.example.com"
			return next.RoundTrip(req)
		})
	})
	tests := map[string]struct {
		answer http.HandlerFunc
		opts   []crest.ClientOption
	}{
		"answer":            {replyJSON(200, thingJSON), nil},
		"answer of a retry": {failingOnce(replyJSON(200, thingJSON)), []crest.ClientOption{crest.WithRetry(crest.Retry{Max: 1})}},
		"status":            {replyJSON(404, `{"code":"gone"}`), nil},
		"not decoded":       {replyJSON(200, `{"id":`), nil},
		"not valid":         {replyJSON(200, `{"id":1}`), nil},
		"truncated":         {replyJSON(200, `{`, "Content-Length", "99"), nil},
		"redirect refused":  {reply(302, "", "Location", "http://a b"), nil},
		"limited":           {nil, []crest.ClientOption{crest.WithLimiter(refusing{errors.New("not today")})}},
		"not authorized":    {nil, []crest.ClientOption{elsewhere, crest.WithBearer(crest.NewSecret("s3cret"))}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, test.answer), test.opts...)
			freed := make(chan struct{})
			otherTimers(t)
			kept := sendOwned(c, freed)
			otherTimers(t)
			require.Eventually(t, func() bool {
				runtime.GC()
				select {
				case <-freed:
					return true
				default:
					return false
				}
			}, 10*time.Second, time.Millisecond)
			runtime.KeepAlive(kept)
		})
	}
}

// otherTimers are those of a process that does more than one thing. Between them the runtime keeps some that were stopped.
func otherTimers(t *testing.T) {
	for i := range 200 {
		timer := time.AfterFunc(time.Minute+time.Duration(i)*time.Millisecond, func() {})
		t.Cleanup(func() { timer.Stop() })
	}
}

// sendOwned returns all that a caller can keep of a call. freed is closed when its request is no longer in memory.
func sendOwned(c crest.Caller, freed chan struct{}) []any {
	type upload struct{ Body func() (io.ReadCloser, error) }
	text := &[4096]byte{}
	runtime.AddCleanup(text, func(freed chan struct{}) { close(freed) }, freed)
	put := crest.Put[upload, thing]("/thing")
	resp, err := put.Do(context.Background(), c, upload{func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(text[:]))), nil
	}})
	return []any{resp, err}
}

// failingOnce fails the first request.
func failingOnce(next http.HandlerFunc) http.HandlerFunc {
	failed := make(chan struct{}, 1)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case failed <- struct{}{}:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			next(w, r)
		}
	}
}

// Transports that write into the request that they get break the rule of http.RoundTripper, and there are many. Where they lead it does
// not become the call's URL, and no request is written to that another may still be reading.
func TestCarelessTransport(t *testing.T) {
	var headers []uintptr
	posted := crest.Post[thing, thing]("/thing", crest.WithIdempotent())
	c := newClient(t, "https://api.example.com", crest.WithRetry(crest.Retry{Max: 1}), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		_ = req.Body.Close()
		req.URL.Scheme, req.URL.Host = "http", "127.0.0.1:8080"
		headers = append(headers, reflect.ValueOf(req.Header).Pointer())
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(thingJSON))}
		switch len(headers) {
		case 1:
			resp.StatusCode = http.StatusServiceUnavailable
		case 2: // with its body it may go nowhere else
			resp.StatusCode, resp.Header = http.StatusTemporaryRedirect, http.Header{"Location": {"https://api.example.com/new"}}
		}
		return resp, nil
	})))
	resp, err := posted.Do(t.Context(), c, thing{Name: "Rex"})
	require.NoError(t, err)
	require.Equal(t, "https://api.example.com/new", resp.URL.String())
	require.Equal(t, "https://api.example.com/thing", resp.History[0].URL)
	require.Len(t, headers, 3)
	require.NotEqual(t, headers[0], headers[1])
	require.NotEqual(t, headers[1], headers[2])
}

// A context says the same each time that it is asked for its deadline, also when that has passed or the call is over.
func TestDeadlineOfARequestStays(t *testing.T) {
	for name, takes := range map[string]time.Duration{"in time": time.Second, "too late": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked context.Context
				begun := time.Now()
				c := newClient(t, "https://api.example.com", crest.WithTimeout(time.Minute), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
					asked = req.Context()
					select {
					case <-asked.Done():
						return nil, asked.Err()
					case <-time.After(takes):
						return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(thingJSON))}, nil
					}
				})))
				_, err := getThing.Call(t.Context(), c, crest.Empty{})
				require.Equal(t, takes > time.Minute, errors.Is(err, crest.KindTimeoutTotal), err)
				deadline, ok := asked.Deadline()
				require.True(t, ok)
				require.Equal(t, begun.Add(time.Minute), deadline)
			})
		})
	}
}
