package crest

import (
	"fmt"
	"time"
)

// limiterStats are the states of the client's limiters and those of endpoints, each once.
func limiterStats(client []Limiter, endpoints []*tally) []LimiterStats {
	var all []LimiterStats
	for _, l := range client {
		all = append(all, stateOf(l))
	}
	var seen []Limiter
	first := len(all)
	for _, t := range endpoints {
		for _, l := range t.limiters {
			if hasLimiter(client, l) {
				continue
			}
			at := indexOfLimiter(seen, l)
			if at < 0 {
				at = len(seen)
				seen, all = append(seen, l), append(all, stateOf(l))
			}
			all[first+at].Endpoints = append(all[first+at].Endpoints, t.name)
		}
	}
	return all
}

func indexOfLimiter(list []Limiter, l Limiter) int {
	for i := range list {
		if hasLimiter(list[i:i+1], l) {
			return i
		}
	}
	return -1
}

func stateOf(l Limiter) LimiterStats {
	switch l := l.(type) {
	case *RateLimiter:
		return l.state()
	case *limitBy:
		return LimiterStats{Type: "crest.LimitBy"}
	}
	return LimiterStats{Type: fmt.Sprintf("%T", l)}
}

// state looks at the limiter and leaves it as it is: what time has made void is passed over, not forgotten.
func (l *RateLimiter) state() LimiterStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	s := LimiterStats{Type: fmt.Sprintf("%T", l), N: l.n, Per: l.per, Waiting: l.queue.len}
	s.Free = l.n - l.sent.since(now-l.span) - l.pending
	if l.smooth {
		s.Free = min(s.Free, 1-l.pending)
	}
	if now < l.resume {
		s.Paused = l.start.Add(time.Duration(l.resume))
	}
	for _, q := range l.quotas {
		if !q.stale(now) {
			s.Learned = append(s.Learned, q.state(l, now))
			s.Free = min(s.Free, q.free(l, now))
		}
	}
	if now < max(l.resume, l.next) {
		s.Free = 0
	}
	s.Free = max(s.Free, 0)
	return s
}

// state is what was said of the quota. Its partition is left out: it may name whom it is for.
func (q *quota) state(l *RateLimiter, now int64) QuotaStats {
	s := QuotaStats{Policy: safeText(q.id.policy), Limit: q.size}
	if q.window > 0 {
		s.Window = time.Duration(q.window - int64(l.margin) - 1)
	}
	if b := q.tightest(now); b != nil {
		s.Left, s.Reset = max(b.left, 0), l.start.Add(time.Duration(b.end))
	}
	return s
}

// tightest is what allows least of what was said and still holds; nil if nothing does.
func (q *quota) tightest(now int64) (least *allowance) {
	if now < q.current.over && !q.fresh {
		least = &q.current
	}
	if now < q.nearer.over && (least == nil || q.nearer.left < least.left) {
		least = &q.nearer
	}
	return least
}

// free says how many units of cost 1 the quota would let go.
func (q *quota) free(l *RateLimiter, now int64) int {
	n := l.n
	if q.window > 0 {
		n = min(n, q.size-q.sent.since(now-q.window)-l.pending)
	}
	for _, b := range [...]*allowance{&q.current, &q.nearer} {
		if now < b.over {
			n = min(n, b.left-l.open)
		}
	}
	return n
}
