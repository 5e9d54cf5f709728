package bind

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
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
	*requestPlan
	steps    []step
	pathSize int
	constant string
	pairs    []*encoder // the plan's query, minding the route's constants
	textSize int        // of the query's fields, likely
}

// CompileRequest compiles a request model for a route and returns all of its
// mistakes at once. t is the model or a pointer to it. What depends on the type
// alone is compiled once and kept, so that an endpoint can be declared in place.
//
// A model that tags no field path, query, header, cookie or form and has no
// untagged field Body is itself the body, whatever its type is.
func CompileRequest(t reflect.Type, route *Route, cfg RequestConfig) (*Request, []error) {
	c := newCompiler(t)
	c.route(route)
	c.constants(route)
	if b := c.request.body; b.kind != NoBody && !cfg.AllowBody {
		c.mistake(fmt.Errorf("%s, and GET and HEAD have none: tag its fields query (or path, header, cookie), use crest.Empty for a request with nothing in it, another method, or the option WithGetBody()", b.origin))
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
		c.mistake(fmt.Errorf("%s has no field tagged header, query or cookie", typeName(m.typ)))
	}
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
	for _, e := range r.pairs {
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

// moreLines is the room for the header lines that callers set beside the model's.
const moreLines = 5

func (r *Request) prepare(out *Parts) {
	out.headers = len(r.headers) + moreLines
	out.Lines = slices.Grow(out.Lines, out.headers)
	out.Query = append(slices.Grow(out.Query, len(r.constant)+r.textSize), r.constant...)
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

// compiler joins a type's plan and a route.
type compiler struct {
	request  *Request
	mistakes []error
}

func newCompiler(t reflect.Type) *compiler {
	p := requestPlanOf(t)
	r := &Request{requestPlan: p, pairs: p.query}
	for _, e := range p.query {
		r.textSize += len(e.escaped) + perField
	}
	return &compiler{r, slices.Clip(p.mistakes)}
}

func (c *compiler) mistake(err error) { c.mistakes = append(c.mistakes, err) }

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
	r.steps = make([]step, 0, len(route.parts))
	for _, p := range route.parts {
		s := step{part: p}
		if p.name != "" {
			s.e = c.placeholder(p)
			r.pathSize += perField
		}
		r.pathSize += len(p.literal)
		r.steps = append(r.steps, s)
	}
	for _, f := range r.model.at(Path) {
		if !slices.ContainsFunc(route.parts, func(p part) bool { return p.name == f.name }) {
			c.mistake(f.mistake("has no placeholder {%s} in the route %s: add it%s, or take the field out", f.name, route, colonHint(route, f.name)))
		}
	}
}

// colonHint helps who knows another router's placeholders.
func colonHint(route *Route, name string) string {
	if strings.Contains(route.String(), "/:"+name) {
		return " (it is written {" + name + "}, not :" + name + ")"
	}
	return ""
}

// placeholder finds the field that fills p. A field that is there but can't be
// sent is reported with the plan.
func (c *compiler) placeholder(p part) *encoder {
	m := c.request.model
	if !slices.ContainsFunc(m.fields, func(f *field) bool { return f.place == Path && f.name == p.name }) {
		c.mistake(fmt.Errorf("%s has no field tagged path:%q for the placeholder {%s}: add one or take it out of the route", typeName(m.typ), p.name, p.name))
		return nil
	}
	i := slices.IndexFunc(c.request.path, func(e *encoder) bool { return e.name == p.name })
	if i < 0 {
		return nil
	}
	e := c.request.path[i]
	if p.rest && !e.fillsRest() {
		c.mistake(e.mistake("fills the rest of the path: use a string or a list of segments, without style= and explode="))
	}
	return e
}

// constants keeps the query's fields from repeating what the route sends.
func (c *compiler) constants(route *Route) {
	if route.query == "" {
		return
	}
	names := route.constants()
	r := c.request
	r.pairs = slices.Clone(r.pairs)
	for i, e := range r.pairs {
		if slices.Contains(names, e.name) {
			c.mistake(e.mistake("stands as a constant in the route's query already: take one of them out"))
		}
		if e.wildcard {
			own := *e
			own.constants = names
			r.pairs[i] = &own
		}
	}
}
