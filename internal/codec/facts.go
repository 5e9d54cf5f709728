package codec

import (
	"reflect"
	"strings"
	"sync"
)

// facts is what decides the way that a type takes through the engine.
type facts uint8

const (
	secretFact      facts = 1 << iota // a secret
	anyFact                           // an interface without methods
	interfaceFact                     // any interface: it may hold a secret
	optionalFact                      // an optional field
	optionalAnyFact                   // an optional field that holds an any
)

// HoldsSecret reports whether JSON of type t can hold a secret: t is one, or has
// one in a field, element, key, pointer or optional field. What an interface
// holds is not known from its type and does not count; neither do unexported
// fields and fields tagged json:"-". A nil t holds none.
// The answer is found once per type; recursive types are fine.
func HoldsSecret(t reflect.Type) bool {
	return factsOf(t)&secretFact != 0
}

var known sync.Map // reflect.Type → facts

func factsOf(t reflect.Type) facts {
	if f, ok := known.Load(t); ok {
		return f.(facts)
	}
	s := survey{}
	f := s.visit(t)
	if f&optionalFact != 0 && f&anyFact != 0 && s.anyInOptional() {
		f |= optionalAnyFact
	}
	known.Store(t, f)
	return f
}

// survey holds the types seen on the way, so that recursive ones come to an end,
// with the inner type of the optional ones. Only the answer for the first type is
// whole: the others lack what was seen before.
type survey map[reflect.Type]reflect.Type

func (s survey) visit(t reflect.Type) facts {
	if _, seen := s[t]; seen || t == nil {
		return 0
	}
	s[t] = nil
	switch {
	case t.Kind() == reflect.Interface:
		return interfaceFacts(t)
	case t.Implements(secretType):
		return secretFact
	case reflect.PointerTo(t).Implements(optionalType):
		s[t] = innerType(t)
		return optionalFact | s.visit(s[t])
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return s.visit(t.Elem())
	case reflect.Map:
		return s.visit(t.Key()) | s.visit(t.Elem())
	case reflect.Struct:
		return s.visitFields(t)
	}
	return 0
}

// innerType asks a zero value, because no exported field shows the type. It is
// nil for a struct that has its method from an embedded pointer.
func innerType(t reflect.Type) (inner reflect.Type) {
	defer func() {
		if recover() != nil {
			inner = nil
		}
	}()
	value, _ := reflect.New(t).Interface().(optional).Inner()
	return reflect.TypeOf(value)
}

func interfaceFacts(t reflect.Type) facts {
	if t.NumMethod() == 0 {
		return interfaceFact | anyFact
	}
	return interfaceFact
}

// anyInOptional looks into each optional type on its own: in the survey as a
// whole the any may stand outside of it.
func (s survey) anyInOptional() bool {
	for _, inner := range s {
		if inner != nil && (survey{}).visit(inner)&anyFact != 0 {
			return true
		}
	}
	return false
}

func (s survey) visitFields(t reflect.Type) (f facts) {
	for field := range t.Fields() {
		if tag := field.Tag.Get("json"); tag == "-" || !field.IsExported() && !field.Anonymous {
			continue
		}
		f |= s.visit(field.Type)
	}
	return f
}

var (
	secretType   = reflect.TypeFor[secret]()
	optionalType = reflect.TypeFor[optional]()
)

// shorten keeps what a document calls its fields from filling a message.
func shorten(name string) string {
	const longest = 100
	if len(name) > longest {
		return strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return name
}
