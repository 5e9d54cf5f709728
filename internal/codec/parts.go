package codec

import (
	"iter"
	"reflect"
)

// parts yields what v holds directly, as far as JSON can see it.
func parts(v reflect.Value) iter.Seq[reflect.Value] {
	return func(yield func(reflect.Value) bool) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			yield(v.Elem())
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				if !yield(v.Index(i)) {
					return
				}
			}
		case reflect.Map:
			yieldMap(v, yield)
		case reflect.Struct:
			yieldFields(v, yield)
		}
	}
}

func yieldMap(v reflect.Value, yield func(reflect.Value) bool) {
	for key, elem := range v.Seq2() {
		if !yield(key) || !yield(elem) {
			return
		}
	}
}

func yieldFields(v reflect.Value, yield func(reflect.Value) bool) {
	if reflect.PointerTo(v.Type()).Implements(optionalType) && v.CanInterface() {
		boxed := reflect.New(v.Type())
		boxed.Elem().Set(v)
		value, _ := boxed.Interface().(optional).Inner()
		yield(reflect.ValueOf(value))
		return
	}
	for field, value := range v.Fields() {
		if field.Tag.Get("json") != "-" && (field.IsExported() || field.Anonymous) && !yield(value) {
			return
		}
	}
}
