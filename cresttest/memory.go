package cresttest

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// memory is a listener whose connections are pipes.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Accept returns the server's end of the next connection.
func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses further connections.
func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

// Addr is a name and no address.
func (m *memory) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// dial makes a connection, whatever the address.
func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	err := error(net.ErrClosed)
	select {
	case m.conns <- server:
		return client, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-m.closed:
	}
	_ = client.Close()
	_ = server.Close()
	return nil, err
}

// transport is net/http's own over these connections. Each is used once: where one that was used before is cut, net/http sends the
// request again by itself, and a test would see more requests than were made.
func (m *memory) transport() *http.Transport {
	return &http.Transport{DialContext: m.dial, DialTLSContext: m.dial, DisableKeepAlives: true, DisableCompression: true}
}
