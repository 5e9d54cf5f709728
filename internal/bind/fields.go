package bind

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// field is a tagged field of a model, or one that an embedded struct shares.
type field struct {
	options
	model      string // the model, for messages: petstore.GetPetRequest
	path       string // the field in it: Page.Limit
	index      []int
	typ        reflect.Type
	place      Place
	name       string // on the wire; a header's is canonical
	tag        string // as written, for messages
	named      bool   // its json name is from a tag, not from Go
	def        string
	hasDefault bool
	zeroer     bool // the type has an IsZero of its own
	hidden     bool // a located field that json:"-" keeps from JSON
	sealed     bool // behind an embedded pointer that can't be set from here
}

func (f *field) label() string { return f.model + "." + f.path }

// mistake is a declaration error about the field.
func (f *field) mistake(format string, args ...any) error {
	return fmt.Errorf("%s %s", f.label()+f.tagNote(), fmt.Sprintf(format, args...))
}

func (f *field) tagNote() string {
	if f.tag == "" {
		return ""
	}
	return " (" + f.tag + ")"
}

// fail is an error of a call about the field.
func (f *field) fail(err error) error {
	e := &FieldError{Field: withoutPackage(f.model) + "." + f.path, Tag: f.tag, Problem: "could not be bound", Err: err}
	if p, ok := err.(*problem); ok {
		e.Problem, e.Err = p.text, p.cause
	}
	return e
}

// typeName is a type for messages; a struct without a name would fill a page.
func typeName(t reflect.Type) string {
	if t.Name() == "" && t.Kind() == reflect.Struct {
		return "struct"
	}
	return t.String()
}

// withoutPackage cuts the package off a type's name, not off its parameters.
func withoutPackage(name string) string {
	base, _, _ := strings.Cut(name, "[")
	return name[strings.LastIndexByte(base, '.')+1:]
}

// problem is what is wrong with a value, before it is known in which field.
type problem struct {
	text  string
	cause error
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.cause }

// in finds the field in a model. It is not there behind a nil embedded pointer.
func (f *field) in(model reflect.Value) (v reflect.Value, ok bool) {
	if len(f.index) == 1 {
		return model.Field(f.index[0]), true
	}
	for i, x := range f.index {
		if i > 0 && model.Kind() == reflect.Pointer {
			if model.IsNil() {
				return reflect.Value{}, false
			}
			model = model.Elem()
		}
		model = model.Field(x)
	}
	return model, true
}

// alloc finds the field in a model and allocates the embedded pointers on the way.
func (f *field) alloc(model reflect.Value) reflect.Value {
	for i, x := range f.index {
		if i > 0 && model.Kind() == reflect.Pointer {
			if model.IsNil() {
				model.Set(reflect.New(model.Type().Elem()))
			}
			model = model.Elem()
		}
		model = model.Field(x)
	}
	return model
}

// model is what a walk over a struct type finds.
type model struct {
	typ      reflect.Type
	name     string // of the type, for messages
	fields   []*field
	loose    []*field // in no place: json fields by their Go name, or mistakes
	xml      bool     // tagged for XML
	mistakes []error
}

// walk collects the fields of struct type t and of the structs that it embeds.
// A field shadows another of the same place and name that lies deeper.
func walk(t reflect.Type) *model {
	m := &model{typ: t, name: typeName(t)}
	if t.Kind() != reflect.Struct {
		return m
	}
	m.fields = make([]*field, 0, t.NumField())
	m.structure(t, nil, "", false, nil)
	if m.located() {
		for _, f := range m.loose {
			m.mistakes = append(m.mistakes, f.mistake("%s", `has no place: tag it json, header or cookie (in a request also path, query or form), name it Body if it is the whole body, or json:"-" to leave it out`))
		}
	} else {
		m.fields = append(m.fields, m.loose...)
		slices.SortStableFunc(m.fields, func(a, b *field) int { return slices.Compare(a.index, b.index) })
	}
	m.shadow()
	return m
}

// located reports whether a field goes anywhere but into a JSON body of all fields.
func (m *model) located() bool {
	return slices.ContainsFunc(m.fields, func(f *field) bool { return f.place != inJSON })
}

// at returns the fields of one place, in declared order.
func (m *model) at(place Place) []*field {
	count := 0
	for _, f := range m.fields {
		if f.place == place {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	found := make([]*field, 0, count)
	for _, f := range m.fields {
		if f.place == place {
			found = append(found, f)
		}
	}
	return found
}

func (m *model) structure(t reflect.Type, index []int, path string, sealed bool, within []reflect.Type) {
	if slices.Contains(within, t) {
		return // embeds itself through a pointer: deeper fields are shadowed anyway
	}
	depth := len(index) + 1
	fields, indexes := make([]field, t.NumField()), make([]int, 0, t.NumField()*depth)
	for i := range fields {
		sf, f := t.Field(i), &fields[i]
		indexes = append(append(indexes, index...), i)
		*f = field{model: m.name, path: path + sf.Name, index: indexes[i*depth : len(indexes) : len(indexes)], typ: sf.Type, sealed: sealed}
		if embedded, ok := embeddedStruct(sf); ok {
			hidden := sf.Type.Kind() == reflect.Pointer && !sf.IsExported()
			m.structure(embedded, f.index, f.path+".", sealed || hidden, append(slices.Clip(within), t))
			continue
		}
		m.field(f, sf)
	}
}

// embeddedStruct gives the struct whose fields t shares: embedded, and not
// given a place or a json name of its own.
func embeddedStruct(sf reflect.StructField) (reflect.Type, bool) {
	if !sf.Anonymous {
		return nil, false
	}
	if name, skip := jsonName(sf); name != "" || skip || len(locationsOf(sf.Tag)) > 0 {
		return nil, false
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, t.Kind() == reflect.Struct && t != timeType
}

func (m *model) field(f *field, sf reflect.StructField) {
	tags := readTags(string(sf.Tag))
	f.def, f.hasDefault = tags.def.value, tags.def.is
	m.xml = m.xml || tags.xml.is
	json := tags.json
	switch at, count := tags.location(); {
	case !sf.IsExported():
		if count > 0 || json.is && json.value != "-" {
			m.mistakes = append(m.mistakes, f.mistake("is tagged but not exported: export it, or take the tag out"))
		}
	case count > 1:
		places := locationsOf(sf.Tag)
		m.mistakes = append(m.mistakes, f.mistake("has the tags %s and %s: a field has one place", places[0], places[1]))
	case count == 1:
		m.place(f, at, tags.places[at], json)
	case json.is && json.value == "-":
	case json.is:
		m.json(f, json)
	case tags.skipped():
	case sf.Name == "Body" && !hasCodecTag(sf.Tag):
		f.place = inBody
		m.fields = append(m.fields, f)
	default:
		f.place, f.name = inJSON, sf.Name
		m.loose = append(m.loose, f)
	}
	f.zeroer = (f.omitZero || f.hasDefault) && hasIsZero(f.typ) // nobody else asks
}

func (m *model) place(f *field, place Place, tag, json tagText) {
	f.place, f.tag = place, tag.text(place.String())
	f.hidden = json.is && json.value == "-"
	m.parse(f, tag.value)
	switch {
	case f.name == "":
		m.mistakes = append(m.mistakes, f.mistake("has no name: write %s:\"name\"", place))
	case json.is && json.value != "-":
		m.mistakes = append(m.mistakes, f.mistake("has a json name too: a field has one place (json:\"-\" keeps it out of the body)"))
	case (f.place == Header || f.place == Cookie) && !ValidToken(strings.TrimSuffix(f.name, "*")) && f.name != "*":
		m.mistakes = append(m.mistakes, f.mistake("is named by no token: use letters, digits and -"))
	}
	if f.place == Header {
		f.name = http.CanonicalHeaderKey(f.name)
	}
	m.fields = append(m.fields, f)
}

func (m *model) json(f *field, tag tagText) {
	f.place, f.tag = inJSON, tag.text("json")
	m.parse(f, tag.value)
	if f.named = f.name != ""; !f.named {
		f.name = f.path[strings.LastIndexByte(f.path, '.')+1:]
	}
	m.fields = append(m.fields, f)
}

func (m *model) parse(f *field, raw string) {
	name, o, problems := parseTag(f.place, raw)
	f.name, f.options = name, o
	for _, p := range problems {
		m.mistakes = append(m.mistakes, f.mistake("%s", p))
	}
}

// shadow keeps the shallowest of each place and name. Two at one depth are a
// mistake, but for encoding/json's rule that a tagged name beats a Go name.
func (m *model) shadow() {
	if !m.repeats() {
		return
	}
	type key struct {
		place Place
		name  string
	}
	kept := make(map[key]*field, len(m.fields))
	for _, f := range m.fields {
		k := key{f.place, f.name}
		old := kept[k]
		switch {
		case old == nil || f.beats(old):
			kept[k] = f
		case !old.beats(f):
			m.mistakes = append(m.mistakes, f.mistake("has the same name as %s: give each its own, or take one out", old.path))
		}
	}
	m.fields = slices.DeleteFunc(m.fields, func(f *field) bool { return kept[key{f.place, f.name}] != f })
}

// repeats reports whether two fields may have one place and name. Few are compared, which is sooner done
// than a map is made.
func (m *model) repeats() bool {
	const few = 40
	for i, f := range m.fields {
		for _, other := range m.fields[:min(i, few)] {
			if f.name == other.name && f.place == other.place {
				return true
			}
		}
	}
	return len(m.fields) > few
}

func (f *field) beats(other *field) bool {
	if len(f.index) != len(other.index) {
		return len(f.index) < len(other.index)
	}
	return f.named && !other.named && f.place == inJSON
}
