package bind

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Member is one value inside a response model, such as the cursor of the next page. It is found by its names on
// the wire and read through pointers and optional fields.
type Member struct {
	name string
	path []*field
	typ  reflect.Type // without what is around it
}

// MemberOf finds the member of type t, a response model, that path names: json names with dots between them, or the name
// of a header or cookie field. A name may hold dots itself. An empty path is the body.
func MemberOf(t reflect.Type, path string) (*Member, error) {
	m := &Member{name: path, typ: opened(t)}
	if body := bodyField(m.typ); body != nil {
		if f, _ := m.find(path); path == "" || f == nil {
			m.enter(body)
		}
	}
	for path != "" {
		f, rest := m.find(path)
		if f == nil {
			name, _, _ := strings.Cut(path, ".")
			return nil, fmt.Errorf("%s has no member %q%s", typeName(m.typ), name, fieldNames(walk(m.typ).fields))
		}
		m.enter(f)
		path = rest
	}
	return m, nil
}

func bodyField(t reflect.Type) *field {
	if bodies := walk(t).at(inBody); len(bodies) > 0 {
		return bodies[0]
	}
	return nil
}

func (m *Member) enter(f *field) {
	m.path = append(m.path, f)
	m.typ = opened(f.typ)
}

// find takes the first name off a path: the longest that is a field's.
func (m *Member) find(path string) (f *field, rest string) {
	fields := walk(m.typ).fields
	for name := path; name != ""; name = name[:max(strings.LastIndexByte(name, '.'), 0)] {
		if f := findField(fields, name); f != nil {
			return f, strings.TrimPrefix(path[len(name):], ".")
		}
	}
	return nil, ""
}

// findField looks for a field by its name on the wire.
func findField(fields []*field, name string) *field {
	i := slices.IndexFunc(fields, func(f *field) bool {
		return f.place != inBody && (f.name == name || f.place == Header && f.name == http.CanonicalHeaderKey(name))
	})
	if i < 0 {
		return nil
	}
	return fields[i]
}

func fieldNames(fields []*field) string {
	var names []string
	for _, f := range fields {
		if f.place != inBody {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", it has " + strings.Join(names, ", ")
}

// opened is t without pointers and optional fields around it.
func opened(t reflect.Type) reflect.Type {
	for {
		if inner, ok := isOptional(t); ok {
			t = inner
		} else if t.Kind() == reflect.Pointer {
			t = t.Elem()
		} else {
			return t
		}
	}
}

// Type is the member's type, without pointers and optional fields around it.
func (m *Member) Type() reflect.Type { return m.typ }

// Value is the member in a model, without what is around it; the zero Value where that is nil, unset or null.
func (m *Member) Value(model reflect.Value) reflect.Value {
	v := openValue(model)
	for _, f := range m.path {
		if !v.IsValid() {
			return v
		}
		inside, ok := f.in(v)
		if !ok {
			return reflect.Value{}
		}
		v = openValue(inside)
	}
	return v
}

func openValue(v reflect.Value) reflect.Value {
	for v.IsValid() {
		if _, ok := isOptional(v.Type()); ok {
			value, state := inner(v)
			if *state != stateValue {
				return reflect.Value{}
			}
			v = value
		} else if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem() // invalid where it is nil
		} else {
			return v
		}
	}
	return v
}

// CheckText says why the member cannot be read as one text, if it cannot.
func (m *Member) CheckText() error {
	if m.typ.Kind() == reflect.Interface {
		return nil // what it holds decides
	}
	switch scalarOf(m.typ, m.format()).kind {
	case noScalar:
		return fmt.Errorf("the member %q is a %s, which is no text and no number", m.name, typeName(m.typ))
	case secretScalar:
		return fmt.Errorf("the member %q is a Secret, which would be shown", m.name)
	}
	return nil
}

func (m *Member) format() string {
	if len(m.path) == 0 {
		return ""
	}
	return m.path[len(m.path)-1].format
}

// Text is the member as text, "" where it is not there.
func (m *Member) Text(model reflect.Value) (string, error) {
	v := m.Value(model)
	if !v.IsValid() {
		return "", nil
	}
	s := scalarOf(v.Type(), m.format())
	if s.kind == noScalar {
		return "", fmt.Errorf("the member %q holds a %s, which is no text and no number", m.name, v.Kind())
	}
	text, err := s.text(v)
	if err != nil {
		return "", fmt.Errorf("the member %q %w", m.name, err)
	}
	return text, nil
}

// Param is one parameter of a request model that is set from text.
type Param struct {
	field *field
	node  *node
}

// Param finds the field that goes out under a name, in whatever place.
func (r *Request) Param(name string) (*Param, error) {
	f := findField(r.model.fields, name)
	if f == nil {
		return nil, fmt.Errorf("the request model %s has no field %q%s", typeName(r.model.typ), name, fieldNames(r.model.fields))
	}
	if behindPointer(r.model.typ, f.index) {
		return nil, f.mistake("is behind an embedded pointer, which calls would share: embed it by value")
	}
	n, err := newNode(f.typ, f.format)
	if err == nil && (n.shape != scalarShape || n.secret()) {
		err = errors.New("is no plain text and no number")
	}
	if err == nil {
		err = n.readable()
	}
	if err != nil {
		return nil, f.mistake("can't say which page is asked for: it %v", err)
	}
	return &Param{f, n}, nil
}

func behindPointer(t reflect.Type, index []int) bool {
	for _, x := range index[:len(index)-1] {
		if t = t.Field(x).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

// Number reports whether the field is a number.
func (p *Param) Number() bool {
	return p.node.scalar.kind == intScalar || p.node.scalar.kind == uintScalar
}

// Text is what the field of a model says; "" when it is zero, nil, unset or null.
func (p *Param) Text(model reflect.Value) string {
	if model = openValue(model); !model.IsValid() {
		return ""
	}
	v, ok := p.field.in(model)
	if !ok || v.IsZero() {
		return ""
	}
	if v = openValue(v); !v.IsValid() {
		return ""
	}
	text, _ := p.node.scalar.text(v)
	return text
}

// Set fills the field of a model that belongs to the caller alone.
func (p *Param) Set(model reflect.Value, text string) error {
	v := p.field.alloc(openValue(model))
	_, v = p.node.make(v)
	if err := p.node.scalar.parse(v, text); err != nil {
		return p.field.fail(err)
	}
	return nil
}
