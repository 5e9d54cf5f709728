package crest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

var download = crest.Get[crest.Empty, io.ReadCloser]("/download")

// R37: what a caller does with a body decides whether the connection can be used again.
func TestR37ConnectionReuse(t *testing.T) {
	const calls = 4
	for name, tt := range map[string]struct {
		size  int
		use   func(t *testing.T, body io.ReadCloser)
		reuse bool
	}{
		"read whole":      {1 << 20, func(t *testing.T, b io.ReadCloser) { _, err := io.Copy(io.Discard, b); require.NoError(t, err) }, true},
		"small, unread":   {1 << 10, func(*testing.T, io.ReadCloser) {}, true},
		"large, one byte": {8 << 20, func(t *testing.T, b io.ReadCloser) { _, err := b.Read(make([]byte, 1)); require.NoError(t, err) }, false},
		"large, unread":   {1 << 20, func(*testing.T, io.ReadCloser) {}, false},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			s := startInBubble(t, reply(200, strings.Repeat("x", tt.size)))
			c := s.client(t)
			for range calls {
				body, err := download.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				tt.use(t, body)
				require.NoError(t, body.Close())
				require.NoError(t, body.Close(), "Close twice")
				_, err = body.Read(make([]byte, 1))
				require.Error(t, err, "Read after Close")
				require.NotErrorIs(t, err, io.EOF)
			}
			require.Equal(t, tt.reuse, s.connections() == 1, "%d connections", s.connections())
		}))
	}
}

// Fact 6: typed answers of every status give their connections back, once the rest is small.
func TestR37ReuseAfterTypedAnswers(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"model":        replyJSON(200, thingJSON),
		"error":        replyJSON(500, `{"message":"no"}`),
		"large error":  replyJSON(500, strings.Repeat(" ", 100<<10)),
		"content type": reply(200, "<html>", "Content-Type", "text/html"),
		"redirect":     reply(302, "elsewhere", "Location", "/x"),
		"not a model":  replyJSON(200, "null"),
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			s := startInBubble(t, handler)
			c := s.client(t)
			for range 5 {
				_, _ = getThing.Call(t.Context(), c, crest.Empty{})
				_, _ = ping.Call(t.Context(), c, crest.Empty{})
			}
			require.Equal(t, 1, s.connections())
		}))
	}
}

// R50: an attempt's context lives until the body is closed, however its reading goes.
func TestR50ContextLivesUntilClose(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		cut  bool
	}{"whole": {"hello", false}, "cut": {"he", true}} {
		t.Run(name, func(t *testing.T) {
			var ctx context.Context
			c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
				ctx = req.Context()
				resp := response(req, 200, tt.body)
				if tt.cut {
					resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(tt.body), failingReader{io.ErrUnexpectedEOF}))
				}
				return resp, nil
			})))
			body, err := download.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.NoError(t, ctx.Err(), "before the first byte")
			all, err := io.ReadAll(body)
			require.Equal(t, tt.body, string(all))
			if tt.cut {
				fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
				_, again := body.Read(make([]byte, 1))
				require.Equal(t, err, again, "an error stays")
			} else {
				require.NoError(t, err)
				require.NoError(t, ctx.Err(), "at the end of the body")
			}
			require.NoError(t, body.Close())
			require.ErrorIs(t, ctx.Err(), context.Canceled, "after Close")
		})
	}
	t.Run("typed", func(t *testing.T) {
		var ctx context.Context
		c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			ctx = req.Context()
			return response(req, 200, thingJSON), nil
		})))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.ErrorIs(t, ctx.Err(), context.Canceled)
	})
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// R50 on the wire: the header, a pause, then 512 KiB within the call's time: all of it arrives.
func TestR50BodyAfterAPause(t *testing.T) {
	release := make(chan struct{})
	c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, strings.Repeat("x", 512<<10))
	}), crest.WithTimeout(time.Minute))
	body, err := download.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	defer body.Close()
	close(release)
	n, err := io.Copy(io.Discard, body)
	require.NoError(t, err)
	require.EqualValues(t, 512<<10, n)
}

func TestLiveBodyInAModel(t *testing.T) {
	type file struct {
		ETag string `header:"ETag"`
		Body io.ReadCloser
	}
	c := newClient(t, serve(t, reply(200, "content", "ETag", "x", "Content-Type", "text/csv")))
	get := crest.Get[crest.Empty, file]("/x")
	r, err := get.Do(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Nil(t, r.Body)
	all, err := io.ReadAll(r.Model.Body)
	require.NoError(t, err)
	require.Equal(t, "content", string(all))
	require.Equal(t, "x", r.Model.ETag)
	require.NoError(t, r.Model.Body.Close())

	_, err = get.Call(t.Context(), c, crest.Empty{}, crest.WithAccept("application/pdf"))
	fails(t, err, crest.ErrResponse, crest.KindContentType, crest.SentYes) // and the leak check sees that it was closed
}

// The history of a call that failed in its body holds the reason, not the error itself: whoever walks an error comes to an end.
func TestAttemptsHoldNoCycle(t *testing.T) {
	c := newClient(t, canned(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	failed := fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
	require.Len(t, failed.Attempts, 1)
	require.ErrorIs(t, failed.Attempts[0].Err, io.ErrUnexpectedEOF)
	require.ErrorIs(t, failed.Attempts[0].Err, crest.KindTruncated)
	_, again := errors.AsType[*crest.CallError](failed.Attempts[0].Err)
	require.False(t, again)
}

// A failed answer is an *Error for bodies that the caller reads as well.
func TestLiveBodyOfAFailure(t *testing.T) {
	c := newClient(t, serve(t, replyJSON(404, `{"message":"no file"}`)))
	body, err := download.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.Nil(t, body)
	model, ok := c.AsError(err)
	require.True(t, ok)
	require.Equal(t, "no file", model.Message)
}

// Promise 8: cancelling ends a Read at once, and Close may come from another goroutine.
func TestPromise8CancelWhileReading(t *testing.T) {
	stalled := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	why := errors.New("the user left")
	for name, end := range map[string]func(cancel context.CancelCauseFunc, body io.Closer){
		"cancel": func(cancel context.CancelCauseFunc, _ io.Closer) { cancel(why) },
		"close":  func(_ context.CancelCauseFunc, body io.Closer) { _ = body.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, stalled))
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			body, err := download.Call(ctx, c, crest.Empty{})
			require.NoError(t, err)
			_, err = io.ReadFull(body, make([]byte, 1))
			require.NoError(t, err)
			var running sync.WaitGroup
			running.Go(func() { end(cancel, body) })
			_, err = body.Read(make([]byte, 1))
			require.Error(t, err)
			require.NotErrorIs(t, err, io.EOF)
			if name == "cancel" {
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, why)
				require.ErrorIs(t, err, crest.ErrTransport)
			}
			running.Wait()
			require.NoError(t, body.Close())
		})
	}
}

// A rest that never comes does not hold Close for long: the connection is given up instead.
func TestCloseOfAStalledBodyEnds(t *testing.T) {
	done := make(chan struct{})
	c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		_ = readRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		<-done
	}))
	defer close(done)
	body, err := download.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	start := time.Now()
	_ = body.Close()
	require.Less(t, time.Since(start), 5*time.Second)
}

// dripping is a body that gives a byte every half minute until its context ends: never silent, never done.
type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, context.Cause(d.ctx)
	case <-time.After(30 * time.Second):
		return copy(p, "x"), nil
	}
}

func (dripping) Close() error { return nil }

// The timeout of a call whose body the caller reads ends with the header of a success. A failed answer is read
// by crest, within the timeout, and its status wins.
func TestLiveBodyOfADrippingFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newClient(t, "https://x.example", crest.WithTimeout(5*time.Minute), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 503, Header: http.Header{}, Body: dripping{req.Context()}, ContentLength: -1}, nil
		})))
		_, err := download.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrStatus, "", crest.SentYes)
		require.ErrorIs(t, err, crest.Status(503))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Minute, time.Since(start))
	})
}

// politeBody is that of a server that is hung up on: it ends in good order, with half of what there was to send.
type politeBody struct {
	io.Reader
	ctx context.Context
}

func (b *politeBody) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	<-b.ctx.Done()
	return 0, io.EOF
}

func (b *politeBody) Close() error { return nil }

// Promise 1: a body that ends because the call has ended is not a whole one.
func TestBodyThatEndsWithItsCall(t *testing.T) {
	half := inMemory(func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "", "Content-Type", "application/octet-stream")
		resp.Body, resp.ContentLength = &politeBody{strings.NewReader("half"), req.Context()}, -1
		return resp, nil
	})
	for name, tt := range map[string]struct {
		option crest.ClientOption
		kind   crest.Kind
	}{
		"idle":      {crest.WithTimeouts(crest.Timeouts{Idle: time.Second}), crest.KindTimeoutIdle},
		"attempt":   {crest.WithTimeouts(crest.Timeouts{Attempt: time.Second}), crest.KindTimeoutAttempt},
		"cancelled": {crest.WithTimeouts(crest.Timeouts{Idle: crest.NoTimeout}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := func() context.Context {
					ctx, cancel := context.WithCancel(t.Context())
					t.Cleanup(cancel)
					if tt.kind == "" {
						time.AfterFunc(time.Second, cancel)
					}
					return ctx
				}
				c := newClient(t, "https://api.example.com", crest.WithTransport(half), tt.option)
				got, err := crest.Get[crest.Empty, []byte]("/x").Call(begin(), c, crest.Empty{})
				fails(t, err, crest.ErrTransport, tt.kind, crest.SentYes)
				require.Nil(t, got)
				if tt.kind == crest.KindTimeoutAttempt {
					return // it ends with the header of a body that the caller reads
				}
				body, err := download.Call(begin(), c, crest.Empty{})
				require.NoError(t, err)
				_, err = io.ReadAll(body)
				require.NoError(t, body.Close())
				require.True(t, errors.Is(err, tt.kind) || tt.kind == "" && errors.Is(err, context.Canceled), "%v", err)
			})
		})
	}
}
