package crest

import (
	"context"
	"io"
	"time"
)

// observer is told what happens to the calls of a client: the logger is one. It is told by the goroutine that makes it happen, and
// changes nothing.
type observer interface {
	// observe gets one of the types below. c is nil for a request of [RoundTripper].
	observe(ctx context.Context, c *call, what any)
}

// What an observer is told.
type (
	// callEnded: with a model, with a body that the caller reads now, or with an error. The answer is nil with an error.
	callEnded struct {
		answer   *answer
		err      *CallError
		attempts []Attempt     // its own
		took     time.Duration // 0 if it never began
	}
	// attemptEnded: the newest of the call's attempts. The answer is nil where none came or its body could not be read; err is set
	// where the attempt was a failure.
	attemptEnded struct {
		number int
		answer *answer
		err    *CallError
	}
	// retryBegins: another attempt will follow.
	retryBegins struct {
		number int // of that attempt
		cause  *CallError
		wait   time.Duration
	}
	// limiterWaits: a request has to wait for a slot.
	limiterWaits struct {
		wait time.Duration // as expected; 0 where the limiter does not say
	}
	// bodyEnded: the caller has closed a body, or a connection after an upgrade.
	bodyEnded struct {
		received, sent int64 // bytes; sent is of upgrades
		took           time.Duration
		err            error // what broke it off, or ended the loop over its pieces
	}
	// cookiesRefused: an answer set some that cannot be kept.
	cookiesRefused struct {
		host string
		n    int64 // since this was told before
	}
	// closedUsed: a closed client was called.
	closedUsed struct{}
)

// observed reports whether anybody looks. Without anybody nothing is gathered either.
func (c *core) observed() bool { return c != nil && len(c.observers) > 0 }

func (c *core) tell(ctx context.Context, of *call, what any) {
	for _, o := range c.observers {
		o.observe(ctx, of, what)
	}
}

// sight is one sending of a call as observers see it, and then its body. The zero value is one that nobody looks at.
type sight struct {
	ctx   context.Context // the caller's
	call  *call
	begun time.Time
	prior int       // attempts of the sendings before, of a download
	over  bool      // the call has ended
	tally *tally    // nil if nothing is counted
	open  *openBody // that is counted; nil without
}

func (c *call) inSight(ctx context.Context) sight {
	if !c.core.observed() && c.core.stats == nil {
		return sight{}
	}
	return sight{ctx: ctx, call: c, begun: time.Now(), prior: len(c.attempts), tally: c.core.stats.begins(c.endpoint)}
}

// ended tells how the call ended, and lets its body tell when that does.
func (s *sight) ended(a *answer, err *CallError) {
	c := s.call
	if c == nil {
		return
	}
	e := callEnded{a, err, s.attempts(), time.Since(s.begun)}
	s.over = true
	if s.tally != nil {
		c.core.stats.called(s.tally, e, s.begun)
	}
	if c.core.observed() {
		c.core.tell(s.ctx, c, e)
	}
	if a != nil && a.live != nil {
		s.handsOver(a.live)
	}
}

// attempts are the call's own.
func (s *sight) attempts() []Attempt {
	all := s.call.attempts
	return all[min(s.prior, len(all)):]
}

// left is deferred around a call: it counts one in which a function of the caller's panicked.
func (s *sight) left() {
	if s.tally != nil && !s.over {
		s.call.core.stats.crashed(s.tally, s.attempts(), s.begun)
	}
}

// handsOver lets a body that the caller reads tell of its end.
func (s *sight) handsOver(live io.ReadCloser) {
	body, ok := live.(seenBody)
	if !ok {
		return
	}
	of := *s
	of.begun = time.Now()
	if of.tally != nil {
		of.open = &openBody{tally: of.tally, since: of.begun, body: body}
	}
	if body.inSight(of) && of.open != nil {
		of.call.core.stats.opened(of.open)
	}
}

// bodyEnded tells what became of a body that the caller has read.
func (s *sight) bodyEnded(received, sent int64, err error) {
	c := s.call
	if c == nil {
		return
	}
	if s.open != nil {
		c.core.stats.closed(s.open, err)
	}
	if c.core.observed() {
		c.core.tell(s.ctx, c, bodyEnded{received, sent, time.Since(s.begun), err})
	}
}

// refused is failed for a call that was never sent.
func (c *call) refused(ctx context.Context, err *CallError) *CallError {
	err = c.failed(ctx, err)
	if err.Step == ErrClosed || c.core == nil {
		return err
	}
	c.core.stats.refused(c, err)
	if c.core.observed() {
		c.core.tell(ctx, c, callEnded{err: err})
	}
	return err
}

// calledClosed tells, once, that a client is called which is closed.
func (c *core) calledClosed(ctx context.Context, of *call) {
	if c.observed() && !c.closedTold.Swap(true) {
		c.tell(ctx, of, closedUsed{})
	}
}

// tried tells of the newest attempt, if there is one since there were so many.
func (c *call) tried(before, number int, a *answer, err *CallError) {
	if c.core.observed() && len(c.attempts) > before {
		c.core.tell(c.life, c, attemptEnded{number, a, err})
	}
}

// refusedCookies tells of cookies that an answer set in vain, at most once a minute: a server decides how often that happens
// (CVE-2025-69230).
func (h *hop) refusedCookies(host string, n int) {
	c := h.core
	if n == 0 || !c.observed() {
		return
	}
	c.cookiesRefused.Add(int64(n))
	now, last := time.Now().UnixNano(), c.cookiesTold.Load()
	if last != 0 && now-last < int64(time.Minute) || !c.cookiesTold.CompareAndSwap(last, now) {
		return
	}
	c.tell(h, h.call, cookiesRefused{host, c.cookiesRefused.Swap(0)})
}

// waitTold is after how long a limiter that does not say whether it waits does so.
const waitTold = 10 * time.Millisecond

// awaits tells that a limiter of crest's own lets the request in ctx wait.
func awaits(ctx context.Context, wait time.Duration) {
	if h := hopOf(ctx); h != nil && h.core.observed() {
		h.core.tell(h, h.call, limiterWaits{wait})
	}
}

// awaiting tells it of any other limiter, if it takes long. The function that it returns is called when the slot is there.
func (h *hop) awaiting(l Limiter) (over func()) {
	if _, own := l.(*RateLimiter); own || !h.core.observed() {
		return func() {}
	}
	timer := time.AfterFunc(waitTold, func() {
		defer func() { _ = recover() }() // an observer's panic comes again where the call can recover it
		h.core.tell(h, h.call, limiterWaits{})
	})
	return func() { timer.Stop() }
}
