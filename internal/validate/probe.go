package validate

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/go-playground/validator/v10"
)

// probe runs each rule alone on samples of its type: in a tag the first rule that
// fails hides those behind it. Then it runs the models as a whole.
func (c *tags) probe(engine *validator.Validate) {
	for _, r := range c.rules {
		if said := r.panics(engine); said != "" {
			place{c, r.model, r.field}.mistake("%s", r.mend(said))
		}
	}
	if len(c.mistakes) > 0 || c.calls {
		return // a model's own method may well panic on a sample
	}
	for _, t := range c.models {
		for _, v := range samples(t) {
			if said := caught(func() { _ = engine.Struct(addressable(v).Addr().Interface()) }); said != "" {
				c.mistakes = append(c.mistakes, fmt.Errorf("%s: its validate tags cannot run: %s: correct them", t, said))
				break
			}
		}
	}
}

func (r rule) panics(engine *validator.Validate) string {
	for _, model := range samples(r.model) {
		for _, value := range samples(r.base) {
			if said := caught(func() { r.run(engine, value, model) }); said != "" {
				return said
			}
		}
	}
	return ""
}

func (r rule) run(engine *validator.Validate, value, model reflect.Value) {
	name, _, _ := strings.Cut(r.text, "=")
	switch {
	case !isModel(r.base) && !isSecret(r.base):
		_ = engine.VarWithValue(value.Interface(), model.Interface(), r.text)
	case aboutPresence(name): // the engine would look into the struct instead
		_ = engine.VarWithValue("", model.Interface(), r.text)
	default:
		_ = engine.VarWithKey(r.field, value.Interface(), r.text)
	}
}

// mend says what to do about a panic of the engine.
func (r rule) mend(said string) string {
	name, _, _ := strings.Cut(r.text, "=")
	switch {
	case strings.Contains(said, "Undefined validation"), strings.Contains(said, "Invalid validation"):
		return fmt.Sprintf("there is no rule %q: correct its name (validator/v10 lists them)", name)
	case strings.Contains(said, "Bad field type"), isModel(r.base):
		return fmt.Sprintf("rule %q does not fit %s: remove it, or change the field's type", r.text, r.base)
	}
	return fmt.Sprintf("rule %q cannot run: %s: correct its parameter", r.text, said)
}

// caught runs f and returns what it panicked with, "" if it did not. Only texts
// that hold no values of a model are passed on: validator's own are about types
// and parameters, the runtime's about types and indexes.
func caught(f func()) (said string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case string:
			said = p
		case runtime.Error:
			said = p.Error()
		default:
			said = fmt.Sprintf("panic with a %T", p)
		}
	}()
	f()
	return ""
}
