package crest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/crest-go/crest/internal/bind"
	"github.com/crest-go/crest/internal/sse"
)

const lastEventID = "Last-Event-Id"

// Between these lies the wait that a stream may ask for.
const (
	minStreamDelay = 100 * time.Millisecond
	maxStreamDelay = 5 * time.Minute
)

// steady is how long a connection lives that was no failure, whatever came over it.
const steady = backoffCap

// resume is what an event stream goes on with.
type resume struct {
	lastID   string
	delay    time.Duration // 0 when the stream asked for none
	failures int           // in a row
	since    time.Time     // when the connection was there
}

// healthy says that the stream goes on.
func (r *resume) healthy() { r.failures = 0 }

// opened says that there is an answer, after so many retries.
func (r *resume) opened(retries int) {
	r.failures += retries
	r.since = time.Now()
}

// broke says that the connection is lost, and takes over what the stream said of itself.
func (r *resume) broke(events *sse.Reader) {
	if time.Since(r.since) >= steady {
		r.failures = 0
	}
	r.failures++
	r.lastID = events.LastID()
	if d, told := events.Retry(); told {
		r.delay = min(max(d, minStreamDelay), maxStreamDelay)
	}
}

// wait is the time before retry n.
func (r *resume) wait(rules *Retry, n int, failure *CallError) time.Duration {
	if r.delay > 0 && n == 1 {
		return r.delay
	}
	return max(r.delay, rules.backoff(n, failure))
}

// header is the last event id as a header can have it.
func (r *resume) header() string { return strings.Trim(r.lastID, " \t") }

// resumes reports whether the stream goes on after its connection.
func (f *flow) resumes() bool {
	_, events := f.pieces.(*sse.Reader)
	return events && f.call.settings.reconnect
}

var errHeaderID = errors.New("the last event id has control characters, which no header may have")

// reconnect waits and prepares the next request, or returns the error that ends the stream.
func (f *flow) reconnect(failure *CallError) *CallError {
	events, ok := f.pieces.(*sse.Reader)
	if !ok || !f.resumes() || failure.Kind != KindTruncated && failure.Kind != KindTimeoutIdle {
		return failure
	}
	f.resume.broke(events)
	c := f.first
	wait := f.resume.wait(&c.settings.retry, f.resume.failures, failure)
	if final := f.stays(failure, wait); final != nil {
		return final
	}
	f.disconnect()
	if c.core.observed() {
		c.core.tell(f.ctx, c, retryBegins{f.resume.failures + 1, failure, wait})
	}
	if !sleep(f.ctx, wait) {
		return failure.stop(f.ctx.Err(), contextError(f.ctx))
	}
	if c.core.closed.Load() {
		return failure.stop(errors.New("the client was closed"), nil)
	}
	f.call = c.resumed(&f.resume)
	return nil
}

// stays returns the error that ends the stream where it cannot go on after a wait, or may not; else nil.
func (f *flow) stays(failure *CallError, wait time.Duration) *CallError {
	switch {
	case f.resume.failures > f.first.settings.retry.max():
		return failure
	case !f.first.out.body.again():
		return failure.stop(errBodyUsed, nil)
	case bind.CheckHeader(lastEventID, f.resume.header()) != nil:
		return failure.stop(errHeaderID, nil)
	}
	if deadline, ok := f.ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return failure.stop(fmt.Errorf("the wait of %v would outlast the call's time", wait), context.DeadlineExceeded)
	}
	return nil
}

// resumed is the next call of a stream: the same request, with the id of the last event, and as many retries as are left. What is
// known of the attempts before is forgotten, since there may be any number of them.
func (c *call) resumed(r *resume) *call {
	own := *c.settings
	rules := own.retry
	own.retry.Max = rules.max() - r.failures
	if own.retry.Max == 0 {
		own.retry.Max = -1
	}
	delay, failures := r.delay, r.failures
	own.retry.Backoff = func(n int, last error) time.Duration {
		failure, _ := errors.AsType[*CallError](last)
		return max(delay, rules.backoff(n+failures, failure))
	}
	out := *c.out
	out.header = c.out.header.Clone()
	delete(out.header, lastEventID)
	if id := r.header(); id != "" {
		out.header.Set(lastEventID, id)
	}
	return &call{endpoint: c.endpoint, core: c.core, settings: &own, extra: c.extra, out: &out, meter: c.meter, sent: SentYes}
}
