package crest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// totalError is the cause of a context that WithTimeout has ended.
type totalError struct{ after time.Duration }

func (e *totalError) Error() string {
	return fmt.Sprintf("the call took longer than its timeout of %v", e.after)
}

// Is makes it a deadline, as one of the caller's own context would be.
func (e *totalError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout makes it a [net.Error]'s answer.
func (e *totalError) Timeout() bool { return true }

// ranOut reports whether ctx ended because the call's own timeout did.
func ranOut(ctx context.Context) bool {
	_, ok := errors.AsType[*totalError](context.Cause(ctx))
	return ok
}

// endedBy makes e the error of a call whose context has ended: whatever broke because of it, the reason is the context's.
func (e *CallError) endedBy(ctx context.Context) {
	e.ctxErr = contextError(ctx)
	e.Kind = ""
	if ranOut(ctx) {
		e.Kind, e.Err = KindTimeoutTotal, context.Cause(ctx)
	}
}

// lifetime is the context of one attempt. It lives until the body has been read, by whomever.
type lifetime struct {
	context.Context
	cancel context.CancelFunc
	timer  *time.Timer // ends the part before the header of a body that the caller reads
	due    time.Time   // when timer does
}

// withTotal limits ctx by the call's timeout: the whole of a typed call, the way to the header of one whose body the caller
// reads. Where the caller's own deadline is nearer there is nothing to add.
func (c *call) withTotal(ctx context.Context) *lifetime {
	d := c.settings.timeout.duration()
	if deadline, ok := ctx.Deadline(); d == 0 || ok && time.Until(deadline) <= d {
		ctx, cancel := context.WithCancel(ctx)
		return &lifetime{Context: ctx, cancel: cancel}
	}
	if !c.endpoint.result.live() {
		ctx, cancel := context.WithTimeoutCause(ctx, d, &totalError{d})
		return &lifetime{Context: ctx, cancel: cancel}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return &lifetime{
		Context: ctx,
		cancel:  func() { cancel(nil) },
		timer:   time.AfterFunc(d, func() { cancel(&totalError{d}) }),
		due:     time.Now().Add(d),
	}
}

// headerArrived ends the timeout of a body that the caller reads.
func (l *lifetime) headerArrived() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// end frees what the context holds.
func (l *lifetime) end() {
	l.headerArrived()
	l.cancel()
}
