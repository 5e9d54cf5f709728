package crest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// waits blocks until ctx ends, as a limiter, a token source, a transport, a middleware and a body.
type waits struct{ begun func() }

func (w waits) until(ctx context.Context) error {
	w.begun()
	<-ctx.Done()
	return ctx.Err()
}

func (w waits) Wait(ctx context.Context) error                  { return w.until(ctx) }
func (w waits) Token(ctx context.Context) (crest.Secret, error) { return crest.Secret{}, w.until(ctx) }

func (w waits) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := w.until(req.Context()); err != nil {
		return nil, context.Cause(req.Context()) // as net/http does
	}
	return nil, nil
}

func (w waits) wrap(http.RoundTripper) http.RoundTripper { return w }

// waitingBody gives one byte and then waits.
type waitingBody struct {
	waits
	ctx   context.Context
	given bool
}

func (b *waitingBody) Read(p []byte) (int, error) {
	if !b.given {
		b.given = true
		p[0] = '{'
		return 1, nil
	}
	_ = b.until(b.ctx)
	return 0, context.Cause(b.ctx)
}

func (b *waitingBody) Close() error { return nil }

func (w waits) bodies(req *http.Request) (*http.Response, error) {
	resp := response(req, 200, "", "Content-Type", "application/json")
	resp.Body, resp.ContentLength = &waitingBody{waits: w, ctx: req.Context()}, -1
	return resp, nil
}

// steps are the places where a call can wait, in memory.
func steps(begun func()) map[string]struct {
	opts []crest.ClientOption
	step crest.Step
	sent crest.Sent
} {
	w := waits{begun}
	answer := crest.WithTransport(fixed(200, thingJSON, "Content-Type", "application/json"))
	return map[string]struct {
		opts []crest.ClientOption
		step crest.Step
		sent crest.Sent
	}{
		"token":      {[]crest.ClientOption{answer, crest.WithBearer(w)}, crest.ErrCredentials, crest.SentNo},
		"middleware": {[]crest.ClientOption{answer, crest.WithMiddleware(w.wrap)}, crest.ErrTransport, crest.SentNo},
		"limiter":    {[]crest.ClientOption{answer, crest.WithLimiter(w)}, crest.ErrLimited, crest.SentNo},
		"transport":  {[]crest.ClientOption{crest.WithTransport(w)}, crest.ErrTransport, crest.SentMaybe},
		"body":       {[]crest.ClientOption{crest.WithTransport(inMemory(w.bodies))}, crest.ErrTransport, crest.SentYes},
	}
}

var errWhy = errors.New("the user left")

// Row 39: cancelled in any wait, the call ends at once and says so: the context's error, its cause and the step are found.
func TestPromise8Cancel(t *testing.T) {
	for name := range steps(nil) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			tt := steps(func() { cancel(errWhy) })[name]
			_, err := getThing.Call(ctx, newClient(t, "https://x.example", tt.opts...), crest.Empty{})
			failed := fails(t, err, tt.step, "", tt.sent)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errWhy)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.False(t, failed.Timeout())
		})
	}
}

// The same with the deadline of the caller's context, to the instant.
func TestPromise8Deadline(t *testing.T) {
	for name := range steps(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errWhy)
				defer cancel()
				tt := steps(func() {})[name]
				_, err := getThing.Call(ctx, newClient(t, "https://x.example", tt.opts...), crest.Empty{})
				failed := fails(t, err, tt.step, "", tt.sent)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, errWhy)
				require.True(t, failed.Timeout())
				require.Equal(t, time.Second, time.Since(start))
			})
		})
	}
}

// WithTimeout ends a call in whatever step it is, and the error says that it was this timeout. Row 41.
func TestTimeoutTotal(t *testing.T) {
	for name := range steps(nil) {
		for set, d := range map[string]time.Duration{"set": 30 * time.Second, "default": 5 * time.Minute} {
			t.Run(name+" "+set, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					tt := steps(func() {})[name]
					if set == "set" {
						tt.opts = append(tt.opts, crest.WithTimeout(d))
					}
					_, err := getThing.Call(t.Context(), newClient(t, "https://x.example", tt.opts...), crest.Empty{})
					kind, text := crest.KindTimeoutTotal, fmt.Sprint("the call took longer than its timeout of ", d)
					if name == "body" && set == "default" { // the silence inside the body is bounded more narrowly
						d, kind, text = time.Minute, crest.KindTimeoutIdle, "nothing of the body arrived for 1m0s"
					}
					failed := fails(t, err, tt.step, kind, tt.sent)
					require.ErrorIs(t, err, crest.KindTimeout)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.True(t, failed.Timeout())
					require.ErrorContains(t, err, text)
					require.Equal(t, d, time.Since(start))
				})
			})
		}
	}
}

// For a body that the caller reads the timeout ends with the header, and until then it holds.
func TestTimeoutOfLiveBodies(t *testing.T) {
	for name := range steps(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				tt := steps(func() {})[name]
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				body, err := download.Call(ctx, newClient(t, "https://x.example", append(tt.opts, crest.WithTimeout(time.Minute))...), crest.Empty{})
				if name != "body" {
					fails(t, err, tt.step, crest.KindTimeoutTotal, tt.sent)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.Equal(t, time.Minute, time.Since(start))
					return
				}
				require.NoError(t, err)
				defer body.Close()
				time.Sleep(time.Hour) // of the caller's own: the bubble's clock jumps
				_, err = io.ReadAll(body)
				fails(t, err, crest.ErrTransport, crest.KindTimeoutIdle, crest.SentYes)
				require.Equal(t, time.Hour+time.Minute, time.Since(start))
			})
		})
	}
}

func TestTimeoutLevels(t *testing.T) {
	for name, tt := range map[string]struct {
		client, call crest.Option
		want         time.Duration
	}{
		"nearest wins":        {crest.WithTimeout(time.Second), crest.WithTimeout(time.Minute), time.Minute},
		"zero inherits":       {crest.WithTimeout(time.Second), crest.WithTimeout(0), time.Second},
		"none, caller's own":  {crest.WithTimeout(time.Second), crest.WithTimeout(crest.NoTimeout), time.Hour},
		"the caller's nearer": {crest.WithTimeout(2 * time.Hour), nil, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				c := newClient(t, "https://x.example", append(levelled[crest.ClientOption](some(tt.client)), crest.WithTransport(waits{func() {}}))...)
				_, err := getThing.Call(ctx, c, crest.Empty{}, levelled[crest.CallOption](some(tt.call))...)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, tt.want, time.Since(start))
				require.Equal(t, tt.want != time.Hour, errors.Is(err, crest.KindTimeoutTotal))
			})
		})
	}
}

func TestContextThatHasEnded(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://x.example", crest.WithTransport(rec))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errWhy)
	_, err := getThing.Call(ctx, c, crest.Empty{})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errWhy)
	_, err = getThing.Prepare(ctx, c, crest.Empty{})
	require.ErrorIs(t, err, context.Canceled)
	prepared, err := getThing.Prepare(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = prepared.Send(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errWhy)
	rec.none(t)
	var none context.Context
	_, err = getThing.Call(none, c, crest.Empty{})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.ErrorContains(t, err, "the context is nil")
	_, err = prepared.Send(none)
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
}

// Row 39 on the wire: dial, TLS, upload, header and body.
func TestPromise8CancelOnTheWire(t *testing.T) {
	type upload struct{ Body io.Reader }
	post := crest.Post[upload, thing]("/x")
	for name, tt := range map[string]struct {
		scheme string
		serve  func(cancel func(), conn net.Conn, in *bufio.Reader)
		dial   bool
		body   func(cancel func()) io.Reader
		sent   crest.Sent
	}{
		"dial": {"http", nil, true, nil, crest.SentNo},
		"TLS": {"https", func(cancel func(), _ net.Conn, in *bufio.Reader) {
			_, _ = in.ReadByte()
			cancel()
			_, _ = io.Copy(io.Discard, in)
		}, false, nil, crest.SentNo},
		"upload": {"http", func(_ func(), _ net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) }, false,
			func(cancel func()) io.Reader { return &cancelling{cancel: cancel} }, crest.SentMaybe},
		"header": {"http", func(cancel func(), _ net.Conn, in *bufio.Reader) {
			_, _ = in.ReadByte()
			cancel()
			_, _ = io.Copy(io.Discard, in)
		}, false, nil, crest.SentMaybe},
		"body": {"http", func(_ func(), conn net.Conn, in *bufio.Reader) {
			_ = readRequest(in)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
			_, _ = io.Copy(io.Discard, in)
		}, false, nil, crest.SentYes},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancelCause := context.WithCancelCause(t.Context())
			cancel := func() { cancelCause(errWhy) }
			defer cancel()
			rt := crest.NewTransport()
			base := "http://127.0.0.1:1"
			if tt.dial {
				rt.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
					cancel()
					<-ctx.Done()
					return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
				}
			} else {
				base = listen(t, func(conn net.Conn, in *bufio.Reader) { tt.serve(cancel, conn, in) })
			}
			t.Cleanup(rt.CloseIdleConnections) // before the listener goes: net/http finishes a handshake that nobody waits for
			var body io.Reader = strings.NewReader("x")
			if tt.body != nil {
				body = tt.body(cancel)
			}
			c := newClient(t, strings.Replace(base, "http", tt.scheme, 1), crest.WithTransport(rt))
			atHeader := func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					resp, err := next.RoundTrip(req)
					cancel()
					return resp, err
				})
			}
			_, err := post.Call(ctx, c, upload{body}, crest.WithMiddleware(atHeader))
			fails(t, err, crest.ErrTransport, "", tt.sent)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errWhy)
		})
	}
}

// cancelling is an upload in whose middle the call is cancelled.
type cancelling struct {
	n      int
	cancel func()
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.n++; c.n == 3 {
		c.cancel()
	}
	return len(p), nil
}

// Row 39: a reader that blocks does not hold a cancelled call, whatever the transport waits for.
func TestPromise8CancelWhileTheBodyBlocks(t *testing.T) {
	type upload struct{ Body io.Reader }
	type opened struct{ Body func() (io.ReadCloser, error) }
	base := listen(t, func(_ net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) })
	for name, call := range map[string]func(ctx context.Context, r *io.PipeReader) error{
		"reader": func(ctx context.Context, r *io.PipeReader) error {
			_, err := crest.Put[upload, crest.Empty]("/x").Call(ctx, newClient(t, base), upload{r})
			return err
		},
		"bare reader": func(ctx context.Context, r *io.PipeReader) error {
			_, err := crest.Put[upload, crest.Empty]("/x").Call(ctx, newClient(t, base), upload{struct{ io.Reader }{r}})
			return err
		},
		"factory": func(ctx context.Context, r *io.PipeReader) error {
			open := func() (io.ReadCloser, error) { return r, nil }
			_, err := crest.Put[opened, crest.Empty]("/x").Call(ctx, newClient(t, base), opened{open})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			r, w := io.Pipe()
			defer w.Close()
			go func() {
				_, _ = w.Write([]byte("x")) // returns when it was read
				cancel(errWhy)
			}()
			returned := make(chan error, 1)
			go func() { returned <- call(ctx, r) }()
			select {
			case err := <-returned:
				fails(t, err, crest.ErrTransport, "", crest.SentMaybe)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, errWhy)
			case <-time.After(10 * time.Second):
				t.Fatal("the call waits for its body")
			}
		})
	}
}
