package crest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// answer is what came back: the head always, the body as far as the response model reads it.
type answer struct {
	call     *call
	resp     *http.Response
	header   http.Header // of the request, as it was sent but for credentials
	body     []byte      // decompressed
	bodyErr  error       // why a failed answer's body is incomplete; its status wins
	cut      bool        // body is only the beginning
	live     io.ReadCloser
	received time.Time
	elapsed  time.Duration
	decoded  bool // the model was filled from a body or from located fields
}

// attempt sends the request until it has an answer that is final, and reads that as far as it is typed.
func (c *call) attempt(ctx context.Context) (*answer, *CallError) {
	c.timeouts = c.settings.timeouts.effective()
	c.life = c.begins(ctx)
	handedOver := false
	defer func() { // also when a middleware panics
		if !handedOver {
			c.life.end()
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
		a, err := c.try(&r)
		if err == nil {
			r.succeeded()
			return a, nil
		}
		if err = r.next(err); err != nil {
			return a, err
		}
	}
}

// try is one attempt: a hop, and what its answer means.
func (c *call) try(r *retrying) (a *answer, err *CallError) {
	h := &hop{core: c.core, settings: c.settings, home: c.out.home, call: c, number: r.n + 1, credentials: c.out.credentials}
	h.begin(c.life, c.timeouts)
	defer func() {
		if a == nil || a.live == nil {
			h.end()
		}
	}()
	if len(c.extra) > 0 {
		h.inner = compose(c.extra, afterCall{})
	}
	a, err = c.hop(h, r)
	if err != nil {
		err.waitedTooLong(c.life)
		return nil, err
	}
	return a, c.mapError(a)
}

// hop sends one request: middleware, limit, authorize, send, then read.
func (c *call) hop(h *hop, r *retrying) (*answer, *CallError) {
	if err := h.obtain(h); err != nil {
		return nil, err
	}
	req, err := c.out.request(h)
	if err == nil {
		err = r.prepare(req)
	}
	if err != nil {
		return nil, err
	}
	start := time.Now()
	resp, sendErr := h.send(req)
	if resp, sendErr = complete(resp, sendErr); sendErr != nil {
		return nil, r.lost(h, h.classify(h, sendErr), start)
	}
	a := &answer{call: c, resp: resp, header: c.out.header, received: time.Now()}
	readErr := a.read(h)
	a.elapsed = time.Since(start)
	c.attempts = append(c.attempts, r.attempt(h, resp.StatusCode, readErr, a.elapsed))
	if readErr != nil {
		readErr.Sent = SentYes
		readErr.RequestID = requestID(resp.Header)
		return nil, readErr
	}
	return a, nil
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

// attempt is what the call's history says of this hop.
func (r *retrying) attempt(h *hop, status int, err *CallError, took time.Duration) Attempt {
	waited := min(time.Duration(h.waited.Load()), took) // a middleware that sends in parallel waits in parallel
	a := Attempt{StatusCode: status, Duration: took - waited, Wait: r.waited + waited}
	if err != nil {
		a.Err = asReason(err) // not err itself, which will hold this history
	}
	return a
}

// lost remembers an attempt that got no answer, if it got as far as the wire.
func (r *retrying) lost(h *hop, err *CallError, start time.Time) *CallError {
	if h.reached.Load() {
		r.call.attempts = append(r.call.attempts, r.attempt(h, 0, err, time.Since(start)))
	}
	return err
}

// request builds the http.Request of one attempt. The header map is the attempt's own.
func (o *outgoing) request(ctx context.Context) (*http.Request, *CallError) {
	body, err := o.body.open()
	if err != nil {
		return nil, fail(ErrRequest, KindRequestBody, nested(err)) // nothing was sent yet
	}
	u := *o.url
	req := &http.Request{
		Method: o.method, URL: &u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: o.header.Clone(), Body: body, ContentLength: o.body.length, Host: o.host,
	}
	if o.body.replay != nil {
		req.GetBody = o.body.replay
	}
	if body == http.NoBody && (o.body.declared || o.method == http.MethodDelete) && !assumesBody(o.method) {
		req.TransferEncoding = []string{"identity"} // else net/http sends no Content-Length: 0
	}
	return req.WithContext(ctx), nil
}

// assumesBody reports whether net/http writes Content-Length: 0 for an empty body by itself.
func assumesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}
