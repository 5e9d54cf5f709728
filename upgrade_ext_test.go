package crest_test

import (
	"bufio"
	"context"
	"errors"
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

var tunnel = crest.Get[crest.Empty, io.ReadCloser]("/tunnel", crest.WithUpgrade("line/1"))

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: line/1\r\nX-Request-Id: r7\r\n\r\n"

// lines switches protocols and sends each line back in upper case.
func lines(conn net.Conn, in *bufio.Reader) {
	req := readRequest(in)
	if req == nil || req.Header.Get("Connection") != "Upgrade" || req.Header.Get("Upgrade") != "line/1" {
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(conn, switched)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, strings.ToUpper(line))
	}
}

// S4.41: after a 101 bytes flow both ways over the body, and the end of the call's context is not theirs.
func TestUpgrade(t *testing.T) {
	c := newClient(t, listen(t, lines))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := tunnel.Do(ctx, c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, r.StatusCode)
	conn, ok := r.Model.(io.ReadWriteCloser)
	require.True(t, ok)
	talk := func(text, want string) {
		_, err := io.WriteString(conn, text)
		require.NoError(t, err)
		got := make([]byte, len(want))
		_, err = io.ReadFull(conn, got)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	talk("one\n", "ONE\n")
	cancel()
	require.NoError(t, c.Close())
	talk("two\n", "TWO\n")
	half, ok := conn.(interface{ CloseWrite() error })
	require.True(t, ok)
	require.NoError(t, half.CloseWrite())
	_, err = conn.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, conn.Close())
	require.NoError(t, conn.Close())
	_, err = conn.Read(make([]byte, 1))
	require.ErrorContains(t, err, "closed")
}

func TestUpgradeRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		step   crest.Step
		kind   crest.Kind
		says   string
	}{
		"another protocol": {strings.Replace(switched, "line/1", "line/2", 1), crest.ErrTransport, crest.KindProtocol, "line/2 instead of line/1"},
		"no protocol":      {strings.Replace(switched, "Upgrade: line/1\r\n", "", 1), crest.ErrTransport, crest.KindProtocol, "instead of line/1"},
		"no Connection":    {strings.Replace(switched, "Connection: Upgrade\r\n", "", 1), crest.ErrTransport, crest.KindProtocol, "lacks Connection"},
		"200":              {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", crest.ErrStatus, "", "200"},
		"204":              {"HTTP/1.1 204 No Content\r\n\r\n", crest.ErrStatus, "", "204"},
		"a redirect":       {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", crest.ErrStatus, "", "302"},
		"the error model":  {"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + `{"code":"x","message":"nope"}`, crest.ErrStatus, "", "403 Forbidden: nope"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, tt.answer), crest.WithSuccess(200, 302))
			_, err := tunnel.Call(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, tt.step)
			if tt.kind != "" {
				require.ErrorIs(t, err, tt.kind)
			}
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func TestUpgradeDeclared(t *testing.T) {
	require.PanicsWithValue(t, `crest: GET /x: WithUpgrade: the response model is not io.ReadCloser, and nobody could use the connection`, func() {
		crest.Get[crest.Empty, thing]("/x", crest.WithUpgrade("line"))
	})
	require.PanicsWithValue(t, `crest: GET /x: WithUpgrade: "a b" is no protocol such as websocket`, func() {
		crest.Get[crest.Empty, io.ReadCloser]("/x", crest.WithUpgrade("a b"))
	})
}

// A transport, or a middleware, may hand on a body that can only be read.
func TestUpgradeWithoutConnection(t *testing.T) {
	c := newClient(t, "http://api.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"line/1"}}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
	})))
	_, err := tunnel.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.KindProtocol)
	require.ErrorContains(t, err, "wrapped its body")
}

// pipe is a transport whose answer is one end of a connection in memory, after a while.
func pipe(wait time.Duration, far *net.Conn) crest.ClientOption {
	return crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(wait):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
		near, other := net.Pipe()
		*far = other
		return &http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"line/1"}}, Body: near, Request: req}, nil
	}))
}

// The timeouts and the context bound the handshake, and nothing of them is left afterwards.
func TestUpgradeTime(t *testing.T) {
	cause := errors.New("no longer wanted")
	for name, tt := range map[string]struct {
		wait time.Duration
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		is   []error
		not  []error
	}{
		"in time": {wait: time.Second, ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 2*time.Second)
		}},
		"in time, by Total": {wait: time.Second, ctx: context.WithCancel},
		"the context's deadline": {wait: time.Hour, ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 2*time.Second, cause)
		}, is: []error{crest.ErrTransport, context.DeadlineExceeded, cause}, not: []error{context.Canceled}},
		"cancelled": {wait: time.Hour, ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(cause) })
			return ctx, func() {}
		}, is: []error{crest.ErrTransport, context.Canceled, cause}, not: []error{context.DeadlineExceeded}},
		"Total": {wait: time.Hour, ctx: context.WithCancel, is: []error{crest.ErrTransport, crest.KindTimeoutTotal, context.DeadlineExceeded}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var far net.Conn
				c, err := crest.New[*failure]("http://api.example", once, pipe(tt.wait, &far), crest.WithTimeouts(crest.Timeouts{Total: time.Minute, Idle: time.Second}))
				require.NoError(t, err)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				body, err := tunnel.Call(ctx, c, crest.Empty{})
				for _, is := range tt.is {
					require.ErrorIs(t, err, is)
				}
				for _, not := range tt.not {
					require.NotErrorIs(t, err, not)
				}
				if tt.is != nil {
					return
				}
				require.NoError(t, err)
				go func() {
					time.Sleep(time.Hour) // neither Total nor Idle, nor the deadline of the context
					_, _ = io.WriteString(far, "late")
				}()
				got := make([]byte, 4)
				_, err = io.ReadFull(body, got)
				require.NoError(t, err)
				require.Equal(t, "late", string(got))
				go func() {
					time.Sleep(time.Hour)
					_ = body.Close()
				}()
				_, err = body.Read(got)
				require.ErrorContains(t, err, "closed")
				_ = far.Close()
			})
		})
	}
}

// A connection has its place in the pool until it is closed, whatever becomes of the context, and longer than Total.
func TestUpgradePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, bubbleURL, crest.WithPool(crest.Pool{MaxConns: 1}))
		crest.ReplaceWire(c, switching)
		ctx, cancel := context.WithCancel(t.Context())
		body, err := tunnel.Call(ctx, c, crest.Empty{}, crest.WithTimeout(200*time.Millisecond))
		require.NoError(t, err)
		defer body.Close()
		cancel()
		soon, cancelSoon := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancelSoon()
		_, err = tunnel.Call(soon, c, crest.Empty{})
		require.ErrorContains(t, err, "no place became free")
		require.NoError(t, body.Close())
		again, err := tunnel.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.NoError(t, again.Close())
	})
}

// switching is a transport without a network that switches protocols at once.
var switching = inMemory(func(req *http.Request) (*http.Response, error) {
	near, _ := net.Pipe()
	return &http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"line/1"}}, Body: near, Request: req}, nil
})

// A lost connection is typed like a lost call.
func TestUpgradeLost(t *testing.T) {
	c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		readRequest(in)
		_, _ = io.WriteString(conn, switched)
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset
	}))
	body, err := tunnel.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	defer body.Close()
	_, err = io.ReadAll(body)
	call, ok := errors.AsType[*crest.CallError](err)
	require.True(t, ok, "%v", err)
	require.ErrorIs(t, err, crest.KindDisconnected)
	require.Equal(t, "GET /tunnel", call.Endpoint)
	require.Equal(t, "r7", call.RequestID)
}
