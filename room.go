package crest

import (
	"net/http"
	"net/url"
	"sync/atomic"
)

// room is the memory of a call that gets its answer at once: one allocation in place of a dozen. It holds the first of each thing that
// a call makes; the second ones, of another hop, another attempt, or a request that a middleware sends beside the first, are
// made as they come. Nothing of it is used again for another call: hooks, transports and bodies can outlive one.
type room struct {
	call     call
	bound    first[outgoing]
	lines    first[[12]string] // of headers
	url      first[url.URL]
	sent     first[outgoing]
	life     first[lifetime]
	hop      first[hop]
	asked    first[http.Request]
	flight   first[flight]
	idle     first[idleBody]
	answer   first[answer]
	attempts first[[1]Attempt]
}

// first is the place of one T.
type first[T any] struct {
	taken atomic.Bool
	v     T
}

// take returns the place, or makes another when it is taken.
func (f *first[T]) take() *T {
	if f.taken.Load() || f.taken.Swap(true) {
		return new(T)
	}
	return &f.v
}

// newCall is a call in its room.
func newCall() *call {
	r := &room{}
	r.call.room = r
	return &r.call
}

// again is a copy of a call, to be sent by itself.
func (c *call) again() *call {
	own := newCall()
	r := own.room
	*own = *c
	own.room = r
	return own
}

// firsts is the call's room. A plain copy of a call has none, since that is the original's.
func (c *call) firsts() *room {
	if c == nil || c.room == nil || c != &c.room.call {
		return noRoom
	}
	return c.room
}

// noRoom is a room in which everything is taken.
var noRoom = func() *room {
	r := &room{}
	for _, taken := range []*atomic.Bool{
		&r.bound.taken, &r.lines.taken, &r.url.taken, &r.sent.taken, &r.life.taken, &r.hop.taken, &r.asked.taken, &r.flight.taken, &r.idle.taken, &r.answer.taken,
		&r.attempts.taken,
	} {
		taken.Store(true)
	}
	return r
}()
