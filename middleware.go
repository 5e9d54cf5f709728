package crest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Middleware wraps the sending of one request: an attempt, and each hop of a redirect, passes it.
// The client's middleware is outermost, then the endpoint's, then the call's; in one option the first is outermost.
// It runs above limiter and credentials: it never sees a credential, and a middleware that sends
// twice is counted twice. What [http.RoundTripper] demands holds, and the context of the request must be kept
// (wrap it, do not replace it). It is called once for each client, endpoint or call that it was given to;
// what it returns must be safe for concurrent use.
type Middleware func(next http.RoundTripper) http.RoundTripper

// WithMiddleware adds middleware inside that of farther levels. Nil ones are ignored.
func WithMiddleware(mw ...Middleware) Option {
	mw = slices.Clone(mw)
	return anyOption(func(s *settings) error {
		for _, m := range mw {
			if m != nil {
				s.middleware = append(s.middleware, m)
			}
		}
		return nil
	})
}

// compose wraps next in mw, the first outermost.
func compose(mw []Middleware, next http.RoundTripper) http.RoundTripper {
	for i := len(mw) - 1; i >= 0; i-- {
		if next = mw[i](next); next == nil {
			next = brokenMiddleware{}
		}
	}
	return next
}

// brokenMiddleware stands where a middleware returned nothing.
type brokenMiddleware struct{}

func (brokenMiddleware) RoundTrip(req *http.Request) (*http.Response, error) {
	closeRequest(req)
	return nil, errNoRoundTripper
}

// Info is what a middleware can know of the call that a request belongs to.
type Info struct {
	Endpoint string // method and route: "GET /pets/{id}", fit for metrics and span names
	Route    string // the route alone, without the base URL's path
	Attempt  int    // counts from 1
	Hop      int    // of the attempt, counted from 1: its first request, then one for each redirect and each challenge that was answered

	Resent    int           // how many requests of the call passed middleware before this one, for whatever reason
	Redirects int           // of the attempt, that led here: with any, the URL is not the route's
	Wait      time.Duration // for slots, until now: the whole of it once the request has come back
}

// EndpointInfo tells a middleware, or a transport given with [WithTransport], which endpoint a request belongs to.
// The result is false for requests that come by [RoundTripper].
func EndpointInfo(req *http.Request) (Info, bool) {
	h := hopOf(req.Context())
	if h == nil || h.call == nil {
		return Info{}, false
	}
	e := h.call.endpoint
	return Info{
		Endpoint: e.name, Route: e.route(), Attempt: h.attempt, Hop: h.number,
		Resent: h.resent, Redirects: h.redirects, Wait: time.Duration(h.waited.Load()),
	}, true
}

// RoundTripper returns the client's way out for other libraries: its middleware, limiter and credentials, and
// its transport. Requests to another origin than the client's end in ErrCredentials if the client has credentials.
// A Caller without a client gives a RoundTripper that fails with ErrRequest.
func RoundTripper(c Caller) http.RoundTripper { return foreign{c} }

// foreign sends requests that crest has not made.
type foreign struct{ caller Caller }

func (f foreign) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f.roundTrip(req)
	if err != nil {
		closeRequest(req)
		if ctx := req.Context(); ctx.Err() != nil && err.ctxErr == nil {
			err.ctxErr = contextError(ctx)
		}
		err.Endpoint = req.Method + " " + redactURL(req.URL)
		return nil, err
	}
	return resp, nil
}

func (f foreign) roundTrip(req *http.Request) (*http.Response, *CallError) {
	core, failed := coreOf(req.Context(), f.caller, nil)
	if failed != nil {
		return nil, failed
	}
	if req.URL == nil || req.Header == nil {
		return nil, failf(ErrRequest, "", "the request has no URL or no header map: make it with http.NewRequest")
	}
	h := &hop{core: core, settings: core.settings, home: &core.home, credentials: &credentials{fields: core.settings.keysFor(req)}}
	limits := core.settings.timeouts.effective()
	h.begin(&lifetime{caller: req.Context(), limits: limits}, limits.Attempt)
	handedOver := false
	defer func() { // also when a middleware panics
		if !handedOver {
			h.end()
		}
		h.life.end() // a body that is handed over has no timeouts
	}()
	if err := h.obtain(h, h.credentials); err != nil {
		return nil, err
	}
	resp, err := complete(h.send(req.WithContext(h)))
	if err != nil {
		return nil, h.classify(h, err)
	}
	handedOver = true
	if used, ok := h.credentials.ticket.(*bearerTicket); ok && resp.StatusCode == http.StatusUnauthorized {
		used.forget() // the request is not crest's to send again; the next one gets another token
	}
	h.bodyBegins()
	h.bodyIsCallers()
	resp.Body = endWith(resp.Body, h.cancel)
	return resp, nil
}

// hop is one request on its way through middleware, limit, authorize and send. It is the context of that request.
type hop struct {
	phases
	core        *core
	settings    *settings
	home        *origin // where credentials may go
	call        *call   // nil for a foreign request
	credentials *credentials
	attempt     int               // of the call, counted from 1
	number      int               // of this hop, counted from 1 in each attempt
	resent      int               // requests of the call before this one
	redirects   int               // of the attempt, before this one
	inner       http.RoundTripper // the call's own middleware; nil without
	asking      *http.Request     // of a call
	heeding     *http.Response    // its answer
	waited      atomic.Int64      // nanoseconds until the slots were there
	clock       stopwatch
	reached     atomic.Bool  // the transport was asked
	wired       atomic.Bool  // the transport has a connection, and says so
	gives       atomic.Bool  // pieces of a streamed body to the transport
	underway    atomic.Int32 // requests that the transport has not answered yet
	sent        atomic.Int32 // the most that is known of any request: a middleware can send several
}

type hopKey struct{}

// Value lets the levels of middleware find their way on.
func (h *hop) Value(key any) any {
	if key == (hopKey{}) {
		return h
	}
	return h.Context.Value(key)
}

// hopOf is the hop whose request, or body, has ctx; nil for one that is nobody's.
func hopOf(ctx context.Context) *hop {
	h, _ := ctx.Value(hopKey{}).(*hop)
	return h
}

// send starts the request at the outermost middleware.
func (h *hop) send(req *http.Request) (*http.Response, error) {
	if h.core.chain != nil {
		return h.core.chain.RoundTrip(req)
	}
	return afterClient{}.RoundTrip(req)
}

// Mistakes of a middleware that are found when it runs.
var (
	errLostContext    = errors.New("a middleware replaced the request's context: derive it from req.Context()")
	errNoRoundTripper = errors.New("a middleware returned no http.RoundTripper")
)

// afterClient, afterEndpoint and afterCall lie between the levels of middleware. Each level is composed once, so
// the way on from one level to the next is found in the request.
type (
	afterClient   struct{}
	afterEndpoint struct{}
	afterCall     struct{}
)

func (afterClient) RoundTrip(req *http.Request) (*http.Response, error) {
	if h := hopOf(req.Context()); h != nil && h.call != nil && h.call.endpoint.chain != nil {
		return h.call.endpoint.chain.RoundTrip(req)
	}
	return afterEndpoint{}.RoundTrip(req)
}

func (afterEndpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	if h := hopOf(req.Context()); h != nil && h.inner != nil {
		return h.inner.RoundTrip(req)
	}
	return afterCall{}.RoundTrip(req)
}

func (afterCall) RoundTrip(req *http.Request) (*http.Response, error) {
	h := hopOf(req.Context())
	if h == nil {
		closeRequest(req)
		return nil, errLostContext
	}
	return h.innermost(req)
}

// innermost is what lies below the middleware: limit, authorize, send, and once more where a proxy wants Digest.
func (h *hop) innermost(req *http.Request) (*http.Response, error) {
	f := h.call.firsts().flight.take()
	f.hop, f.asked = h, req
	for {
		resp, err := f.guarded()
		next := f.answering(resp, err)
		if next == nil {
			f.kept.settle()
			return resp, err
		}
		f = next
	}
}

// alone reports whether the hop has one request at a time, so that ending the hop ends nothing else.
func (h *hop) alone() bool { return h.call != nil && !h.call.wrapped() }

// guarded is fly, with everything settled when a function of the caller's panics.
func (f *flight) guarded() (*http.Response, error) {
	settled := false
	defer func() { // slots and places are not lost
		if !settled {
			f.crashed()
			f.kept.settle()
		}
	}()
	resp, err := f.fly()
	settled = true
	return resp, err
}

// fly is one request: limit, authorize, send.
func (f *flight) fly() (*http.Response, error) {
	h, req := f.hop, f.asked
	if limited := f.limit(); limited != nil {
		return nil, h.refuse(req, limited)
	}
	f.wired = *req.WithContext(f.observed())
	authorized, err := h.authorize(&f.wired)
	if err != nil {
		f.abandon()
		return nil, h.refuse(req, fail(ErrCredentials, "", nested(err)))
	}
	resp, err := f.roundTrip(f.byProxy(authorized))
	if err == nil && resp != nil {
		f.answer = resp
		h.keepCookies(req, resp)
	}
	return resp, err
}

// crashed closes what a function of the caller's left open that panicked.
func (h *hop) crashed() {
	if h.asking != nil {
		closeRequest(h.asking)
	}
	if h.heeding != nil {
		_ = h.heeding.Body.Close()
	}
}

func (h *hop) raise(s Sent) {
	for old := h.sent.Load(); int32(s) > old && !h.sent.CompareAndSwap(old, int32(s)); old = h.sent.Load() {
	}
}

// mostSent is the most that is known of the hop's requests.
func (h *hop) mostSent() Sent {
	if h.underway.Load() > 0 {
		h.raise(SentMaybe)
	}
	return Sent(h.sent.Load())
}

// refuse ends a hop before the wire. The error knows its hop, so that it is not taken for that of another call.
func (h *hop) refuse(req *http.Request, err *CallError) error {
	closeRequest(req)
	err.hop = h
	return err
}

// closeRequest keeps a RoundTripper's promise: the body is closed on every way out.
func closeRequest(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// obtain gets the credentials of a hop, before any slot is taken: with all slots held by
// callers that wait for a refresh, the refresh itself would never get one.
func (h *hop) obtain(ctx context.Context, into *credentials) *CallError {
	if h.settings.auth == nil {
		return nil
	}
	ticket, err := h.settings.auth.scheme.obtain(ctx)
	if err != nil {
		return fail(ErrCredentials, "", nested(err))
	}
	into.ticket = ticket
	return nil
}
