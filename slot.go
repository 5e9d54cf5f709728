package crest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// slotOf takes a slot of any limiter. It is nil for one that keeps no account of it.
func slotOf(ctx context.Context, l Limiter, req *http.Request, cost int) (Slot, error) {
	if rich, ok := l.(SlotLimiter); ok {
		return rich.Slot(ctx, req, cost)
	}
	if err := waitFor(ctx, l, cost); err != nil {
		return nil, err
	}
	if f, ok := l.(Feedback); ok {
		return plainSlot{f}, nil
	}
	return nil, nil
}

func waitFor(ctx context.Context, l Limiter, cost int) error {
	if many, ok := l.(interface {
		WaitN(ctx context.Context, n int) error
	}); ok && cost > 1 {
		return many.WaitN(ctx, cost)
	}
	for range cost {
		if err := l.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// plainSlot is of a limiter that has no slots and learns from answers.
type plainSlot struct{ Feedback }

func (plainSlot) Sent()   {}
func (plainSlot) Cancel() {}

// take waits for a slot of each limiter of the request.
func (h *hop) take(ctx context.Context, req *http.Request, slots []Slot) (taken []Slot, err error) {
	start, done := time.Now(), false
	counted := h.core.stats.waits(h.call)
	defer func() { // also when a limiter panics
		took := time.Since(start)
		h.waited.Add(int64(took))
		counted.waited(took)
		if !done {
			giveBack(slots)
		}
	}()
	for _, l := range h.limitersOf(req) {
		over := h.awaiting(l)
		s, err := slotOf(ctx, l, req, max(h.settings.cost, 1))
		over()
		if err != nil {
			return nil, err
		}
		if s != nil {
			slots = append(slots, s)
		}
	}
	done = true
	return slots, nil
}

// limitersOf are the limiters of a request, each once: one that waits for itself would wait for ever. The nearest level comes first, and of
// crest's own limiters the slowest: who waits there keeps no slot of another meanwhile, which others could use. That order is the
// same for all clients that share several of them; in different orders they would wait for each other.
func (h *hop) limitersOf(req *http.Request) []Limiter {
	set := h.settings.limiters
	if len(set) == 1 {
		return set
	}
	list := make([]Limiter, 0, len(set))
	for _, l := range slices.Backward(set) {
		for by, ok := l.(*limitBy); ok; by, ok = l.(*limitBy) {
			l = by.choose(req)
			if isNil(l) {
				break
			}
		}
		if !isNil(l) && !hasLimiter(list, l) {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, slowestFirst)
	return list
}

// slowestFirst orders crest's own limiters; others stay before them.
func slowestFirst(a, b Limiter) int {
	x, own := a.(*RateLimiter)
	y, too := b.(*RateLimiter)
	switch {
	case own && too:
		return cmp.Or(cmp.Compare(y.gap, x.gap), cmp.Compare(x.number, y.number))
	case own:
		return 1
	case too:
		return -1
	}
	return 0
}

// limited is the error of a limiter as that of a call.
func limited(err error) *CallError {
	if own, ok := errors.AsType[*CallError](err); ok && own.Step == ErrLimited {
		copied := *own
		return &copied
	}
	return fail(ErrLimited, "", nested(err))
}

func giveBack(slots []Slot) {
	for _, s := range slots {
		s.Cancel()
	}
}
