package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Before is called for each retry and not for the first attempt, with the failure before it. What it changes passes the
// middleware, which signs it, and gets credentials that are asked for again.
func TestRetryBefore(t *testing.T) {
	type model struct {
		Body string
	}
	signs := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("Signature", req.URL.String()+" "+req.Header.Get("X-Try"))
			return next.RoundTrip(req)
		})
	}
	tokens := 0
	source := tokenFunc(func(context.Context) (crest.Secret, error) {
		tokens++
		return crest.NewSecret(fmt.Sprint("t", tokens)), nil
	})
	var told []string
	before := func(n int, req *http.Request, last error) {
		failed := callError(t, last)
		told = append(told, fmt.Sprint(n, " ", errors.Is(last, crest.Status(503)), " ", len(failed.Attempts), " ", failed.Endpoint))
		require.Empty(t, req.Header.Get("Authorization"), "credentials come later")
		require.Empty(t, req.Header.Get("X-Try"), "each attempt begins with the call's own headers")
		require.Empty(t, req.Header.Get("Signature"))
		req.Header.Set("X-Try", fmt.Sprint(n))
		req.URL.Path = fmt.Sprint("/mirror", n)
		q := req.URL.Query()
		q.Set("try", fmt.Sprint(n))
		req.URL.RawQuery = q.Encode()
		text := fmt.Sprint("body ", n)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	}
	server := play(gives(503))
	c := retried(t, server, crest.WithMiddleware(signs), crest.WithBearer(source), crest.WithRetry(crest.Retry{Before: before}))
	_, err := crest.Put[model, crest.Empty]("/x").Call(t.Context(), c, model{"body 0"})
	require.ErrorIs(t, err, crest.Status(503))
	require.Equal(t, []string{"1 true 1 PUT /x", "2 true 2 PUT /x", "3 true 3 PUT /x"}, told)
	require.Equal(t, []string{"", "1", "2", "3"}, server.headers("X-Try"))
	require.Equal(t, []string{"Bearer t1", "Bearer t2", "Bearer t3", "Bearer t4"}, server.headers("Authorization"))
	for i, one := range server.all {
		want := "https://api.example.com/x"
		if i > 0 {
			want = fmt.Sprintf("https://api.example.com/mirror%d?try=%d", i, i)
		}
		require.Equal(t, want, one.URL.String())
		require.Equal(t, fmt.Sprint("body ", i), one.body)
		require.Equal(t, want+" "+one.Header.Get("X-Try"), one.Header.Get("Signature"))
	}
}

// Whatever Before does, credentials stay at home: the call ends with the failure before it.
func TestRetryBeforeLeavesTheOrigin(t *testing.T) {
	server := play(gives(503))
	c := retried(t, server, crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithRetry(crest.Retry{
		Before: func(_ int, req *http.Request, _ error) { req.URL.Host = "evil.example" },
	}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(503))
	require.ErrorContains(t, err, "not tried again: Retry.Before led the request to another origin")
	require.Equal(t, 1, server.sent())
}

func TestRetryBeforeBreaksTheRequest(t *testing.T) {
	for name, before := range map[string]func(int, *http.Request, error){
		"URL":    func(_ int, req *http.Request, _ error) { req.URL = nil },
		"header": func(_ int, req *http.Request, _ error) { req.Header = nil },
	} {
		t.Run(name, func(t *testing.T) {
			server := play(gives(503))
			_, err := ping.Call(t.Context(), retried(t, server, crest.WithRetry(crest.Retry{Before: before})), crest.Empty{})
			require.ErrorIs(t, err, crest.Status(503))
			require.ErrorContains(t, err, "(not tried again: Retry.Before left the request without a URL or a header map)")
			require.Equal(t, 1, server.sent())
		})
	}
}

// If adds failures: those that are not followed by another attempt by themselves and could do better.
func TestRetryIfAdds(t *testing.T) {
	yes := crest.WithRetry(crest.Retry{If: func(error) bool { return true }})
	unknown := breaks(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", IsNotFound: true}})
	for name, tt := range map[string]struct {
		fails       step
		safe, plain bool
	}{
		"404":          {gives(404), true, false},
		"409":          {gives(409), true, false},
		"501":          {gives(501), true, false},
		"unknown name": {unknown, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, _ string, e *crest.Endpoint[crest.Empty, thing], safe bool) {
				server := play(tt.fails)
				_, err := e.Call(t.Context(), retried(t, server, yes), crest.Empty{})
				require.Error(t, err)
				require.Equal(t, attempts(safe && tt.safe || !safe && tt.plain), server.sent())
			})
		})
	}
}

// It is given the whole failure, and asked once about each.
func TestRetryIfIsAsked(t *testing.T) {
	var asked []string
	server := play(gives(404), gives(503), gives(418), gives(404))
	c := retried(t, server, crest.WithRetry(crest.Retry{If: func(err error) bool {
		failed := callError(t, err)
		asked = append(asked, fmt.Sprint(failed.Error(), " ", len(failed.Attempts), failed.Sent))
		return errors.Is(err, crest.Status(404))
	}}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(418))
	require.Equal(t, []string{
		"crest: GET /ping: 404 Not Found 1 yes",
		"crest: GET /ping: 418 I'm a teapot (3 attempts) 3 yes",
	}, asked, "a 503 needs no asking")
}

// A middleware that fails by itself is asked about: nothing was sent.
func TestRetryIfOfAMiddleware(t *testing.T) {
	n := 0
	fussy := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			if n++; n < 3 {
				return nil, errLeft
			}
			return next.RoundTrip(req)
		})
	}
	server := play(gives(204))
	c := retried(t, server, crest.WithMiddleware(fussy))
	_, err := others["POST"]().Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrTransport, "", crest.SentNo)
	require.Equal(t, 1, n, "not by itself")
	n = 0
	_, err = crest.Post[crest.Empty, crest.Empty]("/x").Call(t.Context(), c, crest.Empty{}, crest.WithRetry(crest.Retry{If: func(err error) bool { return errors.Is(err, errLeft) }}))
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

// Whatever Statuses and If say: what a retry cannot mend is not tried again, and they are not even asked.
func TestRetryNeverOverruled(t *testing.T) {
	for name, tt := range rows {
		if tt.safe || strings.HasPrefix(name, "status") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := play(tt.fails)
			opts := []crest.CallOption{crest.WithRetry(crest.Retry{
				Statuses: []int{200, 301, 302, 307, 308, 404},
				If:       func(error) bool { asked++; return true },
			})}
			if tt.also != nil {
				opts = append(opts, tt.also)
			}
			_, err := repeatable["PUT"]().Call(t.Context(), retried(t, server), crest.Empty{}, opts...)
			require.Error(t, err)
			require.Equal(t, 1, server.sent())
			require.Zero(t, asked)
		})
	}
}

// The hooks get the failure as the caller would.
func TestRetryHooksKnowTheRequestID(t *testing.T) {
	var ids []string
	c := retried(t, play(gives(503, "X-Request-Id", "r1")), crest.WithRetry(crest.Retry{Before: func(_ int, _ *http.Request, last error) {
		f, _ := errors.AsType[*crest.CallError](last)
		ids = append(ids, f.RequestID)
	}}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.Error(t, err)
	require.Equal(t, []string{"r1", "r1", "r1"}, ids)
}

// A hook may keep the failure, and read it while the call goes on: under -race nothing writes to it.
func TestRetryHooksMayKeepTheFailure(t *testing.T) {
	done := make(chan struct{})
	c := retried(t, play(gives(404)), crest.WithRetry(crest.Retry{If: func(err error) bool {
		go func() {
			defer close(done)
			_ = err.Error()
			_ = errors.Is(err, context.Canceled)
			_ = callError(t, err).RequestID
		}()
		return false
	}}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.Error(t, err)
	<-done
}

// The body that was opened for it is closed.
func TestRetryBeforeBreaksTheRequestAndItsBodyIsClosed(t *testing.T) {
	type req struct{ Body func() (io.ReadCloser, error) }
	var o opening
	c := retried(t, play(gives(503)), crest.WithRetry(crest.Retry{Before: func(_ int, req *http.Request, _ error) { req.URL = nil }}))
	_, err := crest.Put[req, crest.Empty]("/x").Call(t.Context(), c, req{o.open})
	require.ErrorContains(t, err, "not tried again: Retry.Before left the request without a URL")
	require.Equal(t, o.opened, o.closed)
}

// What Before makes of a request holds for the whole attempt: a redirect and the answer to a challenge go on from it. The next
// attempt begins with the call's own.
func TestRetryBeforeHoldsForTheAttempt(t *testing.T) {
	type model struct{ Body string }
	before := func(n int, req *http.Request, _ error) {
		req.Header.Set("X-Try", fmt.Sprint(n))
		req.URL.Path = fmt.Sprintf("/mirror%d/x", n)
		text := fmt.Sprint("body ", n)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	}
	asked := gives(401, "Www-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256`)
	server := play(gives(503), gives(307, "Location", "y?z=1"), asked, gives(503), gives(204))
	c := retried(t, server, crest.WithDigest("user", crest.NewSecret("s3cr3t")), crest.WithRetry(crest.Retry{Before: before}))
	_, err := crest.Put[model, crest.Empty]("/x").Call(t.Context(), c, model{"body 0"})
	require.NoError(t, err)
	var got []string
	for _, one := range server.all {
		got = append(got, strings.TrimSpace(one.URL.RequestURI()+" "+one.body+" "+one.Header.Get("X-Try")))
	}
	require.Equal(t, []string{"/x body 0", "/mirror1/x body 1 1", "/mirror1/y?z=1 body 1 1", "/mirror1/y?z=1 body 1 1", "/mirror2/x body 2 2"}, got)
	require.Contains(t, server.all[3].Header.Get("Authorization"), `uri="/mirror1/y?z=1"`)
}

// A body that Before replaces is sent once if there is no GetBody.
func TestRetryBeforeGivesABodyOnce(t *testing.T) {
	type model struct{ Body string }
	before := func(_ int, req *http.Request, _ error) {
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("body 1")), nil
	}
	server := play(gives(503), gives(307, "Location", "/y"))
	_, err := crest.Put[model, crest.Empty]("/x").Call(t.Context(), retried(t, server, crest.WithRetry(crest.Retry{Before: before})), model{"body 0"})
	require.ErrorIs(t, err, crest.KindRedirect)
	require.ErrorContains(t, err, "cannot be read again")
	require.Equal(t, 2, server.sent())
}
