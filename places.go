package crest

import (
	"container/list"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// places bounds the hops under way, to all hosts and to each ([Pool]). Whoever came first goes first, among those whose host
// has room. It is nil in a client without such bounds.
type places struct {
	all, each int // 0 is no bound

	mu      sync.Mutex
	taken   int
	lines   map[origin]*line // of hosts with hops under way or waiting
	arrived uint64           // numbers those that wait
}

// line is one host.
type line struct {
	taken   int
	waiting list.List // of *queued
}

// queued is a hop that waits for a place.
type queued struct {
	host   origin
	number uint64
	let    chan struct{} // closed when it may go
	at     *list.Element // nil when it may
}

func newPlaces(p Pool) *places {
	if p.MaxConns == 0 && p.MaxConnsPerHost == 0 {
		return nil
	}
	return &places{all: p.MaxConns, each: p.MaxConnsPerHost, lines: map[origin]*line{}}
}

// enter waits for a place. The error is ctx's.
func (p *places) enter(ctx context.Context, host origin) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q := p.join(host)
	if q == nil {
		return nil
	}
	select {
	case <-q.let:
		return nil
	case <-ctx.Done():
		p.quit(q)
		return context.Cause(ctx)
	}
}

// join takes a place, or else stands in line.
func (p *places) join(host origin) *queued {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lines[host]
	if l == nil {
		l = &line{}
		p.lines[host] = l
	}
	if p.room(l) { // then nobody who came earlier could have it: he would be gone
		p.take(l)
		return nil
	}
	p.arrived++
	q := &queued{host: host, number: p.arrived, let: make(chan struct{})}
	q.at = l.waiting.PushBack(q)
	return q
}

// quit leaves the line. Who was let in at the same moment gives his place on.
func (p *places) quit(q *queued) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.at == nil {
		p.free(q.host)
		return
	}
	p.lines[q.host].waiting.Remove(q.at)
	p.forget(q.host)
}

// leave gives a place back.
func (p *places) leave(host origin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(host)
}

func (p *places) free(host origin) {
	p.taken--
	p.lines[host].taken--
	p.admit()
	p.forget(host)
}

// admit lets the next one in, if there is one for whom there is room.
func (p *places) admit() {
	var first *queued
	for _, l := range p.lines {
		if l.waiting.Len() == 0 || !p.room(l) {
			continue
		}
		if q := l.waiting.Front().Value.(*queued); first == nil || q.number < first.number {
			first = q
		}
	}
	if first == nil {
		return
	}
	l := p.lines[first.host]
	l.waiting.Remove(first.at)
	first.at = nil
	p.take(l)
	close(first.let)
}

func (p *places) room(l *line) bool {
	return (p.all == 0 || p.taken < p.all) && (p.each == 0 || l.taken < p.each)
}

func (p *places) take(l *line) {
	p.taken++
	l.taken++
}

// forget drops a host that nobody uses.
func (p *places) forget(host origin) {
	if l := p.lines[host]; l.taken == 0 && l.waiting.Len() == 0 {
		delete(p.lines, host)
	}
}

// enter takes the flight's place.
func (f *flight) enter() *CallError {
	h := f.hop
	if h.core.places == nil {
		return nil
	}
	host, ctx := originOf(f.asked.URL), f.asked.Context()
	start := time.Now()
	err := h.core.places.enter(ctx, host)
	h.waited.Add(int64(time.Since(start)))
	if err != nil {
		failed := fail(ErrTransport, "", nil)
		failed.endedBy(ctx)
		failed.Err = fmt.Errorf("no place became free in the pool of the client (Pool.MaxConns, MaxConnsPerHost): %w", nested(err))
		return failed
	}
	f.place = &heldPlace{places: h.core.places, host: host}
	f.place.stop = context.AfterFunc(ctx, f.place.leave) // also when a middleware forgets to close a body
	return nil
}

// heldPlace is one that is taken.
type heldPlace struct {
	places *places
	host   origin
	stop   func() bool
	once   sync.Once
}

// leave may be called more than once, on a nil place too.
func (p *heldPlace) leave() {
	if p == nil {
		return
	}
	p.once.Do(func() { p.places.leave(p.host) })
}

// keep holds the place until the body is closed, or was read to its end.
func (f *flight) keep(resp *http.Response) {
	switch body := resp.Body; {
	case f.place == nil:
	case body == http.NoBody:
		f.place.end()
	default:
		resp.Body = endWith(body, func(error) { f.place.end() })
	}
}

// end leaves before the context ends.
func (p *heldPlace) end() {
	if p != nil {
		p.stop()
		p.leave()
	}
}
