package bind

import (
	"fmt"
	"reflect"
)

// optional is a field with three states: 0 unset, 1 null, 2 value.
// Inner gives a pointer to the value inside and one to the state.
type optional interface {
	Inner() (value any, state *uint8)
}

var optionalType = reflect.TypeFor[optional]()

const (
	stateUnset uint8 = iota
	stateNull
	stateValue
)

// isOptional reports whether t is an optional field, and of what type. A struct
// that embeds a pointer to one has its methods too, which the zero value can't run.
func isOptional(t reflect.Type) (inner reflect.Type, ok bool) {
	if t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(optionalType) {
		return nil, false
	}
	defer func() {
		if recover() != nil {
			inner, ok = nil, false
		}
	}()
	o, _ := reflect.TypeAssert[optional](reflect.New(t))
	value, state := o.Inner()
	p := reflect.TypeOf(value)
	if p == nil || p.Kind() != reflect.Pointer || state == nil {
		return nil, false
	}
	return p.Elem(), true
}

// halfOptional refuses what passes for an optional field and is none.
func halfOptional(t reflect.Type) error {
	if _, ok := isOptional(t); ok || t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(optionalType) {
		return nil
	}
	return fmt.Errorf("has the type %s with a method Inner that its zero value can't run: embed the optional field by value, or give it a name", t)
}

// inner opens an optional field.
func inner(v reflect.Value) (value reflect.Value, state *uint8) {
	o, _ := reflect.TypeAssert[optional](addressable(v).Addr())
	p, state := o.Inner()
	return reflect.ValueOf(p).Elem(), state
}
