package bind

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// decoder reads one header or cookie field of a response model.
type decoder struct {
	*encoder // the same plan, read from the other side
	fallback *fallback
	repeated bool // a list with explode=true has a line for each item, as encoders write it: none are joined on the way
}

func newDecoder(f *field) (*decoder, error) {
	if f.typ.Kind() == reflect.Interface && f.typ.NumMethod() > 0 {
		return nil, f.mistake("%v", unreadable(f.typ))
	}
	e, err := newEncoder(f)
	if err != nil {
		return nil, err
	}
	if err := e.node.readable(); err != nil {
		return nil, f.mistake("%v", err)
	}
	d := &decoder{encoder: e}
	if f.hasDefault {
		d.fallback, _ = newFallback(f) // its mistake is reported with the other defaults
	}
	return d, nil
}

func unreadable(t reflect.Type) error {
	return errText("has the interface type " + t.String() + ", and a header does not say what to put into it: use a string or any")
}

// readable says why nothing of this type can be made from text.
func (n *node) readable() error {
	if n.shape == anyShape && n.typ.NumMethod() > 0 {
		return unreadable(n.typ)
	}
	if n.shape == scalarShape {
		return n.scalar.readable(n.typ)
	}
	if err := n.settable(); err != nil {
		return err
	}
	inside := n.children()
	if n.key != nil {
		inside = append(inside, n.key)
	}
	for _, c := range inside {
		if err := c.readable(); err != nil {
			return err
		}
	}
	return nil
}

// DecodeLocated resets the header and cookie fields of v and fills them from
// the answer. What the answer lacks is left at its default, else zero. cookies
// is called only if there are cookie fields. The error is a [*FieldError].
func (r *Response) DecodeLocated(v reflect.Value, h http.Header, cookies func() []*http.Cookie) error {
	if !r.Located() {
		return nil
	}
	v = r.open(v)
	for _, d := range r.headers {
		if err := d.header(v, h); err != nil {
			return d.fail(err)
		}
	}
	if len(r.cookies) == 0 {
		return nil
	}
	found := cookies()
	for _, d := range r.cookies {
		if err := d.cookie(v, found); err != nil {
			return d.fail(err)
		}
	}
	return nil
}

// reset prepares the field and returns it, without its wraps if set is true.
func (d *decoder) reset(model reflect.Value, found bool) (v reflect.Value, ok bool) {
	if !found {
		if v, ok = d.in(model); !ok {
			return v, false // behind a nil embedded pointer, which stays nil
		}
	} else {
		v = d.alloc(model)
	}
	v.SetZero()
	if !found && d.fallback != nil {
		d.fallback.set(v)
	}
	return v, found
}

func (d *decoder) header(model reflect.Value, h http.Header) error {
	if d.wildcard {
		return d.headers(model, h)
	}
	lines := h[d.name]
	v, ok := d.reset(model, len(lines) > 0)
	if !ok {
		return nil
	}
	return d.read(v, lines)
}

// headers fills a map with the headers that begin with the prefix. The prefix
// is cut off, and names are in lower case, as HTTP/2 sends them: the case that
// a server of HTTP/1 chose is not kept by net/http.
func (d *decoder) headers(model reflect.Value, h http.Header) error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(h)), func(name string) bool {
		_, ok := d.under(name)
		return !ok || d.rivals[name] != nil
	})
	v, ok := d.reset(model, len(names) > 0)
	if !ok {
		return nil
	}
	n, v := d.node.make(v)
	v.Set(reflect.MakeMapWithSize(n.typ, len(names)))
	for _, name := range names {
		rest, _ := d.under(name)
		if err := n.put(v, strings.ToLower(rest), h[name]); err != nil {
			return err
		}
	}
	return nil
}

// put adds an entry to a map. A list takes each line for itself.
func (n *node) put(v reflect.Value, key string, lines []string) error {
	k := reflect.New(n.key.typ).Elem()
	if err := n.key.scalar.parse(k, key); err != nil {
		return err
	}
	e := reflect.New(v.Type().Elem()).Elem()
	var err error
	if n.elem.shape == listShape {
		inner, value := n.elem.make(e)
		err = inner.fill(value, lines)
	} else {
		err = n.elem.take(e, join(lines))
	}
	if err == nil {
		v.SetMapIndex(k, e)
	}
	return err
}

func (d *decoder) cookie(model reflect.Value, cookies []*http.Cookie) error {
	var values []string
	for _, c := range cookies {
		if c.Name == d.name {
			values = append(values, c.Value)
		}
	}
	v, ok := d.reset(model, len(values) > 0)
	if !ok {
		return nil
	}
	if d.node.shape == scalarShape || d.node.shape == anyShape {
		values = values[len(values)-1:] // as a browser would have it
	}
	return d.read(v, values)
}

// clear takes off what a cookie's style=form put on.
func (d *decoder) clear(texts ...string) []string {
	if d.style.name == "form" {
		for i, text := range texts {
			texts[i] = string(unescape(nil, []byte(text)))
		}
	}
	return texts
}

// read fills v from the lines of a header or the values of a cookie.
func (d *decoder) read(v reflect.Value, lines []string) error {
	text := join(lines)
	if !d.compound() || text == "null" && d.node.optional() {
		return d.node.take(v, d.clear(text)[0])
	}
	n, v := d.node.make(v)
	if n.shape == listShape && d.repeated && d.style.explode {
		return n.fill(v, lines)
	}
	if n.shape == listShape {
		return n.fill(v, d.clear(n.items(lines)...))
	}
	pairs, err := d.pairsOf(lines)
	if err != nil {
		return err
	}
	return n.fillObject(v, pairs)
}

// pairsOf are the members of an object.
func (d *decoder) pairsOf(lines []string) ([]Pair, error) {
	if d.place == Header && d.style.explode {
		return explodedPairs(lines)
	}
	return paired(d.clear(d.node.items(lines)...), d.style.explode)
}

// make allocates what stands around a value.
func (n *node) make(v reflect.Value) (*node, reflect.Value) {
	for _, w := range n.wraps {
		if w == pointerWrap {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
			continue
		}
		value, state := inner(v)
		*state = stateValue
		v = value
	}
	return n, v
}

// parse reads one text. An any takes it as a string.
func (n *node) parse(v reflect.Value, text string) error {
	if n.shape == anyShape {
		v.Set(reflect.ValueOf(text))
		return nil
	}
	return n.scalar.parse(v, text)
}

// join is several lines as one value, as RFC 9110, section 5.3, allows. Lines
// that repeat each other are one.
func join(lines []string) string {
	if len(lines) == 1 {
		return lines[0]
	}
	same := func(line string) bool { return line != lines[0] }
	if len(lines) > 0 && !slices.ContainsFunc(lines, same) {
		return lines[0]
	}
	return strings.Join(lines, ", ")
}

// fill reads texts into a slice, or into an array of exactly that length.
func (n *node) fill(v reflect.Value, texts []string) error {
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(texts), len(texts)))
	} else if len(texts) != v.Len() {
		return errLength
	}
	for i, text := range texts {
		if err := n.elem.take(v.Index(i), text); err != nil {
			return err
		}
	}
	return nil
}

var errLength = &problem{text: "is a list of another length than the field's array: use a slice"}

// fillObject reads an object's members. What a struct has no field for is skipped.
func (n *node) fillObject(v reflect.Value, pairs []Pair) error {
	if n.shape == mapShape {
		v.Set(reflect.MakeMapWithSize(n.typ, len(pairs)))
	}
	for _, p := range pairs {
		if err := n.setMember(v, p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) setMember(v reflect.Value, key, value string) error {
	if n.shape == mapShape {
		return n.put(v, key, []string{value})
	}
	for _, m := range n.members {
		if m.name == key {
			return m.node.take(m.alloc(v), value)
		}
	}
	return nil
}
