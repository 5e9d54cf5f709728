package crest

import (
	"context"
	"net/http"
	"reflect"
)

// Endpoint is one operation of an API: method, route, request model and response model. Declare it once, as a
// package variable, and call it with any client of the API:
//
//	var getPet = crest.Get[GetPetRequest, Pet]("/pets/{id}")
//
//	pet, err := getPet.Call(ctx, c, GetPetRequest{ID: 7})
//
// [Endpoint.Call] returns the model, [Endpoint.Do] everything about the answer, [Endpoint.Prepare] the
// request unsent. An Endpoint is immutable and safe for concurrent use; copies are the same endpoint. The
// zero value gives an error from each call.
//
// Where the fields of Req go is said by their tags: path, query, header, cookie, form, json; an untagged
// field named Body is the whole body; a model without located fields is itself the body. [File] is for uploads. Res may be a model,
// a slice or a map, any, string, []byte, io.ReadCloser (the caller closes it) or [Empty].
type Endpoint[Req, Res any] struct{ plain *endpoint }

// NewEndpoint declares an endpoint with any method, such as TRACE or an API's own verb. A mistake in the
// declaration panics with a message that names all of them and how to mend each: declare endpoints as package variables,
// so that this happens at start. Where the route is data, use [NewEndpointOf], which returns the error.
func NewEndpoint[Req, Res any](method, route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	plain, err := declare(method, route, reflect.TypeFor[Req](), reflect.TypeFor[Res](), opts)
	if err != nil {
		panic(err.Error())
	}
	return &Endpoint[Req, Res]{plain}
}

// Get declares an endpoint with the method GET, as [NewEndpoint] does.
func Get[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodGet, route, opts...)
}

// Head declares an endpoint with the method HEAD. Its answers have no body: header and cookie fields of Res
// are read, the rest stays zero.
func Head[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodHead, route, opts...)
}

// Post declares an endpoint with the method POST, as [NewEndpoint] does.
func Post[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodPost, route, opts...)
}

// Put declares an endpoint with the method PUT, as [NewEndpoint] does.
func Put[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodPut, route, opts...)
}

// Patch declares an endpoint with the method PATCH, as [NewEndpoint] does.
func Patch[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodPatch, route, opts...)
}

// Delete declares an endpoint with the method DELETE, as [NewEndpoint] does.
func Delete[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodDelete, route, opts...)
}

// Options declares an endpoint with the method OPTIONS, as [NewEndpoint] does.
func Options[Req, Res any](route string, opts ...EndpointOption) *Endpoint[Req, Res] {
	return NewEndpoint[Req, Res](http.MethodOptions, route, opts...)
}

// NewEndpointOf declares an endpoint whose models are known at run time only, as with [reflect.StructOf]. Its
// calls take a req (or a pointer to one; whatever implements it, if it is an interface) as the request, nil for
// [Empty], and return a res. All mistakes of the declaration are returned in one error.
func NewEndpointOf(method, route string, req, res reflect.Type, opts ...EndpointOption) (*Endpoint[any, any], error) {
	plain, err := declare(method, route, req, res, opts)
	if err != nil {
		return nil, err
	}
	plain.dynamic = true
	return &Endpoint[any, any]{plain}, nil
}

// String returns method and route: "GET /pets/{id}".
func (e *Endpoint[Req, Res]) String() string {
	if e == nil || e.plain == nil {
		return "undeclared endpoint"
	}
	return e.plain.name
}

// Call sends req and returns the answer's model. The model is real whenever the error is nil: the status was
// a declared success, the body was read whole, decoded and validated. Otherwise it is zero and the error is a
// [*CallError]. The error of a cancelled call also matches ctx's error and cause.
func (e *Endpoint[Req, Res]) Call(ctx context.Context, c Caller, req Req, opts ...CallOption) (Res, error) {
	m, own := &models[Req, Res]{req: req}, newCall()
	own.modelOnly = true
	a, err := e.exchange(ctx, own, c, m, opts)
	if err != nil {
		return *new(Res), err
	}
	a.giveBack()
	return m.res, nil
}

// Do is [Endpoint.Call] where status, headers or timing are wanted as well. The Response is nil unless the error is nil;
// of a failed answer [*Error] has the details.
func (e *Endpoint[Req, Res]) Do(ctx context.Context, c Caller, req Req, opts ...CallOption) (*Response[Res], error) {
	m := &models[Req, Res]{req: req}
	a, err := e.exchange(ctx, newCall(), c, m, opts)
	if err != nil {
		return nil, err
	}
	return newResponse(a, m.res), nil
}

// Prepare merges, validates and encodes req without sending it. ctx is only checked for having ended;
// [Prepared.Send] takes its own.
func (e *Endpoint[Req, Res]) Prepare(ctx context.Context, c Caller, req Req, opts ...CallOption) (*Prepared[Res], error) {
	own := newCall()
	own.shown = true
	p, err := e.prepareAs(ctx, own, c, &req, opts)
	if err != nil {
		return nil, err
	}
	return &Prepared[Res]{p}, nil
}

func (e *Endpoint[Req, Res]) prepare(ctx context.Context, c Caller, req *Req, opts []CallOption) (*call, error) {
	return e.prepareAs(ctx, newCall(), c, req, opts)
}

func (e *Endpoint[Req, Res]) prepareAs(ctx context.Context, p *call, c Caller, req *Req, opts []CallOption) (*call, error) {
	if e == nil || e.plain == nil {
		return nil, &CallError{Step: ErrRequest, Endpoint: e.String(), Err: errUndeclared}
	}
	p.endpoint = e.plain
	p, err := p.prepare(ctx, c, reflect.ValueOf(req).Elem(), opts)
	if err != nil {
		return nil, err // not returned directly: a nil *CallError in an error is not nil
	}
	return p, nil
}

// models are those of one call, in one allocation.
type models[Req, Res any] struct {
	req Req
	res Res
}

func (e *Endpoint[Req, Res]) exchange(ctx context.Context, p *call, c Caller, m *models[Req, Res], opts []CallOption) (*answer, error) {
	p, err := e.prepareAs(ctx, p, c, &m.req, opts)
	if err != nil {
		return nil, err
	}
	return sendInto(ctx, p, &m.res)
}

// sendInto sends a prepared call and decodes its answer.
func sendInto[Res any](ctx context.Context, p *call, res *Res) (*answer, error) {
	a, err := p.send(ctx, reflect.ValueOf(res).Elem())
	if err != nil {
		return nil, err
	}
	return a, nil
}
