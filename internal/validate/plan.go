package validate

import (
	"reflect"
	"sync"

	"github.com/go-playground/validator/v10"
)

// Plan is what there is to validate on the values of one type. A nil Plan is one
// that finds nothing to say, at no cost. A Plan is safe for concurrent use.
type Plan struct {
	engine func() *validator.Validate // makes it when it is first asked; nil where it has nothing to look at
	keeps  verdict                    // says yes sooner than the engine; nil where only that can tell
	asks   bool                       // a Validate method is somewhere below
	open   bool                       // the engine could follow a value without end: types that recur, or an any
}

// Compile looks at a model once: at its validate tags, as far as validator/v10
// follows them, and at the Validate methods of all models below it. It returns
// nil, nil when there is nothing to validate, and the plan of an earlier call for
// a type that it has seen. t may be a struct, or a pointer, slice, array or map of
// one; a nil t has nothing to validate. It is safe for concurrent use.
//
// mistakes are the rules that validator would panic on or never run, each with
// type, field and mend. A plan that comes with mistakes must not be used.
func Compile(t reflect.Type) (*Plan, []error) {
	if t == nil {
		return nil, nil
	}
	if c, ok := compiled.Load(t); ok {
		c := c.(*compilation)
		return c.plan, c.mistakes
	}
	plan, mistakes := compile(t)
	c, _ := compiled.LoadOrStore(t, &compilation{plan, mistakes})
	return c.(*compilation).plan, c.(*compilation).mistakes
}

type compilation struct {
	plan     *Plan
	mistakes []error
}

var compiled sync.Map // reflect.Type → *compilation

func compile(t reflect.Type) (*Plan, []error) {
	if k := knownTop(t); k != nil {
		return k.plan(t), nil
	}
	leads, open := reaches(t)
	tags := collect(t)
	if !tags.found && !leads {
		return nil, nil
	}
	plan := &Plan{asks: leads}
	if tags.found {
		plan.engine, plan.open = sync.OnceValue(tags.engine), open
		plan.keeps = tags.verdict(t)
		tags.probe(plan.engine, plan.keeps != nil)
	}
	return plan, tags.mistakes
}

// Check validates v, a value of the plan's type, and reports all that it finds,
// up to a hundred elements of a list or map: errors.As finds
// validator.ValidationErrors and the errors that Validate methods returned.
// Rules come before Validate methods, inner models before outer ones. A panic in
// either becomes an error, and so do models with rules or methods that nest deeper
// than 10 000 levels, as cyclic pointers do. Messages name fields and rules, never
// values. Values that keep the usual rules cost no allocation.
func (p *Plan) Check(v reflect.Value) error {
	if p == nil || !v.IsValid() {
		return nil
	}
	v = addressable(v)
	kept := p.engine == nil || p.keptBy(v)
	if kept && !p.asks {
		return nil
	}
	return p.report(v, kept)
}

// keptBy reports whether v surely keeps all rules.
func (p *Plan) keptBy(v reflect.Value) (kept bool) {
	if p.keeps != nil {
		caught(func() { kept = p.keeps(v, 0) })
	}
	return kept
}

// report runs the engine, unless all rules are kept, and the Validate methods.
func (p *Plan) report(v reflect.Value, kept bool) error {
	var found findings
	if !kept && p.open {
		if err := (&walk{}).visit(v, way{dived: true}); err != nil {
			return err
		}
	}
	if !kept {
		found.tags(p.engine(), v, "")
	}
	if p.asks {
		w := walk{found: &found, failed: len(found.list) > 0}
		if err := w.visit(v, way{dived: true}); err != nil {
			return err
		}
	}
	return found.err()
}

// addressable returns v, or a copy of it where v has no address: methods with
// pointer receivers and the engine want one.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	box := reflect.New(v.Type()).Elem()
	box.Set(v)
	return box
}
