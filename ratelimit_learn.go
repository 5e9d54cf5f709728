package crest

import (
	"net/http"
	"slices"
	"time"
)

// observe learns from the answer to cost units.
func (l *RateLimiter) observe(resp *http.Response, cost int) {
	all, pause := l.listen(resp)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = max(l.open-cost, 0)
	if len(all) == 0 && l.quotas == nil && pause == 0 {
		return
	}
	now := l.now()
	l.expire(now)
	l.learn(all, pause, now, cost)
	l.pause(pause, now)
	l.advance(now)
}

// listen reads what an answer says of quotas, and for how long it wants everybody to stop.
func (l *RateLimiter) listen(resp *http.Response) (all []said, pause time.Duration) {
	all = rateLimitFields(resp.Header)
	throttled := l.dialect.throttles(resp.StatusCode)
	if l.dialect == 0 && !throttled {
		return all, 0
	}
	received := time.Now()
	if s, ok := l.dialect.read(resp.Header, received); ok {
		all = append(all, s)
	}
	if throttled {
		pause = min(retryAfter(resp.Header, received), maxPause)
	}
	return all, pause
}

// pause lets nobody go for d, or for longer if that was said before: a server may only tighten. Who waits in vain
// learns it now. Then the first goes at once and those behind follow one by one, at random within the limit's own pace, so
// that what gathered does not come down on the server in one moment.
func (l *RateLimiter) pause(d time.Duration, now int64) {
	end := now + int64(d)
	if d == 0 || end <= l.resume {
		return
	}
	l.resume = end
	l.ease(end, l.span/int64(l.n))
	l.refuseUntil(end, now)
}

// ease has those that wait at a moment go one by one from then on, for one window.
func (l *RateLimiter) ease(from, pace int64) {
	l.eased, l.pace = max(l.eased, from+l.span), pace
}

// refuseUntil ends the wait of all that nothing can let go before their deadline.
func (l *RateLimiter) refuseUntil(end, now int64) {
	for w := l.queue.head; w != nil; {
		next := w.next
		if w.deadline <= end {
			l.refuse(w, end, now)
		}
		w = next
	}
}

// learn takes in what an answer says of quotas. Retry-After wins over the reset that stands beside it.
func (l *RateLimiter) learn(all []said, pause time.Duration, now int64, cost int) {
	for _, s := range all {
		if s.foreign {
			l.forget(func(q *quota) bool { return q.id == s.id })
			continue
		}
		if pause > 0 && s.reset > 0 && s.left == 0 {
			s.reset = pause
		}
		l.hear(s, now, cost)
	}
	for _, q := range l.quotas {
		if !q.mentioned {
			q.silent(cost)
		}
		q.mentioned = false
	}
}

// hear takes in what an answer says of one quota.
func (l *RateLimiter) hear(s said, now int64, cost int) {
	q := l.quota(s.id, now)
	q.heard, q.mentioned = now, true
	if s.size > 0 {
		q.size = s.size
		l.keep(q, s.window)
	}
	if s.reset <= 0 {
		return
	}
	before := q.exhausted()
	if q.hear(s, now, cost) {
		l.settle(now)
	}
	if end := q.exhausted(); end > before && before == 0 {
		l.refuseUntil(end, now)
	}
}

// quota finds one, or makes room for it.
func (l *RateLimiter) quota(id quotaID, now int64) *quota {
	for _, q := range l.quotas {
		if q.id == id {
			return q
		}
	}
	if len(l.quotas) == maxQuotas {
		oldest := slices.MinFunc(l.quotas, func(a, b *quota) int { return int(min(max(a.heard-b.heard, -1), 1)) })
		l.forget(func(q *quota) bool { return q == oldest })
	}
	q := &quota{id: id, heard: now}
	l.quotas = append(l.quotas, q)
	return q
}

// keep makes a policy hold: no window of its length sees more than its units. One that allows more than the limiter's own limit
// changes nothing. What was sent before it was known counts as far as that is remembered.
func (l *RateLimiter) keep(q *quota, d time.Duration) {
	window := min(int64(d), int64(maxPause)) + int64(l.margin) + 1
	if d == 0 || q.size > maxRing || int64(q.size) >= times(window/l.span+1, int64(l.n)) {
		q.window, q.sent = 0, stamps{}
		return
	}
	if q.window == 0 {
		q.sent = l.sent.newest(q.size)
	}
	q.window = window
	q.sent.drop(q.sent.n - q.size)
	q.sent.expire(l.now() - window)
}

// settle begins a window of a server: what was sent before it, and is not answered yet, was counted in the one before, or is lost.
func (l *RateLimiter) settle(now int64) {
	recent := l.sent.since(now - int64(time.Second))
	for _, q := range l.quotas {
		recent = max(recent, q.sent.since(now-int64(time.Second)))
	}
	l.open = min(l.open, l.pending+recent)
}

// passQuotas forgets what time has made void.
func (l *RateLimiter) passQuotas(now int64) {
	l.forget(func(q *quota) bool { return q.stale(now) })
	for _, q := range l.quotas {
		full := q.current.left <= l.open
		if !q.pass(now) {
			continue
		}
		l.settle(now)
		if full && l.queue.head != nil {
			l.ease(now, min(max(l.span/int64(l.n), q.length/int64(q.most)), l.span))
		}
	}
}

func (l *RateLimiter) forget(which func(q *quota) bool) {
	if l.quotas = slices.DeleteFunc(l.quotas, which); len(l.quotas) == 0 {
		l.quotas = nil
	}
}

// unanswered is told of units that no answer will be heard of.
func (l *RateLimiter) unanswered(cost int) {
	l.open = max(l.open-cost, 0)
	for _, q := range l.quotas {
		q.spend(cost)
	}
}

// earliestLearned says when cost units may go by what servers said, as earliest does.
func (l *RateLimiter) earliestLearned(at int64, cost int) (int64, bool) {
	known := true
	for _, q := range l.quotas {
		free, sure := q.wait(cost, l.pending, l.open)
		at, known = max(at, free), known && sure
	}
	return at, known
}
