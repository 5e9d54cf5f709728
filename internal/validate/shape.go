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
	s.leads, s.open = reaches(t)
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
		if leads, open := reaches(f.Type); leads || open {
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

// reach holds the types on the way from the first one, and what those left behind
// lead to. Each survey is made anew where types recur: what one in the middle of a
// cycle reaches is not known before its end.
type reach map[reflect.Type]*reached

type reached struct {
	onPath bool
	leads  bool
	open   bool
}

// closed are the types whose values come to an end → whether they lead to a Validate method.
var closed sync.Map // reflect.Type → bool

// reaches reports whether values of a type lead to a Validate method, and whether they can
// nest without end.
func reaches(t reflect.Type) (leads, open bool) { return reach{}.visit(t) }

func (r reach) visit(t reflect.Type) (leads, open bool) {
	if isPlain(t) {
		return false, false
	}
	if leads, is := closed.Load(t); is {
		return leads.(bool), false
	}
	if seen := r[t]; seen != nil {
		return seen.leads, seen.open || seen.onPath
	}
	here := &reached{onPath: true}
	r[t] = here
	leads = asks(t)
	for part := range partTypes(t) {
		partLeads, partOpen := r.visit(part)
		leads, open = leads || partLeads, open || partOpen
	}
	open = open || t.Kind() == reflect.Interface
	*here = reached{leads: leads, open: open}
	if !open {
		closed.Store(t, leads)
	}
	return leads, open
}

// isPlain reports whether t is one of Go's own texts, numbers and booleans, which have no parts and no methods.
func isPlain(t reflect.Type) bool {
	return t.PkgPath() == "" && (t.Kind() <= reflect.Complex128 || t.Kind() == reflect.String)
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
