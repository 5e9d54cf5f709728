package validate

import "reflect"

// samples returns the zero value of t and one with everything in it.
func samples(t reflect.Type) [2]reflect.Value {
	filled := reflect.New(t).Elem()
	(&filler{onPath: map[reflect.Type]bool{}, budget: 10_000}).fill(filled)
	return [2]reflect.Value{reflect.New(t).Elem(), filled}
}

// filler fills a value so that each rule has something to look at. Recursive types
// end at their second turn, very wide ones when the budget is used up.
type filler struct {
	onPath map[reflect.Type]bool
	budget int
}

func (f *filler) fill(v reflect.Value) {
	if f.budget--; f.budget < 0 || !v.CanSet() {
		return
	}
	switch kind := v.Kind(); {
	case kind == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	case v.CanFloat():
		v.SetFloat(1)
	case v.CanComplex():
		v.SetComplex(1)
	case kind == reflect.String:
		v.SetString("x")
	case kind == reflect.Interface && v.NumMethod() == 0:
		v.Set(reflect.ValueOf("x"))
	case kind != reflect.Interface && !f.onPath[v.Type()]:
		f.onPath[v.Type()] = true
		f.fillParts(v)
		delete(f.onPath, v.Type())
	}
}

func (f *filler) fillParts(v reflect.Value) {
	t := v.Type()
	switch {
	case isOptional(t):
		value, state := v.Addr().Interface().(optional).Inner()
		*state = stateValue
		f.fill(reflect.ValueOf(value).Elem())
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		f.fill(v.Elem())
	case t.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
		f.fill(v.Index(0))
	case t.Kind() == reflect.Array && t.Len() > 0:
		f.fill(v.Index(0))
	case t.Kind() == reflect.Map:
		f.fillMap(v)
	case isModel(t):
		for _, field := range v.Fields() {
			f.fill(field)
		}
	}
}

func (f *filler) fillMap(v reflect.Value) {
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	f.fill(key)
	f.fill(elem)
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(key, elem)
}
