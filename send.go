package crest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is what came back: the head always, the body as far as the response model reads it.
type answer struct {
	call     *call
	at       *outgoing // the request that was answered, without credentials in its header
	resp     *http.Response
	body     []byte // decompressed
	bodyErr  error  // why a failed answer's body is incomplete; its status wins
	cut      bool   // body is only the beginning
	live     io.ReadCloser
	idle     idleBody
	received time.Time
	elapsed  time.Duration
	decoded  bool    // the model was filled from a body or from located fields
	borrowed *[]byte // what body was read into, if that goes back
}

// attempt sends the request until it has an answer that is final, and reads that as far as it is typed.
func (c *call) attempt(ctx context.Context) (*answer, *CallError) {
	timeouts := c.settings.timeouts
	if c.endpoint.result.piece != nil {
		timeouts = timeouts.ofStream()
	}
	c.life = c.firsts().life.take()
	c.life.begins(ctx, timeouts.effective(), c.settings.upgrade != "")
	handedOver := false
	defer func() { // also when a middleware panics
		if !handedOver {
			c.life.end()
			c.meter.settle()
			c.core.sweep()
		}
	}()
	a, err := c.tryAgain()
	handedOver = err == nil && a.live != nil
	return a, err
}

// tryAgain tries once, and once more as long as the rules of [Retry] say so.
func (c *call) tryAgain() (*answer, *CallError) {
	r := retrying{call: c, rules: &c.settings.retry}
	for {
		before := len(c.attempts)
		a, err := c.try(&r)
		c.tried(before, r.n+1, a, err)
		if err == nil {
			r.succeeded()
			return a, nil
		}
		if err = r.next(err); err != nil {
			return a, err
		}
	}
}

// try is one attempt: hop after hop, and what the last answer means.
func (c *call) try(r *retrying) (*answer, *CallError) {
	c.at, c.redirects, c.challenge, c.hops = c.out, nil, nil, 0
	if c.settings.auth != nil { // each attempt has a ticket of its own, and a prepared request can be sent by several at once
		own := *c.out
		c.at = &own
	}
	for left := c.life.limits.Attempt; ; {
		a, next, err := c.step(r, &left)
		switch {
		case err != nil:
			err.waitedTooLong(c.life)
			return nil, err
		case next == nil:
			return a, c.mapError(a)
		}
		c.at = next
	}
}

// step is one hop; left is what the attempt still has of its time, before it and after. What the hop holds is given back, unless the
// caller reads its body.
func (c *call) step(r *retrying, left *time.Duration) (a *answer, next *outgoing, err *CallError) {
	h := c.newHop(r, *left)
	defer func() { // also when a middleware panics
		if a == nil && next == nil && err == nil {
			h.crashed()
		}
		if a == nil || a.live == nil {
			*left = h.end()
		}
	}()
	return c.exchange(h, r)
}

func (c *call) newHop(r *retrying, left time.Duration) *hop {
	c.hops++
	c.received = 0
	h := c.firsts().hop.take()
	h.core, h.settings, h.home, h.credentials, h.call = c.core, c.settings, &c.at.home, &c.at.credentials, c
	h.attempt, h.number = r.n+1, c.hops
	h.begin(c.life, left)
	c.meter.begins(h)
	if len(c.extra) > 0 {
		h.inner = compose(c.extra, afterCall{})
	}
	return h
}

// exchange is one hop: credentials, request, then the answer, or where it leads.
func (c *call) exchange(h *hop, r *retrying) (a *answer, next *outgoing, err *CallError) {
	if h.number == 1 {
		if err := c.obtain(h); err != nil {
			return nil, nil, err
		}
	}
	req, err := c.at.request(h, c.firsts().asked.take(), r.requests > 0 || c.handedOut())
	h.asking = req
	if err == nil && len(c.redirects) == 0 {
		if err = r.prepare(req); err != nil {
			closeRequest(req)
		}
	}
	if err != nil && h.number > 1 { // ErrRequest would promise that nothing was sent
		err.Step = ErrTransport
		return nil, nil, r.lost(h, err, instantNow())
	}
	if err != nil {
		return nil, nil, err
	}
	return c.hop(h, req, r)
}

// obtain gets the credentials of an attempt.
func (c *call) obtain(h *hop) *CallError {
	if auth := c.settings.auth; auth != nil && !c.out.body.again() {
		if _, ok := auth.scheme.(*digest); ok {
			return fail(ErrRequest, "", fmt.Errorf("WithDigest sends a body twice, and %w", errBodyUsed))
		}
	}
	return h.obtain(h, &c.at.credentials)
}

// hop sends one request, middleware, limit, authorize, send, and reads its answer, unless that is elsewhere.
func (c *call) hop(h *hop, req *http.Request, r *retrying) (*answer, *outgoing, *CallError) {
	start := instantNow()
	h.resent, h.redirects = r.requests, len(c.redirects)
	r.requests++
	resp, sendErr := h.send(req)
	if resp, sendErr = complete(resp, sendErr); sendErr != nil {
		return nil, nil, r.lost(h, h.classify(h, sendErr), start)
	}
	h.heeding = resp
	c.heedNotice(h, resp)
	next, err := c.follow(resp)
	if err != nil || next != nil {
		release(resp.Body, h.stop)
		return nil, next, c.answered(resp, r.note(h, resp.StatusCode, err, start, next == nil))
	}
	a := c.firsts().answer.take()
	a.call, a.at, a.resp, a.received = c, c.at, resp, time.Now()
	err = a.read(h)
	c.received = len(a.body)
	end := instantNow()
	if a.live == nil {
		h.clock.read(instantOf(a.received).until(end))
	}
	a.elapsed = start.until(end)
	if err == nil {
		next, err = c.challenged(c.timeAfter(h), resp) // with the body read: a token may be fetched over the same connection
	}
	err = c.answered(resp, r.note(h, resp.StatusCode, err, start, next == nil))
	if err != nil || next != nil {
		return nil, next, err
	}
	return a, nil, nil
}

// timeAfter is what a new token may take: the time of the hop, or that of the call where reading the answer has ended the hop.
func (c *call) timeAfter(h *hop) context.Context {
	if h.Err() != nil {
		return c.life
	}
	return h
}

// answered marks an error that came after the head of an answer.
func (c *call) answered(resp *http.Response, err *CallError) *CallError {
	if err != nil {
		err.Sent = SentYes
		err.RequestID = requestID(resp.Header)
	}
	return err
}

var errNoResponse = errors.New("the transport or a middleware returned neither a response nor an error")

// complete does for the answer of a RoundTripper what http.Client would: a missing body is an empty one,
// a response beside an error is closed.
func complete(resp *http.Response, err error) (*http.Response, error) {
	switch {
	case err != nil && resp != nil && resp.Body != nil:
		_ = resp.Body.Close()
	case err == nil && resp == nil:
		return nil, errNoResponse
	case err == nil && resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, err
}

// note adds to what is known of the attempt, and to the call's history when it ends. It returns err.
func (r *retrying) note(h *hop, status int, err *CallError, start instant, ends bool) *CallError {
	took := start.until(instantNow())
	waited := min(time.Duration(h.waited.Load()), took) // a middleware that sends in parallel waits in parallel
	r.took += took - waited
	r.waited += waited
	r.timing.add(h.clock.total())
	if !ends {
		return err
	}
	a := Attempt{StatusCode: status, Duration: r.took, Wait: r.waited, Timing: r.timing}
	if err != nil {
		a.Err = asReason(err) // not err itself, which will hold this history
	}
	if r.call.attempts == nil {
		r.call.attempts = r.call.firsts().attempts.take()[:0]
	}
	r.call.attempts = append(r.call.attempts, a)
	return err
}

// lost remembers an attempt that got no answer, if it got as far as the wire.
func (r *retrying) lost(h *hop, err *CallError, start instant) *CallError {
	if h.number > 1 {
		err.Sent = SentYes // the hops before were answered
	}
	if h.reached.Load() || h.number > 1 {
		r.note(h, 0, err, start, true)
	}
	return err
}

// handedOut reports whether the request gets to somebody who may change it: middleware and Retry.Before may. What lies below them copies
// what it changes, and a transport changes nothing ([http.RoundTripper]); that is relied upon for the first request of a call alone, and not where
// the caller can send the same once more: a transport can still be reading what it gave up.
func (c *call) handedOut() bool {
	return c.wrapped() || c.settings.retry.Before != nil || c.shown
}

// wrapped reports whether the call passes middleware.
func (c *call) wrapped() bool {
	return c.core.chain != nil || c.endpoint.chain != nil || len(c.extra) > 0
}

// request makes req the request of one attempt.
func (o *outgoing) request(ctx context.Context, req *http.Request, handedOut bool) (*http.Request, *CallError) {
	body, err := o.body.open(ctx)
	if err != nil {
		return nil, fail(ErrRequest, KindRequestBody, nested(err)) // nothing was sent yet
	}
	o.carrying(ctx, req, o.body.sent(ctx, body), handedOut)
	return req, nil
}

// carrying makes req the request with a body that is open. What is handed out has a URL and a header map of its own.
func (o *outgoing) carrying(ctx context.Context, req *http.Request, body io.ReadCloser, handedOut bool) {
	r := http.Request{
		Method: o.method, URL: o.url, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: o.header, Body: body, ContentLength: o.body.size(), Host: o.host, GetBody: o.body.replayed(ctx),
	}
	if handedOut {
		u := *o.url
		r.URL, r.Header = &u, o.header.Clone()
	}
	if body == http.NoBody && (o.body.declared || o.method == http.MethodDelete) && !assumesBody(o.method) {
		r.TransferEncoding = []string{"identity"} // else net/http sends no Content-Length: 0
	}
	*req = *r.WithContext(ctx)
}

// assumesBody reports whether net/http writes Content-Length: 0 for an empty body by itself.
func assumesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}
