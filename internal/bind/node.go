package bind

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// node is how a type stands in a place: one text, a list, or an object.
// Pointers and optional fields around it are opened on the way.
type node struct {
	typ     reflect.Type // without its wraps
	wraps   []wrap
	shape   shape
	scalar  scalar
	elem    *node // of a list or map
	key     *node // of a map
	members []*member
	format  string // for what an any holds
}

type wrap uint8

const (
	pointerWrap wrap = iota
	optionalWrap
)

type shape uint8

const (
	scalarShape shape = iota
	listShape
	mapShape
	structShape
	anyShape
)

// member is a field of a struct that goes out as an object.
type member struct {
	field
	node *node
}

// newNode compiles t. within holds the types around it, to find recursion.
func newNode(t reflect.Type, format string, within ...reflect.Type) (*node, error) {
	if slices.Contains(within, t) {
		return nil, fmt.Errorf("has the recursive type %s, which only a JSON body can hold", t)
	}
	within = append(within, t)
	if err := halfOptional(t); err != nil {
		return nil, err
	}
	if inner, ok := isOptional(t); ok {
		return wrapped(optionalWrap, inner, format, within)
	}
	if t.Kind() == reflect.Pointer {
		return wrapped(pointerWrap, t.Elem(), format, within)
	}
	if isFile(t) {
		return nil, errFile
	}
	n := &node{typ: t, format: format}
	if t == durationType {
		return nil, errors.New("is a time.Duration, which APIs don't agree on how to write: use an int of the API's unit, or a type with MarshalText")
	}
	if t.Kind() != reflect.Interface { // what it holds decides, and it may hold a nil pointer
		n.scalar = scalarOf(t, format)
	}
	switch {
	case n.scalar.kind != noScalar:
		return n, n.checkFormat()
	case implements(t, readerType) && !implements(t, textMarshalerType): // whatever is found in it, it is not what it stands for
		return nil, errReader
	}
	return n, n.compose(within)
}

func wrapped(w wrap, t reflect.Type, format string, within []reflect.Type) (*node, error) {
	n, err := newNode(t, format, within...)
	switch {
	case err != nil:
		return nil, err
	case w == pointerWrap && n.shape == anyShape:
		return nil, fmt.Errorf("has a pointer to the interface %s: use the interface itself", t)
	}
	n.wraps = append([]wrap{w}, n.wraps...)
	return n, nil
}

func (n *node) checkFormat() error {
	if n.format != "" && n.scalar.kind != timeScalar {
		return errors.New("has a format, which is for time.Time only: take it out")
	}
	return nil
}

func (n *node) compose(within []reflect.Type) (err error) {
	switch n.typ.Kind() {
	case reflect.Interface:
		n.shape = anyShape
	case reflect.Slice, reflect.Array:
		n.shape = listShape
		n.elem, err = newNode(n.typ.Elem(), n.format, within...)
	case reflect.Map:
		n.shape = mapShape
		if n.key, err = newNode(n.typ.Key(), ""); err != nil || n.key.shape != scalarShape || n.key.secret() || len(n.key.wraps) > 0 {
			return fmt.Errorf("has map keys of type %s: use strings", n.typ.Key())
		}
		n.elem, err = newNode(n.typ.Elem(), n.format, within...)
	case reflect.Struct:
		n.shape = structShape
		err = n.object(within)
	default:
		err = fmt.Errorf("has the type %s, which has no text form: use a string, a number, or a type with MarshalText", n.typ)
	}
	return err
}

// object takes a struct's fields by their json names, else by their Go names.
func (n *node) object(within []reflect.Type) error {
	m := walk(n.typ)
	if len(m.mistakes) > 0 {
		return fmt.Errorf("holds an object with a mistake: %w", errors.Join(m.mistakes...))
	}
	for _, f := range m.fields {
		if f.place != inJSON {
			continue
		}
		inner, err := newNode(f.typ, cmp.Or(f.format, n.format), within...)
		if err != nil {
			return fmt.Errorf("holds the field %s, which %w", f.path, err)
		}
		n.members = append(n.members, &member{*f, inner})
	}
	if len(n.members) == 0 {
		return fmt.Errorf("has the type %s, which has no fields to send: give it MarshalText", n.typ)
	}
	return nil
}

// optional reports whether the field itself has the three states.
func (n *node) optional() bool { return len(n.wraps) > 0 && n.wraps[0] == optionalWrap }

func (n *node) secret() bool { return n.scalar.kind == secretScalar }

// flat says why a list or object can't stand where there are no brackets.
func (n *node) flat() error {
	inside := n.children()
	for _, c := range inside {
		switch {
		case c.secret():
			return errors.New("holds Secrets inside a list or an object, where they would not be hidden: give each a field of its own")
		case c.shape != scalarShape && c.shape != anyShape:
			return errors.New("holds lists or objects inside a list or an object: use style=deepObject in a query or form, a JSON body, or, beside files, a File whose ContentType is application/json")
		}
	}
	return nil
}

func (n *node) children() []*node {
	if n.elem != nil {
		return []*node{n.elem}
	}
	var inside []*node
	for _, m := range n.members {
		inside = append(inside, m.node)
	}
	return inside
}

// settable says which member of an object can't be set, if one can't.
func (n *node) settable() error {
	for _, m := range n.members {
		if m.sealed {
			return fmt.Errorf("holds the field %s, which is behind an embedded pointer that is not exported and can't be set: export the type, or embed it by value", m.path)
		}
	}
	return nil
}

// holdsSecret reports whether a list or object has secrets inside.
func (n *node) holdsSecret() bool {
	return slices.ContainsFunc(n.children(), func(c *node) bool { return c.secret() || c.holdsSecret() })
}

// presence says what there is to send.
type presence uint8

const (
	absent presence = iota
	null
	present
)

// open takes off pointers, optional fields and interfaces. Nil, unset and empty
// lists are absent.
func (n *node) open(v reflect.Value) (*node, reflect.Value, presence, error) {
	for _, w := range n.wraps {
		if w == pointerWrap {
			if v.IsNil() {
				return n, v, absent, nil
			}
			v = v.Elem()
			continue
		}
		value, state := inner(v)
		if *state != stateValue {
			return n, v, presence(*state), nil
		}
		v = value
	}
	switch n.shape {
	case anyShape:
		return n.openAny(v)
	case listShape, mapShape:
		if v.Len() == 0 {
			return n, v, absent, nil
		}
	case scalarShape:
		if n.scalar.kind == bytesScalar && v.IsNil() {
			return n, v, absent, nil
		}
	}
	return n, v, present, nil
}

func (n *node) openAny(v reflect.Value) (*node, reflect.Value, presence, error) {
	if v.IsNil() {
		return n, v, absent, nil
	}
	v = v.Elem()
	dynamic, err := dynamicNode(v.Type(), n.format)
	if err != nil {
		return n, v, absent, &problem{text: err.Error()}
	}
	return dynamic.open(v)
}

// dynamicNodes holds what was found inside of interfaces, by type and format.
var dynamicNodes sync.Map

type dynamicKey struct {
	typ    reflect.Type
	format string
}

func dynamicNode(t reflect.Type, format string) (*node, error) {
	key := dynamicKey{t, format}
	if n, ok := dynamicNodes.Load(key); ok {
		return n.(*node), nil
	}
	n, err := newNode(t, format)
	if err != nil {
		if n, err = newNode(t, ""); err != nil {
			return nil, err
		}
	}
	dynamicNodes.Store(key, n)
	return n, nil
}

// item is one of a list's values or one of an object's members, opened.
type item struct {
	key string // of a member
	n   *node
	v   reflect.Value
	is  presence // null or present
}

// text is the item's value where only one text can stand.
func (i item) text() (string, error) {
	if i.is == null {
		return "null", nil
	}
	if err := i.check(); err != nil {
		return "", err
	}
	return i.n.scalar.text(i.v)
}

// appendEscaped writes the item's value, percent-encoded.
func (i item) appendEscaped(dst []byte) ([]byte, error) {
	if i.is == null {
		return append(dst, "null"...), nil
	}
	if err := i.check(); err != nil {
		return dst, err
	}
	return i.n.scalar.appendEscaped(dst, i.v)
}

func (i item) check() error {
	switch {
	case i.n.shape != scalarShape:
		return &problem{text: "holds a list or an object inside another: use style=deepObject, or a JSON body"}
	case i.n.secret():
		return &problem{text: "holds a Secret inside a list or an object: give it a field of its own"}
	}
	return nil
}

// each calls f for the items of an opened list or object. What is absent is left out.
func (n *node) each(v reflect.Value, f func(item) error) error {
	switch n.shape {
	case listShape:
		return n.eachElem(v, f)
	case mapShape:
		return n.eachEntry(v, f)
	}
	for _, m := range n.members {
		fv, ok := m.in(v)
		if !ok || m.omitted(fv) {
			continue
		}
		if err := m.node.visit(m.name, fv, f); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) eachElem(v reflect.Value, f func(item) error) error {
	for i := range v.Len() {
		if err := n.elem.visit("", v.Index(i), f); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) eachEntry(v reflect.Value, f func(item) error) error {
	entries, err := n.entries(v)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := n.elem.visit(e.key, e.v, f); err != nil {
			return err
		}
	}
	return nil
}

// visit opens v and calls f, unless v is absent.
func (n *node) visit(key string, v reflect.Value, f func(item) error) error {
	n, v, is, err := n.open(v)
	if err != nil || is == absent {
		return err
	}
	return f(item{key, n, v, is})
}

type entry struct {
	key string
	v   reflect.Value
}

// entries are a map's, sorted by the text of their keys.
func (n *node) entries(v reflect.Value) ([]entry, error) {
	list := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := n.key.scalar.text(it.Key())
		if err != nil {
			return nil, err
		}
		if key == "" {
			return nil, &problem{text: "has an empty name among its keys: take it out"}
		}
		list = append(list, entry{key, it.Value()})
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return list, nil
}
