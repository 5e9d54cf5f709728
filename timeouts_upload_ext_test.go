package crest_test

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// uploadSize is more than transports and pipes hold back.
const uploadSize = 4 << 20

// stallsAfter reads the head of a request and so many bytes of its body, says so, and then nothing.
func stallsAfter(size int64, stalled chan<- time.Time, left <-chan struct{}) func(net.Conn, *bufio.Reader) {
	return func(_ net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, in, size)
		stalled <- time.Now()
		<-left
	}
}

// streamedBodies are bodies of a file, of a form, and of readers of which the length is not known, compressed and not.
func streamedBodies() map[string]func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	src := func() crest.File { return crest.File{Content: strings.NewReader(strings.Repeat("x", uploadSize))} }
	unknown := func() crest.File {
		return crest.File{Content: struct{ io.Reader }{io.LimitReader(&noisy{}, uploadSize)}}
	}
	compressed := crest.Put[rawUpload, crest.Empty]("/x", crest.WithCompression("gzip"))
	return map[string]func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error{
		"a file":      uploads(src)["raw"],
		"a form":      uploads(src)["form"],
		"of a length": uploads(unknown)["raw"],
		"compressed": func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
			_, err := compressed.Call(ctx, c, rawUpload{unknown()}, opts...)
			return err
		},
	}
}

// noisy is what does not compress.
type noisy struct{ state uint64 }

func (n *noisy) Read(p []byte) (int, error) {
	for i := range p {
		n.state = n.state*6364136223846793005 + 1442695040888963407
		p[i] = byte(n.state >> 56)
	}
	return len(p), nil
}

// A server that stops reading is silent, and the silence is bounded, at each level.
func TestTimeoutIdleOfUploads(t *testing.T) {
	for name, call := range streamedBodies() {
		for _, size := range []int64{0, 1 << 20} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					stalled, left := make(chan time.Time, 1), make(chan struct{})
					net := &pipes{serve: stallsAfter(size, stalled, left)}
					c, end := net.client(t, crest.WithTimeouts(crest.Timeouts{Idle: time.Hour}), once)
					defer end()
					defer close(left)
					err := call(t.Context(), c, crest.WithTimeouts(crest.Timeouts{Idle: 15 * time.Second}))
					fails(t, err, crest.ErrTransport, crest.KindTimeoutIdle, crest.SentMaybe)
					require.ErrorIs(t, err, crest.KindTimeout)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.ErrorContains(t, err, "nothing of the request's body was taken for 15s")
					require.Equal(t, 15*time.Second, time.Since(<-stalled))
				})
			})
		}
	}
}

// What is not the server's silence is none: a source that takes its time, a server that reads slowly, one that has the whole body and thinks, one
// that has answered, and NoTimeout.
func TestTimeoutIdleOfUploadsIsSilenceAlone(t *testing.T) {
	slowSource := func() crest.File {
		r, w := io.Pipe()
		go func() {
			for range 10 {
				time.Sleep(time.Minute) // virtual
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
			}
			_ = w.Close()
		}()
		return crest.File{Content: r}
	}
	large := func() crest.File { return crest.File{Content: strings.NewReader(strings.Repeat("x", 1<<20))} }
	answer := func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}
	reads := func(piece int64, wait time.Duration) func(net.Conn, *bufio.Reader) {
		return func(conn net.Conn, in *bufio.Reader) {
			req, err := http.ReadRequest(in)
			for err == nil {
				time.Sleep(wait) // virtual
				_, err = io.CopyN(io.Discard, req.Body, piece)
			}
			answer(conn)
		}
	}
	for name, tt := range map[string]struct {
		file  func() crest.File
		serve func(net.Conn, *bufio.Reader)
		idle  time.Duration
		kind  crest.Kind
	}{
		"a slow source": {slowSource, reads(1<<20, 0), 0, ""},
		"a slow server": {large, reads(32<<10, 10*time.Second), 0, ""},
		"a thoughtful server": {large, func(conn net.Conn, in *bufio.Reader) {
			readRequest(in)
			time.Sleep(50 * time.Second) // virtual
			answer(conn)
		}, 0, ""},
		"no timeout": {large, nil, crest.NoTimeout, crest.KindTimeoutAttempt},
		"Header is another": {large, func(_ net.Conn, in *bufio.Reader) {
			readRequest(in)
			_, _ = io.Copy(io.Discard, in)
		}, 0, crest.KindTimeoutHeader},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := make(chan struct{})
				net := &pipes{serve: tt.serve}
				if tt.serve == nil {
					net.serve = stallsAfter(0, make(chan time.Time, 1), left)
				}
				c, end := net.client(t, crest.WithTimeouts(crest.Timeouts{Idle: cmp.Or(tt.idle, 15*time.Second), Attempt: 2 * time.Hour}), once)
				defer end()
				defer close(left)
				_, err := crest.Put[rawUpload, crest.Empty]("/x").Call(t.Context(), c, rawUpload{tt.file()})
				if tt.kind == "" {
					require.NoError(t, err)
					return
				}
				fails(t, err, crest.ErrTransport, tt.kind, crest.SentMaybe)
			})
		})
	}
}

// A middleware may read the whole body, and then wait for whatever it wants.
func TestTimeoutIdleLeavesMiddlewareAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &pipes{serve: func(conn net.Conn, in *bufio.Reader) {
			readRequest(in)
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		}}
		holds := crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				time.Sleep(time.Hour) // virtual
				req.Body = io.NopCloser(strings.NewReader(string(body)))
				return next.RoundTrip(req)
			})
		})
		c, end := net.client(t, crest.WithTimeouts(crest.Timeouts{Idle: time.Second}), holds, once)
		defer end()
		_, err := crest.Put[rawUpload, crest.Empty]("/x").Call(t.Context(), c, rawUpload{crest.File{Content: strings.NewReader(strings.Repeat("x", 1<<20))}})
		require.NoError(t, err)
	})
}

// An upload that is idempotent and stalls is sent once more, whole.
func TestTimeoutIdleOfUploadsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		left := make(chan struct{})
		net := &pipes{serve: func(conn net.Conn, in *bufio.Reader) {
			if tries.Add(1) == 1 {
				stallsAfter(100_000, make(chan time.Time, 1), left)(conn, in)
				return
			}
			readRequest(in)
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		}}
		c, end := net.client(t, crest.WithTimeouts(crest.Timeouts{Idle: time.Second}), crest.WithRetry(crest.Retry{Max: 1, Backoff: constant(0)}))
		defer end()
		defer close(left)
		err := streamedBodies()["a file"](t.Context(), c)
		require.NoError(t, err)
		require.EqualValues(t, 2, tries.Load())
	})
}

// Over a socket the operating system's buffers are filled first; an answer in the middle of a body is no silence.
func TestTimeoutIdleOfUploadsOnTheWire(t *testing.T) {
	const size = 64 << 20
	left := make(chan struct{})
	defer close(left)
	huge := func() crest.File { return crest.File{Content: io.LimitReader(endless{}, size), Size: size} }
	c := newClient(t, listen(t, stallsAfter(1<<20, make(chan time.Time, 8), left)), once, crest.WithTimeouts(crest.Timeouts{Idle: 100 * time.Millisecond}))
	for _, call := range uploads(huge) {
		fails(t, call(t.Context(), c), crest.ErrTransport, crest.KindTimeoutIdle, crest.SentMaybe)
	}
	c = newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		<-left
	}), once)
	require.ErrorIs(t, uploads(huge)["raw"](t.Context(), c), crest.Status(413))
}
