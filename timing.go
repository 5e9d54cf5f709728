package crest

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// Timing is where the time of an [Attempt] went. Where redirects were followed, or challenges answered, it is the sum of their
// requests. What did not happen, or was not seen, is 0.
//
// DNS, Connect and TLS are measured by crest's own transport, for the request that had the connection made; they are 0 with
// [WithTransport]. FirstByte and Reused need a transport that calls the hooks of net/http/httptrace, as net/http's own does.
type Timing struct {
	DNS       time.Duration // looking up the name
	Connect   time.Duration // from the name to the open connection
	TLS       time.Duration // from the open connection to one that is ready for https: the handshake, and before it the tunnel through a proxy
	FirstByte time.Duration // from the request that is written to the header of its answer
	Body      time.Duration // reading the body; 0 where the caller reads it
	Reused    bool          // the connection of the last request had been used before
}

// add counts what came after t.
func (t *Timing) add(next Timing) {
	t.DNS += next.DNS
	t.Connect += next.Connect
	t.TLS += next.TLS
	t.FirstByte += next.FirstByte
	t.Body += next.Body
	t.Reused = next.Reused
}

// stopwatch measures one hop. A dial can outlive that, and reports to it all the same.
type stopwatch struct {
	mu      sync.Mutex
	timing  Timing
	opened  instant // a connection was opened that nobody has got yet
	written instant // the newest request was written and has no answer yet
}

// connected is called for each connection that a request of the hop gets.
func (s *stopwatch) connected(reused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !reused && s.opened != 0 {
		s.timing.TLS += s.opened.until(instantNow()) // nothing else lies between
	}
	s.timing.Reused, s.opened, s.written = reused, 0, 0
}

func (s *stopwatch) requestWritten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = instantNow()
}

// answered is called with the header of an answer.
func (s *stopwatch) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written != 0 {
		s.timing.FirstByte += s.written.until(instantNow())
		s.written = 0
	}
}

// read is called with how long a body was read.
func (s *stopwatch) read(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timing.Body += took
}

// total is what was measured so far.
func (s *stopwatch) total() Timing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timing
}

// dial measures the making of one connection. It sets the hooks for that where one is dialled, because a request over an open
// connection, as most are, needs none of them.
type dial struct {
	clock        *stopwatch // nil measures nothing
	begun, named instant
	secure       bool
}

// timed begins to measure a dial for the request of a call that is in ctx.
func timed(ctx context.Context) (*dial, context.Context) {
	h := hopOf(ctx)
	if h == nil || h.call == nil {
		return nil, ctx
	}
	now := instantNow()
	d := &dial{clock: &h.clock, begun: now, named: now, secure: h.asking.URL.Scheme == "https"}
	return d, httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{DNSDone: func(httptrace.DNSDoneInfo) { d.named = instantNow() }})
}

// end notes what a dial took that brought a connection.
func (d *dial) end(err error) {
	if d == nil || err != nil {
		return
	}
	now := instantNow()
	d.clock.mu.Lock()
	defer d.clock.mu.Unlock()
	d.clock.timing.DNS += d.begun.until(d.named)
	d.clock.timing.Connect += d.named.until(now)
	if d.secure {
		d.clock.opened = now
	}
}
