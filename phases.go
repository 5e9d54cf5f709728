package crest

import (
	"context"
	"io"
	"time"
)

// phases is the context of one attempt, and the timeouts that can end it before the call ends: Attempt, Header and Idle. They run by the
// timer of the call, and what they are about is guarded by its lock.
type phases struct {
	context.Context
	cancel context.CancelCauseFunc
	life   *lifetime

	left     time.Duration // of Attempt, when its time began to run
	over     instant       // when Attempt is over; zero while its time stands still
	waitsFor Kind          // Header or Idle; "" while nothing is waited for
	silent   instant       // when that is over
	answered bool          // Header is over
	reading  bool          // the body is there: what other requests of the hop do is none of its timers' business
}

func (p *phases) begin(life *lifetime, left time.Duration) {
	p.Context, p.cancel = context.WithCancelCause(life.caller)
	p.life, p.left = life, left
	life.enter(p)
}

// Err says deadline exceeded when a timer has ended the attempt.
func (p *phases) Err() error { return errOf(p.Context) }

// Deadline is that of the call.
func (p *phases) Deadline() (time.Time, bool) { return p.life.Deadline() }

// stop ends whatever uses the context at once.
func (p *phases) stop() { p.cancel(nil) }

// check ends the attempt if it has run out of time.
func (p *phases) check(now instant) {
	if p.over.over(now) {
		p.stopAttempt()
		p.cancel(&timeoutError{KindTimeoutAttempt, p.life.limits.Attempt})
	}
	if p.silent.over(now) {
		after := p.life.limits.Idle
		if p.waitsFor == KindTimeoutHeader {
			after = p.life.limits.Header
		}
		p.silent = 0
		p.cancel(&timeoutError{p.waitsFor, after})
	}
}

// run starts the time of the attempt, or lets it go on.
func (p *phases) run() {
	if p.life.limits.Attempt == 0 {
		return
	}
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if !p.reading && p.over == 0 {
		now := instantNow()
		p.over = now.after(p.left)
		p.life.await(now, p.over)
	}
}

// hold stops the time of the attempt while it waits for a slot.
func (p *phases) hold() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if !p.reading {
		p.stopAttempt()
	}
}

func (p *phases) stopAttempt() {
	if p.over != 0 {
		p.left = max(instantNow().until(p.over), 0)
		p.over = 0
	}
}

// requestWritten begins the wait for the header.
func (p *phases) requestWritten() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if !p.answered && !p.reading {
		p.listen(KindTimeoutHeader, p.life.limits.Header)
	}
}

// notWritten ends that wait: the request goes out once more.
func (p *phases) notWritten() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if !p.reading {
		p.quiet()
	}
}

// listen begins a silence that lasts d at most; 0 is for ever.
func (p *phases) listen(kind Kind, d time.Duration) {
	p.waitsFor = kind
	if d > 0 {
		now := instantNow()
		p.silent = now.after(d)
		p.life.await(now, p.silent)
	}
}

// quiet ends it.
func (p *phases) quiet() { p.waitsFor, p.silent = "", 0 }

// askedAgain says that another request is on its way, and heard that an answer, or a failure, is here.
func (p *phases) askedAgain() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	p.answered = p.reading
}

func (p *phases) heard() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if !p.reading {
		p.answered = true
		p.quiet()
	}
}

// bodyBegins says that the answer of the hop is there and its body is read now. A middleware may still have other requests under
// way, which belong to nobody any more.
func (p *phases) bodyBegins() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	p.reading, p.answered = true, true
	p.quiet()
}

// bodyIsCallers ends the time of an attempt whose body the caller reads.
func (p *phases) bodyIsCallers() {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	p.stopAttempt()
}

// end frees what the hop holds. It returns what is left of the attempt's time for the next one.
func (p *phases) end() time.Duration {
	p.life.mu.Lock()
	p.reading = true
	p.stopAttempt()
	p.quiet()
	left := max(p.left, min(p.life.limits.Attempt, 1)) // 0 would be none
	p.life.mu.Unlock()
	p.stop()
	return left
}

// idleBody runs the timer while a Read waits, and only then: how slowly the body is consumed is nobody's fault. An end that comes after the
// attempt was ended is none: a server that is hung up on may close its body in good order, half of it sent, and over TLS
// that can still arrive.
type idleBody struct {
	io.ReadCloser
	phases *phases
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.phases.life.mu.Lock()
	b.phases.listen(KindTimeoutIdle, b.phases.life.limits.Idle)
	b.phases.life.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	b.phases.life.mu.Lock()
	b.phases.quiet()
	b.phases.life.mu.Unlock()
	if err == io.EOF && b.phases.Err() != nil {
		err = context.Cause(b.phases)
	}
	return n, err
}
