package fasthttptransport

import (
	"math"
	"net"
	"net/http/httptrace"
	"time"

	"github.com/valyala/fasthttp"
)

// target is what connections are kept for: a scheme, and an address with its port.
type target struct{ scheme, address string }

// host is one target's pool. It is forgotten when nothing uses it.
type host struct {
	at      target
	client  *fasthttp.HostClient
	users   int // requests under way and connections at rest
	resting int
}

// enter finds the pool of a target for one request.
func (t *Transport) enter(at target) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[at]
	if h == nil {
		h = &host{at: at, client: t.newClient(at)}
		if t.hosts == nil {
			t.hosts = map[target]*host{}
		}
		t.hosts[at] = h
	}
	h.users++
	return h
}

// newClient makes a pool that neither dials (see conn) nor bounds how many connections are open.
func (t *Transport) newClient(at target) *fasthttp.HostClient {
	return &fasthttp.HostClient{
		Addr:             at.address,
		Dial:             func(string) (net.Conn, error) { return &conn{}, nil },
		MaxConns:         math.MaxInt32,
		ConnPoolStrategy: fasthttp.LIFO,
		ReadBufferSize:   orDefault(t.MaxResponseHeaderBytes, defaultHeaderBytes),
	}
}

// leave is the end of a request, or of a connection's rest.
func (t *Transport) leave(h *host) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(t.hosts, h.at)
	}
}

// acquire returns a connection, new or rested, and the way to give it back. fasthttp's cleaner would outlive the last connection, so
// it is told not to start one.
func (t *Transport) acquire(h *host) (*conn, func(keep bool), error) {
	for {
		pooled, err := h.client.AcquireConn(0, true)
		if err != nil {
			return nil, nil, err
		}
		c := pooled.Conn().(*conn)
		if c.left == nil {
			c.left = func(dead bool) { t.unpark(h, dead) }
		}
		if c.Conn != nil && !c.wake() {
			h.client.CloseConn(pooled)
			continue
		}
		return c, func(keep bool) {
			if keep && t.park(h, c) {
				h.client.ReleaseConn(pooled)
			} else {
				h.client.CloseConn(pooled)
			}
			t.leave(h)
		}, nil
	}
}

// park puts a connection to rest, if there is room.
func (t *Transport) park(h *host, c *conn) bool {
	t.mu.Lock()
	full := h.resting >= orDefault(t.MaxIdleConnsPerHost, defaultIdleConns)
	if !full {
		h.resting++
		h.users++
	}
	t.mu.Unlock()
	if full {
		return false
	}
	c.rest(orDefault(t.IdleConnTimeout, defaultIdleTimeout))
	return true
}

// unpark is the end of a connection's rest. With the last one that died, fasthttp's list holds dead ones only.
func (t *Transport) unpark(h *host, dead bool) {
	t.mu.Lock()
	h.resting--
	empty := h.resting == 0
	t.mu.Unlock()
	if dead && empty {
		h.client.CloseIdleConnections()
	}
	t.leave(h)
}

// gotConn tells the hook of httptrace.
func (c *conn) gotConn(trace *httptrace.ClientTrace, reused bool) {
	if trace.GotConn == nil {
		return
	}
	info := httptrace.GotConnInfo{Conn: c.Conn, Reused: reused, WasIdle: reused}
	if reused {
		info.IdleTime = time.Since(c.restsAt)
	}
	trace.GotConn(info)
}
