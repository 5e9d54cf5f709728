package validate

import (
	"reflect"
	"strings"
	"sync"
)

// shape is what a walk needs to know of a type.
type shape struct {
	asks   bool // it has a Validate method
	leads  bool // it has one, or a type below it does
	open   bool // its values can nest without end
	opt    bool
	fields []fieldShape // of a struct: those that lead somewhere or are open
}

type fieldShape struct {
	index int
	name  string
	way   way
}

var shapes sync.Map // reflect.Type → *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{asks: asks(t), opt: isOptional(t)}
	s.leads, s.open = reach{}.visit(t)
	if t.Kind() == reflect.Struct && !s.opt {
		s.fields = fieldShapes(t, s.asks)
	}
	shapes.Store(t, s)
	return s
}

// asks leaves pointers out: what they point to is asked.
func asks(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(askerType)
}

func fieldShapes(t reflect.Type, outerAsks bool) (list []fieldShape) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !followed(f) {
			continue
		}
		if leads, open := (reach{}).visit(f.Type); leads || open {
			list = append(list, fieldShape{
				index: i,
				name:  f.Name,
				way:   way{dived: strings.Contains(f.Tag.Get("validate"), "dive") || hasRules(f.Type, map[reflect.Type]bool{}), quiet: f.Anonymous && outerAsks},
			})
		}
	}
	return list
}

func followed(f reflect.StructField) bool {
	return f.Tag.Get("validate") != "-" && (f.IsExported() || f.Anonymous)
}

// reach holds the types on the way from the first one (true) and those left
// behind (false). Each survey is made anew: what a type in the middle of a cycle
// reaches is not known before its end.
type reach map[reflect.Type]bool

func (r reach) visit(t reflect.Type) (leads, open bool) {
	if onPath, seen := r[t]; seen {
		return false, onPath
	}
	r[t] = true
	leads = asks(t)
	for part := range partTypes(t) {
		partLeads, partOpen := r.visit(part)
		leads, open = leads || partLeads, open || partOpen
	}
	r[t] = false
	return leads, open || t.Kind() == reflect.Interface
}

// partTypes yields the types of what a value of type t holds directly.
func partTypes(t reflect.Type) func(yield func(reflect.Type) bool) {
	return func(yield func(reflect.Type) bool) {
		switch {
		case isOptional(t):
			yield(innerType(t))
		case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Array, t.Kind() == reflect.Map:
			yield(t.Elem())
		case isModel(t):
			for f := range t.Fields() {
				if followed(f) && !yield(f.Type) {
					return
				}
			}
		}
	}
}
