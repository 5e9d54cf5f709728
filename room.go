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
	bound    first[bound]
	life     first[lifetime]
	hop      first[hop]
	asked    first[http.Request]
	flight   firstOfMany[flight]
	answer   first[answer]
	attempts first[[1]Attempt]
}

// bound is a request as it is bound, with its URL and the lines of its headers; what is more finds its own place.
type bound struct {
	out   outgoing
	url   url.URL
	lines [12]string
}

// first is the place of one T, which the goroutine of the call takes.
type first[T any] struct {
	taken bool
	v     T
}

// take returns the place, or makes another when it is taken.
func (f *first[T]) take() *T {
	if f.taken {
		return new(T)
	}
	f.taken = true
	return &f.v
}

// firstOfMany is a first that several goroutines take: a middleware can send requests in parallel.
type firstOfMany[T any] struct {
	taken atomic.Bool
	v     T
}

func (f *firstOfMany[T]) take() *T {
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
	for _, taken := range []*bool{
		&r.bound.taken, &r.life.taken, &r.hop.taken, &r.asked.taken, &r.answer.taken, &r.attempts.taken,
	} {
		*taken = true
	}
	r.flight.taken.Store(true)
	return r
}()
