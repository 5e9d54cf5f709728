package bind

import (
	"encoding/json"
	"reflect"
	"sync"
)

// jsonField is a field of a JSON body that the plan writes or reads itself.
type jsonField struct {
	*field
	key      string // "name": with the quotes and the colon
	time     *node  // for a field with format=
	folded   string // the name without regard to case
	optional bool
	quoted   bool // json's "string" option
}

// jsonFields compiles the fields of a body that is written one by one.
func (p *requestPlan) jsonFields(fields []*field) {
	m := p.model
	if implements(m.typ, jsonMarshalerType) {
		p.mistake(errMarshalsItself(m, "MarshalJSON"))
	}
	for _, f := range fields {
		j, err := newJSONField(f)
		if err == nil {
			if e := encodable(f.typ); e != nil {
				err = f.mistake("can't be sent: %v", e)
			}
		}
		if err != nil {
			p.mistake(err)
			continue
		}
		for _, problem := range deeper(f.typ, false, true) {
			p.mistake(errText(f.label() + problem))
		}
		p.body.json = append(p.body.json, j)
	}
}

func newJSONField(f *field) (*jsonField, error) {
	key, err := json.Marshal(f.name)
	if err != nil {
		return nil, f.mistake("has a name that JSON can't hold")
	}
	j := &jsonField{field: f, key: string(key) + ":", folded: string(appendFolded(nil, f.name))}
	_, j.optional = isOptional(f.typ)
	j.quoted = f.asString && quotable(f.typ)
	if f.format != "" {
		if j.time, err = timeNode(f); err != nil {
			return nil, f.mistake("%v", err)
		}
	}
	return j, nil
}

// quotable reports whether encoding/json's "string" option means the type.
func quotable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	kind := scalarKinds[t.Kind()]
	return kind != noScalar && !marshalsItself(t)
}

// timeNode compiles a field with format=: a time, or a list of times.
func timeNode(f *field) (*node, error) {
	n, err := newNode(f.typ, f.format)
	if err != nil {
		return nil, err
	}
	elem := n
	if n.shape == listShape {
		elem = n.elem
	}
	if elem.scalar.kind != timeScalar {
		return nil, errText("has a format, which is for time.Time and lists of it: take it out")
	}
	return n, nil
}

// AppendJSON appends the json fields as one object. Each value goes through
// marshal, which is given the value or a pointer to it.
func (r *Request) AppendJSON(dst []byte, v reflect.Value, marshal func(v any) ([]byte, error)) ([]byte, error) {
	v, err := r.open(v)
	if err != nil {
		return dst, err
	}
	return appendJSON(dst, v, r.body.json, marshal)
}

func appendJSON(dst []byte, v reflect.Value, fields []*jsonField, marshal func(v any) ([]byte, error)) (_ []byte, err error) {
	dst = append(dst, '{')
	first := len(dst)
	for _, j := range fields {
		fv, ok := j.in(v)
		if !ok || j.left(fv) {
			continue
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		if dst, err = j.append(append(dst, j.key...), fv, marshal); err != nil {
			return dst, j.fail(err)
		}
	}
	return append(dst, '}'), nil
}

// left reports whether the field is left out.
func (j *jsonField) left(v reflect.Value) bool {
	if j.optional {
		if _, state := inner(v); *state == stateUnset {
			return true
		}
	}
	return j.omitted(v)
}

func (j *jsonField) append(dst []byte, v reflect.Value, marshal func(any) ([]byte, error)) ([]byte, error) {
	if j.time != nil {
		return j.time.appendTimes(dst, v)
	}
	if j.optional {
		value, state := inner(v)
		if *state == stateNull {
			return append(dst, "null"...), nil
		}
		v = value
	}
	text, err := marshal(operand(v))
	if err == nil && j.quoted && string(text) != "null" {
		text, err = marshal(string(text))
	}
	if err != nil {
		return dst, &problem{text: "could not be written as JSON", cause: err}
	}
	return append(dst, text...), nil
}

// operand is what marshal is given: a pointer to v costs no copy, and lets
// methods of the pointer be found. What is a reference already goes as it is.
func operand(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map:
		return v.Interface()
	}
	return addressable(v).Addr().Interface()
}

// appendTimes writes a time, or a list of them, in the node's format.
func (n *node) appendTimes(dst []byte, v reflect.Value) ([]byte, error) {
	n, v, is, err := n.open(v)
	switch {
	case err != nil:
		return dst, err
	case n.shape == listShape && is == absent && v.Kind() == reflect.Slice && !v.IsNil():
		return append(dst, "[]"...), nil
	case is != present:
		return append(dst, "null"...), nil
	case n.shape != listShape:
		return n.scalar.appendJSON(dst, v)
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = n.elem.appendTimes(dst, v.Index(i)); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendJSON writes a time: a number for unix, else a string that needs no escape.
func (s scalar) appendJSON(dst []byte, v reflect.Value) ([]byte, error) {
	if s.format == formatUnix {
		return s.append(dst, v)
	}
	dst, err := s.append(append(dst, '"'), v)
	return append(dst, '"'), err
}

// deeper lists what is only allowed at the top of a body: format=, default and
// an Opt that can't be left out. Each begins with the path to it.
func deeper(t reflect.Type, top, sending bool) []string {
	if isPlain(t) {
		return nil
	}
	in := inspection{sending: sending, spared: top, seen: make(map[inspected]bool), sound: &soundRead}
	if sending {
		in.sound = &soundSent
	}
	problems := in.visit(t, true)
	if len(problems) == 0 {
		for here := range in.seen {
			if !here.top {
				in.sound.Store(here.typ, nil)
			}
		}
	}
	return problems
}

func (in inspection) field(sf reflect.StructField) (problems []string) {
	_, o, _ := parseTag(inJSON, sf.Tag.Get("json"))
	if o.format != "" {
		problems = append(problems, " has a format below the top level of the body: use a type with MarshalJSON and UnmarshalJSON (docs/recipes.md, \"Times in another form\")")
	}
	if _, ok := sf.Tag.Lookup("default"); ok {
		problems = append(problems, " has a default below the top level of the body: set it in the code, or use a type of its own")
	}
	if place := strayPlace(sf); place != "" {
		problems = append(problems, " has a "+place+" tag below the top level of the body, where it means nothing: add a json tag, which is json:\"-\" for a field that JSON does not have")
	}
	if _, opt := isOptional(sf.Type); opt && in.sending && !o.omitZero {
		problems = append(problems, " is optional below the top level of the body: add omitzero to its json tag, or it could not be left out")
	}
	return problems
}

// strayPlace is the place of a field that can't be there, since only the fields of a model itself can. JSON would call it by its Go name.
func strayPlace(sf reflect.StructField) string {
	if _, tagged := sf.Tag.Lookup("json"); tagged {
		return ""
	}
	for _, place := range []Place{Path, Header, Cookie} {
		if _, tagged := sf.Tag.Lookup(place.String()); tagged {
			return place.String()
		}
	}
	return ""
}

// inspection holds the types that were looked into, so that those which hold
// themselves come to an end. Any named type can: type List []List.
type inspection struct {
	sending bool
	spared  bool // the fields at the top may have what those below may not
	seen    map[inspected]bool
	sound   *sync.Map
}

// inspected tells the top from below it, where other rules hold.
type inspected struct {
	typ reflect.Type
	top bool
}

// The types that were in order below the top: models share those of their fields.
var soundSent, soundRead sync.Map // of reflect.Type to nil

// visit lists the problems of the fields that a JSON body of type t would hold.
func (in inspection) visit(t reflect.Type, top bool) []string {
	if !top {
		if _, sound := in.sound.Load(t); sound || isPlain(t) {
			return nil
		}
	}
	here := inspected{t, top}
	if in.seen[here] {
		return nil
	}
	in.seen[here] = true
	if mayHaveMethods(t) {
		if inner, ok := isOptional(t); ok {
			return in.visit(inner, top)
		}
		if t == timeType || marshalsItself(t) {
			return nil
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return in.visit(t.Elem(), top)
	case reflect.Slice, reflect.Array, reflect.Map:
		return behind("[]", in.visit(t.Elem(), false))
	case reflect.Struct:
		return in.structure(t, top)
	}
	return nil
}

func (in inspection) structure(t reflect.Type, top bool) (problems []string) {
	for sf := range jsonStructFields(t, !top || !in.spared) {
		if embedded, ok := embeddedStruct(sf); ok {
			problems = append(problems, in.visit(embedded, top)...)
			continue
		}
		var own []string
		if !top || !in.spared {
			own = in.field(sf)
		}
		problems = append(problems, behind("."+sf.Name, append(own, in.visit(sf.Type, false)...))...)
	}
	return problems
}

// behind puts a step before the paths that problems begin with.
func behind(step string, problems []string) []string {
	for i := range problems {
		problems[i] = step + problems[i]
	}
	return problems
}

// jsonStructFields yields the fields that encoding/json looks at, perhaps without those of plain types.
func jsonStructFields(t reflect.Type, plain bool) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			sf := t.Field(i)
			if !plain && isPlain(sf.Type) {
				continue
			}
			if _, skip := jsonName(sf); skip || !sf.IsExported() && !sf.Anonymous {
				continue
			}
			if !yield(sf) {
				return
			}
		}
	}
}
