package crest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Statuses replaces the list; an empty one that is not nil is none.
func TestRetryStatuses(t *testing.T) {
	for name, tt := range map[string]struct {
		statuses []int
		repeated []int
		final    []int
	}{
		"nil":         {nil, []int{408, 425, 429, 500, 502, 503, 504}, []int{404, 501}},
		"empty":       {[]int{}, nil, []int{408, 425, 429, 500, 502, 503, 504}},
		"its own":     {[]int{404, 503}, []int{404, 503}, []int{429, 500}},
		"without 429": {[]int{500}, []int{500}, []int{429}},
	} {
		t.Run(name, func(t *testing.T) {
			opt := crest.WithRetry(crest.Retry{Statuses: tt.statuses})
			for repeated, list := range map[bool][]int{true: tt.repeated, false: tt.final} {
				for _, code := range list {
					server := play(gives(code))
					_, err := ping.Call(t.Context(), retried(t, server, opt), crest.Empty{})
					require.ErrorIs(t, err, crest.Status(code))
					require.Equal(t, attempts(repeated), server.sent(), "%d", code)
					server = play(gives(code))
					_, err = others["POST"]().Call(t.Context(), retried(t, server, opt), crest.Empty{})
					require.ErrorIs(t, err, crest.Status(code))
					require.Equal(t, attempts(repeated && code == 429), server.sent(), "POST %d", code)
				}
			}
		})
	}
	t.Run("the caller's list is copied", func(t *testing.T) {
		list := []int{503}
		opt := crest.WithRetry(crest.Retry{Statuses: list})
		list[0] = 404
		server := play(gives(503))
		_, err := ping.Call(t.Context(), retried(t, server, opt), crest.Empty{})
		require.Error(t, err)
		require.Equal(t, 4, server.sent())
	})
}

// Each field is the nearest level's that says something.
func TestRetryLevels(t *testing.T) {
	var at []string
	level := func(name string, r crest.Retry) crest.Retry {
		r.Backoff = func(int, error) time.Duration { at = append(at, name+" Backoff"); return 0 }
		return r
	}
	before := func(name string) func(int, *http.Request, error) {
		return func(int, *http.Request, error) { at = append(at, name+" Before") }
	}
	server := play(gives(503), gives(404))
	c := newClient(t, "https://api.example.com", crest.WithTransport(server), crest.WithRetry(level("client", crest.Retry{Max: 2, Statuses: []int{503}, Before: before("client")})))
	e := func(opts ...crest.EndpointOption) *crest.Endpoint[crest.Empty, crest.Empty] {
		return crest.Get[crest.Empty, crest.Empty]("/x", opts...)
	}
	for name, tt := range map[string]struct {
		endpoint []crest.EndpointOption
		call     []crest.CallOption
		sent     int
		at       []string
	}{
		"client":             {nil, nil, 2, []string{"client Backoff", "client Before"}},
		"endpoint's Backoff": {[]crest.EndpointOption{crest.WithRetry(level("endpoint", crest.Retry{}))}, nil, 2, []string{"endpoint Backoff", "client Before"}},
		"call over endpoint": {
			[]crest.EndpointOption{crest.WithRetry(level("endpoint", crest.Retry{Max: -1, Before: before("endpoint")}))},
			[]crest.CallOption{crest.WithRetry(level("call", crest.Retry{Max: 1}))}, 2, []string{"call Backoff", "endpoint Before"},
		},
		"call's Statuses": {nil, []crest.CallOption{crest.WithRetry(crest.Retry{Statuses: []int{503, 404}})}, 3, []string{"client Backoff", "client Before", "client Backoff", "client Before"}},
		"call's If":       {nil, []crest.CallOption{crest.WithRetry(crest.Retry{If: func(err error) bool { return true }})}, 3, []string{"client Backoff", "client Before", "client Backoff", "client Before"}},
		"endpoint's none": {[]crest.EndpointOption{crest.WithRetry(crest.Retry{Max: -1})}, nil, 1, nil},
		"call's none":     {[]crest.EndpointOption{crest.WithRetry(crest.Retry{Max: 5})}, []crest.CallOption{once}, 1, nil},
		"given twice":     {nil, []crest.CallOption{crest.WithRetry(crest.Retry{Max: 9, Statuses: []int{404, 503}}), crest.WithRetry(crest.Retry{Max: 1})}, 2, []string{"client Backoff", "client Before"}},
	} {
		t.Run(name, func(t *testing.T) {
			at, server.all = nil, nil
			_, err := e(tt.endpoint...).Call(t.Context(), c, crest.Empty{}, tt.call...)
			require.Error(t, err)
			require.Len(t, server.all, tt.sent)
			require.Equal(t, tt.at, at)
		})
	}
}

// Without any option there are three retries; Max counts them.
func TestRetryMax(t *testing.T) {
	for limit, sent := range map[int]int{0: 4, 1: 2, 2: 3, 7: 8, -1: 1, -100: 1} {
		server := play(gives(503))
		c, err := crest.New[*failure]("https://api.example.com", crest.WithTransport(server), crest.WithRetry(crest.Retry{Max: limit, Backoff: constant(0)}))
		require.NoError(t, err)
		_, err = ping.Call(t.Context(), c, crest.Empty{})
		require.Error(t, err)
		require.Equal(t, sent, server.sent(), "Max %d", limit)
	}
}

// WithIdempotent and WithoutIdempotent: the nearest level's; a key beats both.
func TestRetryIdempotentLevels(t *testing.T) {
	for name, tt := range map[string]struct {
		method   string
		endpoint []crest.EndpointOption
		call     []crest.CallOption
		sent     int
	}{
		"call says yes":       {"POST", nil, []crest.CallOption{crest.WithIdempotent()}, 4},
		"call says no":        {"POST", []crest.EndpointOption{crest.WithIdempotent()}, []crest.CallOption{crest.WithoutIdempotent()}, 1},
		"a GET that is none":  {"GET", []crest.EndpointOption{crest.WithoutIdempotent()}, nil, 1},
		"call over endpoint":  {"GET", []crest.EndpointOption{crest.WithoutIdempotent()}, []crest.CallOption{crest.WithIdempotent()}, 4},
		"a key beats the no":  {"POST", []crest.EndpointOption{crest.WithoutIdempotent()}, []crest.CallOption{crest.WithHeader("Idempotency-Key", "k")}, 4},
		"an empty key is not": {"POST", nil, []crest.CallOption{crest.WithHeader("Idempotency-Key", "")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(gives(503))
			_, err := of(tt.method)(tt.endpoint...).Call(t.Context(), retried(t, server), crest.Empty{}, tt.call...)
			require.Error(t, err)
			require.Equal(t, tt.sent, server.sent())
		})
	}
}

func TestRetryMistakes(t *testing.T) {
	const budget = "the field Budget is of all calls together: give it to crest.New"
	for name, tt := range map[string]struct {
		rules                  crest.Retry
		text                   string
		client, endpoint, call bool
	}{
		"negative MaxRetryAfter": {crest.Retry{MaxRetryAfter: -time.Second}, "WithRetry: the field MaxRetryAfter is -1s, and negative", true, true, true},
		"status 0":               {crest.Retry{Statuses: []int{503, 0}}, "WithRetry: 0 in Statuses is not a status", true, true, true},
		"status 1000":            {crest.Retry{Statuses: []int{1000}}, "WithRetry: 1000 in Statuses is not a status", true, true, true},
		"Budget below":           {crest.Retry{Budget: -2}, "WithRetry: the field Budget is -2: give a positive number, 0 for the default or NoBound", true, true, true},
		"Budget of one call":     {crest.Retry{Budget: 100}, "WithRetry: " + budget, false, true, true},
		"no Budget of one call":  {crest.Retry{Budget: crest.NoBound}, "WithRetry: " + budget, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://x.example", crest.WithRetry(tt.rules))
			mistake(t, tt.client, err, tt.text)
			mistake(t, tt.endpoint, declared(crest.WithRetry(tt.rules)), tt.text)
			server := play(gives(204))
			_, err = ping.Call(t.Context(), retried(t, server), crest.Empty{}, crest.WithRetry(tt.rules))
			mistake(t, tt.call, err, tt.text)
			require.Equal(t, tt.call, errors.Is(err, crest.ErrRequest))
			require.Zero(t, server.sent())
		})
	}
	_, err := crest.New[*failure]("https://x.example", crest.WithRetry(crest.Retry{MaxRetryAfter: -1, Statuses: []int{7, 8}}))
	for _, want := range []string{"7 in Statuses", "8 in Statuses", "MaxRetryAfter"} {
		require.ErrorContains(t, err, want, "all of them at once")
	}
}

func mistake(t *testing.T, is bool, err error, text string) {
	t.Helper()
	if !is {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, text)
}
