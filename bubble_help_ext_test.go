package crest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// bubbleServer is a server of HTTP in memory, for bubbles of testing/synctest: no time passes while bytes are under way, or while the machine
// does something else. Whether a connection is used again is seen in bubbles alone: net/http closes one whose writer did not come to say
// within 50 ms that the request was written, which on a busy machine happens.
type bubbleServer struct {
	l      *bubbleListener
	closed chan struct{} // gets something for each connection that is over

	mu   sync.Mutex
	seen []string // the connection of each request
}

// startInBubble starts a server that ends with the test.
func startInBubble(t testing.TB, h http.HandlerFunc) *bubbleServer {
	t.Helper()
	s := &bubbleServer{l: &bubbleListener{conns: make(chan net.Conn), closed: make(chan struct{})}, closed: make(chan struct{}, 64)}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.RemoteAddr)
		s.mu.Unlock()
		h(w, r)
	}), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			s.closed <- struct{}{}
		}
	}}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(s.l) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return s
}

// client is one of the server, on crest's own transport.
func (s *bubbleServer) client(t testing.TB, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	c := newClient(t, bubbleURL, append(opts, crest.WithProxy(nil))...)
	crest.OwnTransport(c).DialContext = s.l.dial
	return c
}

// connections is how many there were.
func (s *bubbleServer) connections() int { return int(s.l.dials.Load()) }

// reused reports whether the last two requests came over one connection.
func (s *bubbleServer) reused(t testing.TB) bool {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.GreaterOrEqual(t, len(s.seen), 2)
	return s.seen[len(s.seen)-1] == s.seen[len(s.seen)-2]
}

// serveInBubble is serve in memory. The option leads a client to it, whatever its base.
func serveInBubble(t testing.TB, h http.HandlerFunc) crest.ClientOption {
	t.Helper()
	transport := &http.Transport{DialContext: startInBubble(t, h).l.dial}
	t.Cleanup(transport.CloseIdleConnections)
	return crest.WithTransport(transport)
}

// bubbleURL is the base URL of what serveInBubble serves.
const bubbleURL = "http://api.example.com"

// bubbleListener is a listener that is reached through its own dialer.
type bubbleListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	dials  atomic.Int32
}

// numbered is the server's end of a connection, with an address of its own.
type numbered struct {
	net.Conn
	at net.Addr
}

func (n numbered) RemoteAddr() net.Addr { return n.at }

func (l *bubbleListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- numbered{far, &net.TCPAddr{Port: int(l.dials.Add(1))}}:
		return near, nil
	case <-l.closed:
		return nil, errors.New("the server is closed")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *bubbleListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *bubbleListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *bubbleListener) Addr() net.Addr { return &net.TCPAddr{} }
