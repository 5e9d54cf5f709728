package har

import (
	"net/http/httptrace"
	"strconv"
	"time"
)

// clock is when what happened. What has not is zero.
type clock struct {
	begun, answered, ended time.Time
	try
}

// try is one sending by the transport: the last, where there were several.
type try struct {
	asked     time.Time // for a connection
	lookup    time.Time
	found     time.Time
	dial      time.Time
	handshake time.Time
	shaken    time.Time
	ready     time.Time // it has one
	written   time.Time
	server    string // address
	port      string // of this side
}

func (c *clock) asks(now time.Time) { c.try = try{asked: now} }

// The hooks below are called by the dial that a request began. It can go on when the request has got another connection.

func (c *clock) looksUp(now time.Time)  { c.first(&c.lookup, now) }
func (c *clock) lookedUp(now time.Time) { c.last(&c.found, now) }
func (c *clock) dials(now time.Time)    { c.first(&c.dial, now) } // of several addresses, side by side
func (c *clock) greets(now time.Time)   { c.first(&c.handshake, now) }
func (c *clock) greeted(now time.Time)  { c.last(&c.shaken, now) }

func (c *clock) first(mark *time.Time, now time.Time) {
	if mark.IsZero() {
		c.last(mark, now)
	}
}

func (c *clock) last(mark *time.Time, now time.Time) {
	if c.ready.IsZero() {
		*mark = now
	}
}

func (c *clock) got(now time.Time, info httptrace.GotConnInfo) {
	if info.Reused { // whatever was dialled was not for this
		c.try = try{asked: c.asked}
	}
	c.ready = now
	if info.Conn != nil {
		c.server, c.port = ends(info.Conn)
	}
}

func (c *clock) wrote(now time.Time) { c.written = now }

// timings are the phases of an entry. None is negative but those that do not apply, which are -1, and all but ssl, which is a part of connect, add
// up to the time of the entry.
type timings struct {
	Blocked millis `json:"blocked"`
	DNS     millis `json:"dns"`
	Connect millis `json:"connect"`
	Send    millis `json:"send"`
	Wait    millis `json:"wait"`
	Receive millis `json:"receive"`
	SSL     millis `json:"ssl"`
}

// millis are microseconds, written as milliseconds.
type millis int64

const notApplicable millis = -1

func (m millis) MarshalJSON() ([]byte, error) {
	if m == notApplicable {
		return []byte("-1"), nil
	}
	return strconv.AppendFloat(nil, float64(m)/1000, 'f', -1, 64), nil
}

func between(from, to time.Time) millis { return millis(max(0, to.Sub(from)).Microseconds()) }

// clamp is t inside of a stretch of time; what has not happened would have at its end.
func clamp(t, from, to time.Time) time.Time {
	switch {
	case t.IsZero() || t.After(to):
		return to
	case t.Before(from):
		return from
	}
	return t
}

// timings are told at a time, which is the end of what has not ended. slots is what the request has waited for slots, as a transport without hooks
// leaves it to be known.
func (c *clock) timings(now time.Time, slots time.Duration) timings {
	end := clamp(c.ended, c.begun, now)
	answered := clamp(c.answered, c.begun, end)
	ready := c.connected(answered, slots)
	written := clamp(c.written, ready, answered)
	if c.written.IsZero() && (c.asked.IsZero() || !c.answered.IsZero()) { // nobody saw it written
		written = ready
	}
	t := timings{Send: between(ready, written), Wait: between(written, answered), Receive: between(answered, end)}
	t.connecting(c, ready)
	return t
}

// connected is when the request could go out.
func (c *clock) connected(answered time.Time, slots time.Duration) time.Time {
	if c.asked.IsZero() {
		return clamp(c.begun.Add(slots), c.begun, answered)
	}
	return clamp(c.ready, c.begun, answered)
}

// connecting splits what was before the request could go out.
func (t *timings) connecting(c *clock, ready time.Time) {
	t.DNS, t.Connect, t.SSL, t.Blocked = notApplicable, notApplicable, notApplicable, between(c.begun, ready)
	if c.asked.IsZero() && t.Blocked == 0 { // without hooks nothing is known
		t.Blocked = notApplicable
	}
	at := c.begun
	if !c.lookup.IsZero() {
		from := clamp(c.lookup, at, ready)
		at = clamp(c.found, from, ready)
		t.DNS = between(from, at)
		t.Blocked -= t.DNS
	}
	if !c.dial.IsZero() {
		at = clamp(c.dial, at, ready)
		t.Connect = between(at, ready)
		t.Blocked -= t.Connect
	}
	if !c.handshake.IsZero() {
		from := clamp(c.handshake, at, ready)
		t.SSL = between(from, clamp(c.shaken, from, ready))
	}
}

// sum is the time of an entry.
func (t timings) sum() millis {
	sum := millis(0)
	for _, part := range []millis{t.Blocked, t.DNS, t.Connect, t.Send, t.Wait, t.Receive} {
		sum += max(0, part)
	}
	return sum
}
