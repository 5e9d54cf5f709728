package websocket_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// S4.76: the closing handshake, once.
func TestClose(t *testing.T) {
	frames := make(chan string, 10)
	conn := dial[string, string](t, raw(t, func(p *peer) {
		defer close(frames)
		p.says(frame(fin|text, "unread"))
		for {
			first, _, payload, err := p.hears()
			if err != nil {
				return
			}
			frames <- payload
			p.says(frame(first, payload))
		}
	}), websocket.Options{Heartbeat: time.Hour})
	require.NoError(t, conn.Close(4001, "done"))
	require.NoError(t, conn.Close(websocket.Normal, ""))
	var got []string
	for payload := range frames {
		got = append(got, payload)
	}
	require.Equal(t, []string{"\x0f\xa1done"}, got)
	for _, err := range []error{conn.Send(t.Context(), "x"), conn.Ping(t.Context()), second(conn.Receive(t.Context()))} {
		require.ErrorIs(t, err, crest.KindDisconnected)
		require.ErrorContains(t, err, `the connection was closed: 4001 ("done")`)
		end, ok := errors.AsType[*websocket.CloseError](err)
		require.True(t, ok)
		require.Equal(t, &websocket.CloseError{Code: 4001, Reason: "done", Local: true}, end)
	}
}

func second[T any](_ T, err error) error { return err }

// What cannot be in a close frame is said before anything is sent.
func TestCloseRefused(t *testing.T) {
	conn := dial[string, string](t, serve(t, nil, echo), websocket.Options{})
	for _, code := range []int{-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1 << 16} {
		require.ErrorIs(t, conn.Close(code, ""), crest.ErrRequest, code)
	}
	require.ErrorIs(t, conn.Close(1000, strings.Repeat("x", 124)), crest.ErrRequest)
	require.ErrorIs(t, conn.Close(1000, "\xff"), crest.ErrRequest)
	require.NoError(t, conn.Send(t.Context(), "still open"))
	_, err := conn.Receive(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.Close(4999, strings.Repeat("x", 123)))
}

// S4.69: what the server closed with is in the errors of both directions.
func TestClosedByServer(t *testing.T) {
	answered := make(chan int, 1)
	conn := dial[string, string](t, raw(t, func(p *peer) {
		p.says(goodbye(1001, "line\nbreak"))
		answered <- p.rest()
	}), websocket.Options{})
	for _, err := range []error{second(conn.Receive(t.Context())), second(conn.Receive(t.Context())), conn.Send(t.Context(), "x")} {
		require.ErrorIs(t, err, crest.ErrTransport)
		require.ErrorIs(t, err, crest.KindDisconnected)
		end, ok := errors.AsType[*websocket.CloseError](err)
		require.True(t, ok)
		require.Equal(t, &websocket.CloseError{Code: 1001, Reason: "line\nbreak"}, end)
		require.NotContains(t, err.Error(), "\n")
	}
	require.Equal(t, 1001, <-answered)
	require.NoError(t, conn.Close(websocket.Normal, ""))
}

// A119: a server that never answers is not waited for longer than CloseTimeout, wherever it stopped.
func TestCloseTimeout(t *testing.T) {
	for name, sends := range map[string]string{
		"silent":               "",
		"inside a message":     "\x81\x7e\x10\x00hel",
		"endless messages":     strings.Repeat(frame(fin|text, "x"), 1000),
		"inside a close frame": "\x88\x05\x03",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				conn := dial[string, string](t, inMemory, websocket.Options{CloseTimeout: 50 * time.Millisecond}, rawPipes(func(p *peer) {
					p.says(frame(fin|text, "first") + sends)
					_, _, _, _ = p.hears() // the close frame
					<-release
				}))
				_, err := conn.Receive(t.Context())
				require.NoError(t, err)
				start := time.Now()
				err = conn.Close(websocket.Normal, "")
				require.ErrorIs(t, err, crest.ErrTransport)
				require.ErrorIs(t, err, crest.KindTimeout)
				require.Equal(t, 50*time.Millisecond, time.Since(start))
				require.NoError(t, conn.Close(websocket.Normal, ""))
			})
		})
	}
}

// A server that hangs up instead of answering is said so.
func TestCloseHungUp(t *testing.T) {
	conn := dial[string, string](t, raw(t, func(p *peer) { _, _, _, _ = p.hears() }), websocket.Options{})
	err := conn.Close(websocket.Normal, "")
	require.ErrorIs(t, err, crest.KindDisconnected)
	require.ErrorContains(t, err, "hung up")
}

// Close while another goroutine receives ends that one.
func TestCloseWhileReceiving(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"answered": 0, "never answered": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			answer := timeout == 0
			release := make(chan struct{})
			defer close(release)
			reading := make(chan struct{})
			conn := dial[string, string](t, raw(t, func(p *peer) {
				p.says(frame(fin|ping, ""))
				_, _, _, _ = p.hears()
				close(reading)
				if !answer {
					<-release
				}
				p.rest()
			}), websocket.Options{CloseTimeout: timeout})
			var receiving sync.WaitGroup
			receiving.Go(func() {
				_, err := conn.Receive(t.Context())
				end, ok := errors.AsType[*websocket.CloseError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, websocket.GoingAway, end.Code)
			})
			<-reading
			err := conn.Close(websocket.GoingAway, "")
			receiving.Wait()
			require.Equal(t, answer, err == nil, "%v", err)
		})
	}
}

// S4.80: a server that answers no ping is given up while a Receive waits for it.
func TestHeartbeat(t *testing.T) {
	for name, tt := range map[string]struct {
		serve func(p *peer)
		check func(t *testing.T, conn *websocket.Conn[string, string])
	}{
		"no pong": {func(p *peer) { p.rest() }, func(t *testing.T, conn *websocket.Conn[string, string]) {
			start := time.Now()
			_, err := conn.Receive(t.Context())
			require.ErrorIs(t, err, crest.KindDisconnected)
			require.ErrorContains(t, err, "no pong came within 20ms")
			end, ok := errors.AsType[*websocket.CloseError](err)
			require.True(t, ok)
			require.Equal(t, websocket.Lost, end.Code)
			require.Equal(t, 60*time.Millisecond, time.Since(start))
		}},
		"pongs": {func(p *peer) {
			for range 5 {
				_, _, payload, _ := p.hears()
				p.says(frame(fin|pong, payload))
			}
			p.says(frame(fin|text, "enough"))
			p.rest()
		}, func(t *testing.T, conn *websocket.Conn[string, string]) {
			start := time.Now()
			got, err := conn.Receive(t.Context())
			require.NoError(t, err)
			require.Equal(t, "enough", got)
			require.Equal(t, 5*40*time.Millisecond, time.Since(start))
		}},
		"nobody receives": {func(p *peer) {
			for range 4 {
				_, _, _, _ = p.hears()
			}
			p.says(frame(fin|text, "still here"))
			p.rest()
		}, func(t *testing.T, conn *websocket.Conn[string, string]) {
			time.Sleep(4*40*time.Millisecond + 1) // four pings without a pong, and nobody who could have read one
			got, err := conn.Receive(t.Context())
			require.NoError(t, err)
			require.Equal(t, "still here", got)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.check(t, dial[string, string](t, inMemory, websocket.Options{Heartbeat: 40 * time.Millisecond}, rawPipes(tt.serve)))
			})
		})
	}
}

// S4.73: Ping waits for its pong, or its context; pings of the server are answered.
func TestPing(t *testing.T) { synctest.Test(t, testPing) }

func testPing(t *testing.T) {
	var mu sync.Mutex
	var pings, pongs []string
	o := websocket.Options{
		OnPing: func(payload []byte) bool {
			mu.Lock()
			defer mu.Unlock()
			pings = append(pings, string(payload))
			return string(payload) != "unanswered"
		},
		OnPong: func(payload []byte) {
			mu.Lock()
			defer mu.Unlock()
			pongs = append(pongs, string(payload))
		},
	}
	answers := make(chan string, 1)
	conn := dial[string, string](t, inMemory, o, rawPipes(func(p *peer) {
		p.says(frame(fin|ping, "unanswered") + frame(fin|ping, "one"))
		_, _, payload, _ := p.hears()
		answers <- payload
		_, _, payload, _ = p.hears()
		p.says(frame(fin|pong, "of its own") + frame(fin|pong, payload))
		_, _, _, _ = p.hears() // the second one is not answered
		p.rest()
	}))
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for _, err := range conn.All(t.Context()) {
			require.NoError(t, err)
		}
	})
	require.Equal(t, "one", <-answers)
	require.NoError(t, conn.Ping(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := conn.Ping(ctx)
	require.ErrorIs(t, err, crest.KindTimeout)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, conn.Close(websocket.Normal, ""), "the connection is still open")
	receiving.Wait()
	require.Equal(t, []string{"unanswered", "one"}, pings)
	require.Equal(t, []string{"of its own", "1"}, pongs)
}

// A Send whose context ends while the server does not read ends the connection: half a frame cannot be taken back.
func TestSendContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		conn := dial[[]byte, string](t, inMemory, websocket.Options{CloseTimeout: 50 * time.Millisecond}, rawPipes(func(p *peer) {
			_, _ = p.in.ReadByte()
			<-release
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := conn.Send(ctx, make([]byte, 1<<20))
		require.ErrorIs(t, err, crest.ErrTransport)
		require.ErrorIs(t, err, crest.KindTimeout)
		failed, _ := errors.AsType[*crest.CallError](err)
		require.Equal(t, crest.SentMaybe, failed.Sent)
		_, err = conn.Receive(t.Context())
		require.ErrorIs(t, err, crest.KindDisconnected)
	})
}
