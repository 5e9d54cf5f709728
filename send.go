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

// attempt sends the request once and reads the answer as far as it is typed.
func (c *call) attempt(ctx context.Context) (*answer, *CallError) {
	life := c.withTotal(ctx)
	handedOver := false
	defer func() { // also when a middleware panics
		if !handedOver {
			life.end()
			c.core.sweep()
		}
	}()
	a, err := c.hop(life)
	if err != nil {
		err.waitedTooLong(life)
	}
	handedOver = err == nil && a.live != nil
	return a, err
}

// hop sends one request: middleware, limit, authorize, send, then read.
func (c *call) hop(life *lifetime) (*answer, *CallError) {
	h := &hop{core: c.core, settings: c.settings, home: c.out.home, call: c, number: len(c.attempts) + 1, credentials: c.out.credentials}
	if len(c.extra) > 0 {
		h.inner = compose(c.extra, afterCall{})
	}
	if err := h.obtain(life); err != nil {
		return nil, err
	}
	req, err := c.out.request(h.within(life))
	if err != nil {
		return nil, err
	}
	start := time.Now()
	resp, sendErr := h.send(req)
	if resp, sendErr = complete(resp, sendErr); sendErr != nil {
		return nil, c.lost(h, h.classify(life, sendErr), start)
	}
	a := &answer{call: c, resp: resp, header: c.out.header, received: time.Now()}
	readErr := a.read(life)
	a.elapsed = time.Since(start)
	c.attempts = append(c.attempts, h.attempt(resp.StatusCode, readErr, a.elapsed))
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
func (h *hop) attempt(status int, err *CallError, took time.Duration) Attempt {
	waited := min(time.Duration(h.waited.Load()), took) // a middleware that sends in parallel waits in parallel
	a := Attempt{StatusCode: status, Duration: took - waited, Wait: waited}
	if err != nil {
		a.Err = asReason(err) // not err itself, which will hold this history
	}
	return a
}

// lost remembers an attempt that got no answer, if it got as far as the wire.
func (c *call) lost(h *hop, err *CallError, start time.Time) *CallError {
	if h.reached.Load() {
		c.attempts = append(c.attempts, h.attempt(0, err, time.Since(start)))
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
