package bind

import (
	"fmt"
	"reflect"
)

// Encodable says why t can't be written as a JSON body; the error names the
// path to the chan, func, complex number or map key that can't. It follows
// encoding/json's rules and goes into types that hold themselves only once.
func Encodable(t reflect.Type) error {
	return jsonWalk{marshaler: jsonMarshalerType, text: textMarshalerType, verb: "written as"}.check(t, typeName(t))
}

// Decodable says why t can't be read from a JSON body. Beside what [Encodable]
// finds, an interface with methods can't: nothing says what to put into it.
func Decodable(t reflect.Type) error {
	return jsonWalk{marshaler: jsonUnmarshalerType, text: textUnmarshalerType, verb: "read from", reading: true}.check(t, typeName(t))
}

// jsonWalk checks one direction.
type jsonWalk struct {
	marshaler reflect.Type
	text      reflect.Type
	verb      string
	reading   bool
	seen      map[reflect.Type]bool
}

func (w jsonWalk) check(t reflect.Type, path string) error {
	w.seen = make(map[reflect.Type]bool)
	return w.walk(t, path)
}

func (w jsonWalk) walk(t reflect.Type, path string) error {
	if w.seen[t] {
		return nil
	}
	w.seen[t] = true
	if err := halfOptional(t); err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	if inner, ok := isOptional(t); ok {
		return w.walk(inner, path)
	}
	if isFile(t) {
		return fmt.Errorf("%s %w", path, errFile)
	}
	if implements(t, w.marshaler) || implements(t, w.text) {
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Errorf("%s is a %s, which can't be %s JSON: tag it json:\"-\", or give it a type that can", path, t.Kind(), w.verb)
	case reflect.Interface:
		return w.iface(t, path)
	case reflect.Pointer:
		if endless(t) {
			return fmt.Errorf("%s has the type %s, a pointer to itself, which can't be %s JSON: point it to a value", path, t, w.verb)
		}
		return w.walk(t.Elem(), path)
	case reflect.Slice, reflect.Array:
		return w.walk(t.Elem(), path+"[]")
	case reflect.Map:
		return w.mapType(t, path)
	case reflect.Struct:
		return w.structType(t, path)
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

func (w jsonWalk) iface(t reflect.Type, path string) error {
	if w.reading && t.NumMethod() > 0 {
		return fmt.Errorf("%s is the interface %s, and JSON does not say what to put into it: use a struct or any", path, t)
	}
	return nil
}

func (w jsonWalk) mapType(t reflect.Type, path string) error {
	key := t.Key()
	kind := scalarKinds[key.Kind()]
	if kind != stringScalar && kind != intScalar && kind != uintScalar && !implements(key, w.text) {
		return fmt.Errorf("%s is a map with keys of type %s, which can't be %s JSON: use strings", path, key, w.verb)
	}
	return w.walk(t.Elem(), path+"[]")
}

func (w jsonWalk) structType(t reflect.Type, path string) error {
	for sf := range jsonStructFields(t) {
		at := path + "." + sf.Name
		if _, ok := embeddedStruct(sf); !ok && !sf.IsExported() {
			continue
		}
		if err := w.walk(sf.Type, at); err != nil {
			return err
		}
	}
	return nil
}
