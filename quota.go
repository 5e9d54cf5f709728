package crest

import "time"

// quota is one policy of a server, within one partition, that a limiter keeps beside its own limit. Which requests belong to
// which is the server's affair, so all of the limiter's count for all of its quotas. The limiter's lock guards it.
type quota struct {
	id        quotaID
	heard     int64 // when it was last mentioned
	mentioned bool  // by the answer that is being read

	// The policy: no window holds more than size units. With a window of 0 it is not kept, with a size of 0 not known.
	size   int
	window int64
	sent   stamps

	// The service limit. current is that of the server's window; nearer ends before it and allows less.
	current, nearer allowance
	fresh           bool  // the window before has ended, and no answer tells of this one yet
	most            int   // what a fresh window holds at least
	length          int64 // of a window: the longest that was said
}

// allowance lets left units be under way until a moment: those whose answers have come are taken off left by what the
// answers say, the others are held against it.
type allowance struct {
	left int
	end  int64 // as it was first said: it tells windows apart
	over int64 // the latest that was said, capped: then it holds nobody up any more. 0: there is none
}

const (
	sameWindow  = int64(time.Second) // ends that differ by less are one: servers round to seconds
	shortest    = int64(time.Second) // a fresh window, if nothing else is known
	maxRing     = 1 << 16            // a policy that allows more units is not kept by the unit
	forgetAfter = time.Hour
)

// wait says when cost units may go. What is not known waits for an answer, or for at if none comes.
func (q *quota) wait(cost, pending, open int) (at int64, known bool) {
	known = true
	if q.window > 0 {
		over := q.sent.n + pending + min(cost, q.size) - q.size
		if over > q.sent.n {
			return 0, false // pending ones will be written or given back
		} else if over > 0 {
			at = q.sent.oldest(over) + q.window
		}
	}
	for _, b := range [...]*allowance{&q.current, &q.nearer} {
		switch need := min(cost, q.most); {
		case b.over == 0 || need <= b.left-open:
		case need > b.left:
			at = max(at, b.over)
		default:
			at, known = max(at, b.over), false
		}
	}
	return at, known
}

// least is a moment before which cost units that queue up behind others cannot go.
func (q *quota) least(now int64, cost, pending, ahead int) (at int64) {
	if q.window > 0 && cost <= q.size {
		at = q.sent.least(now, now, q.window, q.size, pending, int64(ahead+cost))
	}
	for _, b := range [...]*allowance{&q.current, &q.nearer} {
		if b.over > 0 && !q.fresh && ahead+min(cost, q.most) > b.left {
			at = max(at, b.over)
		}
	}
	return at
}

// spend takes units off that no answer will tell of, or whose answer did not.
func (q *quota) spend(cost int) {
	q.current.left = max(q.current.left-cost, 0)
	q.nearer.left = max(q.nearer.left-cost, 0)
}

// count notes units that are sent now. Of more than the policy allows the newest are enough.
func (q *quota) count(now int64, cost int) {
	if q.window == 0 {
		return
	}
	cost = min(cost, q.size)
	q.sent.drop(q.sent.n + cost - q.size)
	q.sent.push(now, cost, q.size)
}

// pass forgets what time has made void. A window that has ended is followed by a fresh one, whose size is what is known of
// it until an answer says more; renewed says that there is one.
func (q *quota) pass(now int64) (renewed bool) {
	if q.window > 0 {
		q.sent.expire(now - q.window)
	}
	if q.nearer.over > 0 && now >= q.nearer.over {
		q.nearer = allowance{}
	}
	if q.current.over == 0 || now < q.current.over {
		return false
	}
	end := now + max(q.length, shortest)
	q.current, q.fresh = allowance{left: q.most, end: end, over: end}, true
	return true
}

// hear takes in what an answer says of the service limit, and tells whether a window begins with it.
func (q *quota) hear(s said, now int64, cost int) (begun bool) {
	end := now + min(int64(s.reset), maxSpan-now)
	b := allowance{left: s.left, end: end, over: min(end, now+int64(maxPause))}
	q.most = max(q.most, s.left+cost)
	if q.size > 0 {
		q.most = q.size
	}
	q.length = min(max(q.length, int64(s.reset)), int64(maxPause))
	switch was := q.current; {
	case was.over == 0 || q.fresh:
		q.current, q.fresh = b, false
		return true
	case end > was.end+sameWindow:
		if q.nearer.over == 0 || was.left < q.nearer.left {
			q.nearer = was // what was said holds for as long as it was said
		}
		q.current = b
		return true
	case end >= was.end-sameWindow:
		q.current.tighten(b)
	case b.left < was.left: // of the window before, and late, or the server slows its clients down for a while
		q.nearer.tighten(b)
	}
	return false
}

// tighten keeps the lowest that was left and the latest end.
func (b *allowance) tighten(with allowance) {
	if b.over == 0 {
		*b = with
		return
	}
	b.left, b.over = min(b.left, with.left), max(b.over, with.over)
}

// silent is told of an answer that does not mention the quota. A fresh window is dropped then: it was a guess.
func (q *quota) silent(cost int) {
	if q.fresh {
		q.current, q.fresh = allowance{}, false
	}
	q.spend(cost)
}

// exhausted says until when nothing at all may go, 0 if something may.
func (q *quota) exhausted() (end int64) {
	for _, b := range [...]*allowance{&q.current, &q.nearer} {
		if b.over > 0 && b.left < 1 {
			end = max(end, b.over)
		}
	}
	return end
}

// stale says whether the quota was not heard of for so long that it no longer holds.
func (q *quota) stale(now int64) bool { return now-q.heard > max(int64(forgetAfter), 10*q.window) }
