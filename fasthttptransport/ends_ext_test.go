package fasthttptransport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/fasthttptransport"
)

// stuck is a place where a call can hang, with a server and a dialer that hang there. reached is closed when it does.
type stuck struct {
	dial  func(reached func()) dial
	https bool
	serve func(conn net.Conn, in *bufio.Reader, reached func(), over <-chan struct{})
	body  func(reached func()) io.Reader
	sent  crest.Sent
	ours  bool // net/http waits for the body's Read, whatever the context says
}

func wait(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

var stages = map[string]stuck{
	"dial": {dial: func(reached func()) dial {
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			reached()
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
		}
	}, sent: crest.SentNo},
	"handshake": {https: true, serve: func(conn net.Conn, in *bufio.Reader, reached func(), _ <-chan struct{}) {
		_, _ = in.Peek(1)
		reached()
		wait(conn)
	}, sent: crest.SentNo},
	"header": {serve: func(conn net.Conn, in *bufio.Reader, reached func(), _ <-chan struct{}) {
		_, _ = http.ReadRequest(in)
		reached()
		wait(conn)
	}, sent: crest.SentMaybe},
	"half a header": {serve: func(conn net.Conn, in *bufio.Reader, reached func(), _ <-chan struct{}) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-A")
		reached()
		wait(conn)
	}, sent: crest.SentMaybe},
	"body that the server does not read": {serve: func(_ net.Conn, in *bufio.Reader, reached func(), over <-chan struct{}) {
		_, _ = in.Peek(1)
		reached()
		<-over
	}, body: func(func()) io.Reader { return onlyReader(strings.Repeat(long, 4)) }, sent: crest.SentMaybe},
	"body that nobody writes": {serve: func(conn net.Conn, _ *bufio.Reader, _ func(), _ <-chan struct{}) { wait(conn) }, body: func(reached func()) io.Reader { r, w := io.Pipe(); return &piped{r, w, reached} }, sent: crest.SentMaybe, ours: true},
	"body of the answer": {serve: func(conn net.Conn, in *bufio.Reader, reached func(), _ <-chan struct{}) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
		reached()
		wait(conn)
	}, sent: crest.SentYes},
}

// piped is a pipe that nobody writes to.
type piped struct {
	*io.PipeReader
	w       *io.PipeWriter
	reached func()
}

func (p *piped) Read(b []byte) (int, error) {
	p.reached()
	return p.PipeReader.Read(b)
}

// TestEndOfTheContext ends a call wherever it hangs: at once, with the context's cause, and crest knows what may have been sent. The clock is
// virtual: a wait of any length would show.
func TestEndOfTheContext(t *testing.T) {
	for name, tt := range stages {
		for transportName, make := range makers {
			if tt.ours && transportName == "net/http" {
				continue
			}
			t.Run(name+"/"+transportName, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { endOfTheContext(t, tt, make) })
			})
		}
	}
}

func endOfTheContext(t *testing.T, tt stuck, newTransport func(dial) transport) {
	cause := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	reached := func() {
		go func() { synctest.Wait(); cancel(cause) }()
	}
	base := "http://api.example.com"
	if tt.https {
		base = "https://api.example.com"
	}
	over := make(chan struct{})
	defer close(over)
	connect := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			tt.serve(far, bufio.NewReader(far), reached, over)
		}()
		return near, nil
	}
	if tt.dial != nil {
		connect = tt.dial(reached)
	}
	rt := newTransport(connect)
	defer rt.CloseIdleConnections()
	var body io.Reader
	if tt.body != nil {
		body = tt.body(reached)
	}
	c := client(t, base, rt, crest.WithTimeouts(crest.Timeouts{Header: crest.NoTimeout, Total: crest.NoTimeout, Idle: crest.NoTimeout}))
	start := time.Now()
	_, err := crest.Post[struct{ Body io.Reader }, []byte]("/x").Call(ctx, c, struct{ Body io.Reader }{body})
	require.Zero(t, time.Since(start))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
	failed, ok := errors.AsType[*crest.CallError](err)
	require.True(t, ok)
	require.Equal(t, tt.sent, failed.Sent)
}

// TestHeaderTimeout works because the hook of httptrace says when the request was written.
func TestHeaderTimeout(t *testing.T) {
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rt := make(func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go wait(far)
					return near, nil
				})
				defer rt.CloseIdleConnections()
				c := client(t, "http://api.example.com", rt, crest.WithTimeouts(crest.Timeouts{Header: 3 * time.Second}))
				start := time.Now()
				_, err := get.Call(t.Context(), c, crest.Empty{})
				require.ErrorIs(t, err, crest.KindTimeoutHeader)
				require.Equal(t, 3*time.Second, time.Since(start))
			})
		})
	}
}

// TestHandshakeTimeout ends a handshake that the server does not answer.
func TestHandshakeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &fasthttptransport.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go wait(far)
			return near, nil
		}}
		start := time.Now()
		_, err := get.Call(t.Context(), client(t, "https://api.example.com", rt), crest.Empty{})
		require.ErrorIs(t, err, crest.KindTimeoutTLS)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

// TestFailuresToConnect sees that crest knows what failed, and that nothing was sent.
func TestFailuresToConnect(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = silent
	secure.StartTLS()
	defer secure.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, tt := range map[string]struct {
		base string
		kind crest.Kind
	}{
		"refused":      {"http://" + closed.Addr().String(), crest.KindConnect},
		"no such name": {"http://name.invalid", crest.KindDNS},
		"unknown CA":   {secure.URL, crest.KindTLS},
		"plain":        {strings.Replace(plain.URL, "http:", "https:", 1), crest.KindTLS},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(t *testing.T, rt transport) {
				_, err := get.Call(t.Context(), client(t, tt.base, rt), crest.Empty{})
				require.ErrorIs(t, err, tt.kind)
				failed, ok := errors.AsType[*crest.CallError](err)
				require.True(t, ok)
				require.Equal(t, crest.SentNo, failed.Sent)
				require.Equal(t, name == "plain", errors.Is(err, http.ErrSchemeMismatch))
			})
		})
	}
}

// TestTLS speaks https with a certificate of its own, resumes its session, and says so in the answer.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	own := &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	rt := &fasthttptransport.Transport{TLSClientConfig: own, MaxIdleConnsPerHost: -1}
	for i := range 2 {
		resp, err := rt.RoundTrip(newRequest(t, "GET", server.URL, nil))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "HTTP/1.1", string(body))
		require.NotNil(t, resp.TLS)
		require.Equal(t, i == 1, resp.TLS.DidResume)
	}
	require.Equal(t, []string{"h2", "http/1.1"}, own.NextProtos, "the caller's configuration was changed")
}
