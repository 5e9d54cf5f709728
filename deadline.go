package crest

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// timeoutError is the cause of a context that one of crest's own timeouts has ended.
type timeoutError struct {
	kind  Kind
	after time.Duration
}

func (e *timeoutError) Error() string {
	if e.kind == KindTimeoutIdle {
		return fmt.Sprintf("nothing of the body arrived for %v", e.after)
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

// lifetime is the context of one attempt. It lives until the body has been read, by whomever.
type lifetime struct {
	context.Context
	cancel   context.CancelCauseFunc
	free     context.CancelFunc // of the deadline of a typed call
	total    *time.Timer        // of a body that the caller reads: it can be stopped
	deadline time.Time          // when total fires
	disarmed atomic.Bool        // total was stopped
}

// withTotal limits ctx by the call's timeout: the whole of a typed call, the way to the header of one whose
// body the caller reads. Where the caller's own deadline is nearer there is nothing to add.
func (c *call) withTotal(ctx context.Context) *lifetime {
	d := c.settings.timeout.duration()
	l := &lifetime{free: func() {}}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		d = 0
	}
	if d > 0 && !c.endpoint.result.live() {
		ctx, l.free = context.WithTimeoutCause(ctx, d, &timeoutError{KindTimeoutTotal, d})
	}
	l.Context, l.cancel = context.WithCancelCause(ctx)
	if d > 0 && c.endpoint.result.live() {
		l.deadline = time.Now().Add(d)
		l.total = time.AfterFunc(d, func() { l.cancel(&timeoutError{KindTimeoutTotal, d}) })
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

// Err says deadline exceeded when a timer has ended the context, not cancelled: nobody has cancelled the call.
func (l *lifetime) Err() error {
	err := l.Context.Err()
	if err == nil {
		return nil
	}
	if _, ok := ranOut(l.Context); ok {
		return context.DeadlineExceeded
	}
	return err
}

// stop ends whatever uses the context at once.
func (l *lifetime) stop() { l.cancel(nil) }

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
	l.stop()
	l.free()
}

// watch bounds the silence inside a body: a Read that waits longer than d for a byte ends the attempt.
func (l *lifetime) watch(body io.ReadCloser, d time.Duration) io.ReadCloser {
	timer := time.AfterFunc(d, func() { l.cancel(&timeoutError{KindTimeoutIdle, d}) })
	timer.Stop()
	return &idleBody{ReadCloser: body, timer: timer, d: d}
}

// idleBody runs its timer while a Read waits, and only then: how slowly the body is consumed is nobody's fault.
type idleBody struct {
	io.ReadCloser
	timer *time.Timer
	d     time.Duration
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.d)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	return n, err
}
