package bind

import (
	"fmt"
	"reflect"
	"sync"
)

// encodable says why t can't be written as a JSON body; the error names the
// path to the chan, func, complex number or map key that can't. It follows
// encoding/json's rules and goes into types that hold themselves only once.
func encodable(t reflect.Type) error {
	return jsonWalk{marshaler: jsonMarshalerType, text: textMarshalerType, verb: "written as", good: &encodables}.check(t)
}

// decodable says why t can't be read from a JSON body. Beside what [encodable]
// finds, an interface with methods can't: nothing says what to put into it.
func decodable(t reflect.Type) error {
	return jsonWalk{marshaler: jsonUnmarshalerType, text: textUnmarshalerType, verb: "read from", good: &decodables, reading: true}.check(t)
}

// The types that were found in order: models share those of their fields.
var encodables, decodables sync.Map // of reflect.Type to nil

// jsonWalk checks one direction.
type jsonWalk struct {
	marshaler reflect.Type
	text      reflect.Type
	verb      string
	reading   bool
	good      *sync.Map
	seen      map[reflect.Type]bool
}

// misfit is what can't be in JSON, and where: the path is made on the way back.
type misfit struct {
	path string
	err  error
}

func (m *misfit) at(step string) *misfit {
	if m != nil {
		m.path = step + m.path
	}
	return m
}

func misfitf(format string, args ...any) *misfit { return &misfit{"", fmt.Errorf(format, args...)} }

func (w jsonWalk) check(t reflect.Type) error {
	if isPlain(t) {
		return nil
	}
	w.seen = make(map[reflect.Type]bool)
	if m := w.walk(t); m != nil {
		return fmt.Errorf("%s %w", typeName(t)+m.path, m.err)
	}
	for t := range w.seen {
		w.good.Store(t, nil)
	}
	return nil
}

// isPlain reports whether t is one of Go's own texts, numbers and booleans, which
// JSON holds as they are.
func isPlain(t reflect.Type) bool {
	return t.PkgPath() == "" && scalarKinds[t.Kind()] != noScalar
}

func (w jsonWalk) walk(t reflect.Type) *misfit {
	if isPlain(t) || w.seen[t] {
		return nil
	}
	if _, good := w.good.Load(t); good {
		return nil
	}
	w.seen[t] = true
	if isFile(t) {
		return &misfit{"", errFile}
	}
	if mayHaveMethods(t) {
		if err := halfOptional(t); err != nil {
			return &misfit{"", err}
		}
		if inner, ok := isOptional(t); ok {
			return w.walk(inner)
		}
		if implements(t, w.marshaler) || implements(t, w.text) {
			return nil
		}
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return misfitf("is a %s, which can't be %s JSON: tag it json:\"-\", or give it a type that can", t.Kind(), w.verb)
	case reflect.Interface:
		return w.iface(t)
	case reflect.Pointer:
		if endless(t) {
			return misfitf("has the type %s, a pointer to itself, which can't be %s JSON: point it to a value", t, w.verb)
		}
		return w.walk(t.Elem())
	case reflect.Slice, reflect.Array:
		return w.walk(t.Elem()).at("[]")
	case reflect.Map:
		return w.mapType(t)
	case reflect.Struct:
		return w.structType(t)
	}
	return nil
}

// endless reports whether nothing but pointers follows, as in type P *P: a
// decoder would allocate them until the memory is used up.
func endless(t reflect.Type) bool {
	seen := make(map[reflect.Type]bool)
	for t.Kind() == reflect.Pointer && !seen[t] {
		seen[t] = true
		t = t.Elem()
		if inner, ok := isOptional(t); ok {
			t = inner
		}
	}
	return t.Kind() == reflect.Pointer
}

func (w jsonWalk) iface(t reflect.Type) *misfit {
	if w.reading && t.NumMethod() > 0 {
		return misfitf("is the interface %s, and JSON does not say what to put into it: use a struct or any", t)
	}
	return nil
}

func (w jsonWalk) mapType(t reflect.Type) *misfit {
	key := t.Key()
	kind := scalarKinds[key.Kind()]
	if kind != stringScalar && kind != intScalar && kind != uintScalar && !implements(key, w.text) {
		return misfitf("is a map with keys of type %s, which can't be %s JSON: use strings", key, w.verb)
	}
	return w.walk(t.Elem()).at("[]")
}

func (w jsonWalk) structType(t reflect.Type) *misfit {
	for sf := range jsonStructFields(t, false) {
		if _, ok := embeddedStruct(sf); !ok && !sf.IsExported() {
			continue
		}
		if m := w.walk(sf.Type); m != nil {
			return m.at("." + sf.Name)
		}
	}
	return nil
}
