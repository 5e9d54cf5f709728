package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/crest-go/crest"
)

// stale serves connections whose second request is read and never answered, as by a server that closes idle connections.
func (a *arrivals) stale(conn net.Conn, in *bufio.Reader) {
	for i := range 2 {
		if _, err := in.Peek(1); err != nil {
			return
		}
		a.note()
		if readRequest(in) == nil {
			return
		}
		if i == 0 {
			_, _ = io.WriteString(conn, noContent)
		}
	}
}

// SECURITY 4.3, test 4: what net/http sends again by itself on a stale connection waits for its own slot.
func TestPromise3Replays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale}
		c, end := net.client(t, crest.WithRateLimit(5, time.Second))
		defer end()
		flood(t, c, 8, 20)
		require.Greater(t, seen.count(), 200, "net/http replayed nothing: the test shows nothing")
		require.LessOrEqual(t, seen.busiest(time.Second), 5)
	})
}

// A middleware that sends twice at once, as hedging does, over stale connections.
func TestPromise3MiddlewareThatSendsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale, dial: 300 * time.Millisecond}
		hedge := func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					if resp, err := next.RoundTrip(req.Clone(req.Context())); err == nil {
						_ = resp.Body.Close()
					}
				}()
				resp, err := next.RoundTrip(req)
				<-done
				return resp, err
			})
		}
		c, end := net.client(t, crest.WithRateLimit(5, time.Second), crest.WithMiddleware(hedge))
		defer end()
		flood(t, c, 8, 10)
		require.Greater(t, seen.count(), 160)
		require.LessOrEqual(t, seen.busiest(time.Second), 5)
	})
}

// A replay whose slot is refused does not reach the wire, on no connection, and the error does not claim that nothing was sent.
func TestPromise3RefusedReplay(t *testing.T) {
	const idle = 3
	for range 10 {
		seen, connections := &arrivals{}, &arrivals{}
		var primed sync.WaitGroup
		primed.Add(idle)
		base := listen(t, func(conn net.Conn, in *bufio.Reader) {
			connections.note()
			if readRequest(in) == nil {
				return
			}
			seen.note()
			primed.Done()
			primed.Wait() // so that each call has a connection of its own
			_, _ = io.WriteString(conn, noContent)
			if _, err := in.Peek(1); err == nil {
				seen.note()
			}
		})
		limiter := &sendLog{refuse: idle + 2}
		transport := &http.Transport{MaxIdleConnsPerHost: idle, DialContext: hesitating}
		c := newClient(t, base, crest.WithLimiter(limiter), crest.WithTransport(transport))
		var running sync.WaitGroup
		for range idle {
			running.Go(func() {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				assert.NoError(t, err)
			})
		}
		running.Wait()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		failed := fails(t, err, crest.ErrLimited, "", crest.SentMaybe)
		require.ErrorIs(t, err, errNoMore)
		require.ErrorContains(t, err, "limited: no more slots (the request may have been received)")
		require.Len(t, failed.Attempts, 1)
		transport.CloseIdleConnections()
		require.Equal(t, idle+1, limiter.sent)
		require.Zero(t, limiter.back)
		require.Equal(t, idle, connections.count(), "it was tried on further connections")
		require.Equal(t, idle+1, seen.count(), "the replay was sent without a slot")
	}
}

// hesitating dials connections that let others run before they close, as TLS does: what is being written meanwhile gets out.
func hesitating(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return hesitant{conn}, err
}

type hesitant struct{ net.Conn }

func (h hesitant) Close() error {
	for range 1000 {
		runtime.Gosched()
	}
	return h.Conn.Close()
}

// The replay's wait ends with the call's context.
func TestPromise8CancelledReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale}
		c, end := net.client(t, crest.WithRateLimit(2, time.Hour))
		defer end()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		_, err = ping.Call(ctx, c, crest.Empty{})
		fails(t, err, crest.ErrLimited, "", crest.SentMaybe)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Minute, time.Since(start))
		require.Equal(t, 2, seen.count())
	})
}

// refusingStreams is an HTTP/2 server that refuses the first streams of each connection and answers the others. Whatever the method,
// net/http sends a refused one again.
func refusingStreams(t *testing.T, refuse int, seen *arrivals) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.EnableHTTP2 = true
	server.StartTLS()
	config := &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2"}}
	server.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { serveStreams(conn, refuse, seen) })
			// the client keeps its end open for a stream that was cancelled
			t.Cleanup(func() { _ = conn.Close() })
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(func() { _ = l.Close() })
	return "https://" + l.Addr().String()
}

func serveStreams(conn net.Conn, refuse int, seen *arrivals) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings()
	var head bytes.Buffer
	_ = hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "204"})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		headers, ok := frame.(*http2.HeadersFrame)
		if !ok {
			continue
		}
		seen.note()
		if seen.count() <= refuse {
			_ = framer.WriteRSTStream(headers.StreamID, http2.ErrCodeRefusedStream)
			continue
		}
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: headers.StreamID, BlockFragment: head.Bytes(), EndStream: true, EndHeaders: true})
	}
}

func TestPromise3ReplaysOfHTTP2(t *testing.T) {
	post := crest.Post[crest.Empty, crest.Empty]("/x")
	for name, tt := range map[string]struct {
		slots int
		step  crest.Step
	}{
		"each has its slot":     {slots: 2},
		"there is none for two": {slots: 1, step: crest.ErrLimited},
	} {
		t.Run(name, func(t *testing.T) {
			seen, limiter := &arrivals{}, &sendLog{refuse: tt.slots + 1}
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
			base := refusingStreams(t, 1, seen)
			t.Cleanup(transport.CloseIdleConnections)
			c := newClient(t, base, crest.WithTransport(transport), crest.WithLimiter(limiter))
			_, err := post.Call(t.Context(), c, crest.Empty{})
			if tt.step == "" {
				require.NoError(t, err)
			} else {
				fails(t, err, tt.step, "", crest.SentMaybe)
			}
			require.Equal(t, tt.slots, seen.count())
			require.Equal(t, tt.slots, limiter.sent)
			require.Zero(t, limiter.back)
		})
	}
}
