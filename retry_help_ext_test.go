package crest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// step is one answer of a script.
type step func(*http.Request) (*http.Response, error)

// script is a transport that plays its steps, the last one for ever, and remembers what it was sent, and when.
type script struct {
	steps []step

	mu   sync.Mutex
	all  []seen
	when []time.Time
}

func play(steps ...step) *script { return &script{steps: steps} }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body bytes.Buffer
	if req.Body != nil {
		_, _ = body.ReadFrom(req.Body)
		_ = req.Body.Close()
	}
	s.mu.Lock()
	s.all = append(s.all, seen{req, body.String()})
	s.when = append(s.when, time.Now())
	next := s.steps[min(len(s.all), len(s.steps))-1]
	s.mu.Unlock()
	return next(req)
}

// sent is how many requests arrived.
func (s *script) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// headers are the values of one header, request by request.
func (s *script) headers(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, one := range s.all {
		values = append(values, one.Header.Get(name))
	}
	return values
}

// gaps are the times between the requests.
func (s *script) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gaps []time.Duration
	for i := range s.when[1:] {
		gaps = append(gaps, s.when[i+1].Sub(s.when[i]))
	}
	return gaps
}

func gives(status int, headers ...string) step {
	return func(req *http.Request) (*http.Response, error) { return response(req, status, "", headers...), nil }
}

func givesBody(status int, body string, headers ...string) step {
	return func(req *http.Request) (*http.Response, error) { return response(req, status, body, headers...), nil }
}

func breaks(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// brokenOff is an answer whose body breaks off.
func brokenOff(req *http.Request) (*http.Response, error) {
	resp := response(req, 200, "", "Content-Type", "application/json")
	resp.Body = resetBody{io.MultiReader(bytes.NewReader([]byte(`{"id":`)), failingReader{io.ErrUnexpectedEOF})}
	resp.ContentLength = 100
	return resp, nil
}

// retried makes a client whose retries follow at once, three of them unless an option says otherwise.
func retried(t testing.TB, rt http.RoundTripper, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	fast := crest.WithRetry(crest.Retry{Max: 3, Backoff: constant(0), Budget: crest.NoBound})
	return newClient(t, "https://api.example.com", append([]crest.ClientOption{fast, crest.WithTransport(rt)}, opts...)...)
}

// repeatable are the ways in which a request may be executed twice, others the ways in which it may not (SECURITY.md, 5.3).
var (
	repeatable = map[string]func(opts ...crest.EndpointOption) *crest.Endpoint[crest.Empty, thing]{
		"GET": of("GET"), "HEAD": of("HEAD"), "OPTIONS": of("OPTIONS"), "TRACE": of("TRACE"), "PUT": of("PUT"), "DELETE": of("DELETE"), "QUERY": of("QUERY"),
		"POST declared idempotent": of("POST", crest.WithIdempotent()),
		"POST with a key":          of("POST", crest.WithIdempotencyKey(crest.IdempotencyKey{})),
		"PATCH with its own key":   of("PATCH", crest.WithHeader("X-Idempotency-Key", "k1")),
	}
	others = map[string]func(opts ...crest.EndpointOption) *crest.Endpoint[crest.Empty, thing]{
		"POST": of("POST"), "PATCH": of("PATCH"), "PUT declared otherwise": of("PUT", crest.WithoutIdempotent()),
	}
)

func of(method string, fixed ...crest.EndpointOption) func(opts ...crest.EndpointOption) *crest.Endpoint[crest.Empty, thing] {
	return func(opts ...crest.EndpointOption) *crest.Endpoint[crest.Empty, thing] {
		return crest.NewEndpoint[crest.Empty, thing](method, "/x", append(fixed, opts...)...)
	}
}

// eachWay runs check with every kind of request, and whether that may be repeated.
func eachWay(t *testing.T, check func(t *testing.T, name string, e *crest.Endpoint[crest.Empty, thing], safe bool)) {
	for name, make := range repeatable {
		t.Run(name, func(t *testing.T) { check(t, name, make(), true) })
	}
	for name, make := range others {
		t.Run(name, func(t *testing.T) { check(t, name, make(), false) })
	}
}

// attempts is 4 if a request is repeated and else 1.
func attempts(repeated bool) int {
	if repeated {
		return 4
	}
	return 1
}

// gone is what must be findable of a context that ended a call.
func gone(t *testing.T, err error, is ...error) {
	t.Helper()
	for _, want := range is {
		require.ErrorIs(t, err, want)
	}
}

var errLeft = errors.New("the user has left")
