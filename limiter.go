package crest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// RateLimiter is the exact limiter: no closed window of the length per, wherever it begins, holds more than n units on
// the wire. A request is one unit, unless [WithCost] says more. Make it with [NewLimiter], or let [WithRateLimit] do so.
//
// It is a [SlotLimiter]: a request's units count from the moment its headers are written, and until then as
// if that were now. Waiting requests are served in order; one that leaves, or was never written, gives its
// place to those behind. A 429 or 503 with Retry-After stops it for all that wait.
//
// It is safe for concurrent use, and one may serve several clients. The zero value and nil refuse everything.
type RateLimiter struct {
	number   int64 // in the order in which they are made
	n        int
	per      time.Duration
	margin   time.Duration
	span     int64 // a unit is free again when so many nanoseconds have passed: more than per
	gap      int64 // with Smooth, between two units
	smooth   bool
	maxQueue int
	dialect  Dialect
	mistake  error
	start    time.Time // times are nanoseconds since then, by the monotonic clock

	mu      sync.Mutex
	latest  int64 // the newest time that was looked at
	sent    stamps
	pending int   // units that were granted and not written yet
	open    int   // units that were granted and not answered yet; an answer that is lost stays among them for a while
	next    int64 // Smooth: no grant before
	resume  int64 // after a pause: no grant before
	eased   int64 // after a pause: until then waiters are let go one by one
	pace    int64 // with at most this between them
	quotas  []*quota
	queue   waiters
	timer   *time.Timer // for the head of the queue; nil when it has none
	alarm   int64       // when it goes off
}

const (
	maxUnits   = 1_000_000_000
	maxSpan    = int64(1) << 61 // 73 years: sums of two of them fit
	maxWaiting = 10_000
	maxPause   = time.Hour
)

// limitersMade counts them.
var limitersMade atomic.Int64

var errUnmade = errors.New("the limiter was not made: use crest.NewLimiter(n, per)")

// Limit returns n and per, as they were given to [NewLimiter].
func (l *RateLimiter) Limit() (n int, per time.Duration) {
	if l == nil {
		return 0, 0
	}
	return l.n, l.per
}

// Wait takes one unit and counts it as sent now. It returns at once with an error that matches [ErrLimited]
// when ctx would end before the unit is free, or when too many wait. Most callers give the limiter to a
// client, which counts by the moment of writing.
func (l *RateLimiter) Wait(ctx context.Context) error {
	counted, err := l.take(ctx, 1, true)
	if err == nil && !counted {
		l.stamp(1)
		l.mu.Lock()
		l.unanswered(1)
		l.mu.Unlock()
	}
	return err
}

// Slot takes cost units, as [SlotLimiter] says. req is not looked at and may be nil. Its errors are those of
// [RateLimiter.Wait], and one at once for a cost above the limit.
func (l *RateLimiter) Slot(ctx context.Context, _ *http.Request, cost int) (Slot, error) {
	if _, err := l.take(ctx, cost, false); err != nil {
		return nil, err
	}
	if cost == 1 {
		return (*unit)(l), nil
	}
	return &units{l, cost}, nil
}

// unit is a slot of cost 1. It is the limiter itself, so that taking one costs no memory.
type unit RateLimiter

func (u *unit) Sent()                       { (*RateLimiter)(u).stamp(1) }
func (u *unit) Cancel()                     { (*RateLimiter)(u).giveBack(1) }
func (u *unit) Observe(resp *http.Response) { (*RateLimiter)(u).observe(resp, 1) }

// units is a slot of another cost.
type units struct {
	limiter *RateLimiter
	cost    int
}

func (u *units) Sent()                       { u.limiter.stamp(u.cost) }
func (u *units) Cancel()                     { u.limiter.giveBack(u.cost) }
func (u *units) Observe(resp *http.Response) { u.limiter.observe(resp, u.cost) }

// now is the time, under the lock. It never goes back.
func (l *RateLimiter) now() int64 {
	l.latest = max(l.latest, l.clock())
	return l.latest
}

func (l *RateLimiter) clock() int64 { return int64(time.Since(l.start)) }

// lock takes the lock and returns the time. The clock is read before, where nobody waits for it; who had to wait reads it again.
func (l *RateLimiter) lock() int64 {
	now := l.clock()
	if !l.mu.TryLock() {
		l.mu.Lock()
		return l.now()
	}
	l.latest = max(l.latest, now)
	return l.latest
}

// take waits until cost units may go out, and makes them pending. Who sends at once, and need not wait, has
// them counted in the same step.
func (l *RateLimiter) take(ctx context.Context, cost int, atOnce bool) (counted bool, err error) {
	if err := l.check(ctx, cost); err != nil {
		return false, err
	}
	now := l.lock()
	l.expire(now)
	if at, known := l.earliest(cost); l.queue.head == nil && known && at <= now {
		l.hold(cost)
		if atOnce {
			l.count(now, cost)
			l.unanswered(cost)
		}
		l.mu.Unlock()
		return atOnce, nil
	}
	w, err := l.join(ctx, now, cost)
	l.mu.Unlock()
	if err != nil {
		return false, err
	}
	awaits(ctx, time.Duration(w.estimate))
	select {
	case <-w.done:
		return false, w.err
	case <-ctx.Done():
		return false, l.leave(ctx, w)
	}
}

// usable returns what is wrong with how the limiter was made.
func (l *RateLimiter) usable() error {
	if l == nil || l.start.IsZero() {
		return errUnmade
	}
	return l.mistake
}

// check refuses what no waiting would help.
func (l *RateLimiter) check(ctx context.Context, cost int) error {
	if err := l.usable(); err != nil {
		return refused(0, err)
	}
	switch {
	case cost > l.n:
		return refused(0, fmt.Errorf("the request costs %d, the limit is %d in %v: lower its WithCost", cost, l.n, l.per))
	case cost < 1:
		return refused(0, fmt.Errorf("the request costs %d, the least is 1", cost))
	case ctx.Err() != nil:
		return refused(0, context.Cause(ctx))
	}
	return nil
}

// expire forgets what time has made void.
func (l *RateLimiter) expire(now int64) {
	l.sent.expire(now - l.span)
	if l.quotas != nil {
		l.passQuotas(now)
	}
}

// hold makes cost units pending, and release undoes it.
func (l *RateLimiter) hold(cost int)    { l.pending += cost; l.open += cost }
func (l *RateLimiter) release(cost int) { l.pending -= cost; l.open -= cost }

// earliest says when cost units may be granted, once those before have been. It is not known while that depends on units
// which are not written yet, or on answers; if none of those comes, at is when to look again. The ring is free of expired stamps.
func (l *RateLimiter) earliest(cost int) (at int64, known bool) {
	if l.smooth && l.pending > 0 {
		return 0, false
	}
	at = max(l.resume, l.next)
	if over := l.sent.n + l.pending + cost - l.n; over > l.sent.n {
		return 0, false
	} else if over > 0 {
		at = max(at, l.sent.oldest(over)+l.span)
	}
	if l.quotas != nil {
		return l.earliestLearned(at, cost)
	}
	return at, true
}

// join puts a waiter at the end of the queue, unless there is no use in waiting.
func (l *RateLimiter) join(ctx context.Context, now int64, cost int) (*waiter, error) {
	at := l.estimate(now, cost)
	if l.queue.len >= l.maxQueue {
		return nil, refused(at-now, fmt.Errorf("%d requests wait already, the bound of the limiter's queue", l.queue.len))
	}
	w := &waiter{cost: cost, done: make(chan struct{}), estimate: at - now, deadline: maxSpan}
	if deadline, ok := ctx.Deadline(); ok {
		w.deadline = min(now+int64(min(time.Until(deadline), time.Duration(maxSpan))), maxSpan)
	}
	if at >= w.deadline {
		return nil, l.tooLate(w, at, now)
	}
	l.queue.push(w)
	if l.queue.head == w {
		l.advance(now)
	}
	return w, nil
}

// estimate says when cost units that queue up now can be granted at the earliest.
func (l *RateLimiter) estimate(now int64, cost int) int64 {
	at := l.sent.least(now, max(now, l.resume, l.next), l.span, l.n, l.pending, l.queue.cost+int64(cost))
	if l.smooth {
		at = max(at, max(l.next, now+times(int64(l.pending), l.gap))+times(l.queue.cost, l.gap))
	}
	for _, q := range l.quotas {
		at = max(at, q.least(now, cost, l.pending, l.queue.len))
	}
	return min(at, maxSpan-1)
}

// times is k times d, or the longest span.
func times(k, d int64) int64 {
	if d > 0 && k > maxSpan/d {
		return maxSpan
	}
	return k * d
}

// leave takes a waiter whose context has ended out of the queue, and gives back what it got at the same moment.
func (l *RateLimiter) leave(ctx context.Context, w *waiter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case w.queued:
		l.queue.remove(w)
	case w.err == nil:
		l.release(w.cost)
	}
	l.advance(l.now())
	return refused(w.estimate, context.Cause(ctx))
}

// stamp counts cost pending units as sent now.
func (l *RateLimiter) stamp(cost int) {
	now := l.lock()
	defer l.mu.Unlock()
	l.expire(now)
	l.count(now, cost)
	l.advance(now)
}

// count makes pending units sent ones.
func (l *RateLimiter) count(now int64, cost int) {
	l.pending -= cost
	l.sent.push(now, cost, l.n)
	if l.smooth {
		l.next = now + times(int64(cost), l.gap)
	}
	for _, q := range l.quotas {
		q.count(now, cost)
	}
}

// giveBack frees cost pending units that were never written.
func (l *RateLimiter) giveBack(cost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(cost)
	l.advance(l.now())
}

// advance lets go whoever may go now, in order, and sets the timer for the next.
func (l *RateLimiter) advance(now int64) {
	if l.queue.head == nil {
		l.disarm()
		return
	}
	l.expire(now)
	for w := l.queue.head; w != nil; w = l.queue.head {
		at, known := l.earliest(w.cost)
		switch {
		case known && at <= now:
			l.grant(w, now)
		case known && at >= w.deadline:
			l.refuse(w, at, now)
		case known || at > now:
			l.arm(at, now)
			return
		default: // stamp or giveBack will come
			l.disarm()
			return
		}
	}
	l.disarm()
}

func (l *RateLimiter) grant(w *waiter, now int64) {
	l.queue.remove(w)
	l.hold(w.cost)
	if now < l.eased {
		l.resume = max(l.resume, now+rand.Int64N(l.pace+1))
	}
	close(w.done)
}

// refuse ends a wait that turned out to be too long.
func (l *RateLimiter) refuse(w *waiter, at, now int64) {
	l.queue.remove(w)
	w.err = l.tooLate(w, at, now)
	close(w.done)
}

func (l *RateLimiter) tooLate(w *waiter, at, now int64) error {
	wait, left := time.Duration(at-now), time.Duration(w.deadline-now)
	return refused(at-now, fmt.Errorf("the limit of %d in %v makes it wait %v, and its time ends in %v", l.n, l.per, wait, left))
}

func (l *RateLimiter) arm(at, now int64) {
	switch {
	case l.timer == nil:
		l.timer = time.AfterFunc(time.Duration(at-now), l.tick)
	case l.alarm != at || at <= now:
		l.timer.Reset(time.Duration(at - now))
	}
	l.alarm = at
}

// disarm forgets the timer: nothing of a limiter that nobody waits for is left running.
func (l *RateLimiter) disarm() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

func (l *RateLimiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarm = 0 // it went off, perhaps a little early: arm sets it anew
	l.advance(l.now())
}

// refused is the error of a limiter that says how long the wait would have been.
func refused(wait int64, err error) *CallError {
	return &CallError{Step: ErrLimited, Wait: time.Duration(wait), Err: err}
}
