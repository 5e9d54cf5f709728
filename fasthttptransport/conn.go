package fasthttptransport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"os"
	"sync/atomic"
	"time"
)

// conn is a connection of fasthttp's pool. fasthttp dials without a context, so what it is given is not connected yet: the request
// that gets it connects it, with its own context.
type conn struct {
	net.Conn          // nil until connected
	raw      net.Conn // what lies below TLS
	failed   error    // the last error of Read

	waking  atomic.Bool
	rested  chan struct{} // closed when the watch has ended
	dead    bool          // seen by the watch; read after rested is closed
	restsAt time.Time
	left    func(dead bool) // called when a rest ends
	probe   *probe          // nil if the connection cannot be looked into
	later   *time.Timer     // begins the watch; nil without a rest, and when it began at once
}

// connect dials, and shakes hands for https.
func (c *conn) connect(ctx context.Context, t *Transport, to target, trace *httptrace.ClientTrace) error {
	dial := t.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: defaultDialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	raw, err := dial(ctx, "tcp", to.address)
	if err != nil {
		return err
	}
	c.raw, c.Conn = raw, raw
	if to.scheme == "https" {
		secure := tls.Client(raw, t.tlsConfig(to.address))
		if err := t.handshake(ctx, secure, trace); err != nil {
			c.raw, c.Conn = nil, nil
			_ = raw.Close()
			return err
		}
		c.Conn = secure
	}
	c.probe = newProbe(c.Conn)
	return nil
}

// handshakeTimeout is worded as net/http words it, since that is what programs look for.
type handshakeTimeout struct{}

func (handshakeTimeout) Error() string   { return "fasthttptransport: TLS handshake timeout" }
func (handshakeTimeout) Timeout() bool   { return true }
func (handshakeTimeout) Temporary() bool { return true }

func (t *Transport) handshake(ctx context.Context, c *tls.Conn, trace *httptrace.ClientTrace) error {
	if limit := orDefault(t.TLSHandshakeTimeout, defaultHandshakeTimeout); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, handshakeTimeout{})
		defer cancel()
	}
	if trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := c.HandshakeContext(ctx)
	if err != nil && errors.Is(context.Cause(ctx), handshakeTimeout{}) {
		err = handshakeTimeout{}
	}
	if trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(c.ConnectionState(), err)
	}
	return err
}

// tlsConfig is the configuration for a server. The sessions are shared by all of them, as in net/http.
func (t *Transport) tlsConfig(address string) *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tls == nil {
		if t.tls = t.TLSClientConfig.Clone(); t.tls == nil {
			t.tls = &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
		}
		t.tls.NextProtos = []string{"http/1.1"} // there is nothing else that fasthttp speaks
	}
	config := t.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	return config
}

// Read keeps the error: fasthttp puts its own words, or io.EOF, in its place.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.failed = err
	}
	return n, err
}

// Close also takes a connection that never was one, and one at rest.
func (c *conn) Close() error {
	if c.Conn == nil {
		return nil
	}
	err := c.Conn.Close()
	if c.unwatched() {
		c.left(true)
	}
	return err
}

// abort ends every Read and Write at once. The good-bye of TLS would wait for a peer that does not read.
func (c *conn) abort() { _ = c.raw.Close() }

// watchAfter is how long a connection rests before it is watched. One that is soon used again is only looked into then: a goroutine for
// each request would cost more than fasthttp saves.
const watchAfter = 20 * time.Millisecond

// rest watches the connection while nobody uses it. A server that closes it, or sends what nobody asked for, makes it unfit for
// the next request, which would be lost or get an answer that is not its own. left is called when the rest ends.
func (c *conn) rest(limit time.Duration) {
	c.waking.Store(false)
	c.restsAt = time.Now()
	switch {
	case c.probe == nil:
		c.rested = make(chan struct{})
		c.restUntil(limit)
		go c.watch()
	case c.later == nil:
		c.rested = make(chan struct{})
		c.later = time.AfterFunc(watchAfter, func() { c.restUntil(limit); c.watch() })
	default:
		c.later.Reset(watchAfter)
	}
}

// restUntil bounds the watch. A wake that came before is not overwritten.
func (c *conn) restUntil(limit time.Duration) {
	if limit > 0 {
		_ = c.Conn.SetReadDeadline(c.restsAt.Add(limit))
	}
	if c.waking.Load() {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (c *conn) watch() {
	defer close(c.rested)
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	c.dead = n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !c.waking.Load()
	if c.dead {
		_ = c.Conn.Close()
	}
	c.left(c.dead)
}

// unwatched ends a rest that is not watched yet.
func (c *conn) unwatched() bool {
	if c.later == nil {
		return false
	}
	stopped := c.later.Stop()
	if !stopped {
		c.later = nil // it has fired, and its channel is used up
	}
	return stopped
}

// wake ends the rest and reports whether the connection can be used.
func (c *conn) wake() bool {
	if c.unwatched() {
		quiet := c.probe.isQuiet()
		c.left(!quiet)
		return quiet
	}
	c.waking.Store(true)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	<-c.rested
	return !c.dead && c.Conn.SetReadDeadline(time.Time{}) == nil
}

// readError is what went wrong in a Read of fasthttp's that returned err; begun says whether a part had been read.
func (c *conn) readError(err error, begun bool) error {
	switch {
	case c.failed == nil:
		return err
	case c.failed == io.EOF && begun:
		return io.ErrUnexpectedEOF
	}
	return c.failed
}
