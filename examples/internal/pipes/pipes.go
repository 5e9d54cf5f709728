// Package pipes is a network in memory, so that tests can put net/http's client and server into a bubble of testing/synctest.
package pipes

import (
	"context"
	"net"
	"sync"
)

// Network is a [net.Listener] whose connections come from Dial. Make it with [New]. It is safe for concurrent use.
type Network struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// New makes a network. Within a bubble it must be made there.
func New() *Network { return &Network{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Dial fits [net/http.Transport.DialContext]. All addresses lead to the one listener.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept returns the server's side of the next connection.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial, but no connection.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr returns an address that nothing listens on.
func (n *Network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
