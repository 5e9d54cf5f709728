package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crest-go/crest"
)

// timedAreas are the areas whose rows wait: they are played in virtual time, over connections in memory.
var timedAreas = []string{"timeout", "retry", "session.retry", "cookiejar", "ws.timeout"}

// timed reports whether a row is played in virtual time. A connect timeout is that of crest's own transport, which dials real sockets.
func timed(c *vector, r vectorRow) bool {
	return inAreas(c.Area, timedAreas) && r.In["connect"] == nil
}

// inVirtualTime plays a row in a bubble, from its first goroutine to its last.
func (r *row) inVirtualTime(t *testing.T) (err error) {
	synctest.Test(t, func(*testing.T) {
		r.timed = true
		err = attempt(func() error {
			defer r.end()
			return r.play()
		})
	})
	return err
}

// listen opens the listener of a server of the row.
func (r *row) listen() net.Listener {
	if !r.timed {
		return must1(net.Listen("tcp", "127.0.0.1:0"))
	}
	m := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	r.network = append(r.network, crest.WithTransport(r.dialing(m.dial)))
	return m
}

// memory is a listener that is reached through its own dialer, whatever the address.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "api.test" }

func (m *memory) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-m.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("the server is closed")}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// immediately is a backoff that does not wait, for rows outside virtual time.
func immediately(int, error) time.Duration { return 0 }

// linear waits step longer before each retry.
func linear(step time.Duration) func(int, error) time.Duration {
	return func(n int, _ error) time.Duration { return time.Duration(n) * step }
}

// late tells attempts that did not end when their timeout did: to the nanosecond in virtual time, else with room for a busy machine.
func (x *trip) late(err error) error {
	bound, room := x.read, time.Duration(0)
	if x.connect > 0 {
		bound, room = x.connect, 2*time.Second
	}
	call, failed := errors.AsType[*crest.CallError](err)
	if bound == 0 || !failed {
		return nil
	}
	for i, a := range call.Attempts {
		if a.Duration < bound || a.Duration > bound+room {
			return fmt.Errorf("attempt %d took %v, with a timeout of %v: %w", i+1, a.Duration, bound, errLate)
		}
	}
	return nil
}

// errLate matches no word of the data.
var errLate = errors.New("a timeout did not hold")

// fullQueue is an address of loopback whose queue of connections is full, and nobody takes one out: linux lets further ones hang.
func (r *row) fullQueue() string {
	fd := must1(syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0))
	r.after(func() { must(syscall.Close(fd)) })
	must(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(syscall.Listen(fd, 0))
	bound := must1(syscall.Getsockname(fd)).(*syscall.SockaddrInet4)
	address := (&net.TCPAddr{IP: bound.Addr[:], Port: bound.Port}).String()
	for range 8 {
		conn, err := net.DialTimeout("tcp", address, 50*time.Millisecond)
		if err != nil {
			return address
		}
		r.after(func() { must(conn.Close()) })
	}
	panic("the queue of connections never filled: a full one drops them on linux alone")
}

// gaps are the times between the requests that a server saw.
func (s *wire) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gaps []time.Duration
	for i := 1; i < len(s.requests); i++ {
		gaps = append(gaps, s.requests[i].at.Sub(s.requests[i-1].at))
	}
	return gaps
}
