package redislimit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/crest-go/crest"
)

// Limiter is a limit that all processes share which use the same Redis and key: a [crest.SlotLimiter] for
// [crest.WithLimiter]. Make it with [New]; the zero value and nil refuse everything. It is safe for concurrent
// use, keeps no goroutine or connection of its own, and need not be closed. The package comment says what it
// guarantees.
type Limiter struct {
	n     int
	per   time.Duration
	span  time.Duration // a unit is free again when so much has passed: more than per
	mode  Mode
	local *crest.RateLimiter // for Local
	log   *ledger
	line  line
	name  string // of this limiter, unlike any other
	last  atomic.Uint64
}

var _ crest.SlotLimiter = (*Limiter)(nil)

var errUnmade = errors.New("the limiter was not made: use redislimit.New(client, key, n, per, options)")

// New makes a limiter that lets n requests through in any window of the length per, counted together for all
// processes that use the same key. They must agree on n, per and Margin. The client is a [*redis.Client],
// a [*redis.ClusterClient] or whatever else runs scripts on one Redis 5 or later (or Valkey); it stays the
// caller's, who closes it when no request needs it any more. In Redis the limiter has two keys,
// "crest:limit:{key}" and "crest:limit:{key}:said", of about 100 bytes for each unit of a window; they expire
// by themselves. n is 100 000 at most, per a year.
//
// A mistake is an error that says how to mend it. New does not talk to Redis.
func New(client redis.Scripter, key string, n int, per time.Duration, options Options) (*Limiter, error) {
	options = options.withDefaults()
	if err := mistake(client, key, n, per, options); err != nil {
		return nil, fmt.Errorf("redislimit: %w", err)
	}
	span := (per + options.Margin + time.Microsecond - 1).Truncate(time.Microsecond) + time.Microsecond
	l := &Limiter{n: n, per: per, span: span, mode: options.Fallback, name: rand.Text()}
	l.line = line{n: n, per: per, span: span, most: options.MaxQueue}
	l.log = newLedger(client, key, n, span, options)
	if l.mode == Local {
		l.local = crest.NewLimiter(options.Share, per, crest.Margin(options.Margin), crest.MaxQueue(0))
	}
	return l, nil
}

// Wait takes one unit and counts it as sent now. Its errors are those of [Limiter.Slot]. Most callers give the
// limiter to a client, which counts by the moment of writing.
func (l *Limiter) Wait(ctx context.Context) error {
	s, err := l.Slot(ctx, nil, 1)
	if s != nil {
		s.Sent()
	}
	return err
}

// Slot waits until a request of that cost may go out, as [crest.SlotLimiter] says; req may be nil. Every error
// is a [*crest.CallError] of the step ErrLimited: at once for a cost above n, for a wait that would outlast
// ctx (Wait says the least that it would have been), for a full queue, and, if the mode is [Closed], for a
// Redis that fails, which then is an [ErrUnavailable] too. The slot is nil if the mode is [Open] and Redis fails.
func (l *Limiter) Slot(ctx context.Context, req *http.Request, cost int) (crest.Slot, error) {
	if err := l.check(ctx, cost); err != nil {
		return nil, err
	}
	w, err := l.line.join(ctx, cost)
	if err != nil {
		return nil, err
	}
	defer l.line.leave(w)
	select {
	case <-w.turn:
	case <-ctx.Done():
		return nil, refused(l.line.wait(w), context.Cause(ctx))
	}
	if w.err != nil {
		return nil, w.err
	}
	return l.lead(ctx, req, w)
}

func (l *Limiter) check(ctx context.Context, cost int) error {
	switch {
	case l == nil || l.log == nil:
		return refused(0, errUnmade)
	case cost > l.n:
		return refused(0, fmt.Errorf("the request costs %d, the limit is %d in %v: lower its WithCost", cost, l.n, l.per))
	case cost < 1:
		return refused(0, fmt.Errorf("the request costs %d, the least is 1", cost))
	case ctx.Err() != nil:
		return refused(0, context.Cause(ctx))
	}
	return nil
}

// verdict is what Redis, or its substitute, says to a request.
type verdict struct {
	granted bool
	slot    crest.Slot    // of a granted one; nil if nobody keeps account of it
	wait    time.Duration // else: how long, if what is under way is sent
	loose   bool          // and it is not sure that it is sent, so it may go earlier
}

// lead is for the first of the line: it asks until it may go.
func (l *Limiter) lead(ctx context.Context, req *http.Request, w *waiter) (crest.Slot, error) {
	for look := firstLook; ; look = min(2*look, longestLook) {
		v, err := l.ask(ctx, req, w.cost)
		if err != nil || v.granted {
			return v.slot, err
		}
		if err := l.line.expect(w, v.wait); err != nil {
			return nil, err
		}
		sleep := v.wait
		if v.loose {
			sleep = min(sleep, look)
		}
		timer := time.NewTimer(sleep)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, refused(v.wait, context.Cause(ctx))
		}
	}
}

func (l *Limiter) ask(ctx context.Context, req *http.Request, cost int) (verdict, error) {
	v, err := l.take(ctx, cost)
	switch {
	case err == nil:
		return v, nil
	case ctx.Err() != nil:
		return verdict{}, refused(0, context.Cause(ctx))
	}
	return l.substitute(ctx, req, cost, err)
}

// take asks Redis. What it may have granted after nobody waits for it is given back.
func (l *Limiter) take(ctx context.Context, cost int) (verdict, error) {
	id := l.name + ":" + strconv.FormatUint(l.last.Add(1), 36)
	jitter := mathrand.Int64N(l.span.Microseconds()/int64(l.n) + 1)
	cancel := note{cancelled, id, int64(cost)}
	r, err := l.log.take(ctx, func(late reply) {
		if late.granted {
			l.log.add(cancel)
		}
	}, id, cost, jitter)
	switch {
	case err != nil:
		if !errors.Is(err, errSkipped) {
			l.log.add(cancel)
		}
		return verdict{}, err
	case r.granted:
		return verdict{granted: true, slot: newSlot(l, id, cost)}, nil
	}
	return verdict{wait: min(r.wait, max(l.span, longestPause)), loose: r.pending}, nil
}

// refused is the error of every request that may not go.
func refused(wait time.Duration, err error) error {
	return &crest.CallError{Step: crest.ErrLimited, Wait: wait, Err: err}
}
