package crest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R56: leaving the loop closes the connection at once, whether the stream rests or has more to say, and however the loop is left.
func TestR56LeavingTheLoop(t *testing.T) {
	for how, server := range map[string]func(w io.StringWriter, r *http.Request){
		"rests": func(w io.StringWriter, r *http.Request) { _, _ = w.WriteString("data: a\n\n"); <-r.Context().Done() },
		"goes on": func(w io.StringWriter, r *http.Request) {
			for err := error(nil); err == nil && r.Context().Err() == nil; {
				_, err = w.WriteString("data: " + strings.Repeat("a", 1000) + "\n\n")
			}
		},
	} {
		for way, leave := range map[string]func(cancel context.CancelFunc) bool{
			"break":  func(context.CancelFunc) bool { return false },
			"panic":  func(context.CancelFunc) bool { panic("of the loop") },
			"cancel": func(cancel context.CancelFunc) bool { cancel(); return true },
		} {
			for option, opts := range map[string][]crest.CallOption{"": nil, " and reconnect": {crest.WithReconnect()}} {
				t.Run(how+"/"+way+option, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { leaveTheLoop(t, server, way, leave, opts...) })
				})
			}
		}
	}
}

func leaveTheLoop(t *testing.T, server func(w io.StringWriter, r *http.Request), way string, leave func(cancel context.CancelFunc) bool, opts ...crest.CallOption) {
	done := make(chan time.Time, 1)
	to := serveInBubble(t, streaming(func(w io.StringWriter, r *http.Request) {
		server(w, r)
		done <- time.Now()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var left time.Time
	n, failed := 0, error(nil)
	func() {
		defer func() { _ = recover() }()
		for _, err := range getEvents.Call(ctx, newClient(t, bubbleURL, to), crest.Empty{}, opts...) {
			if n++; err != nil {
				failed = err
				continue
			}
			left = time.Now()
			if !leave(cancel) {
				break
			}
		}
	}()
	soon(t, done, left)
	if way == "cancel" {
		require.Equal(t, 2, n, "what was there already is not given out any more")
		fails(t, failed, crest.ErrTransport, "", crest.SentYes)
		require.ErrorIs(t, failed, context.Canceled)
		return
	}
	require.Equal(t, 1, n)
}

// A stream that was read to its end, or to its marker, leaves a connection that the next call uses. One that was left does not.
func TestStreamConnectionReuse(t *testing.T) {
	for name, tt := range map[string]struct {
		body  string
		leave bool
		reuse bool
	}{
		"read to its end":  {"data: a\n\n", false, true},
		"with a marker":    {"data: a\n\ndata: [DONE]\n\n", false, true},
		"a status and all": {"", false, true},
		"left":             {"data: a\n\n" + strings.Repeat("data: b\n\n", 1<<20), true, false},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			s := startInBubble(t, reply(200, tt.body, "Content-Type", "text/event-stream"))
			c := s.client(t)
			var opts []crest.CallOption
			if strings.Contains(tt.body, "[DONE]") {
				opts = append(opts, crest.WithDone("[DONE]"))
			}
			for range 3 {
				for _, err := range getEvents.Call(t.Context(), c, crest.Empty{}, opts...) {
					require.NoError(t, err)
					if tt.leave {
						break
					}
				}
			}
			require.Equal(t, tt.reuse, s.connections() == 1, "%d connections", s.connections())
		}))
	}
}

// The marker ends the loop although the server holds the connection: it is not waited for long.
func TestStreamDoneOnAnOpenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan time.Time, 1)
		to := serveInBubble(t, streaming(func(w io.StringWriter, r *http.Request) {
			_, _ = w.WriteString("data: a\n\ndata: [DONE]\n\n")
			<-r.Context().Done()
			done <- time.Now()
		}))
		start := time.Now()
		got, err := all(getEvents.Call(t.Context(), newClient(t, bubbleURL, to), crest.Empty{}, crest.WithDone("[DONE]")))
		require.NoError(t, err)
		require.Equal(t, []string{"a"}, got)
		require.Less(t, time.Since(start), 500*time.Millisecond)
		soon(t, done, time.Now())
	})
}

// The idle timeout is 5 minutes of silence between two reads; what the loop takes for an event is no silence, and Total ends with the header.
func TestStreamIdle(t *testing.T) {
	for name, tt := range map[string]struct {
		opts  []crest.CallOption
		until time.Duration
	}{
		"default": {nil, 5 * time.Minute},
		"set":     {[]crest.CallOption{crest.WithTimeouts(crest.Timeouts{Idle: 7 * time.Second})}, 7 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := play(live("data: a\n\n", tt.until-1, "data: b\n\n", tt.until-1, ": c\n", tt.until-1, "data: d\n\n", 2*tt.until))
			c := newClient(t, "https://api.example.com", crest.WithTransport(server))
			last, n := time.Now(), 0
			for _, err := range getEvents.Call(t.Context(), c, crest.Empty{}, tt.opts...) {
				if err == nil {
					time.Sleep(time.Hour)
					n++
					last = time.Now()
					continue
				}
				fails(t, err, crest.ErrTransport, crest.KindTimeoutIdle, crest.SentYes)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, tt.until, time.Since(last), name)
			}
			require.Equal(t, 3, n)
		})
	}
}

// A context that ends in the middle of a wait for the next event ends it, with its own error and cause.
func TestR48StreamContext(t *testing.T) {
	why := errors.New("the program ends")
	for name, tt := range map[string]struct {
		context func(context.Context) (context.Context, context.CancelFunc)
		want    []error
	}{
		"cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Minute, func() { cancel(why) })
			return ctx, func() {}
		}, []error{context.Canceled, why}},
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, []error{context.DeadlineExceeded}},
	} {
		for _, reconnect := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := tt.context(t.Context())
				defer cancel()
				var opts []crest.CallOption
				if reconnect {
					opts = append(opts, crest.WithReconnect())
				}
				c := newClient(t, "https://api.example.com", crest.WithTransport(play(live("data: a\n\n", time.Hour))))
				got, err := all(getEvents.Call(ctx, c, crest.Empty{}, opts...))
				require.Equal(t, []string{"a"}, got)
				fails(t, err, crest.ErrTransport, "", crest.SentYes)
				for _, want := range tt.want {
					require.ErrorIs(t, err, want, name)
				}
				require.Equal(t, time.Minute, time.Since(start))
			})
		}
	}
}

// A middleware sees a stream's request as any other, and the body is closed when the loop is over.
func TestStreamMiddleware(t *testing.T) {
	var closed atomic.Int32
	mw := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			info, ok := crest.EndpointInfo(req)
			require.True(t, ok)
			require.Equal(t, "GET /events", info.Endpoint)
			resp, err := next.RoundTrip(req)
			resp.Body = onClose{resp.Body, func() { closed.Add(1) }}
			return resp, err
		})
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(play(events("data: a\n\ndata: b\n\n"))), crest.WithMiddleware(mw))
	_, err := all(getEvents.Call(t.Context(), c, crest.Empty{}))
	require.NoError(t, err)
	require.EqualValues(t, 1, closed.Load())
	for range getEvents.Call(t.Context(), c, crest.Empty{}) {
		require.EqualValues(t, 1, closed.Load())
		break
	}
	require.EqualValues(t, 2, closed.Load())
}

type onClose struct {
	io.ReadCloser
	f func()
}

func (c onClose) Close() error {
	c.f()
	return c.ReadCloser.Close()
}
