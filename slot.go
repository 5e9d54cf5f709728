package crest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"
)

// slotOf takes a slot of any limiter. It is nil for one that keeps no account of it.
func slotOf(ctx context.Context, l Limiter, req *http.Request, cost int) (Slot, error) {
	if rich, ok := l.(SlotLimiter); ok {
		return rich.Slot(ctx, req, cost)
	}
	if err := waitFor(ctx, l, cost); err != nil {
		return nil, err
	}
	if f, ok := l.(Feedback); ok {
		return plainSlot{f}, nil
	}
	return nil, nil
}

func waitFor(ctx context.Context, l Limiter, cost int) error {
	if many, ok := l.(interface {
		WaitN(ctx context.Context, n int) error
	}); ok && cost > 1 {
		return many.WaitN(ctx, cost)
	}
	for range cost {
		if err := l.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// plainSlot is of a limiter that has no slots and learns from answers.
type plainSlot struct{ Feedback }

func (plainSlot) Sent()   {}
func (plainSlot) Cancel() {}

// limit is the step below the middleware: it takes a slot of each limiter for req. The flight is nil without limiters.
func (h *hop) limit(req *http.Request) (*flight, *CallError) {
	if len(h.settings.limiters) == 0 {
		return nil, nil
	}
	f := &flight{hop: h, asked: req}
	var err error
	if f.slots, err = h.take(req.Context(), req, f.room[:0]); err != nil {
		return nil, limited(err)
	}
	return f, nil
}

// take waits at the nearest level first: calls that wait for their endpoint's limit keep no slot of the
// client's meanwhile, which others could use.
func (h *hop) take(ctx context.Context, req *http.Request, slots []Slot) ([]Slot, error) {
	start := time.Now()
	defer func() { h.waited.Add(int64(time.Since(start))) }()
	for i := len(h.settings.limiters) - 1; i >= 0; i-- {
		s, err := slotOf(ctx, h.settings.limiters[i], req, max(h.settings.cost, 1))
		if err != nil {
			giveBack(slots)
			return nil, err
		}
		if s != nil {
			slots = append(slots, s)
		}
	}
	return slots, nil
}

// limited is the error of a limiter as that of a call.
func limited(err error) *CallError {
	if own, ok := errors.AsType[*CallError](err); ok && own.Step == ErrLimited {
		copied := *own
		return &copied
	}
	return fail(ErrLimited, "", nested(err))
}

func giveBack(slots []Slot) {
	for _, s := range slots {
		s.Cancel()
	}
}

// flight is one request below the limiters. It stamps the slots when the headers are written; a request that
// net/http sends once more by itself waits for slots of its own.
type flight struct {
	hop    *hop
	asked  *http.Request // as the limiters see it
	url    url.URL       // the request's own
	ctx    context.Context
	cancel context.CancelCauseFunc
	trace  httptrace.ClientTrace

	mu        sync.Mutex
	slots     []Slot
	room      [2]Slot
	traced    bool // the transport calls hooks: what it does not report has not happened
	connected bool
	written   bool // the slots are stamped
	landed    bool // RoundTrip has returned
	refused   *CallError
}

// abandon gives the slots of a request back that was not even tried.
func (f *flight) abandon() {
	if f != nil {
		giveBack(f.slots)
	}
}

// roundTrip sends req, which is authorized.
func (f *flight) roundTrip(wire http.RoundTripper, req *http.Request) (*http.Response, error) {
	_, f.traced = wire.(*http.Transport)
	f.trace = httptrace.ClientTrace{GetConn: f.getConn, GotConn: f.gotConn, WroteHeaders: f.wroteHeaders}
	f.ctx, f.cancel = context.WithCancelCause(req.Context())
	out := req.WithContext(httptrace.WithClientTrace(f.ctx, &f.trace))
	f.url = *req.URL
	out.URL = &f.url
	resp, err := wire.RoundTrip(out)
	return f.land(resp, err)
}

func (f *flight) getConn(string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.traced = true
}

// gotConn is called for every try inside RoundTrip. If the headers of an earlier one were written, this is a replay that
// nobody asked for.
func (f *flight) gotConn(httptrace.GotConnInfo) {
	f.mu.Lock()
	replay := f.written && f.refused == nil
	f.traced, f.connected = true, true
	f.mu.Unlock()
	if !replay {
		return
	}
	slots, err := f.hop.take(f.ctx, f.asked, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.refuse(limited(err))
		return
	}
	f.slots, f.written = slots, false
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
	if !f.landed && f.refused == nil {
		f.stamp()
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
		f.cancel(nil)
	} else if f.hop.call == nil {
		resp.Body = endWith(resp.Body, f.cancel)
	} // else the context ends with the attempt
	return resp, err
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

func (f *flight) observe(resp *http.Response) {
	for _, s := range f.slots {
		if learns, ok := s.(Feedback); ok {
			learns.Observe(resp)
		}
	}
}
