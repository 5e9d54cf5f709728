package validate

import "reflect"

// samples remembers them: models have many rules on few types.
func (c *tags) samples(t reflect.Type) [2]reflect.Value {
	made, known := c.sampled[t]
	if !known {
		made = samples(t)
		c.sampled[t] = made
	}
	return made
}

// samples returns the zero value of t and one with everything in it.
func samples(t reflect.Type) [2]reflect.Value {
	filled := reflect.New(t).Elem()
	filler{}.fill(filled, 1000)
	return [2]reflect.Value{reflect.New(t).Elem(), filled}
}

// filler fills a value so that each rule has something to look at. It holds the
// types on the way: recursive types end at their second turn.
type filler map[reflect.Type]bool

// fill may make as many parts as budget says. They share it evenly, so that fields
// of the same types within each other cost no more than others, and what is left
// out lies deep: the models there have samples of their own.
func (f filler) fill(v reflect.Value, budget int) {
	if !v.CanSet() {
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
	case kind != reflect.Interface && !f[v.Type()] && budget > 0:
		f[v.Type()] = true
		f.fillParts(v, budget-1)
		delete(f, v.Type())
	}
}

func (f filler) fillParts(v reflect.Value, budget int) {
	t := v.Type()
	switch {
	case isOptional(t):
		value, state := v.Addr().Interface().(optional).Inner()
		*state = stateValue
		f.fill(reflect.ValueOf(value).Elem(), budget)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		f.fill(v.Elem(), budget)
	case t.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
		f.fill(v.Index(0), budget)
	case t.Kind() == reflect.Array && t.Len() > 0:
		f.fill(v.Index(0), budget)
	case t.Kind() == reflect.Map:
		f.fillMap(v, budget)
	case isModel(t):
		for _, field := range v.Fields() {
			f.fill(field, budget/v.NumField())
		}
	}
}

func (f filler) fillMap(v reflect.Value, budget int) {
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	f.fill(key, budget/2)
	f.fill(elem, budget/2)
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(key, elem)
}
