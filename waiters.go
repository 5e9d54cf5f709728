package crest

// waiter is one that waits for units of a RateLimiter, whose lock guards it.
type waiter struct {
	cost       int
	deadline   int64 // when its context ends
	estimate   int64 // how long it expected to wait
	queued     bool
	prev, next *waiter
	done       chan struct{} // closed when it may go, or when err says why not
	err        error
}

// waiters is a queue that can be left from any place.
type waiters struct {
	head, tail *waiter
	len        int
	cost       int64 // of all of them
}

func (q *waiters) push(w *waiter) {
	w.queued, w.prev = true, q.tail
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	q.len++
	q.cost += int64(w.cost)
}

func (q *waiters) remove(w *waiter) {
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued, w.prev, w.next = false, nil, nil
	q.len--
	q.cost -= int64(w.cost)
}
