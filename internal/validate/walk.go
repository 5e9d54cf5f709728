package validate

import (
	"fmt"
	"reflect"
)

// deepest is how many steps a value may nest: JSON's own bound of 10 000 levels,
// where a model behind a pointer takes two. Beyond it stands a cycle of pointers,
// on which the engine would overflow the stack: a fault that no recover catches.
const deepest = 20_000

// walk follows a value to its Validate methods, or, without findings, as far as
// the engine would, to see that it comes to an end.
type walk struct {
	found  *findings // nil: only look at the depth
	failed bool      // rules have failed: Validate may meet what they would have kept out
	path   []any     // field names, indexes and keys
	depth  int
}

// way is how a value was reached.
type way struct {
	dived bool // the engine goes on into its elements
	quiet bool // it is embedded, and its Validate is the outer model's own
}

func (w *walk) visit(v reflect.Value, by way) error {
	s := shapeOf(v.Type())
	if w.found == nil && !s.open || w.found != nil && !s.leads {
		return nil
	}
	if w.depth++; w.depth > deepest {
		return fmt.Errorf("%s nests deeper than %d levels: is there a cycle of pointers?", v.Type(), deepest/2)
	}
	defer func() { w.depth-- }()
	if err := w.parts(v, s, by); err != nil {
		return err
	}
	if s.asks && w.found != nil && !by.quiet && v.CanInterface() {
		w.ask(v)
	}
	return nil
}

func (w *walk) parts(v reflect.Value, s *shape, by way) error {
	switch kind := v.Kind(); {
	case s.opt && !v.CanInterface():
		return nil
	case s.opt:
		return w.pointer(inner(v), by)
	case kind == reflect.Pointer, kind == reflect.Interface:
		return w.pointer(v, by)
	case kind == reflect.Struct:
		return w.fields(v, s)
	case w.found == nil && !by.dived:
		return nil
	case kind == reflect.Slice, kind == reflect.Array:
		return w.elements(v)
	case kind == reflect.Map:
		return w.entries(v)
	}
	return nil
}

func (w *walk) pointer(v reflect.Value, by way) error {
	if v.IsNil() {
		return nil
	}
	return w.visit(v.Elem(), by)
}

func (w *walk) fields(v reflect.Value, s *shape) error {
	for _, f := range s.fields {
		if err := w.step(v.Field(f.index), f.name, f.way); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) elements(v reflect.Value) error {
	for i := range v.Len() {
		if err := w.step(v.Index(i), i, way{dived: true}); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entries(v reflect.Value) error {
	for key, elem := range v.Seq2() {
		if err := w.step(addressable(elem), key, way{dived: true}); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) step(v reflect.Value, name any, by way) error {
	w.path = append(w.path, name)
	err := w.visit(v, by)
	w.path = w.path[:len(w.path)-1]
	return err
}

// ask calls Validate inside recover. After failed rules a panic tells nothing new.
func (w *walk) ask(v reflect.Value) {
	var err error
	said := caughtModel(func() { err = v.Addr().Interface().(asker).Validate() })
	switch {
	case err != nil:
		w.found.add(finding{path: join(w.path), err: err})
	case said != "" && !w.failed:
		w.found.add(finding{path: join(w.path), err: fmt.Errorf("the Validate method of %s panicked: %s", v.Type(), said)})
	}
}
