package bind

import "reflect"

type isZeroer interface{ IsZero() bool }

var isZeroerType = reflect.TypeFor[isZeroer]()

// omitted applies omitzero and omitempty as encoding/json does: a type's own
// IsZero decides what is zero, and empty is false, 0, nil or of length 0.
func (f *field) omitted(v reflect.Value) bool {
	return f.omitZero && f.isZero(v) || f.omitEmpty && isEmpty(v)
}

func (f *field) isZero(v reflect.Value) bool {
	if !f.zeroer || v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Interface {
		return v.IsZero()
	}
	if v.Kind() != reflect.Pointer {
		v = addressable(v).Addr() // a pointer has the value's methods, and costs no copy
	}
	z, _ := reflect.TypeAssert[isZeroer](v)
	return saysZero(z, v.Elem())
}

// saysZero asks the type, unless that panics, as the method of an embedded
// pointer does that is nil.
func saysZero(z isZeroer, v reflect.Value) (zero bool) {
	defer func() {
		if recover() != nil {
			zero = v.IsZero()
		}
	}()
	return z.IsZero()
}

// hasIsZero reports whether values of t say themselves whether they are zero.
func hasIsZero(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer {
		t = reflect.PointerTo(t)
	}
	return t.Implements(isZeroerType)
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
