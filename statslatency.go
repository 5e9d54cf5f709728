package crest

import (
	"math/bits"
	"time"
)

// latencies is the histogram of [Latency]: bucket i holds what took no longer than its bound, the last one all the rest.
type latencies struct {
	calls    int64
	sum, max time.Duration
	counts   [latencyBounds + 1]int64
}

const (
	shortestLatency = 100 * time.Microsecond
	latencyDoubles  = 22
	latencyBounds   = 2*latencyDoubles + 1
	rootOfTwo       = 141_421 * time.Nanosecond // times 100 µs: the odd bounds are multiples of it
)

func (l *latencies) add(d time.Duration) {
	l.calls++
	l.sum += d
	l.max = max(l.max, d)
	l.counts[latencyBucket(d)]++
}

func latencyBound(i int) time.Duration {
	if i%2 == 1 {
		return rootOfTwo << (i / 2)
	}
	return shortestLatency << (i / 2)
}

// latencyBucket is the first whose bound is not below d.
func latencyBucket(d time.Duration) int {
	if d <= shortestLatency {
		return 0
	}
	doubles := bits.Len64(uint64((d-1)/shortestLatency)) - 1
	switch {
	case doubles >= latencyDoubles:
		return latencyBounds
	case d <= rootOfTwo<<doubles:
		return 2*doubles + 1
	}
	return 2*doubles + 2
}

func (l *latencies) snapshot() Latency {
	s := Latency{Calls: l.calls, Sum: l.sum, Max: l.max}
	for i, n := range l.counts {
		if n == 0 {
			continue
		}
		b := LatencyBucket{To: l.max, Calls: n}
		if i > 0 {
			b.From = latencyBound(i - 1)
		}
		if i < latencyBounds {
			b.To = latencyBound(i)
		}
		s.Buckets = append(s.Buckets, b)
	}
	return s
}

// Quantile estimates within how long a share q of the calls returned: 0.5 is the median. It is exact to the bounds of a bucket, so at most
// 41 % too long or 29 % too short, and 0 without calls.
func (l Latency) Quantile(q float64) time.Duration {
	rank, before := q*float64(l.Calls), int64(0)
	for _, b := range l.Buckets {
		if after := before + b.Calls; float64(after) < rank {
			before = after
			continue
		}
		within := max(rank-float64(before), 0) / float64(b.Calls)
		to := min(b.To, l.Max)
		return b.From + time.Duration(within*float64(to-b.From))
	}
	return l.Max
}

// secondsKept is for how long a rate is remembered.
const secondsKept = 60

// lastMinute counts by the second, in a ring.
type lastMinute struct {
	counts [secondsKept]int64
	newest int64 // the second, counted from the client's beginning, of which the newest count is
}

func (m *lastMinute) add(second int64) {
	m.pass(second)
	m.counts[max(second, m.newest)%secondsKept]++
}

// pass forgets the seconds that the ring has come round to.
func (m *lastMinute) pass(second int64) {
	if second-m.newest >= secondsKept {
		clear(m.counts[:])
		m.newest = second
	}
	for m.newest < second {
		m.newest++
		m.counts[m.newest%secondsKept] = 0
	}
}

// snapshot is oldest first.
func (m *lastMinute) snapshot(second int64) []int64 {
	m.pass(second)
	list := make([]int64, 0, secondsKept)
	next := int(m.newest+1) % secondsKept
	return append(append(list, m.counts[next:]...), m.counts[:next]...)
}
