package crest

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
)

// call is one call on its way: what was merged for it, and what has happened so far.
// It belongs to one goroutine at a time, as the call does.
type call struct {
	endpoint *endpoint
	core     *core
	settings *settings
	extra    []Middleware // of the call alone
	room     *room        // nil for a call that is not sent
	shown    bool         // the caller keeps the request, and may have it written down

	modelOnly bool // the caller sees nothing else of an answer

	out       *outgoing // the encoded request
	at        *outgoing // the one that is sent now: out, or where redirects led
	redirects []Hop
	challenge *Hop // the 401 that the newest request answers; nil if it answers none
	renewed   bool // a refused token was replaced, which happens once
	hops      int  // of this attempt
	received  int  // how much was read of the body of the newest answer; 0 where the caller reads it
	life      *lifetime
	meter     *meter // of WithProgress; nil without
	attempts  []Attempt
	sent      Sent // the most that is known of any attempt
}

// history are the answers that were followed to the newest request.
func (c *call) history() []Hop {
	if c.challenge == nil {
		return c.redirects
	}
	return append(c.redirects[:len(c.redirects):len(c.redirects)], *c.challenge)
}

// prepare is the first half of a call: merge, validate, bind. Nothing is sent.
func (e *endpoint) prepare(ctx context.Context, caller Caller, req reflect.Value, opts []CallOption) (*call, *CallError) {
	c := newCall()
	c.endpoint = e
	return c.prepare(ctx, caller, req, opts)
}

func (c *call) prepare(ctx context.Context, caller Caller, req reflect.Value, opts []CallOption) (*call, *CallError) {
	err := c.begin(ctx, caller)
	if err == nil {
		err = c.merge(opts)
	}
	if err == nil {
		req, err = c.endpoint.model(req)
	}
	if err == nil {
		err = c.validateRequest(req)
	}
	if err == nil {
		err = c.bind(req)
	}
	if err != nil {
		return nil, c.refused(ctx, err)
	}
	return c, nil
}

// begin finds the client and looks at the context before any work is done.
func (c *call) begin(ctx context.Context, caller Caller) (err *CallError) {
	if ctx == nil {
		return failf(ErrRequest, "", "the context is nil: use context.Background()")
	}
	c.core, err = coreOf(ctx, caller, c)
	if err == nil {
		err = ended(ctx)
	}
	return err
}

// ended refuses to begin with a context that has ended.
func ended(ctx context.Context) *CallError {
	if ctx.Err() == nil {
		return nil
	}
	err := fail(ErrRequest, "", nested(context.Cause(ctx)))
	err.ctxErr = contextError(ctx)
	return err
}

// send is the second half, and lets observers look on.
func (c *call) send(ctx context.Context, res reflect.Value) (*answer, *CallError) {
	seen := c.inSight(ctx)
	defer seen.left()
	a, err := c.complete(ctx, res)
	seen.ended(a, err)
	return a, err
}

// complete is attempt → hop → middleware → limit → authorize → send → read → map error, then decode, validate.
func (c *call) complete(ctx context.Context, res reflect.Value) (*answer, *CallError) {
	a, err := c.attempt(ctx)
	if err == nil {
		err = c.decode(a, res)
	}
	if err == nil {
		err = c.validateResponse(ctx, a, res)
	}
	if err != nil {
		a.abandon(err)
		return nil, c.failed(ctx, err)
	}
	return a, nil
}

// abandon closes what the caller will not get, and notes in err whose answer it was. A nil answer has nothing of either.
func (a *answer) abandon(err *CallError) {
	if a == nil {
		return
	}
	if !err.told {
		err.RequestID = requestID(a.resp.Header)
	}
	if a.live != nil {
		_ = a.live.Close()
	}
}

// merge applies the options of the call over those of endpoint and client.
func (c *call) merge(opts []CallOption) *CallError {
	c.settings = c.endpoint.mergedWith(c.core)
	if len(opts) == 0 {
		return nil
	}
	own := &settings{level: levelCall}
	if err := applyAll(own, opts, CallOption.applyCall); err != nil {
		return fail(ErrRequest, "", err)
	}
	c.settings = own.over(c.settings)
	c.extra = own.middleware
	return nil
}

// model returns the request as a value that can be addressed and that belongs to this call alone.
func (e *endpoint) model(req reflect.Value) (reflect.Value, *CallError) {
	want := e.request.Type()
	if !e.dynamic {
		e.request.ApplyDefaults(req)
		return req, nil
	}
	own := reflect.New(want).Elem()
	if v := req.Elem(); v.IsValid() {
		if v.Kind() == reflect.Pointer && !v.Type().AssignableTo(want) && !v.IsNil() {
			v = v.Elem()
		}
		if !v.Type().AssignableTo(want) { // an interface takes more than its own type
			return own, failf(ErrRequest, "", "the request is a %v, not a %v", v.Type(), want)
		}
		own.Set(v)
	} else if want != reflect.TypeFor[Empty]() {
		return own, failf(ErrRequest, "", "the request is nil, not a %v", want)
	}
	e.request.ApplyDefaults(own)
	return own, nil
}

func (c *call) validateRequest(req reflect.Value) *CallError {
	if c.endpoint.requestRules == nil {
		return nil
	}
	if err := c.endpoint.requestRules.Check(req); err != nil {
		return fail(ErrRequest, KindValidation, err)
	}
	return nil
}

// validateResponse holds the answer to the rules of its model.
func (c *call) validateResponse(ctx context.Context, a *answer, res reflect.Value) *CallError {
	model := c.endpoint.result.model
	if model == nil || !a.decoded {
		return nil
	}
	if c.endpoint.dynamic {
		own := reflect.New(model.t).Elem()
		own.Set(res.Elem())
		res = own
	}
	return c.holdTo(ctx, model, a, res)
}

// holdTo holds a value of a model to its rules.
func (c *call) holdTo(ctx context.Context, model *modelPlan, a *answer, v reflect.Value) *CallError {
	if model.rules == nil || c.settings.validation.Mode == Off {
		return nil
	}
	err := model.rules.Check(v)
	if err == nil {
		return nil
	}
	broken := fail(ErrResponse, KindValidation, err)
	broken.RequestID = requestID(a.resp.Header)
	if c.settings.validation.Mode == Observe {
		c.settings.validation.Report(ctx, c.failed(ctx, broken))
		return nil
	}
	return broken
}

// failed adds to an error what is known of the call, once: after that it may be in the caller's hands. A cancelled call says so, whatever
// step it was in.
func (c *call) failed(ctx context.Context, err *CallError) *CallError {
	if err.told {
		return err
	}
	err.told = true
	err.Endpoint = c.endpoint.name
	err.Attempts = slices.Clone(c.attempts) // an error keeps neither the request nor the answer
	if at := cmp.Or(c.at, c.out); at != nil {
		err.History = c.history()
		if err.URL == "" { // that of a failed answer is there
			err.URL = c.shownURL(at.url)
		}
	}
	if err.Step == ErrStatus || err.Step == ErrResponse {
		err.Sent = SentYes
	}
	err.Sent = max(err.Sent, c.sent)
	if ctx != nil && err.ctxErr == nil && endedBy(ctx, err) {
		err.ctxErr = contextError(ctx)
	}
	return err
}

// endedBy reports whether err is the doing of ctx, which has ended.
func endedBy(ctx context.Context, err *CallError) bool {
	if ctx.Err() == nil {
		return false
	}
	switch err.Step {
	case ErrTransport, ErrLimited, ErrCredentials:
		return true
	}
	return errors.Is(err.Err, ctx.Err())
}
