package bind

import (
	"fmt"
	"reflect"
	"slices"
)

// RequestConfig is what the endpoint says about its request model.
type RequestConfig struct {
	// AllowBody is false for GET and HEAD without WithGetBody: then a model
	// with a body is a mistake.
	AllowBody bool
}

// Request is the compiled plan of a request model for one route. It is
// immutable and safe for concurrent use. [Request.Encode] writes everything
// but the body, which [Request.Body] says how to get.
type Request struct {
	typ      reflect.Type
	model    *model // nil unless the type is a struct or a pointer to one
	pointer  bool
	steps    []step
	pathSize int
	constant string
	query    []*encoder
	headers  []*encoder
	cookies  []*encoder
	defaults []*fallback
	body     requestBody
}

// CompileRequest compiles a request model for a route and returns all of its
// mistakes at once. t is the model or a pointer to it.
//
// A model that tags no field path, query, header, cookie or form and has no
// untagged field Body is itself the body, whatever its type is.
func CompileRequest(t reflect.Type, route *Route, cfg RequestConfig) (*Request, []error) {
	c := newCompiler(t)
	c.route(route)
	c.places(route.constants())
	c.body()
	c.defaults()
	if b := c.request.body; b.kind != NoBody && !cfg.AllowBody {
		c.mistake(fmt.Errorf("%s, and GET and HEAD have none: use another method, or the option WithGetBody()", b.origin))
	}
	return c.done()
}

// CompileDefaults compiles a model of which only header, query and cookie
// fields are allowed, such as a client's defaults. Its plan has no path and no body.
func CompileDefaults(t reflect.Type) (*Request, []error) {
	c := newCompiler(t)
	m := c.request.model
	for _, f := range m.fields {
		if f.place != Query && f.place != Header && f.place != Cookie {
			c.mistake(f.mistake("can't be a default: only header, query and cookie fields can"))
		}
	}
	if !m.located() {
		c.mistake(fmt.Errorf("%s has no field tagged header, query or cookie", t))
	}
	c.places(nil)
	c.defaults()
	return c.done()
}

// Type is the type that was compiled.
func (r *Request) Type() reflect.Type { return r.typ }

// Encode writes the path, query, header and cookie fields of v, which is
// addressable and of [Request.Type]. The first field that can't be sent is
// returned as a [*FieldError]; out is of no use then.
func (r *Request) Encode(v reflect.Value, out *Parts) error {
	v, err := r.open(v)
	if err != nil {
		return err
	}
	if err := r.encodePath(v, out); err != nil {
		return err
	}
	r.prepare(out)
	for _, e := range r.query {
		if err := e.query(v, out); err != nil {
			return e.fail(err)
		}
	}
	for _, e := range r.headers {
		if err := e.header(v, out); err != nil {
			return e.fail(err)
		}
	}
	for _, e := range r.cookies {
		if err := e.cookie(v, out); err != nil {
			return e.fail(err)
		}
	}
	return nil
}

// perField is the room that a field's text is likely to need.
const perField = 24

func (r *Request) prepare(out *Parts) {
	if len(r.headers) > 0 {
		out.lines = make([]string, 0, len(r.headers))
	}
	if out.Query == nil && len(r.constant)+len(r.query) > 0 {
		size := len(r.constant)
		for _, e := range r.query {
			size += len(e.name) + perField
		}
		out.Query = make([]byte, 0, size)
	}
	out.Query = append(out.Query, r.constant...)
}

// open takes the pointer off a model.
func (r *Request) open(v reflect.Value) (reflect.Value, error) {
	if !r.pointer {
		return v, nil
	}
	if v.IsNil() && (r.model.located() || len(r.model.fields) > 0) {
		return v, &FieldError{Field: withoutPackage(typeName(r.model.typ)), Problem: "is nil: pass a request model"}
	}
	return v.Elem(), nil
}

// compiler collects the mistakes of one model.
type compiler struct {
	request  *Request
	mistakes []error
}

func newCompiler(t reflect.Type) *compiler {
	r := &Request{typ: t}
	inner := t
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		r.pointer, inner = true, t.Elem()
	}
	r.model = walk(inner)
	return &compiler{request: r, mistakes: r.model.mistakes}
}

func (c *compiler) mistake(err error) {
	if err != nil {
		c.mistakes = append(c.mistakes, err)
	}
}

func (c *compiler) done() (*Request, []error) {
	if len(c.mistakes) > 0 {
		return nil, c.mistakes
	}
	return c.request, nil
}

// route pairs the route's placeholders with the model's path fields.
func (c *compiler) route(route *Route) {
	r := c.request
	r.constant = route.query
	fields := r.model.at(Path)
	for _, p := range route.parts {
		s := step{part: p}
		if p.name != "" {
			s.e = c.placeholder(fields, p)
			r.pathSize += perField
		}
		r.pathSize += len(p.literal)
		r.steps = append(r.steps, s)
	}
	names := route.Names()
	for _, f := range fields {
		if !slices.Contains(names, f.name) {
			c.mistake(f.mistake("has no placeholder {%s} in the route %s: add it, or take the field out", f.name, route))
		}
	}
}

func (c *compiler) placeholder(fields []*field, p part) *encoder {
	i := slices.IndexFunc(fields, func(f *field) bool { return f.name == p.name })
	if i < 0 {
		c.mistake(fmt.Errorf("%s has no field tagged path:%q for the placeholder {%s}: add one or take it out of the route", typeName(c.request.model.typ), p.name, p.name))
		return nil
	}
	e, err := newEncoder(fields[i])
	if err == nil {
		if problem := e.pathProblem(p.rest); problem != nil {
			err = e.mistake("%v", problem)
		}
	}
	c.mistake(err)
	return e
}

// places compiles the query, header and cookie fields.
func (c *compiler) places(constants []string) {
	r := c.request
	r.query = c.encoders(Query)
	r.headers = c.encoders(Header)
	r.cookies = c.encoders(Cookie)
	for _, e := range r.query {
		if slices.Contains(constants, e.name) {
			c.mistake(e.mistake("stands as a constant in the route's query already: take one of them out"))
		}
	}
	compete(r.query, constants)
	compete(r.headers, nil)
}

func (c *compiler) encoders(place Place) []*encoder {
	var list []*encoder
	for _, f := range c.request.model.at(place) {
		e, err := newEncoder(f)
		if err != nil {
			c.mistake(err)
			continue
		}
		list = append(list, e)
	}
	return list
}
