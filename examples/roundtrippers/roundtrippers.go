// Package roundtrippers is the code of the recipes "Spans with otelhttp", "A cache" and "Recorded answers" in docs/recipes.md: other
// libraries' RoundTrippers as [crest.Middleware]. It is a module of its own, so that nobody needs them who does not use them. It is for copying and
// changing.
package roundtrippers

import (
	"net/http"
	"sync"

	"github.com/gohugoio/httpcache"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/cassette"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/recorder"

	"github.com/crest-go/crest"
)

// recipe: otelhttp

// Spans makes a span of each attempt and each redirect, named after the endpoint: "GET /pets/{id}". As a middleware it sees no credentials,
// and its header traceparent is not taken for one.
func Spans(opts ...otelhttp.Option) crest.Middleware {
	opts = append([]otelhttp.Option{otelhttp.WithSpanNameFormatter(endpointName)}, opts...)
	return func(next http.RoundTripper) http.RoundTripper { return otelhttp.NewTransport(next, opts...) }
}

func endpointName(_ string, req *http.Request) string {
	if info, ok := crest.EndpointInfo(req); ok {
		return info.Endpoint
	}
	return req.Method
}

// end of recipe

// recipe: cache

// Cache answers GETs out of memory as long as the server says that it may, and asks with If-None-Match after that. What it answers takes no
// slot of a limiter. It cannot see who asks, so it belongs to one client with one credential. Put a bound on what it may hold before you
// use it.
func Cache() crest.Middleware {
	kept := &memory{answers: map[string][]byte{}}
	return func(next http.RoundTripper) http.RoundTripper {
		return &httpcache.Transport{Transport: next, Cache: kept, CacheKey: cacheKey}
	}
}

// cacheKey keeps all but whole GETs out: "" is not cached. httpcache's own key would take a POST.
func cacheKey(req *http.Request) string {
	if req.Method != http.MethodGet || req.Header.Get("Range") != "" {
		return ""
	}
	return req.URL.String()
}

// memory is an httpcache.Cache.
type memory struct {
	mu      sync.Mutex
	answers map[string][]byte
}

func (m *memory) Get(key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	answer, ok := m.answers[key]
	return answer, ok
}

func (m *memory) Set(key string, answer []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[key] = answer
}

func (m *memory) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.answers, key)
}

// end of recipe

// recipe: recorder

// Tape records what a client asks and gets, or plays it back without a server. As a middleware it sees no credentials of the client; what
// a server hands out is removed from what is written.
type Tape struct {
	File string        // without .yaml
	Mode recorder.Mode // recorder.ModeRecordOnly or recorder.ModeReplayOnly

	recorder *recorder.Recorder
	err      error
}

// Middleware is for one client.
func (t *Tape) Middleware(next http.RoundTripper) http.RoundTripper {
	t.recorder, t.err = recorder.New(t.File, recorder.WithMode(t.Mode), recorder.WithRealTransport(next), recorder.WithSkipRequestLatency(true),
		recorder.WithMatcher(sameRequest), recorder.WithHook(withoutCookies, recorder.BeforeSaveHook))
	if t.err != nil {
		return broken{t.err}
	}
	return t.recorder
}

// sameRequest compares method and URL. The headers differ with crest's version.
func sameRequest(req *http.Request, recorded cassette.Request) bool {
	return req.Method == recorded.Method && req.URL.String() == recorded.URL
}

func withoutCookies(i *cassette.Interaction) error {
	delete(i.Response.Headers, "Set-Cookie")
	return nil
}

// Stop writes the tape.
func (t *Tape) Stop() error {
	if t.recorder == nil {
		return t.err
	}
	return t.recorder.Stop()
}

// broken fails each request.
type broken struct{ err error }

func (b broken) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, b.err
}

// end of recipe
