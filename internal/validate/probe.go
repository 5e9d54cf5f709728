package validate

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// probe runs each rule alone on samples of its type: in a tag the first rule that
// fails hides those behind it. Then it runs the models as a whole, unless a verdict
// knows all that stands in them: such rules are about their own value alone.
func (c *tags) probe(engine func() *validator.Validate, known bool) {
	for _, r := range c.rules {
		if said := c.said(engine, r, known); said != "" {
			place{c, r.model, r.field}.mistake("%s", r.mend(said))
		}
	}
	if known || len(c.mistakes) > 0 || c.calls {
		return // a model's own method may well panic on a sample
	}
	for _, t := range c.models {
		for _, v := range c.samples(t) {
			if said := caught(func() { _ = engine().Struct(addressable(v).Addr().Interface()) }); said != "" {
				c.mistakes = append(c.mistakes, fmt.Errorf("%s: its validate tags cannot run: %s: correct them", t, said))
				break
			}
		}
	}
}

// probed grows with the types and rules of a program. A rule on a type is asked about
// once: a program has many models, and few kinds of fields. The engine, too, would
// remember each model by copying all it knows, which makes many models slow to declare.
var probed sync.Map // probedRule → string

type probedRule struct {
	base reflect.Type
	text string
}

func (c *tags) said(engine func() *validator.Validate, r rule, known bool) string {
	if !known {
		return c.panics(engine(), r)
	}
	at := probedRule{r.base, r.text}
	said, ok := probed.Load(at)
	if !ok {
		said, _ = probed.LoadOrStore(at, c.panics(plain(), r))
	}
	return said.(string)
}

func (c *tags) panics(engine *validator.Validate, r rule) string {
	for _, model := range c.samples(r.model) {
		for _, value := range c.samples(r.base) {
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

// caught runs f, which is the engine, and returns what it panicked with, "" if it
// did not. The engine's texts are about types and parameters, never values.
func caught(f func()) string { return recovered(f, true) }

// caughtModel does it for a model's own method, whose texts may hold anything.
func caughtModel(f func()) string { return recovered(f, false) }

func recovered(f func(), harmless bool) (said string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case runtime.Error: // about types and indexes
			said = p.Error()
		case string:
			said = "panic with a text"
			if harmless {
				said = p
			}
		default:
			said = fmt.Sprintf("panic with a %T", p)
		}
	}()
	f()
	return ""
}
