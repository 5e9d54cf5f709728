package crest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// statistics is what a client with [WithStats] counts. It is told of the same moments as an observer, by methods of its own: what an
// observer is told is made for it, and would be an allocation for each call. A nil one counts nothing.
type statistics struct {
	began   time.Time
	tallies atomic.Pointer[map[string]*tally] // by the name of the endpoint; replaced, never changed

	mu     sync.Mutex // guards what follows, and the replacing of tallies
	open   map[*openBody]struct{}
	errors [errorsKept]RecentError
	failed int // how many there were
}

const (
	maxTallies   = 1000
	maxStatuses  = 32
	maxFailures  = 32
	maxOpenShown = 256
	errorsKept   = 32

	otherEndpoints = "other endpoints" // of more than maxTallies
	otherStatuses  = -1
	otherFailures  = "other"
	failedByPanic  = "panic"
)

func newStatistics() *statistics {
	s := &statistics{began: time.Now(), open: map[*openBody]struct{}{}}
	s.tallies.Store(&map[string]*tally{})
	return s
}

// tally is what is counted of one endpoint.
type tally struct {
	name     string
	limiters []Limiter // the endpoint's own
	underway atomic.Int64
	waiting  atomic.Int64
	slotWait atomic.Int64 // nanoseconds

	mu       sync.Mutex // guards what follows
	calls    int64
	failed   int64
	attempts int64
	retries  int64
	broken   int64
	statuses map[int]int64
	failures map[failurePlace]int64
	latency  latencies
	minute   lastMinute
}

// failurePlace is where a call failed.
type failurePlace struct {
	step Step
	kind Kind
}

func (f failurePlace) String() string {
	text := string(f.step)
	if f.kind != "" {
		text += "/" + string(f.kind)
	}
	return safeText(text) // a middleware can make kinds of its own
}

// of is the tally of an endpoint; nil if nothing is counted.
func (s *statistics) of(e *endpoint) *tally {
	if s == nil {
		return nil
	}
	if t := (*s.tallies.Load())[e.name]; t != nil {
		return t
	}
	return s.add(e)
}

// add makes the tally of an endpoint that is called for the first time.
func (s *statistics) add(e *endpoint) *tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := *s.tallies.Load()
	t := &tally{name: e.name, limiters: e.settings.limiters, statuses: map[int]int64{}, failures: map[failurePlace]int64{}}
	if len(all) >= maxTallies {
		t.name, t.limiters = otherEndpoints, nil
	}
	if known := all[t.name]; known != nil {
		return known
	}
	all = maps.Clone(all)
	all[t.name] = t
	s.tallies.Store(&all)
	return t
}

// begins counts a call that is under way.
func (s *statistics) begins(e *endpoint) *tally {
	t := s.of(e)
	if t != nil {
		t.underway.Add(1)
	}
	return t
}

// ended counts a call that is over. place is where it failed; the zero value is nowhere.
func (t *tally) ended(attempts []Attempt, place failurePlace, took, sinceBegin time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	t.attempts += int64(len(attempts))
	t.retries += int64(max(len(attempts)-1, 0))
	for i := range attempts {
		countUpTo(t.statuses, attempts[i].StatusCode, maxStatuses, otherStatuses)
	}
	if place != (failurePlace{}) {
		t.failed++
		countUpTo(t.failures, place, maxFailures, failurePlace{step: otherFailures})
	}
	if took > 0 {
		t.latency.add(took)
	}
	t.minute.add(int64(sinceBegin / time.Second))
}

// countUpTo counts a key, unless there are so many that the next is one of the others: servers choose them.
func countUpTo[K comparable](counts map[K]int64, key K, limit int, others K) {
	if _, known := counts[key]; !known && len(counts) >= limit {
		key = others
	}
	counts[key]++
}

// called counts a call that began and has ended.
func (s *statistics) called(t *tally, e callEnded, begun time.Time) {
	t.underway.Add(-1)
	s.count(t, e, begun.Add(e.took))
}

// refused counts a call that was never sent.
func (s *statistics) refused(c *call, err *CallError) {
	if t := s.of(c.endpoint); t != nil {
		s.count(t, callEnded{err: err}, time.Now())
	}
}

func (s *statistics) count(t *tally, e callEnded, now time.Time) {
	var place failurePlace
	if e.err != nil {
		place = failurePlace{e.err.Step, e.err.Kind}
	}
	t.ended(e.attempts, place, e.took, now.Sub(s.began))
	if e.err != nil {
		s.note(now, t.name, e.err.RequestID, e.err.Error())
	}
}

// crashed counts a call that ended in a panic. What it was is not for a page.
func (s *statistics) crashed(t *tally, attempts []Attempt, begun time.Time) {
	now := time.Now()
	t.underway.Add(-1)
	t.ended(attempts, failurePlace{step: failedByPanic}, now.Sub(begun), now.Sub(s.began))
	s.note(now, t.name, "", "crest: "+t.name+": a function that the call was given panicked")
}

// note keeps the text of an error.
func (s *statistics) note(at time.Time, endpoint, requestID, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors[s.failed%errorsKept] = RecentError{at, endpoint, requestID, strings.Clone(oneLine(text))}
	s.failed++
}

// waits counts a request of a call that asks for a slot.
func (s *statistics) waits(c *call) *tally {
	if s == nil || c == nil {
		return nil
	}
	t := s.of(c.endpoint)
	t.waiting.Add(1)
	return t
}

// waited is told when it has the slot, or will not get it.
func (t *tally) waited(d time.Duration) {
	if t != nil {
		t.waiting.Add(-1)
		t.slotWait.Add(int64(d))
	}
}

// openBody is a body in the caller's hands.
type openBody struct {
	tally *tally
	since time.Time
	body  seenBody
}

// seenBody is a body that tells of its end.
type seenBody interface {
	inSight(s sight) (open bool) // false for one that was closed before
	moved() (received, sent int64)
}

// opened notes a body that the caller reads from now on.
func (s *statistics) opened(o *openBody) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[o] = struct{}{}
}

// closed forgets it, and counts how it ended.
func (s *statistics) closed(o *openBody, err error) {
	s.mu.Lock()
	delete(s.open, o)
	s.mu.Unlock()
	if err == nil {
		return
	}
	o.tally.mu.Lock()
	o.tally.broken++
	o.tally.mu.Unlock()
	s.note(time.Now(), o.tally.name, requestIDOf(err), textOf(err))
}

func (s *statistics) snapshot(c *core) Stats {
	now := time.Now()
	all := Stats{On: true, Origin: c.base.Scheme + "://" + c.base.Host, Since: s.began, At: now, Closed: c.closed.Load()}
	open := s.bodies(&all)
	tallies := slices.SortedFunc(maps.Values(*s.tallies.Load()), func(a, b *tally) int { return strings.Compare(a.name, b.name) })
	for _, t := range tallies {
		e := t.snapshot(int64(now.Sub(s.began) / time.Second))
		e.Open = open[t]
		all.Endpoints = append(all.Endpoints, e)
	}
	all.Limiters = limiterStats(c.settings.limiters, tallies)
	return all
}

// bodies fills in the open ones and the errors, and returns how many are open of each endpoint.
func (s *statistics) bodies(all *Stats) map[*tally]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range min(s.failed, errorsKept) {
		all.Errors = append(all.Errors, s.errors[(s.failed-1-i)%errorsKept])
	}
	open := map[*tally]int64{}
	list := slices.SortedFunc(maps.Keys(s.open), func(a, b *openBody) int { return a.since.Compare(b.since) })
	for i, o := range list {
		open[o.tally]++
		if i < maxOpenShown {
			all.Open = append(all.Open, o.snapshot())
		}
	}
	all.OpenTotal = len(list)
	return open
}

func (o *openBody) snapshot() OpenBody {
	b := OpenBody{Endpoint: o.tally.name, Since: o.since}
	b.Received, b.Sent = o.body.moved()
	_, b.Connection = o.body.(*upgraded)
	return b
}

func (t *tally) snapshot(second int64) EndpointStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := EndpointStats{
		Endpoint: t.name, Calls: t.calls, Failed: t.failed, UnderWay: t.underway.Load(), Waiting: t.waiting.Load(), Attempts: t.attempts, Retries: t.retries,
		Broken: t.broken, Statuses: maps.Clone(t.statuses), Failures: map[string]int64{}, Latency: t.latency.snapshot(),
		SlotWait: time.Duration(t.slotWait.Load()), Seconds: t.minute.snapshot(second),
	}
	for place, n := range t.failures {
		e.Failures[place.String()] += n
	}
	return e
}

// requestIDOf is that of a failed body's answer.
func requestIDOf(err error) string {
	if e, ok := errors.AsType[*CallError](err); ok {
		return e.RequestID
	}
	return ""
}
