package validate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// tags is what the validate tags below a type say, collected the way that the
// engine walks: through pointers, optional fields and embedded structs, and into
// elements only after dive.
type tags struct {
	found    bool
	mistakes []error
	seen     map[reflect.Type]bool
	standIns map[reflect.Type]validator.CustomTypeFunc
	rewrites map[reflect.Type]map[string]string // struct → field → tag that skips absent optional values
	rules    []rule
	models   []reflect.Type
	sampled  map[reflect.Type][2]reflect.Value
	calls    bool // a rule calls a method of the model
}

// rule is one rule where it stands.
type rule struct {
	model reflect.Type
	field string
	base  reflect.Type // what it runs on
	text  string       // such as "min=3" or "url|email"
}

func collect(t reflect.Type) *tags {
	c := &tags{
		seen:     map[reflect.Type]bool{},
		standIns: map[reflect.Type]validator.CustomTypeFunc{},
		rewrites: map[reflect.Type]map[string]string{},
		sampled:  map[reflect.Type][2]reflect.Value{},
	}
	c.elements(t)
	return c
}

// elements goes through the containers at the top, which have no field and no tag.
func (c *tags) elements(t reflect.Type) {
	base, _ := c.settle(t)
	switch base.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		if !c.seen[base] { // type List []List
			c.seen[base] = true
			c.elements(base.Elem())
		}
	case reflect.Struct:
		c.model(base)
	}
}

// settle also notes what the engine must see something else in place of.
func (c *tags) settle(t reflect.Type) (base reflect.Type, isOpt bool) {
	base, isOpt = settle(t)
	if isSecret(base) {
		c.standIns[base] = secretStandIn
	}
	for isOpt && t != base {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
			continue
		}
		c.standIns[t] = standIn
		t = innerType(t)
	}
	return base, isOpt
}

func (c *tags) model(t reflect.Type) {
	if c.seen[t] || !isModel(t) {
		return
	}
	c.seen[t] = true
	c.models = append(c.models, t)
	for f := range t.Fields() {
		tag := f.Tag.Get("validate")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		c.found = c.found || tag != ""
		at := place{c, t, f.Name}
		if rewritten := at.level(f.Type, split(tag)); tag != "" && rewritten != tag {
			if c.rewrites[t] == nil {
				c.rewrites[t] = map[string]string{}
			}
			c.rewrites[t][f.Name] = rewritten
		}
	}
}

func split(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

// place is a field of a model, where a mistake can be told.
type place struct {
	*tags
	model reflect.Type
	field string
}

func (p place) mistake(format string, args ...any) {
	p.mistakes = append(p.mistakes, fmt.Errorf("%s.%s: "+format, append([]any{p.model, p.field}, args...)...))
}

// level takes the rules up to the next dive, which are about t itself, follows
// the rest into the elements, and returns the tag that the engine is to use.
func (p place) level(t reflect.Type, rules []string) string {
	base, isOpt := p.settle(t)
	here, below, dives := cut(rules, "dive")
	for _, r := range here {
		p.rule(base, r)
	}
	if isOpt && len(rules) > 0 {
		here = skipAbsent(here)
	}
	if dives {
		return strings.Join(append(here, "dive"+p.dive(base, below)), ",")
	}
	if base.Kind() == reflect.Struct && !slices.Contains(here, "structonly") && !slices.Contains(here, "nostructlevel") {
		p.tags.model(base)
	}
	return strings.Join(here, ",")
}

// dive follows the rules behind a dive; the tag it returns begins with a comma.
func (p place) dive(base reflect.Type, rules []string) (tag string) {
	switch base.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
	default:
		p.mistake(`dive needs a slice, array or map, not %s: remove it`, base)
		return ""
	}
	if len(rules) > 0 && rules[0] == "keys" {
		keys, rest, closed := cut(rules[1:], "endkeys")
		if !closed || base.Kind() != reflect.Map {
			p.mistake(`keys needs a map and an endkeys: write dive,keys,…,endkeys,…`)
			return ""
		}
		tag = ",keys," + strings.Join(append(split(p.level(base.Key(), keys)), "endkeys"), ",")
		rules = rest
	}
	if elem := p.level(base.Elem(), rules); elem != "" {
		tag += "," + elem
	}
	return tag
}

func cut(rules []string, at string) (before, after []string, found bool) {
	if i := slices.Index(rules, at); i >= 0 {
		return slices.Clone(rules[:i]), rules[i+1:], true
	}
	return slices.Clone(rules), nil, false
}

// skipAbsent moves the rules about presence to the front and lets an absent value
// skip those that are left: on a nil pointer the engine fails any rule.
func skipAbsent(rules []string) []string {
	presence, rest := []string{}, []string{}
	for _, r := range rules {
		if name, _, _ := strings.Cut(r, "="); aboutPresence(name) {
			presence = append(presence, r)
		} else {
			rest = append(rest, r)
		}
	}
	return append(append(presence, "omitnil"), rest...)
}

// engine returns the validator for these tags: the common one, unless a type
// needs a stand-in, which an engine must know before its first use.
func (c *tags) engine() *validator.Validate {
	if len(c.standIns) == 0 {
		return plain()
	}
	v := newEngine()
	for t, fn := range c.standIns {
		v.RegisterCustomTypeFunc(fn, reflect.Zero(t).Interface())
	}
	for t, rules := range c.rewrites {
		v.RegisterStructValidationMapRules(rules, reflect.Zero(t).Interface())
	}
	return v
}

var plain = sync.OnceValue(newEngine)

func newEngine() *validator.Validate {
	return validator.New(validator.WithRequiredStructEnabled())
}
