package crest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Retry says which failures are followed by another attempt, how many, and when. The zero value means the defaults; each
// zero field inherits from the farther level.
//
// A failure is followed by another attempt only where that does no harm: the method is idempotent (RFC 9110, section
// 9.2.2), the endpoint says [WithIdempotent], the request carries an idempotency key ([WithIdempotencyKey]), the
// request provably was not sent, or the status is 429, by which the server says that it did nothing. A body that
// cannot be read again is not sent again. Nothing that a retry cannot mend is tried again, whatever Statuses and If say:
// a request that was never sent because of itself, a certificate, a refused redirect, a size, an encoding, a body that is
// not what was declared. All attempts are in [CallError.Attempts].
//
// Its functions are called by the goroutine of the call and must be safe for concurrent use.
type Retry struct {
	// Max is how many times a call is tried again: 3. Negative is never.
	Max int
	// Statuses are the statuses after which it is, in place of 408, 425, 429, 500, 502, 503 and 504. An empty
	// list that is not nil is none. Leaving 429 out makes it final for all methods.
	Statuses []int
	// If is asked about the failures that are not followed by another attempt by themselves, and adds those for which it is true.
	If func(err error) bool
	// Backoff is the wait before retry n, counted from 1, in place of a random time below 50 ms · 2ⁿ⁻¹ (1 s · 2ⁿ⁻¹ when the server
	// throttles or no connection was made), 20 s at most. last is the failure before it. What the server asks for by
	// Retry-After is waited in any case, and up to a tenth more.
	Backoff func(n int, last error) time.Duration
	// Before may change the request of retry n, counted from 1, before it passes the middleware and gets its credentials. last is
	// the failure before it. Redirects, and answers to challenges, go on from what it made of the request; the next attempt begins with the
	// call's own again. A body that it replaces needs a GetBody to be sent more than once.
	Before func(n int, req *http.Request, last error)
	// MaxRetryAfter is the longest wait that a server may ask for: 60 s. Beyond it the failure is returned at once.
	MaxRetryAfter time.Duration
	// Budget bounds the retries of all calls together, so that a server in trouble does not get four times its load: 500. A retry takes 14 of it, 5 when the
	// server throttles, and brings it back when it succeeds; a call that succeeds at its first attempt brings 1.
	// NoBound is no budget. For [New] alone.
	Budget int
}

// The defaults of Retry.
const (
	defaultRetries       = 3
	defaultMaxRetryAfter = time.Minute
)

// defaultRetryStatuses are those after which the same request may do better.
var defaultRetryStatuses = []int{
	http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// WithRetry changes when a call is tried again. Without it [Retry]'s defaults hold; WithRetry(Retry{Max: -1}) switches
// retries off.
func WithRetry(r Retry) Option {
	r.Statuses = slices.Clone(r.Statuses)
	return anyOption(func(s *settings) error {
		if err := r.check(s.level); err != nil {
			return fmt.Errorf("WithRetry: %w", err)
		}
		s.retry = r.over(s.retry)
		return nil
	})
}

func (r Retry) check(l level) error {
	var mistakes []error
	for _, code := range r.Statuses {
		if code < 100 || code > 999 {
			mistakes = append(mistakes, fmt.Errorf("%d in Statuses is not a status", code))
		}
	}
	if r.MaxRetryAfter < 0 {
		mistakes = append(mistakes, fmt.Errorf("the field MaxRetryAfter is %v, and negative", r.MaxRetryAfter))
	}
	if r.Budget < NoBound {
		mistakes = append(mistakes, fmt.Errorf("the field Budget is %d: give a positive number, 0 for the default or NoBound", r.Budget))
	}
	if l != levelClient && r.Budget != 0 {
		mistakes = append(mistakes, errors.New("the field Budget is of all calls together: give it to crest.New"))
	}
	return errors.Join(mistakes...)
}

// over returns r on top of base, field by field.
func (r Retry) over(base Retry) Retry {
	r.Max = nearer(r.Max, base.Max)
	r.MaxRetryAfter = nearer(r.MaxRetryAfter, base.MaxRetryAfter)
	r.Budget = nearer(r.Budget, base.Budget)
	if r.Statuses == nil {
		r.Statuses = base.Statuses
	}
	if r.If == nil {
		r.If = base.If
	}
	if r.Backoff == nil {
		r.Backoff = base.Backoff
	}
	if r.Before == nil {
		r.Before = base.Before
	}
	return r
}

func (r *Retry) max() int { return max(nearer(r.Max, defaultRetries), 0) }

func (r *Retry) statuses() []int {
	if r.Statuses == nil {
		return defaultRetryStatuses
	}
	return r.Statuses
}

// retrying is where a call stands between its attempts.
type retrying struct {
	call     *call
	rules    *Retry
	n        int           // retries so far
	requests int           // of all attempts, that passed middleware
	last     *CallError    // the failure before this attempt
	waited   time.Duration // between that and this attempt, and for slots
	took     time.Duration // by this attempt, without waiting
	timing   Timing        // of this attempt
	cost     int           // what this attempt took of the budget
	barred   error         // why a retry would do no good, whatever the failure; nil for nothing
}

// succeeded tells the budget.
func (r *retrying) succeeded() {
	if r.n == 0 {
		r.call.core.budget.add(budgetGain)
		return
	}
	r.call.core.budget.add(r.cost)
}

// prepare lets the caller change the request of a retry.
func (r *retrying) prepare(req *http.Request) *CallError {
	if r.n == 0 || r.rules.Before == nil {
		return nil
	}
	body := req.Body
	r.rules.Before(r.n, req, r.last)
	switch {
	case req.URL == nil || req.Header == nil:
		return failf(ErrRequest, "", "Retry.Before left the request without a URL or a header map")
	case originOf(req.URL) != originOf(r.call.at.url):
		return failf(ErrRequest, "", "Retry.Before led the request to another origin")
	}
	r.call.at = r.call.at.changed(req, req.Body != body)
	return nil
}

// changed is what Retry.Before made of a request.
func (o *outgoing) changed(req *http.Request, body bool) *outgoing {
	next, u := *o, *req.URL
	next.method, next.url, next.host, next.header = req.Method, &u, req.Host, req.Header.Clone()
	if !body {
		return &next
	}
	next.body = payload{
		open: noBody, replay: req.GetBody, length: req.ContentLength, declared: true,
		once: req.GetBody == nil || o.body.streamed, // the old body's GetBody would belong to a request that is over
	}
	if req.GetBody != nil {
		next.body.open = anyTime(req.GetBody)
	}
	return &next
}

// next decides about a failure: it waits and returns nil when the call is to be tried again, and else the error of the call.
func (r *retrying) next(failure *CallError) *CallError {
	c := r.call
	if r.last != nil && neverTried(failure) {
		c.core.budget.add(r.cost)
		return r.last.stop(failure, c.endOf(failure)) // what ended the attempt before is the news
	}
	unsent := failure.Step == ErrTransport && failure.Sent == SentNo // by itself: of the attempts before, c knows
	c.sent = max(c.sent, failure.Sent)
	failure = c.failed(c.life, failure)
	if r.n >= r.rules.max() {
		return failure
	}
	switch repeat := r.rules.repeat(failure, unsent); {
	case repeat == repeatNever, repeat == repeatSafe && !c.idempotent():
		return failure
	case c.life.Err() != nil:
		return failure.stop(c.life.Err(), contextError(c.life))
	case !c.out.body.again():
		return failure.stop(errBodyUsed, nil)
	case r.barred != nil:
		return failure.stop(r.barred, nil)
	}
	return r.pause(failure)
}

// endOf is the context's error that kept a retry from being sent, if it did: ended, or about to end before a slot is free.
func (c *call) endOf(failure *CallError) error {
	if err := contextError(c.life); err != nil {
		return err
	}
	if deadline, ok := c.life.Deadline(); ok && failure.Step == ErrLimited && failure.Wait > 0 && time.Until(deadline) <= failure.Wait {
		return context.DeadlineExceeded
	}
	return nil
}

var (
	errBodyUsed   = errors.New("its body cannot be read again: use bytes, a function or an io.Seeker as Body, or as a File's Content or Open")
	errBudgetUsed = errors.New("the client's retry budget is used up")
)

// pause waits before the next attempt, if there is time for it and the client can afford it.
func (r *retrying) pause(failure *CallError) *CallError {
	wait, err := r.rules.wait(r.n+1, failure)
	if err != nil {
		return failure.stop(err, nil)
	}
	c := r.call
	if deadline, ok := c.life.Deadline(); ok && time.Until(deadline) <= wait {
		return failure.stop(fmt.Errorf("the wait of %v would outlast the call's time", wait), context.DeadlineExceeded)
	}
	cost := costOf(failure)
	if !c.core.budget.take(cost) {
		return failure.stop(errBudgetUsed, nil)
	}
	if c.core.observed() {
		c.core.tell(c.life, c, retryBegins{r.n + 2, failure, wait})
	}
	if !sleep(c.life, wait) {
		c.core.budget.add(cost)
		return failure.stop(c.life.Err(), contextError(c.life))
	}
	r.n, r.last, r.waited, r.took, r.timing, r.cost = r.n+1, failure, wait, 0, Timing{}, cost
	return nil
}

// sleep waits, and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
