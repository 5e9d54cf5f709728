package crest

import (
	"context"
	"errors"
	"net/http"
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

// take waits at the nearest level first: calls that wait for their endpoint's limit keep no slot of the
// client's meanwhile, which others could use.
func (h *hop) take(ctx context.Context, req *http.Request, slots []Slot) ([]Slot, error) {
	start := time.Now()
	defer func() { h.waited.Add(int64(time.Since(start))) }()
	for i := len(h.settings.limiters) - 1; i >= 0; i-- {
		s, err := slotOf(ctx, h.settings.limiters[i], req, max(h.settings.cost, 1))
		if err != nil {
			giveBack(slots)
			return nil, err
		}
		if s != nil {
			slots = append(slots, s)
		}
	}
	return slots, nil
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
