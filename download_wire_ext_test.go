package crest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Each piece waits for slots of its own, one for each hop: the redirect leads it to where the body is now, without what is home's.
func TestDownloadPiecesAreCalls(t *testing.T) {
	s := newStore(100)
	s.cuts = []int{10, 10, 10}
	cdn := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.Header.Get("Authorization"))
		s.ServeHTTP(w, r)
	})
	var home, slots atomic.Int32
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		home.Add(1)
		if r.Header.Get("Authorization") != "Bearer s3cr3t" {
			w.WriteHeader(401)
			return
		}
		http.Redirect(w, r, cdn+"/file", http.StatusFound)
	})
	c := newClient(t, base, crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithPlainCredentials(), atOnce(3), crest.WithLimiter(&countingLimiter{n: &slots}))
	f := newFolder(t)
	got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	require.NoError(t, err)
	f.holds(s.content)
	require.Equal(t, 3, got.Resumed)
	require.EqualValues(t, 4, home.Load())
	require.EqualValues(t, 8, slots.Load())
	require.Equal(t, []string{"", "bytes=10-", "bytes=20-", "bytes=30-"}, s.ranges())
}

// countingLimiter lets everything go, and counts.
type countingLimiter struct{ n *atomic.Int32 }

func (l *countingLimiter) Wait(context.Context) error {
	l.n.Add(1)
	return nil
}

// What is resumed keeps to Retry: the wait before each, how often, and what is not tried again at all.
func TestDownloadKeepsToRetry(t *testing.T) {
	broken := func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "", "ETag", `"v1"`)
		resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 10)), failingReader{io.ErrUnexpectedEOF})), 100
		return resp, nil
	}
	nothing := func(req *http.Request) (*http.Response, error) {
		resp := response(req, 206, "", "Content-Range", "bytes 10-99/100")
		resp.Body, resp.ContentLength = io.NopCloser(failingReader{io.ErrUnexpectedEOF}), 90
		return resp, nil
	}
	synctest.Test(t, func(t *testing.T) {
		s := play(broken, nothing)
		c := newClient(t, "https://api.example.com", crest.WithTransport(s), crest.WithRetry(crest.Retry{Max: 3, Backoff: linearly}))
		_, err := crest.Download(t.Context(), c, download, crest.Empty{}, io.Discard)
		failed := fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
		require.Len(t, failed.Attempts, 4)
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, s.gaps())
	})
	for name, tt := range map[string]struct {
		endpoint *crest.Endpoint[crest.Empty, io.ReadCloser]
		rules    crest.Retry
		sent     int
	}{
		"POST":                     {crest.Post[crest.Empty, io.ReadCloser]("/x"), crest.Retry{Max: 3, Backoff: noWait}, 1},
		"POST declared idempotent": {crest.Post[crest.Empty, io.ReadCloser]("/x", crest.WithIdempotent()), crest.Retry{Max: 3, Backoff: noWait}, 4},
		"GET declared otherwise":   {crest.Get[crest.Empty, io.ReadCloser]("/x", crest.WithoutIdempotent()), crest.Retry{Max: 3, Backoff: noWait}, 1},
		"no retries":               {download, crest.Retry{Max: -1}, 1},
		"budget":                   {download, crest.Retry{Max: 3, Backoff: noWait, Budget: 20}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(broken, nothing)
			c, err := crest.New[*failure]("https://api.example.com", crest.WithTransport(s), crest.WithRetry(tt.rules))
			require.NoError(t, err)
			defer c.Close()
			_, err = crest.Download(t.Context(), c, tt.endpoint, crest.Empty{}, plainWriter{io.Discard})
			fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
			require.Equal(t, tt.sent, s.sent())
		})
	}
}

func linearly(n int, _ error) time.Duration { return time.Duration(n) * time.Second }

// Silence inside a body is Idle's, and is mended as a cut is.
func TestDownloadAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(func(req *http.Request) (*http.Response, error) {
			resp := response(req, 200, "", "ETag", `"v1"`)
			resp.Body, resp.ContentLength = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(bytes.NewReader([]byte("abcde")), hushed{req.Context()}), io.NopCloser(nil)}, 10
			return resp, nil
		}, givesBody(206, "fghij", "Content-Range", "bytes 5-9/10"))
		c := newClient(t, "https://api.example.com", crest.WithTransport(s), atOnce(1), crest.WithTimeouts(crest.Timeouts{Idle: time.Minute}))
		var out bytes.Buffer
		start := time.Now()
		_, err := crest.Download(t.Context(), c, download, crest.Empty{}, &out)
		require.NoError(t, err)
		require.Equal(t, "abcdefghij", out.String())
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// hushed gives nothing until its context ends.
type hushed struct{ ctx context.Context }

func (s hushed) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}

// S1.17: a writer that fails ends the download with its error, and the body is closed (the leak check sees it).
func TestDownloadWriterFails(t *testing.T) {
	mine := errors.New("my error")
	for name, w := range map[string]io.Writer{
		"error": writerFunc(func(p []byte) (int, error) { return len(p) / 2, mine }),
		"short": writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil }),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(1 << 20)
			_, err := crest.Download(t.Context(), resuming(t, s), download, crest.Empty{}, w)
			fails(t, err, crest.ErrResponse, crest.KindOutput, crest.SentYes)
			if name == "error" {
				require.ErrorIs(t, err, mine)
			} else {
				require.ErrorIs(t, err, io.ErrShortWrite)
			}
			require.Len(t, s.ranges(), 1)
		})
	}
	t.Run("enough", func(t *testing.T) { // of a body that cannot be continued: nobody wants it begun anew
		s, chunks := newStore(1<<20), 0
		s.etag = ""
		_, err := crest.Download(t.Context(), resuming(t, s), download, crest.Empty{}, writerFunc(func(p []byte) (int, error) {
			if chunks++; chunks == 3 {
				return 0, mine
			}
			return len(p), nil
		}))
		require.ErrorIs(t, err, mine)
		require.EqualError(t, err, "crest: GET /download: response: output: my error")
	})
	t.Run("panic", func(t *testing.T) {
		c := resuming(t, newStore(1<<20))
		require.PanicsWithValue(t, "mine", func() {
			_, _ = crest.Download(t.Context(), c, download, crest.Empty{}, writerFunc(func([]byte) (int, error) { panic("mine") }))
		})
	})
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
