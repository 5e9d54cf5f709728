package bind

import (
	"reflect"
)

// fallback is a field with a default: its text was read when it was declared.
type fallback struct {
	*field
	node  *node
	value reflect.Value // of the node's type
}

// newFallback reads the default of a field, or says why it has none.
func newFallback(f *field) (*fallback, error) {
	n, err := newNode(f.typ, f.format)
	switch {
	case err != nil:
		return nil, f.mistake("has a default, which is for texts, numbers, booleans and times: take it out")
	case n.shape != scalarShape:
		return nil, f.mistake("has a default, which is for single values: set a list or an object in the code")
	case n.secret():
		return nil, f.mistake("has a default, which would put a Secret into the source: set it in the code")
	case f.sealed:
		return nil, f.mistake("has a default behind an embedded pointer that is not exported: export the type, or embed it by value")
	}
	value := reflect.New(n.typ).Elem()
	if err := n.scalar.parse(value, f.def); err != nil {
		return nil, f.mistake("has a default that %v", err)
	}
	return &fallback{f, n, value}, nil
}

// fallbacks compiles the defaults of a model.
func fallbacks(fields []*field) (list []*fallback, mistakes []error) {
	for _, f := range fields {
		if !f.hasDefault {
			continue
		}
		if f.place == inBody {
			mistakes = append(mistakes, f.mistake("has a default, which a body can't have: set it in the code"))
			continue
		}
		d, err := newFallback(f)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		list = append(list, d)
	}
	return list, mistakes
}

// set gives the field its default. Pointers are made anew, never shared.
func (d *fallback) set(v reflect.Value) {
	for _, w := range d.node.wraps {
		if w == pointerWrap {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
			continue
		}
		value, state := inner(v)
		*state = stateValue
		v = value
	}
	v.Set(d.value)
}

func (p *requestPlan) fallbacks() []*fallback {
	list, mistakes := fallbacks(p.model.fields)
	p.mistakes = append(p.mistakes, mistakes...)
	return list
}

// HasDefaults reports whether [Request.ApplyDefaults] does anything.
func (r *Request) HasDefaults() bool { return len(r.defaults) > 0 }

// ApplyDefaults sets the fields of v that are zero and have a default. v is
// addressable and the caller's own copy; what it points to belongs to others,
// so a model behind a pointer is copied before a field in it is set. Behind a
// nil embedded pointer nothing is set.
func (r *Request) ApplyDefaults(v reflect.Value) {
	if r.pointer && len(r.defaults) > 0 {
		if v.IsNil() {
			return
		}
		v = copyBehind(v)
	}
	for _, d := range r.defaults {
		if fv, ok := d.in(v); ok && d.isZero(fv) {
			d.set(d.own(v))
		}
	}
}

// own finds the field and copies what embedded pointers on the way point to.
func (d *fallback) own(model reflect.Value) reflect.Value {
	for i, x := range d.index {
		if i > 0 && model.Kind() == reflect.Pointer {
			model = copyBehind(model)
		}
		model = model.Field(x)
	}
	return model
}

// copyBehind points v to a copy of what it points to, and returns the copy.
func copyBehind(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type().Elem())
	c.Elem().Set(v.Elem())
	v.Set(c)
	return c.Elem()
}
