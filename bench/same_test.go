package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded is a request as a server sees it.
type recorded struct {
	Method, Path, Host string
	Query              url.Values
	Tenant, RequestID  string
	ContentType        string
	Body               string
}

// recorder notes each request before it passes it on.
type recorder struct {
	next http.RoundTripper
	seen []recorded
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = b
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(b))
	}
	r.seen = append(r.seen, recorded{
		Method:      req.Method,
		Path:        req.URL.Path,
		Host:        req.URL.Host,
		Query:       req.URL.Query(),
		Tenant:      req.Header.Get("X-Tenant"),
		RequestID:   req.Header.Get("X-Request-Id"),
		ContentType: req.Header.Get("Content-Type"),
		Body:        string(body),
	})
	return r.next.RoundTrip(req)
}

// last returns the only request since the call before.
func (r *recorder) last(t *testing.T) recorded {
	t.Helper()
	require.Len(t, r.seen, 1, "requests sent by one call")
	seen := r.seen[0]
	r.seen = nil
	return seen
}

// everywhere runs a test over both links and for every contender.
func everywhere(t *testing.T, test func(t *testing.T, link *Link, calls Calls, sent *recorder)) {
	loopback, err := Loopback()
	require.NoError(t, err)
	t.Cleanup(loopback.Close)
	for _, link := range []*Link{Memory(), loopback} {
		for _, c := range Contenders() {
			t.Run(link.Name+"/"+c.Name, func(t *testing.T) {
				transport := link.New()
				t.Cleanup(func() { closeIdle(transport) })
				sent := &recorder{next: transport}
				calls, err := c.New(link.Base, sent)
				require.NoError(t, err)
				if calls.Close != nil {
					t.Cleanup(calls.Close)
				}
				test(t, link, calls, sent)
			})
		}
	}
}

func TestGetIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Get == nil {
			return // connect alone: it has no such request, and the table says so
		}
		got, err := calls.Get(t.Context(), getInput)
		require.NoError(t, err)
		require.Equal(t, wantOrder, got)
		requireBodiless(t, link, "/v1/orders/4711", url.Values{"expand": {"items,customer"}, "version": {"3"}}, sent.last(t))
	})
}

func TestListIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.List == nil {
			return // connect alone: it has no such request, and the table says so
		}
		got, err := calls.List(t.Context(), listInput)
		require.NoError(t, err)
		require.Equal(t, wantList, got)
		requireBodiless(t, link, "/v1/orders", url.Values{"limit": {"2000"}, "cursor": {"c2Vjb25k/Mg=="}}, sent.last(t))
	})
}

func TestErrIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Get == nil {
			return // connect alone: it has no such request, and the table says so
		}
		got, err := calls.Get(t.Context(), errInput)
		failure, ok := errors.AsType[*APIError](err)
		require.True(t, ok, "want an *APIError, got %v", err)
		require.Equal(t, wantError, *failure)
		require.Zero(t, got)
		requireBodiless(t, link, "/v1/orders/404", url.Values{"expand": {"items,customer"}, "version": {"3"}}, sent.last(t))
	})
}

func requireBodiless(t *testing.T, link *Link, path string, query url.Values, got recorded) {
	t.Helper()
	require.Equal(t, recorded{
		Method:    http.MethodGet,
		Path:      path,
		Host:      got.Host,
		Query:     query,
		Tenant:    "acme",
		RequestID: "req-8f14e45f",
	}, got)
	require.Equal(t, link.Base, "http://"+got.Host)
}

func TestPostIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Post == nil {
			return // connect alone: it has no such request, and the table says so
		}
		got, err := calls.Post(t.Context(), postInput)
		require.NoError(t, err)
		require.Equal(t, wantReceipt, got)
		req := sent.last(t)
		require.Equal(t, http.MethodPost, req.Method)
		require.Equal(t, "/v1/orders", req.Path)
		require.Equal(t, link.Base, "http://"+req.Host)
		require.Empty(t, req.Query)
		require.Equal(t, "application/json", req.ContentType)
		require.JSONEq(t, string(mustMarshal(postInput)), req.Body)
	})
}

// The headers of the canned answers are shared by all responses in memory.
func TestAnswersStayAsTheyWere(t *testing.T) {
	field, err := NewField(context.Background())
	require.NoError(t, err)
	field.Close()
	for _, a := range []*answer{orderAnswer, receiptAnswer, listAnswer, errorAnswer} {
		require.Equal(t, newAnswer(a.status, json.RawMessage(a.body)), a)
	}
}
