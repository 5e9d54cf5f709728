package redislimit

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// line is where the requests of this process wait, in order of arrival. Only the first asks Redis, so a crowd
// costs Redis no more than one request does.
type line struct {
	n    int
	per  time.Duration
	span time.Duration
	most int

	mu       sync.Mutex
	waiting  list.List // of *waiter
	cost     int       // of all of them
	earliest time.Time // when the first may go; zero while that is not known
}

type waiter struct {
	cost     int
	deadline time.Time // zero if there is none
	place    *list.Element
	turn     chan struct{} // closed when it is the first, or when err says why it never will be
	err      error
}

// join puts a request at the end, unless there is no use in waiting.
func (q *line) join(ctx context.Context, cost int) (*waiter, error) {
	w := &waiter{cost: cost, turn: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.waiting.Len() >= q.most {
		return nil, refused(q.after(now, q.cost+cost), fmt.Errorf("%d requests wait already, the bound of MaxQueue", q.most))
	}
	if err := q.tooLate(w, now, q.cost+cost); err != nil {
		return nil, err
	}
	w.place = q.waiting.PushBack(w)
	q.cost += cost
	if q.waiting.Front() == w.place {
		close(w.turn)
	}
	return w, nil
}

// leave takes w out, wherever it is, and makes the next one the first.
func (q *line) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place == nil {
		return
	}
	first := q.waiting.Front() == w.place
	q.remove(w)
	if next := q.waiting.Front(); first {
		q.earliest = time.Time{}
		if next != nil {
			close(next.Value.(*waiter).turn)
		}
	}
}

func (q *line) remove(w *waiter) {
	q.waiting.Remove(w.place)
	w.place = nil
	q.cost -= w.cost
}

// expect is told how long the first has to wait. Who thereby waits in vain learns it now.
func (q *line) expect(first *waiter, wait time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.earliest = now.Add(wait)
	if err := q.tooLate(first, now, first.cost); err != nil {
		return err // the next will ask for itself
	}
	upTo := first.cost
	for e := first.place.Next(); e != nil; {
		w := e.Value.(*waiter)
		e = e.Next()
		if w.err = q.tooLate(w, now, upTo+w.cost); w.err != nil {
			q.remove(w)
			close(w.turn)
			continue
		}
		upTo += w.cost
	}
	return nil
}

// after says how long it takes at the least until as many units have gone, from the first of the line on.
func (q *line) after(now time.Time, units int) time.Duration {
	windows := min(time.Duration((units-1)/q.n), time.Duration(1<<62)/q.span)
	return max(q.earliest.Sub(now), 0) + windows*q.span
}

func (q *line) tooLate(w *waiter, now time.Time, units int) error {
	if w.deadline.IsZero() {
		return nil
	}
	wait, left := q.after(now, units), w.deadline.Sub(now)
	if wait < left {
		return nil
	}
	return refused(wait, fmt.Errorf("the limit of %d in %v makes it wait %v, and its time ends in %v", q.n, q.per, wait, left))
}

// wait is the least that w would still have waited.
func (q *line) wait(w *waiter) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place == nil {
		return 0
	}
	units := 0
	for e := w.place; e != nil; e = e.Prev() {
		units += e.Value.(*waiter).cost
	}
	return q.after(time.Now(), units)
}
