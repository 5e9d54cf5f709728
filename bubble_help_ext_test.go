package crest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/crest-go/crest"
)

// serveInBubble is serve in memory, for bubbles of testing/synctest: no time passes while bytes are under way, or while the machine does
// something else. The option leads a client to it, whatever its base. It ends with the test.
func serveInBubble(t testing.TB, h http.HandlerFunc) crest.ClientOption {
	t.Helper()
	l := &bubbleListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server, transport := &http.Server{Handler: h}, &http.Transport{DialContext: l.dial}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		serving.Wait()
	})
	return crest.WithTransport(transport)
}

// bubbleURL is the base URL of what serveInBubble serves.
const bubbleURL = "http://api.example.com"

// bubbleListener is a listener that is reached through its own dialer.
type bubbleListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *bubbleListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
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
