package crest

import (
	"context"
	"reflect"
)

// pageWalk is one loop over pages. It belongs to that loop.
type pageWalk[Item, Req, Res any] struct {
	pager  *Pager[Item, Req, Res]
	ctx    context.Context // the loop's, which lasts as long as this
	caller Caller
	req    Req
	opts   []CallOption
	steps  pageSteps
	over   bool
}

func newPageWalk[Item, Req, Res any](p *Pager[Item, Req, Res], ctx context.Context, c Caller, req Req, opts []CallOption) *pageWalk[Item, Req, Res] {
	w := &pageWalk[Item, Req, Res]{pager: p, ctx: ctx, caller: c, req: req, opts: opts}
	if p == nil || p.plan == nil {
		return w
	}
	w.steps.plan = p.plan
	if p.plan.param == nil {
		w.opts = append(opts[:len(opts):len(opts)], asWritten()) // two loops may share opts
	}
	return w
}

// fetch gets the next page and finds out where the one after it is.
func (w *pageWalk[Item, Req, Res]) fetch() (*Page[Item, Res], error) {
	w.over = true // unless a next page is found
	if w.pager == nil || w.pager.plan == nil {
		return nil, &CallError{Step: ErrRequest, Endpoint: w.pager.String(), Err: errNoPager}
	}
	if refusal := w.steps.refusal; refusal != nil {
		return nil, w.steps.call.failed(w.ctx, refusal)
	}
	req, opts, failure := w.question()
	if failure != nil {
		return nil, w.steps.call.failed(w.ctx, failure)
	}
	p, err := w.pager.endpoint.prepare(w.ctx, w.caller, &req, opts)
	if err != nil {
		return nil, err
	}
	w.steps.begin(p)
	var res Res
	a, err := sendInto(w.ctx, p, &res)
	if err != nil {
		return nil, err
	}
	page := &Page[Item, Res]{Response: newResponse(a, res)}
	if failure := w.read(page, reflect.ValueOf(&res)); failure != nil {
		failure.RequestID = page.RequestID
		return nil, p.failed(w.ctx, failure)
	}
	return page, nil
}

// question is the request for the page that comes now: the caller's, led on.
func (w *pageWalk[Item, Req, Res]) question() (Req, []CallOption, *CallError) {
	req, s := w.req, &w.steps
	switch {
	case s.call == nil:
		s.starts(reflect.ValueOf(&req))
	case s.plan.param == nil:
		return req, append(w.opts[:len(w.opts):len(w.opts)], WithURL(s.next), asWritten()), nil
	default:
		req = ownModel(req)
		if err := s.plan.param.Set(reflect.ValueOf(&req), s.next); err != nil {
			return req, nil, failf(ErrResponse, KindPageLink, "the position of the next page does not fit the request: %w", err)
		}
	}
	return req, w.opts, nil
}

// ownModel copies what a pointer points to, or an any holds: the caller's model is not led on.
func ownModel[Req any](req Req) Req {
	v := reflect.ValueOf(&req).Elem()
	inside := v
	if v.Kind() == reflect.Interface { // a model of NewEndpointOf
		inside = v.Elem()
	}
	if inside.Kind() == reflect.Pointer {
		inside = inside.Elem()
	}
	if inside == v || !inside.IsValid() {
		return req
	}
	own := reflect.New(inside.Type())
	own.Elem().Set(inside)
	v.Set(own)
	return req
}

// read takes the items out of an answer, and finds out where the next page is.
func (w *pageWalk[Item, Req, Res]) read(page *Page[Item, Res], model reflect.Value) *CallError {
	s := &w.steps
	items := s.plan.items.Value(model)
	if items.IsValid() {
		page.Items, _ = items.Convert(reflect.TypeFor[[]Item]()).Interface().([]Item)
	}
	from := &pageAnswer{model: model, items: items, n: len(page.Items), url: page.URL, links: page.Header["Link"]}
	failure := s.advance(from)
	page.Number, page.Count, page.Total, page.Next = s.number, s.count, from.total, s.next
	w.over = s.next == "" && s.refusal == nil
	return failure
}
