package crest

import (
	"context"
	"fmt"
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
		e.Kind, e.Err = timeout.kind, timeout
	}
}

// waitedTooLong marks an error of a limiter or a token source that the call's timeout has ended.
func (e *CallError) waitedTooLong(ctx context.Context) {
	if timeout, ok := ranOut(ctx); ok && (e.Step == ErrLimited || e.Step == ErrCredentials) {
		e.Kind, e.Err = timeout.kind, fmt.Errorf("%w: %w", timeout, e.Err)
	}
}

// lifetime is the context of a whole call, which Total bounds. It lives until the body has been read, by whomever.
type lifetime struct {
	context.Context
	free     func()
	total    *time.Timer // of a body that the caller reads: it can be stopped
	deadline time.Time   // when total fires
	disarmed atomic.Bool // total was stopped

	handshake *handshake // of a call with WithUpgrade
}

// begins limits ctx by the call's timeout: the whole of a typed call, the way to the header of one whose
// body the caller reads. Where the caller's own deadline is nearer there is nothing to add.
func (c *call) begins(ctx context.Context) *lifetime {
	d := c.timeouts.Total
	l := &lifetime{Context: ctx}
	if c.settings.upgrade != "" {
		l.handshake = newHandshake(ctx)
		ctx, l.Context = l.handshake, l.handshake
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		d = 0
	}
	switch {
	case d <= 0:
		l.free = func() {}
	case c.endpoint.result.live():
		limited, cancel := context.WithCancelCause(ctx)
		l.Context, l.free = limited, func() { cancel(nil) }
		l.deadline = time.Now().Add(d)
		l.total = time.AfterFunc(d, func() { cancel(&timeoutError{KindTimeoutTotal, d}) })
	default:
		l.Context, l.free = context.WithTimeoutCause(ctx, d, &timeoutError{KindTimeoutTotal, d})
	}
	return l
}

// Deadline tells limiters how long they may wait.
func (l *lifetime) Deadline() (time.Time, bool) {
	if l.total != nil && !l.disarmed.Load() {
		return l.deadline, true
	}
	return l.Context.Deadline()
}

// Err says deadline exceeded when Total has ended the call.
func (l *lifetime) Err() error { return errOf(l.Context) }

// headerArrived ends the total timeout of a body that the caller reads.
func (l *lifetime) headerArrived() {
	if l.total != nil {
		l.disarmed.Store(true)
		l.total.Stop()
	}
}

// end frees what the context holds.
func (l *lifetime) end() {
	l.headerArrived()
	l.free()
	l.handshake.end()
}
