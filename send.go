package crest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
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
	a, err := c.hop(life)
	if err != nil || a.live == nil {
		life.end()
		c.core.sweep()
	}
	return a, err
}

// hop sends one request: middleware, limit, authorize, send, then read.
func (c *call) hop(life *lifetime) (*answer, *CallError) {
	h := &hop{core: c.core, settings: c.settings, home: c.out.home, call: c, credentials: c.out.credentials, deadline: life.due}
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
	life.headerArrived()
	if sendErr != nil {
		return nil, c.lost(h, h.classify(life, sendErr), start)
	}
	if resp == nil || resp.Body == nil {
		return nil, c.lost(h, failf(ErrTransport, KindProtocol, "the transport or a middleware returned no response or one without a body"), start)
	}
	a := &answer{call: c, resp: resp, header: c.out.header, received: time.Now()}
	readErr := a.read(life)
	a.elapsed = time.Since(start)
	c.attempts = append(c.attempts, h.tried(Attempt{StatusCode: resp.StatusCode, Err: asError(readErr)}, a.elapsed))
	if readErr != nil {
		readErr.Sent = SentYes
		return nil, readErr
	}
	return a, nil
}

// lost remembers an attempt that got no answer, if it got as far as the wire.
func (c *call) lost(h *hop, err *CallError, start time.Time) *CallError {
	if h.reached.Load() {
		c.attempts = append(c.attempts, h.tried(Attempt{Err: err.Err}, time.Since(start)))
	}
	return err
}

// tried fills in how long an attempt took, without the wait for its slot. (With a middleware that sends in parallel the waits overlap,
// and their sum may be more than all of the time.)
func (h *hop) tried(a Attempt, elapsed time.Duration) Attempt {
	a.Wait = min(time.Duration(h.waited.Load()), elapsed)
	a.Duration = elapsed - a.Wait
	return a
}

// asError keeps a nil *CallError from becoming an error that is not nil.
func asError(err *CallError) error {
	if err == nil {
		return nil
	}
	return err
}

// request builds the http.Request of one attempt. The header map is the attempt's own.
func (o *outgoing) request(ctx context.Context) (*http.Request, *CallError) {
	body, err := o.body.open()
	if err != nil {
		return nil, fail(ErrRequest, KindRequestBody, err) // nothing was sent yet
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

// Prepared is a call that was merged, validated and encoded, and not sent yet. Get it from [Endpoint.Prepare].
// It may be sent more than once if its body can be read again: everything but an io.Reader that cannot seek.
// It is not safe for concurrent use.
type Prepared[Res any] struct{ call *call }

// Method returns the HTTP method.
func (p *Prepared[Res]) Method() string { return p.call.out.method }

// URL returns a copy of the URL. Query parameters that are credentials are not in it,
// and a [Secret] in the path stands as [redacted].
func (p *Prepared[Res]) URL() *url.URL {
	u := *p.call.out.url
	return &u
}

// Host returns the Host header: the URL's, unless WithHeader set it.
func (p *Prepared[Res]) Host() string { return p.call.out.host }

// Header returns a copy of the headers, without credentials.
func (p *Prepared[Res]) Header() http.Header { return visible(p.call.out.header) }

// Body returns the encoded body, nil when there is none. A body that is read as it is sent (io.Reader, a factory) is not
// touched: the result is nil and known is false.
func (p *Prepared[Res]) Body() (body []byte, known bool) {
	b := &p.call.out.body
	if b.bytes == nil && b.open != nil && b.streamed {
		return nil, false
	}
	return append([]byte(nil), b.bytes...), true
}

// Send sends the call and returns what [Endpoint.Do] would.
func (p *Prepared[Res]) Send(ctx context.Context) (*Response[Res], error) {
	if ctx == nil {
		return nil, p.call.failed(ctx, failf(ErrRequest, "", "the context is nil: use context.Background()"))
	}
	again := *p.call // attempts are counted from zero each time
	if p.call.core.closed.Load() {
		return nil, again.failed(ctx, fail(ErrClosed, "", errors.New("the client was closed")))
	}
	var res Res
	a, err := sendInto(ctx, &again, &res)
	if err != nil {
		return nil, err
	}
	return newResponse(a, res), nil
}

// visible is a copy of h without the entries that only suppress a header.
func visible(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if len(values) > 0 {
			out[name] = append([]string(nil), values...)
		}
	}
	return out
}
