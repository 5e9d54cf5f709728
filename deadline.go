package crest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// timeoutError is the cause of a context that one of crest's own timeouts has ended.
type timeoutError struct {
	kind  Kind
	after time.Duration
}

func (e *timeoutError) Error() string {
	switch e.kind {
	case kindSendIdle:
		return fmt.Sprintf("nothing of the request's body was taken for %v", e.after)
	case KindTimeoutIdle:
		return fmt.Sprintf("nothing of the body arrived for %v", e.after)
	case KindTimeoutHeader:
		return fmt.Sprintf("no answer came for %v after the request was sent", e.after)
	case KindTimeoutAttempt:
		return fmt.Sprintf("the attempt took longer than its timeout of %v", e.after)
	}
	return fmt.Sprintf("the call took longer than its timeout of %v", e.after)
}

// Is makes it a deadline, as one of the caller's own context would be.
func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout makes it a [net.Error]'s answer.
func (e *timeoutError) Timeout() bool { return true }

// ranOut returns the timeout of crest's that has ended ctx, if one has.
func ranOut(ctx context.Context) (*timeoutError, bool) {
	timeout, ok := context.Cause(ctx).(*timeoutError) // not one inside another call's error
	return timeout, ok
}

// errOf is ctx.Err, but for a context that a timer has ended: nobody has cancelled that, its time is over.
func errOf(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	switch context.Cause(ctx).(type) {
	case *timeoutError, *deadlinePassed:
		return context.DeadlineExceeded
	}
	return err
}

// endedBy makes e the error of a call whose context has ended: whatever broke because of it, the reason is
// the context's.
func (e *CallError) endedBy(ctx context.Context) {
	e.ctxErr = contextError(ctx)
	e.Kind = ""
	if timeout, ok := ranOut(ctx); ok {
		e.Kind, e.Err = timeout.shown(), timeout
	}
}

// waitedTooLong marks an error of a limiter or a token source that the call's timeout has ended.
func (e *CallError) waitedTooLong(ctx context.Context) {
	if timeout, ok := ranOut(ctx); ok && (e.Step == ErrLimited || e.Step == ErrCredentials) {
		e.Kind, e.Err = timeout.shown(), fmt.Errorf("%w: %w", timeout, e.Err)
	}
}

// instant is a reading of the monotonic clock: a third of a [time.Time], and read in half the time. The zero value is never.
type instant time.Duration

// beginning is what instants count from. It lies before the first call.
var beginning = time.Now().Add(-1)

func instantNow() instant { return instant(time.Since(beginning)) }

// instantOf is a reading of both clocks.
func instantOf(t time.Time) instant { return instant(t.Sub(beginning)) }

// after is the instant that lies d behind i.
func (i instant) after(d time.Duration) instant { return i + instant(d) }

// until is the time from i to a later instant.
func (i instant) until(later instant) time.Duration { return time.Duration(later - i) }

// over reports whether i has come to pass.
func (i instant) over(now instant) bool { return i != 0 && now >= i }

// bell stands between a timer and its call. The runtime can keep a timer that was stopped, and what it would have called, until its time would have come:
// minutes, in which nobody needs the call.
type bell struct {
	life atomic.Pointer[lifetime]
	ring func() // of this bell
	rang bool   // or is about to; guarded by the lock of the call
}

var bells sync.Pool

func bellOf(l *lifetime) *bell {
	b, ok := bells.Get().(*bell)
	if !ok {
		b = &bell{}
		b.ring = b.rings
	}
	b.life.Store(l)
	return b
}

func (b *bell) rings() {
	if l := b.life.Load(); l != nil {
		l.ring()
	}
}

// stops lets go of the call. A bell that never rang serves another one. Of one that did a ring can still be on its way, and where it comes from may be
// a bubble of testing/synctest, by whose clock the time of the other call is over.
func (b *bell) stops(timer *time.Timer) {
	b.life.Store(nil)
	if timer.Stop() && !b.rang {
		bells.Put(b)
	}
}

// lifetime is the context of a whole call, which Total bounds, and the one timer that all timeouts of the call share: few of them ever
// fire. It lives until the body has been read, by whomever.
//
// A hop is not under it but beside it, under the caller's context: a context under another costs twice. So Total ends the hop itself, and a
// context of the call's own is made when somebody waits for one, or Total is over.
type lifetime struct {
	caller    context.Context
	handshake *handshake // of a call with WithUpgrade, and its caller
	limits    Timeouts   // effective; Total is 0 where the caller's own deadline is nearer

	mu       sync.Mutex
	deadline instant     // when Total is over
	past     bool        // that has come to pass, or the call has ended
	timer    *time.Timer // nil until something is waited for, and after the end
	bell     *bell       // what it rings
	rings    instant     // when it fires
	hop      *phases     // under way; nil between two
	own      context.Context
	cancel   context.CancelCauseFunc // of own
}

// begins limits ctx by the call's timeout: the whole of a typed call, the way to the header of one whose
// body the caller reads. Where the caller's own deadline is nearer there is nothing to add.
func (l *lifetime) begins(ctx context.Context, limits Timeouts, upgrades bool) {
	l.caller, l.limits = ctx, limits
	if upgrades {
		l.handshake = newHandshake(ctx)
		l.caller = l.handshake
	}
	if deadline, ok := l.caller.Deadline(); ok && time.Until(deadline) <= limits.Total && l.caller.Done() != nil { // else nobody keeps that deadline
		l.limits.Total = 0
	}
	if total := l.limits.Total; total > 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		now := instantNow()
		l.deadline = now.after(total)
		l.await(now, now.after(min(total, cmp.Or(limits.Header, total)))) // set once for both: a ring in vain costs less
	}
}

// await has the timer fire at a moment, or before.
func (l *lifetime) await(now, moment instant) {
	if moment == 0 || l.past || l.rings != 0 && moment >= l.rings {
		return
	}
	l.rings = moment
	if l.timer == nil {
		l.bell = bellOf(l)
		l.timer = time.AfterFunc(now.until(moment), l.bell.ring)
		return
	}
	if !l.timer.Reset(now.until(moment)) {
		l.bell.rang = true
	}
}

// ring ends what is over, and waits for what is next. A timer that was set for something that has come to pass rings in vain.
func (l *lifetime) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := instantNow()
	l.rings = 0
	if !l.past && l.deadline.over(now) {
		l.pass()
	}
	if !l.past {
		l.await(now, l.deadline)
	}
	if l.hop != nil {
		l.hop.check(now)
		l.await(now, l.hop.over)
		l.await(now, l.hop.silent)
	}
}

// pass ends the call and its hop: Total is over.
func (l *lifetime) pass() {
	l.past = true
	timeout := &timeoutError{KindTimeoutTotal, l.limits.Total}
	l.bounded()
	l.cancel(timeout)
	if l.hop != nil {
		l.hop.cancel(timeout)
	}
}

// bounded is a context that ends with Total too.
func (l *lifetime) bounded() context.Context {
	if l.own == nil {
		l.own, l.cancel = context.WithCancelCause(l.caller)
	}
	return l.own
}

// enter makes p the hop that Total ends.
func (l *lifetime) enter(p *phases) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hop = p
	if l.own != nil && l.own.Err() != nil {
		p.cancel(context.Cause(l.own))
	}
}

// current is the context that knows whether the call has ended.
func (l *lifetime) current() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own != nil {
		return l.own
	}
	return l.caller
}

// Done is asked for between two attempts.
func (l *lifetime) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bounded().Done()
}

// Deadline tells limiters how long they may wait.
func (l *lifetime) Deadline() (time.Time, bool) {
	l.mu.Lock()
	deadline := l.deadline
	l.mu.Unlock()
	if deadline != 0 {
		now := time.Now()
		return now.Add(instantOf(now).until(deadline)), true
	}
	return l.caller.Deadline()
}

// Err says deadline exceeded when Total has ended the call.
func (l *lifetime) Err() error { return errOf(l.current()) }

// Value has the caller's values, and the cause of the end.
func (l *lifetime) Value(key any) any { return l.current().Value(key) }

// headerArrived ends the total timeout of a body that the caller reads.
func (l *lifetime) headerArrived() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = 0
}

// end frees what the context holds.
func (l *lifetime) end() {
	l.mu.Lock()
	l.past, l.hop = true, nil
	if l.timer != nil {
		l.bell.stops(l.timer)
		l.timer, l.bell = nil, nil
	}
	if l.cancel != nil {
		l.cancel(nil)
	}
	l.mu.Unlock()
	l.handshake.end()
}
