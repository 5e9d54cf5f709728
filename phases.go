package crest

import (
	"context"
	"io"
	"sync"
	"time"
)

// phases is the context of one attempt, and the timeouts that can end it before the call ends: Attempt, Header and Idle.
type phases struct {
	context.Context
	cancel context.CancelCauseFunc
	limits Timeouts // effective

	mu       sync.Mutex
	attempt  *time.Timer   // nil until the first slot is there
	left     time.Duration // of Attempt, when the timer was last started
	since    time.Time     // when that was; zero while it stands still
	silence  *time.Timer   // Header, later Idle
	waitsFor Kind          // which of the two silence stands for; "" while nothing is waited for
	answered bool          // Header is over
	reading  bool          // the body is there: what other requests of the hop do is none of its timers' business
}

func (p *phases) begin(ctx context.Context, limits Timeouts) {
	p.Context, p.cancel = context.WithCancelCause(ctx)
	p.limits, p.left = limits, limits.Attempt
}

// Err says deadline exceeded when a timer has ended the attempt.
func (p *phases) Err() error { return errOf(p.Context) }

// stop ends whatever uses the context at once.
func (p *phases) stop() { p.cancel(nil) }

// run starts the time of the attempt, or lets it go on.
func (p *phases) run() {
	if p.limits.Attempt == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reading:
		return
	case p.attempt == nil:
		p.attempt = time.AfterFunc(p.left, func() { p.cancel(&timeoutError{KindTimeoutAttempt, p.limits.Attempt}) })
	case p.since.IsZero():
		p.attempt.Reset(p.left)
	default:
		return
	}
	p.since = time.Now()
}

// hold stops the time of the attempt while it waits for a slot.
func (p *phases) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reading {
		p.stopAttempt()
	}
}

func (p *phases) stopAttempt() {
	if p.attempt == nil || p.since.IsZero() {
		return
	}
	if p.attempt.Stop() {
		p.left -= time.Since(p.since)
	} else {
		p.left = 0
	}
	p.since = time.Time{}
}

// remaining is what is left of the attempt's time for its next hop.
func (p *phases) remaining() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopAttempt()
	return max(p.left, min(p.limits.Attempt, 1)) // 0 would be none
}

// requestWritten begins the wait for the header.
func (p *phases) requestWritten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.answered && !p.reading {
		p.listen(KindTimeoutHeader, p.limits.Header)
	}
}

// notWritten ends that wait: the request goes out once more.
func (p *phases) notWritten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reading {
		p.quiet()
	}
}

// listen starts the timer of a silence that lasts d at most; 0 is for ever.
func (p *phases) listen(kind Kind, d time.Duration) {
	p.waitsFor = kind
	switch {
	case d == 0:
	case p.silence == nil:
		p.silence = time.AfterFunc(d, p.silent)
	default:
		p.silence.Reset(d)
	}
}

func (p *phases) silent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.waitsFor {
	case KindTimeoutHeader:
		p.cancel(&timeoutError{KindTimeoutHeader, p.limits.Header})
	case KindTimeoutIdle:
		p.cancel(&timeoutError{KindTimeoutIdle, p.limits.Idle})
	}
}

// quiet ends the timer of a silence.
func (p *phases) quiet() {
	p.waitsFor = ""
	if p.silence != nil {
		p.silence.Stop()
	}
}

// asked says that a request is on its way, and heard that its answer, or its failure, is here.
func (p *phases) asked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = p.reading
}

func (p *phases) heard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reading {
		p.answered = true
		p.quiet()
	}
}

// bodyBegins says that the answer of the hop is there and its body is read now. A middleware may still have other requests under
// way, which belong to nobody any more.
func (p *phases) bodyBegins() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading, p.answered = true, true
	p.quiet()
}

// bodyIsCallers ends the time of an attempt whose body the caller reads.
func (p *phases) bodyIsCallers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopAttempt()
}

// end frees what the attempt holds.
func (p *phases) end() {
	p.mu.Lock()
	p.reading = true
	p.stopAttempt()
	p.quiet()
	p.mu.Unlock()
	p.stop()
}

// watch bounds the silence inside a body: a Read that waits longer than Idle for a byte ends the attempt.
func (p *phases) watch(body io.ReadCloser) io.ReadCloser { return &idleBody{body, p} }

// idleBody runs the timer while a Read waits, and only then: how slowly the body is consumed is nobody's fault. An end that comes after the
// attempt was ended is none: a server that is hung up on may close its body in good order, half of it sent, and over TLS
// that can still arrive.
type idleBody struct {
	io.ReadCloser
	phases *phases
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.phases.mu.Lock()
	b.phases.listen(KindTimeoutIdle, b.phases.limits.Idle)
	b.phases.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	b.phases.mu.Lock()
	b.phases.quiet()
	b.phases.mu.Unlock()
	if err == io.EOF && b.phases.Err() != nil {
		err = context.Cause(b.phases)
	}
	return n, err
}
