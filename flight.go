package crest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
)

// flight is one request below the middleware, watched through the hooks of httptrace. It stamps the slots when the headers
// are written, starts the wait for the header when the request is, and knows whether the server can have seen it. A
// request that net/http sends once more by itself waits for slots of its own.
type flight struct {
	hop    *hop
	asked  *http.Request // as the limiters see it
	wired  http.Request  // as the transport gets it, unless a proxy or credentials want another
	url    url.URL       // its own, where limiters may have to end it, or the transport is not net/http's
	ctx    context.Context
	cancel context.CancelCauseFunc // ends ctx; nil without limiters: then nothing is ever held back
	own    bool                    // ctx is the flight's alone
	trace  httptrace.ClientTrace
	way    *proxyWay     // nil without proxies
	sent   *http.Request // what the transport has got
	kept   *keptBody     // nil where the body can be had again

	mu        sync.Mutex
	slots     []Slot
	room      [2]Slot
	place     *heldPlace // in the pool; nil without bounds
	dialled   string     // host and port of the first connection, the server's or the proxy's: for the errors of pins
	traced    bool       // the transport calls hooks: what it does not report has not happened
	connected bool
	written   bool // the slots are stamped
	replayed  bool // an earlier try was written
	aloft     bool // the transport has it
	landed    bool // RoundTrip has returned
	refused   *CallError
	panicked  any // what a limiter panicked with inside a hook
	answer    *http.Response
}

// limit takes a place in the pool, and a slot of each limiter: in this order, because what has a place can always finish, and a
// replay waits for new slots with its place. The attempt's time stands still meanwhile, unless another request of the same attempt is on
// its way.
func (f *flight) limit() *CallError {
	h := f.hop
	if (len(h.settings.limiters) > 0 || h.core.places != nil) && h.underway.Load() == 0 {
		h.hold()
	}
	if err := f.enter(); err != nil {
		return err
	}
	if len(h.settings.limiters) > 0 {
		slots, err := h.take(f.asked.Context(), f.asked, f.room[:0])
		if err != nil {
			f.place.end()
			return limited(err)
		}
		f.slots = slots
	}
	h.run()
	return nil
}

// crashed settles a request in which a function of the caller's panicked.
func (f *flight) crashed() {
	defer f.release()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answer != nil && f.answer.Body != nil {
		_ = f.answer.Body.Close()
	}
	if f.aloft {
		f.hop.raise(SentMaybe)
		f.hop.underway.Add(-1)
	}
	switch {
	case f.landed:
	case f.written, f.aloft && !f.traced: // it may be on the wire
		f.stamp()
	default:
		giveBack(f.slots)
	}
	f.landed = true
}

// observed returns the context under which the transport reports to the flight.
func (f *flight) observed() context.Context {
	f.ctx = f.asked.Context()
	switch {
	case len(f.hop.settings.limiters) == 0 && !f.once():
	case f.hop.alone():
		f.cancel = f.hop.cancel
	default:
		f.ctx, f.cancel = context.WithCancelCause(f.ctx)
		f.own = true
	}
	f.trace = httptrace.ClientTrace{GotConn: f.gotConn, WroteHeaders: f.wroteHeaders, WroteRequest: f.wroteRequest}
	if c := f.hop.core; !c.hooked() || len(c.settings.client.own.pins) > 0 { // each hook is an allocation
		f.trace.GetConn = f.getConn
	}
	return httptrace.WithClientTrace(f.ctx, &f.trace)
}

// abandon gives the slots of a request back that was not even tried, and its place.
func (f *flight) abandon() {
	giveBack(f.slots)
	f.release()
}

// release leaves the pool and ends what the flight's own context holds.
func (f *flight) release() {
	f.place.end()
	if f.own {
		f.cancel(nil)
	}
}

// roundTrip hands req to the transport. It is authorized, and a copy.
func (f *flight) roundTrip(req *http.Request) (*http.Response, error) {
	h := f.hop
	f.traced = h.core.hooked()
	if f.cancel != nil || !f.traced { // many a transport leads requests elsewhere and copies nothing
		f.url = *req.URL
		req.URL = &f.url
	}
	if again := h.reached.Swap(true); h.underway.Add(1) == 1 && again {
		h.phases.askedAgain()
	}
	f.aloft, f.sent = true, req
	resp, err := f.land(f.wire().RoundTrip(req))
	if f.panicked != nil {
		panic(f.panicked)
	}
	f.aloft = false
	if err == nil {
		h.clock.answered()
		h.raise(SentYes)
	} else {
		h.raise(f.sentDespite(err))
	}
	if h.underway.Add(-1) == 0 || err == nil {
		h.heard()
	}
	return resp, err
}

func (f *flight) getConn(hostPort string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.traced, f.dialled = true, hostPort
}

// gotConn is called for every try inside RoundTrip. If the headers of an earlier one were written, this is a replay that
// nobody asked for.
func (f *flight) gotConn(info httptrace.GotConnInfo) {
	f.hop.clock.connected(info.Reused)
	f.hop.wired.Store(true)
	f.mu.Lock()
	replay := f.written && f.refused == nil
	f.traced, f.connected = true, true
	f.mu.Unlock()
	if replay {
		defer f.caught()
		f.hop.notWritten()
		if f.once() && !overHTTP2(info.Conn) { // there only what the server has not looked at is sent again
			f.mu.Lock()
			defer f.mu.Unlock()
			f.refuse(fail(ErrTransport, KindDisconnected, errOnce))
			return
		}
		f.replay()
	}
}

var errOnce = errors.New("the connection was lost before the answer, and the call is not idempotent (WithoutIdempotent)")

// once reports whether net/http, which goes by the method alone, would send the request again where the call may not be.
func (f *flight) once() bool {
	if f.hop.call == nil || f.hop.settings.idempotent != no {
		return false
	}
	switch f.asked.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return !f.hop.call.idempotent()
	}
	return false
}

func overHTTP2(conn net.Conn) bool {
	secure, ok := conn.(*tls.Conn)
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// caught keeps the panic of a limiter for the goroutine of the call: a hook runs in one of net/http's, where nobody could
// recover it.
func (f *flight) caught() {
	if v := recover(); v != nil {
		f.panicked = v
	}
}

// replay waits for slots as the first try did.
func (f *flight) replay() {
	h := f.hop
	if h.underway.Load() == 1 {
		h.hold()
	}
	slots, err := h.take(f.ctx, f.asked, nil)
	h.run()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replayed = true
	if err != nil {
		f.refuse(limited(err))
		return
	}
	f.slots, f.written = slots, false
	f.way.replayed(f.sent)
}

// refuse ends a replay that got no slot. A hook cannot say no: cancelling alone is a race that HTTP/1 mostly
// loses, since it writes first and then looks. A URL that cannot be written ends it for sure, and is the
// request's own.
func (f *flight) refuse(err *CallError) {
	err.Sent = SentMaybe // the try before this one
	err.hop = f.hop
	f.refused = err
	f.url.Opaque = "\x00"
	f.cancel(err)
}

// wroteHeaders is called just before (HTTP/1) or after (HTTP/2) the headers are handed to the connection.
func (f *flight) wroteHeaders() {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.caught()
	if !f.landed && f.refused == nil {
		f.stamp()
	}
}

func (f *flight) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		f.hop.clock.requestWritten()
		f.hop.isBack()
		f.hop.requestWritten()
	}
}

func (f *flight) stamp() {
	if f.written {
		return
	}
	f.written = true
	for _, s := range f.slots {
		s.Sent()
	}
}

// land settles the slots when RoundTrip has returned.
func (f *flight) land(resp *http.Response, err error) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.landed = true
	if resp == nil && err == nil {
		err = errNoResponse
	}
	if resp != nil {
		resp.Request = f.asked // the one that was sent has credentials, and answers are shown to middleware
	}
	switch {
	case resp != nil || f.perhapsWritten(err):
		f.stamp()
	case !f.written:
		giveBack(f.slots)
	}
	switch {
	case f.refused != nil:
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		resp, err = nil, f.refused
	case resp != nil:
		f.observe(resp)
	}
	if err != nil || resp == nil || resp.Body == nil {
		f.release()
	} else { // the context ends with the hop
		f.keep(resp)
	}
	return resp, f.locate(err)
}

// perhapsWritten is asked when there was no answer. A transport that calls no hooks may have sent the request
// unless its error says otherwise. One that calls them may still have been writing (HTTP/2) when the context
// ended.
func (f *flight) perhapsWritten(err error) bool {
	if f.traced {
		return f.connected && f.ctx.Err() != nil
	}
	return sentDespite(err) != SentNo
}

// sentDespite says whether the server may have seen a request that got no answer. An earlier try that was written counts,
// whatever became of the last one.
func (f *flight) sentDespite(err error) Sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.replayed:
		return SentMaybe
	case f.traced && !f.written:
		return SentNo
	}
	return sentDespite(err)
}

func (f *flight) observe(resp *http.Response) {
	for _, s := range f.slots {
		if learns, ok := s.(Feedback); ok {
			learns.Observe(resp)
		}
	}
}
