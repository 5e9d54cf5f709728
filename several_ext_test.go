package crest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// A middleware can send several requests in one call. Sent is the most that is known of any of them.
func TestSentOfSeveralRequests(t *testing.T) {
	answers := []func() (*http.Response, error){
		func() (*http.Response, error) { return nil, io.EOF },
		func() (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
		},
	}
	for name, want := range map[int]crest.Sent{0: crest.SentMaybe, 1: crest.SentYes} {
		wire := inMemory(func(*http.Request) (*http.Response, error) { return answers[name]() })
		c := newClient(t, "https://api.example.com", crest.WithTransport(wire), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				if resp, err := next.RoundTrip(req); err == nil {
					_ = resp.Body.Close()
				}
				return nil, syscall.ECONNREFUSED // its own second try, elsewhere
			})
		}))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		failed, ok := errors.AsType[*crest.CallError](err)
		require.True(t, ok)
		require.Equal(t, want, failed.Sent, "%v", err)
	}
}

// The cause of a context may be the error of another call, as with errgroup. It stays findable, and is not taken for this call's.
func TestCauseOfAnotherCall(t *testing.T) {
	sibling := newClient(t, serve(t, replyJSON(404, `{"message":"no"}`)))
	_, missing := getThing.Call(t.Context(), sibling, crest.Empty{})
	require.ErrorIs(t, missing, crest.Status(404))
	slow := newClient(t, "https://x.example", crest.WithTransport(waits{func() {}}), crest.WithTimeout(time.Millisecond))
	_, late := getThing.Call(t.Context(), slow, crest.Empty{})
	require.ErrorIs(t, late, crest.KindTimeoutTotal)
	for name, cause := range map[string]error{"status": missing, "timeout": late} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			c := newClient(t, "https://x.example", crest.WithTransport(waits{func() { cancel(cause) }}))
			_, err := getThing.Call(ctx, c, crest.Empty{})
			fails(t, err, crest.ErrTransport, "", crest.SentMaybe)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, cause)
			require.NotErrorIs(t, err, crest.Status(404))
			require.NotErrorIs(t, err, crest.KindTimeout)
		})
	}
}

// R1: a Secret in a body stays at its origin, also behind an interface.
func TestR1SecretsOfBodiesStayHome(t *testing.T) {
	secret := crest.NewSecret("mk-secret")
	type field struct {
		A any `json:"a"`
	}
	type located struct {
		ID string `header:"X-Id"`
		A  any    `json:"a"`
	}
	type body struct{ Body any }
	type form struct {
		A any `form:"a"`
	}
	away := crest.WithURL("https://elsewhere.example/x")
	for name, call := range map[string]func(c crest.Caller, opts ...crest.CallOption) error{
		"field":   postOf(t, field{map[string]any{"deep": []any{&secret}}}),
		"located": postOf(t, located{"1", secret}),
		"body":    postOf(t, body{field{secret}}),
		"map":     postOf(t, map[string]any{"k": secret}),
		"form":    postOf(t, form{secret}),
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
			fails(t, call(c, away), crest.ErrRequest, "", crest.SentNo)
			rec.none(t)
			require.NoError(t, call(c), "at home it goes out in clear")
		})
	}
}

func postOf[Req any](t *testing.T, req Req) func(c crest.Caller, opts ...crest.CallOption) error {
	e := crest.Post[Req, crest.Empty]("/x")
	return func(c crest.Caller, opts ...crest.CallOption) error {
		_, err := e.Call(t.Context(), c, req, opts...)
		return err
	}
}

// A transport may still read one attempt's body when the next is sent from the same reader: only the newest gets bytes.
func TestPreparedTwiceFromOneReader(t *testing.T) {
	type upload struct{ Body io.Reader }
	var old io.ReadCloser
	var got []byte
	c := newClient(t, "https://x.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		if old == nil {
			old = req.Body // an early answer: the body is still being read
		} else {
			got, _ = io.ReadAll(req.Body)
		}
		return &http.Response{StatusCode: 204, Header: http.Header{}, Body: http.NoBody}, nil
	})))
	p, err := crest.Post[upload, crest.Empty]("/x").Prepare(t.Context(), c, upload{bytes.NewReader([]byte("payload"))})
	require.NoError(t, err)
	_, err = p.Send(t.Context())
	require.NoError(t, err)
	_, err = p.Send(t.Context())
	require.NoError(t, err)
	require.Equal(t, "payload", string(got))
	n, err := old.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled, "the attempt that it belonged to is over")
	require.Zero(t, n)
}

// Where the caller would read a success, a failed answer is read no further than it is kept.
func TestErrorBodyOfALiveEndpoint(t *testing.T) {
	var read int64
	c := newClient(t, "https://x.example", crest.WithBounds(crest.Bounds{Body: 1 << 30}), crest.WithTransport(inMemory(func(*http.Request) (*http.Response, error) {
		body := io.TeeReader(strings.NewReader(strings.Repeat("x", 8<<20)), counter{&read})
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: io.NopCloser(body), ContentLength: -1}, nil
	})))
	_, err := download.Call(t.Context(), c, crest.Empty{})
	answer, ok := errors.AsType[*crest.Error](err)
	require.True(t, ok)
	require.True(t, answer.Truncated)
	require.Len(t, answer.Body, 64<<10)
	require.Less(t, read, int64(512<<10))
}

type counter struct{ n *int64 }

func (c counter) Write(p []byte) (int, error) {
	*c.n += int64(len(p))
	return len(p), nil
}
