package crest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// signing is an Auth that signs what it sees: method, URL, headers, the body's hash.
type signing struct {
	seen []string
	err  error
}

func (s *signing) Authorize(req *http.Request) error {
	if s.err != nil {
		return s.err
	}
	sum := "no body"
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		raw := sha256.Sum256(text)
		sum = hex.EncodeToString(raw[:4])
	}
	req.Header.Set("X-Signature", fmt.Sprint(len(s.seen)+1))
	s.seen = append(s.seen, req.Method+" "+req.URL.String()+" "+req.Header.Get("X-Api-Key")+" "+req.Header.Get("Content-Type")+" "+sum)
	return nil
}

// What a signer sees: everything but what the transport adds.
func TestAuthSeesTheFinalRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		call func(c crest.Caller) error
		want string
	}{
		"no body": {func(c crest.Caller) error {
			_, err := getThing.Call(context.Background(), c, crest.Empty{})
			return err
		}, "GET /thing?q=1&key=qu3ry k3y  no body"},
		"bytes":    {putBody([]byte("hello")), "PUT /things/x?q=1&key=qu3ry k3y application/octet-stream 2cf24dba"},
		"text":     {putBody("hello"), "PUT /things/x?q=1&key=qu3ry k3y text/plain; charset=utf-8 2cf24dba"},
		"function": {putBody(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }), "PUT /things/x?q=1&key=qu3ry k3y application/octet-stream 2cf24dba"},
		"model":    {putBody(thing{7, "Rex"}), "PUT /things/x?q=1&key=qu3ry k3y application/json 86263dc6"},
		"seeker":   {putBody(io.Reader(strings.NewReader("hello"))), "PUT /things/x?q=1&key=qu3ry k3y application/octet-stream no body"},
		"reader":   {putBody(io.Reader(onlyReader{strings.NewReader("hello")})), "PUT /things/x?q=1&key=qu3ry k3y application/octet-stream no body"},
	} {
		t.Run(name, func(t *testing.T) {
			auth := &signing{}
			changed := func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					require.Empty(t, req.Header.Get("X-Signature"))
					own := req.Clone(req.Context())
					own.URL.RawQuery = "q=1"
					resp, err := next.RoundTrip(own)
					require.Empty(t, own.Header.Get("X-Signature"), "R5: what it sets is on a copy")
					return resp, err
				})
			}
			rec := &recorder{answer: func(req *http.Request) *http.Response {
				return response(req, 200, thingJSON, "Content-Type", "application/json")
			}}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(changed), crest.WithAuth(auth),
				crest.WithAPIKey("X-Api-Key", crest.NewSecret("k3y")), crest.WithQueryKey("key", crest.NewSecret("qu3ry")))
			require.NoError(t, tt.call(c))
			require.Equal(t, []string{strings.Replace(tt.want, " /", " https://api.example.com/", 1)}, auth.seen)
			got := rec.last(t)
			require.Equal(t, "1", got.Header.Get("X-Signature"))
			if name != "no body" && name != "model" {
				require.Equal(t, "hello", got.body)
			}
		})
	}
}

// Each request is signed anew: attempts, and hops within the origin. Another origin gets no signature, and nothing that comes after it.
func TestR5AuthOnEachHop(t *testing.T) {
	auth := &signing{}
	rec := &recorder{}
	rec.answer = func(req *http.Request) *http.Response {
		switch req.URL.String() {
		case "https://api.example.com/ping":
			return response(req, 302, "", "Location", "/second")
		case "https://api.example.com/second":
			return response(req, 302, "", "Location", "https://other.example/third")
		case "https://other.example/third":
			return response(req, 302, "", "Location", "https://api.example.com/fourth")
		}
		return response(req, []int{503, 204}[min(1, len(auth.seen)/4)], "")
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithAuth(auth), crest.WithRetry(crest.Retry{Max: 1}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	var got []string
	for _, req := range rec.all {
		got = append(got, req.URL.Path+req.Header.Get("X-Signature"))
	}
	require.Equal(t, []string{"/ping1", "/second2", "/third", "/fourth", "/ping3", "/second4", "/third", "/fourth"}, got)
}

// R5: whom the authorize step asks. WithURL to another origin asks only what the call itself brought.
func TestR5AuthAbroad(t *testing.T) {
	levelsOf := map[string]bool{"client": false, "endpoint": false, "call": true}
	for level, want := range levelsOf {
		t.Run(level, func(t *testing.T) {
			auth, rec := &signing{}, &recorder{}
			options := map[string]crest.Option{level: crest.WithAuth(auth)}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), options["client"])
			_, err := crest.Get[crest.Empty, crest.Empty]("/x", options["endpoint"]).Call(t.Context(), c, crest.Empty{}, options["call"], crest.WithURL("https://other.example/x"))
			require.NoError(t, err)
			require.Equal(t, want, len(auth.seen) == 1)
			require.Equal(t, want, rec.last(t).Header.Get("X-Signature") != "")
		})
	}
}

// An error of the signer: nothing was sent, and the slot is given back.
func TestAuthError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the key store is locked")
		auth, rec := &signing{err: cause}, &recorder{}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithAuth(auth), crest.WithRateLimit(1, time.Hour), crest.WithRetry(crest.Retry{Max: 3}))
		start := time.Now()
		for range 3 {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrCredentials, "", crest.SentNo)
			require.ErrorIs(t, err, cause)
			require.Empty(t, failed.Attempts)
		}
		rec.none(t)
		auth.err = nil
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Zero(t, time.Since(start), "no slot was lost")
	})
}

// R52 for signers, and mistakes of the option.
func TestAuthMistakes(t *testing.T) {
	_, err := crest.New[*failure]("http://api.example.com", crest.WithAuth(&signing{}))
	require.ErrorContains(t, err, "WithPlainCredentials")
	for _, nothing := range []crest.Auth{nil, (*signing)(nil), crest.AuthFunc(nil)} {
		_, err := crest.New[*failure]("https://api.example.com", crest.WithAuth(nothing))
		require.ErrorContains(t, err, "WithAuth: the Auth is nil")
	}
}
