package crest

import (
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// secretFields are the places of a model's body where a [Secret] stands.
type secretFields struct {
	names   []string // of JSON and form fields, at any depth
	unnamed bool     // one stands where no name tells it from the rest: as the body itself, in a map, behind a type's own marshaler
	open    bool     // an interface may hold one
}

// knownSecrets grows with the types of a program, not with its calls.
var knownSecrets sync.Map // of reflect.Type to *secretFields

// secretFieldsOf looks through a model's type once.
func secretFieldsOf(t reflect.Type) *secretFields {
	if found, ok := knownSecrets.Load(t); ok {
		return found.(*secretFields)
	}
	s := secretSearch{&secretFields{}, map[reflect.Type]bool{}, false}
	s.model(t)
	found, _ := knownSecrets.LoadOrStore(t, s.into)
	return found.(*secretFields)
}

// with joins what two models hide.
func (f *secretFields) with(other *secretFields) *secretFields {
	return &secretFields{concat(f.names, other.names), f.unnamed || other.unnamed, f.open || other.open}
}

// sentSecrets are those of the request model.
func (e *endpoint) sentSecrets() *secretFields { return secretFieldsOf(e.request.Type()) }

// readSecrets are those of what an answer with the status can be read as. Which of its error models is taken, and what a WithCheck makes
// of a success, is not known before.
func (c *call) readSecrets(status int) *secretFields {
	found := c.endpoint.result.secrets()
	for _, key := range [...]int{status, status / 100, AnyStatus} {
		found = found.with(errorSecrets(c.settings.errors[key]))
	}
	return found.with(errorSecrets(c.core.fallback))
}

func (r *result) secrets() *secretFields {
	if r.piece != nil {
		return r.piece.secrets()
	}
	return secretFieldsOf(r.t)
}

func errorSecrets(entry ErrorModel) *secretFields {
	if as, ok := entry.(*asModel); ok {
		return secretFieldsOf(as.t)
	}
	return &secretFields{}
}

// secretSearch is one look through a type.
type secretSearch struct {
	into   *secretFields
	seen   map[reflect.Type]bool // structs, and the named lists and maps that are looked into now: all can be recursive
	within bool                  // a type that writes its own text, where no name is worth anything
}

// model looks through what is tagged for a body.
func (s secretSearch) model(t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || ownText(t) {
		s.value(t)
		return
	}
	s.fields(t, true)
}

// value looks into a value of the names.
func (s secretSearch) value(t reflect.Type, names ...string) {
	switch {
	case t == reflect.TypeFor[Secret]():
		s.into.names = append(s.into.names, names...)
		s.into.unnamed = s.into.unnamed || s.within || len(names) == 0
		return
	case t.ConvertibleTo(fileType), t.Implements(reflect.TypeFor[io.Reader]()):
		return // what a reader holds is not crest's to look at
	case ownText(t) && !s.within:
		s.seen, s.within = map[reflect.Type]bool{}, true
	}
	if t.Name() != "" && t.Kind() != reflect.Struct {
		if s.seen[t] {
			return
		}
		s.seen[t] = true
		defer delete(s.seen, t) // a field of the same type can have another name
	}
	switch t.Kind() {
	case reflect.Interface:
		s.into.open = true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		s.value(t.Elem(), names...)
	case reflect.Map:
		s.value(t.Key())
		s.value(t.Elem())
	case reflect.Struct:
		if inner := optInner(t); inner != nil {
			s.value(inner, names...)
		} else if !s.seen[t] {
			s.fields(t, false)
		}
	}
}

// fields looks into those of a struct; top says that it is the model itself, some of whose fields are elsewhere than in the body.
func (s secretSearch) fields(t reflect.Type, top bool) {
	s.seen[t] = true
	for f := range t.Fields() {
		switch {
		case s.within: // its text can hold what is not exported, and what its tags keep out of JSON
			s.value(f.Type)
		case !f.IsExported() && !f.Anonymous, top && located(f):
		case f.Anonymous && f.Tag.Get("json") == "" && f.Type != reflect.TypeFor[Secret]():
			s.embedded(f.Type, top)
		case top && f.Name == "Body" && f.Tag.Get("json") == "" && f.Tag.Get("form") == "":
			s.value(f.Type)
		default:
			s.field(f)
		}
	}
}

func (s secretSearch) embedded(t reflect.Type, top bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && !ownText(t) {
		if !s.seen[t] {
			s.fields(t, top)
		}
		return
	}
	s.value(t, t.Name())
}

func (s secretSearch) field(f reflect.StructField) {
	var names []string
	for _, key := range []string{"json", "form"} {
		tag, tagged := f.Tag.Lookup(key)
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case key == "form" && !tagged:
		case name == "", tag == "-": // of "-" a codec for something else than JSON can know more
			names = append(names, f.Name)
		default:
			names = append(names, name)
		}
	}
	s.value(f.Type, names...)
}

// located reports whether a field of a model is elsewhere than in the body.
func located(f reflect.StructField) bool {
	return slices.ContainsFunc([]string{"path", "query", "header", "cookie"}, func(key string) bool {
		_, tagged := f.Tag.Lookup(key)
		return tagged
	})
}

// ownText reports whether a type has its own JSON or text.
func ownText(t reflect.Type) bool {
	if t.Kind() == reflect.Interface || optInner(t) != nil {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// optInner is the T of an [Opt], else nil.
func optInner(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	opt, ok := reflect.New(t).Interface().(interface{ Inner() (any, *uint8) })
	if !ok || t.PkgPath() != reflect.TypeFor[Secret]().PkgPath() {
		return nil
	}
	value, _ := opt.Inner()
	return reflect.TypeOf(value).Elem()
}
