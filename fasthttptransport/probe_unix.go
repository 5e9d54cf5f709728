//go:build unix

package fasthttptransport

import (
	"net"
	"syscall"
)

// probe looks into a connection without waiting. It belongs to one goroutine at a time.
type probe struct {
	raw   syscall.RawConn
	look  func(fd uintptr) bool // made once: a closure for each look would be allocated
	quiet bool
}

// newProbe is nil for what is no plain socket: something may be held back above it.
func newProbe(c net.Conn) *probe {
	socket, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	p := &probe{raw: raw}
	p.look = func(fd uintptr) bool {
		var b [1]byte
		n, err := syscall.Read(int(fd), b[:]) // the socket does not block
		p.quiet = n <= 0 && (err == syscall.EAGAIN || err == syscall.EINTR)
		return true
	}
	return p
}

// isQuiet reports whether the connection is open and the peer has sent nothing.
func (p *probe) isQuiet() bool {
	p.quiet = false
	return p.raw.Read(p.look) == nil && p.quiet
}
