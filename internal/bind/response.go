package bind

import (
	"fmt"
	"reflect"
	"sync"
)

// Response is the compiled plan of a response model. It is immutable and safe
// for concurrent use. An answer is read in this order: [Response.ApplyDefaults]
// on a fresh model, then the body, then [Response.DecodeLocated].
type Response struct {
	typ      reflect.Type
	model    *model
	pointer  bool
	headers  []*decoder
	cookies  []*decoder
	defaults []*fallback
	kind     BodyKind
	body     *field // the field Body; nil when the model itself is the body
	json     []*jsonField
}

// CompileResponse compiles a response model and returns all of its mistakes at
// once. t is a struct with tags, a pointer to one, or any type that a body can
// be decoded into; []byte, string and io.ReadCloser take the body as it is.
func CompileResponse(t reflect.Type) (*Response, []error) {
	if r, ok := responses.Load(t); ok {
		return r.(*Response), nil
	}
	r := &Response{typ: t}
	r.model, r.pointer = modelOf(t)
	c := responseCompiler{r: r, mistakes: r.model.mistakes}
	c.misplaced()
	r.headers = c.decoders(Header)
	r.cookies = c.decoders(Cookie)
	c.body()
	list, mistakes := fallbacks(r.model.fields)
	r.defaults, c.mistakes = list, append(c.mistakes, mistakes...)
	if len(c.mistakes) > 0 {
		return nil, c.mistakes
	}
	kept, _ := responses.LoadOrStore(t, r)
	return kept.(*Response), nil
}

// responses grows with the types of a program, not with its calls.
var responses sync.Map // of reflect.Type to *Response, without mistakes

// Located reports whether the model has header or cookie fields.
func (r *Response) Located() bool { return len(r.headers)+len(r.cookies) > 0 }

// ReadsHeader reports whether a header is a field of the model, and whether that is a secret.
func (r *Response) ReadsHeader(name string) (reads, secret bool) {
	for _, d := range r.headers {
		if rest, under := d.under(name); d.name != name && (!d.wildcard || !under || rest == name) {
			continue
		}
		reads, secret = true, secret || d.node.secret() || d.node.holdsSecret()
	}
	return reads, secret
}

// BodyKind says how the body is read. NoBody: it isn't, only header and cookie
// fields are. Whole: a codec decodes into [Response.BodyTarget]. Raw and
// Reader: the target is a []byte or string, or an io.Reader or io.ReadCloser,
// to be set. JSONFields: [Response.DecodeJSON].
func (r *Response) BodyKind() BodyKind { return r.kind }

// BodyTarget is the value that takes the body: the field Body, or v itself. v
// is addressable; pointers to the field are allocated on the way.
func (r *Response) BodyTarget(v reflect.Value) reflect.Value {
	if r.body != nil {
		return r.body.alloc(r.open(v))
	}
	if r.Located() {
		return r.open(v)
	}
	return v // a *Pet stays a pointer, so that null can make it nil
}

// ApplyDefaults sets the fields of a fresh model that have a default. It comes
// before the body, whose values replace the defaults.
func (r *Response) ApplyDefaults(v reflect.Value) {
	if len(r.defaults) == 0 {
		return
	}
	v = r.open(v)
	for _, d := range r.defaults {
		if fv := d.alloc(v); d.isZero(fv) {
			d.set(fv)
		}
	}
}

// open takes the pointer off a model, and allocates it first if need be.
func (r *Response) open(v reflect.Value) reflect.Value {
	if !r.pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

type responseCompiler struct {
	r        *Response
	mistakes []error
}

func (c *responseCompiler) mistake(err error) {
	if err != nil {
		c.mistakes = append(c.mistakes, err)
	}
}

// misplaced refuses what only a request has.
func (c *responseCompiler) misplaced() {
	for _, f := range c.r.model.fields {
		switch {
		case f.place == Path || f.place == Query || f.place == inForm:
			c.mistake(f.mistake("is in a response, which has no %s: use header, cookie or json", f.place))
		case f.sealed:
			c.mistake(f.mistake("is behind an embedded pointer that is not exported, which can't be set: export the type, or embed it by value"))
		}
	}
}

func (c *responseCompiler) decoders(place Place) []*decoder {
	var list []*decoder
	for _, f := range c.r.model.at(place) {
		d, err := newDecoder(f)
		if err != nil {
			c.mistake(err)
			continue
		}
		list = append(list, d)
	}
	return list
}

// body finds what the body is read into.
func (c *responseCompiler) body() {
	r, m := c.r, c.r.model
	bodies, jsons := m.at(inBody), m.at(inJSON)
	c.mistake(twoBodies(bodies, jsons, nil))
	switch {
	case len(bodies) > 0:
		r.body = bodies[0]
		c.target(r.body.typ, r.body.label(), false)
	case m.located() && len(jsons) == 0:
		r.kind = NoBody
	case !m.located() && empty(m.typ):
		r.kind = NoBody
	case m.byField(false) || m.located() && m.exposed():
		c.jsonFields(jsons)
	default:
		c.target(r.typ, typeName(m.typ), true)
	}
}

// exposed reports whether a JSON decoder would also fill a located field: one
// without json:"-" answers to its Go name.
func (m *model) exposed() bool {
	if implements(m.typ, jsonUnmarshalerType) {
		return false
	}
	for _, f := range m.fields {
		if f.place != inJSON && !f.hidden {
			return true
		}
	}
	return false
}

// target compiles a body that is read in one go.
func (c *responseCompiler) target(t reflect.Type, label string, model bool) {
	c.r.kind = receiveKind(t)
	if c.r.kind != Whole || model && c.r.model.forXML() {
		return
	}
	switch {
	case t.Kind() != reflect.Interface && t.Implements(readerType):
		c.mistake(fmt.Errorf("%s is a %s, which can't be filled from an answer: use io.ReadCloser or []byte", label, t))
		return
	case t.Kind() == reflect.Func:
		c.mistake(fmt.Errorf("%s is a func, which can't be filled from an answer: use io.ReadCloser or []byte", label))
		return
	}
	if err := decodable(t); err != nil {
		c.mistake(fmt.Errorf("%s can't be read: %w", label, err))
		return
	}
	for _, problem := range deeper(t, model, false) {
		c.mistake(errText(label + problem))
	}
}

// receiveKind says how a value of type t takes a whole body.
func receiveKind(t reflect.Type) BodyKind {
	switch {
	case t == readerType || t == readCloserType:
		return Reader
	case isText(t) && !implements(t, jsonUnmarshalerType) && !implements(t, textUnmarshalerType):
		return Raw
	}
	return Whole
}
