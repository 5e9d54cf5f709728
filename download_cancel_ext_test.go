package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Cancelling ends a download within 50 ms, wherever it is, and leaves what can be continued.
func TestDownloadCancelled(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	stall := func(s *store, release chan struct{}) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(&stallingWriter{w, 40, release}, r) }
	}
	for name, tt := range map[string]struct {
		serve func(s *store, release chan struct{}) http.HandlerFunc
		how   crest.Option
		keeps bool
	}{
		"before the header": {func(*store, chan struct{}) http.HandlerFunc { return hang }, nil, false},
		"in the body":       {stall, nil, true},
		"in parts":          {stall, inParts(3, 100), true},
		"before the retry": {func(s *store, _ chan struct{}) http.HandlerFunc {
			s.cuts = []int{40}
			return s.ServeHTTP
		}, crest.WithRetry(crest.Retry{Max: 3, Backoff: constant(time.Hour)}), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, release := newStore(1000), make(chan struct{})
				to := serveInBubble(t, tt.serve(s, release))
				defer close(release)
				f := newFolder(t)
				ctx, cancel := context.WithCancelCause(t.Context())
				start := time.Now()
				time.AfterFunc(100*time.Millisecond, func() { cancel(errLeft) })
				_, err := crest.DownloadFile(ctx, newClient(t, bubbleURL, to), download, crest.Empty{}, f.path, tt.how)
				took := time.Since(start) - 100*time.Millisecond
				gone(t, err, context.Canceled, errLeft)
				require.Less(t, took, 50*time.Millisecond)
				if tt.keeps {
					f.keeps()
				} else {
					f.has()
				}
			})
		})
	}
}

// A checksum of what an earlier call has left takes long if that is large, here half an hour and more, and is given up at once.
func TestDownloadCancelledWhileAdding(t *testing.T) {
	const size = 1 << 40
	n := 0
	ctx, cancel := context.WithCancel(t.Context())
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if n++; n == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = io.WriteString(w, "0123456789")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		partial(fmt.Sprintf("bytes %d-%d/%d", size-10, size-1, size), "0123456789")(w, r)
	})
	var at atomic.Int64
	c := newClient(t, base, crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if req.Header.Get("Range") != "" {
				time.AfterFunc(30*time.Millisecond, func() {
					at.Store(time.Now().UnixNano())
					cancel()
				})
			}
			return resp, err
		})
	}))
	f := newFolder(t)
	_, err := crest.DownloadFile(ctx, c, download, crest.Empty{}, f.path)
	require.Error(t, err)
	require.NoError(t, os.Truncate(f.path+".part", size-10)) // with a hole in it
	_, err = crest.DownloadFile(ctx, c, download, crest.Empty{}, f.path, crest.WithTransfer(crest.Transfer{Digest: "md5:" + strings.Repeat("0", 32)}))
	took := time.Since(time.Unix(0, at.Load()))
	fails(t, err, crest.ErrTransport, "", crest.SentYes)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, took, 10*time.Second, "TestEndsWith says how much is added after the end")
	f.keeps()
}

// stallingWriter hangs after some bytes of a body.
type stallingWriter struct {
	http.ResponseWriter
	left    int
	release chan struct{}
}

func (w *stallingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	w.left -= n
	if w.left == 0 {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		<-w.release
		return n, errors.New("released")
	}
	return n, err
}
