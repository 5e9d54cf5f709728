package crest_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Each scheme on the wire, and hidden from the middleware.
func TestAuthSchemes(t *testing.T) {
	hidden := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			require.Empty(t, req.Header.Get("Authorization"))
			require.Empty(t, req.Header.Get("X-Api-Key"))
			require.Empty(t, req.URL.Query().Get("key"))
			return next.RoundTrip(req)
		})
	}
	secret := crest.NewSecret("s3cr3t")
	for name, tt := range map[string]struct {
		option crest.ClientOption
		want   func(req *http.Request) bool
	}{
		"basic": {crest.WithBasic("me", secret), func(req *http.Request) bool {
			user, password, ok := req.BasicAuth()
			return ok && user == "me" && password == "s3cr3t"
		}},
		"API key":   {crest.WithAPIKey("x-api-key", secret), func(req *http.Request) bool { return req.Header.Get("X-Api-Key") == "s3cr3t" }},
		"query key": {crest.WithQueryKey("key", secret), func(req *http.Request) bool { return req.URL.Query().Get("key") == "s3cr3t" }},
		"signer": {crest.WithAuth(crest.AuthFunc(func(req *http.Request) error {
			req.Header.Set("Authorization", "Sign "+req.Method+" "+req.URL.Path)
			return nil
		})), func(req *http.Request) bool { return req.Header.Get("Authorization") == "Sign GET /ping" }},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), tt.option, crest.WithMiddleware(hidden))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.True(t, tt.want(rec.last(t).Request))
		})
	}
}

// Digest over a real socket: challenged once, and not again by the same client.
func TestDigest(t *testing.T) {
	var requests atomic.Int32
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		requests.Add(1)
		if req.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth, auth-int", algorithm=SHA-256`)
			w.WriteHeader(401)
		}
	})
	c := newClient(t, base, crest.WithDigest("me", crest.NewSecret("x")))
	got, err := ping.Do(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.EqualValues(t, 2, requests.Load())
	require.Len(t, got.History, 1)
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.EqualValues(t, 3, requests.Load())
}

// A token that the server refuses is fetched once more, once for all.
func TestTokenSourceAfter401(t *testing.T) {
	var fetched atomic.Int32
	source := crest.NewTokenSource(func(context.Context) (crest.Grant, error) {
		return crest.Grant{Token: crest.NewSecret([]string{"old", "new"}[min(fetched.Add(1), 2)-1])}, nil
	})
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(401)
		}
	})
	c := newClient(t, base, crest.WithBearer(source))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.EqualValues(t, 2, fetched.Load())
}

// Requests of other libraries get the client's keys as well.
func TestAPIKeysOfForeignRequests(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithAPIKey("X-Api-Key", crest.NewSecret("h")), crest.WithQueryKey("key", crest.NewSecret("q")))
	for own, want := range map[string]string{"": "h", "mine": "mine"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/x", nil)
		require.NoError(t, err)
		if own != "" {
			req.Header.Set("X-Api-Key", own)
		}
		resp, err := crest.RoundTripper(c).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		sent := rec.last(t)
		require.Equal(t, []string{want}, sent.Header["X-Api-Key"])
		require.Equal(t, "q", sent.URL.Query().Get("key"))
	}
}

// A 401 to a request of another library is that library's; the next request has another token.
func TestTokenOfForeignRequests(t *testing.T) {
	fetched := 0
	source := crest.NewTokenSource(func(context.Context) (crest.Grant, error) {
		fetched++
		return crest.Grant{Token: crest.NewSecret(string(rune('a' + fetched)))}, nil
	})
	c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(401, "")), crest.WithBearer(source))
	for want := 1; want < 4; want++ {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/x", nil)
		require.NoError(t, err)
		resp, err := crest.RoundTripper(c).RoundTrip(req)
		require.NoError(t, err)
		require.Equal(t, 401, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, fetched)
	}
}
