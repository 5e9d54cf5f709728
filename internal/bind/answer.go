package bind

import (
	"fmt"
	"reflect"
)

// Answer is a [Response] from the server's side: it writes what a client's plan reads. It is immutable and safe for
// concurrent use.
type Answer struct {
	r       *Response
	headers []*encoder
	cookies []*encoder
	kind    BodyKind
	json    []*jsonField
}

// Answer compiles the other side of r and returns all reasons why the model can't be written at once.
func (r *Response) Answer() (*Answer, []error) {
	a := &Answer{r: r, kind: r.kind, json: r.json}
	c := responseCompiler{r: r}
	for _, d := range r.headers {
		e, err := newEncoder(d.field)
		c.mistake(err)
		a.headers = append(a.headers, e)
	}
	for _, d := range r.cookies {
		if d.spread() {
			c.mistake(d.mistake("is an object that becomes several cookies, and is read from one: use explode=false"))
		}
		a.cookies = append(a.cookies, d.encoder)
	}
	if len(c.mistakes) == 0 {
		compete(a.headers)
		c.mistakes = append(c.mistakes, a.body()...)
	}
	if len(c.mistakes) > 0 {
		return nil, c.mistakes
	}
	return a, nil
}

// body finds how the body is written: by its fields also where a codec reads it in one go, so that unset fields are left out.
func (a *Answer) body() (mistakes []error) {
	r := a.r
	if r.kind == Whole && r.body == nil && !r.Located() && r.model.byField(true) {
		a.kind = JSONFields
		for _, f := range r.model.fields {
			j, err := newJSONField(f)
			if err != nil {
				mistakes = append(mistakes, err)
				continue
			}
			a.json = append(a.json, j)
		}
	}
	switch {
	case a.kind == JSONFields:
		for _, j := range a.json {
			if err := encodable(j.typ); err != nil {
				mistakes = append(mistakes, j.mistake("can't be sent: %v", err))
			}
		}
	case a.kind == Whole && !r.model.forXML():
		t := r.typ
		if r.body != nil {
			t = r.body.typ
		}
		if err := encodable(t); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s can't be sent: %w", typeName(t), err))
		}
	}
	return mistakes
}

// Located reports whether the model has header or cookie fields.
func (a *Answer) Located() bool { return a.r.Located() }

// Encode writes the header and cookie fields of v, which is addressable. A Secret among them stands in out.Secrets, in clear.
func (a *Answer) Encode(v reflect.Value, out *Parts) error {
	if !a.Located() {
		return nil
	}
	v, err := a.open(v)
	if err != nil {
		return err
	}
	for _, e := range a.headers {
		if err := e.header(v, out); err != nil {
			return e.fail(err)
		}
	}
	for _, e := range a.cookies {
		if err := e.cookie(v, out); err != nil {
			return e.fail(err)
		}
	}
	return nil
}

func (a *Answer) open(v reflect.Value) (reflect.Value, error) {
	if !a.r.pointer {
		return v, nil
	}
	if v.IsNil() {
		return v, &FieldError{Field: withoutPackage(typeName(a.r.model.typ)), Problem: "is nil: answer with a response model"}
	}
	return v.Elem(), nil
}

// BodyKind says how the body is written. JSONFields: [Answer.AppendJSON]; for the others the body is [Answer.BodyField].
func (a *Answer) BodyKind() BodyKind { return a.kind }

// BodyField is the value that is the body: the field Body, or v itself. It is the zero Value where the field stands behind a
// nil pointer.
func (a *Answer) BodyField(v reflect.Value) reflect.Value {
	if a.r.body == nil {
		return v
	}
	model, err := a.open(v)
	if err != nil {
		return reflect.Value{}
	}
	v, _ = a.r.body.in(model)
	return v
}

// AppendJSON appends the json fields as one object, as [Request.AppendJSON] does. A nil model is null.
func (a *Answer) AppendJSON(dst []byte, v reflect.Value, marshal func(v any) ([]byte, error)) ([]byte, error) {
	if a.r.pointer && v.IsNil() {
		return append(dst, "null"...), nil
	}
	v, err := a.open(v)
	if err != nil {
		return dst, err
	}
	return appendJSON(dst, v, a.json, marshal)
}
