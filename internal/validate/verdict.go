package validate

import (
	"reflect"
	"slices"

	"github.com/go-playground/validator/v10"
)

// verdict answers whether the engine would find nothing wrong with v. Most values
// are in order, and for them a verdict costs a tenth of the engine and allocates
// nothing. It knows the commonest rules only, and no may also mean that it cannot
// tell: the engine then looks, and alone says what is wrong. So only a wrong yes
// would be a fault. depth counts the models around v.
type verdict func(v reflect.Value, depth int) bool

// shallow is how many models within each other a verdict follows. Deeper ones are
// left to the engine, which is led by a walk that sees cycles.
const shallow = 1000

// verdicts turns tags into verdicts. A nil verdict says that there is nothing to
// look at: what no rule reaches is never walked.
type verdicts struct {
	tags   *tags
	models map[reflect.Type]*model
	beyond bool // something is left to the engine, and so are all values of the type
}

type model struct{ fields []modelField }

type modelField struct {
	index int
	keeps verdict
}

// verdict returns nil where only the engine can tell, or where there is a mistake.
func (c *tags) verdict(t reflect.Type) verdict {
	if len(c.mistakes) > 0 {
		return nil
	}
	vs := c.verdicts()
	if keeps := vs.top(t); !vs.beyond {
		return keeps
	}
	return nil
}

func (c *tags) verdicts() *verdicts {
	return &verdicts{tags: c, models: map[reflect.Type]*model{}}
}

// top goes into the containers at the top as if each had a dive. They end in a
// model: a type such as type List []List has no tags and does not come here.
func (c *verdicts) top(t reflect.Type) verdict {
	base, _ := settle(t)
	switch base.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return c.through(t, base, c.each(base, c.top(base.Elem())), true)
	}
	return c.level(t, nil)
}

// level takes the rules up to the next dive, which are about t itself, and then
// what is behind it: the elements or the fields. Compare [place.level].
func (c *verdicts) level(t reflect.Type, rules []string) verdict {
	if hasValuer(t) {
		c.beyond = true
		return nil
	}
	base, _ := settle(t)
	here, below, dives := cut(rules, "dive")
	nilKeeps := len(rules) == 0 || skips(rules[0])
	if isSecret(base) || base.Kind() == reflect.Interface {
		return c.through(t, base, c.presence(base, rules, nilKeeps), nilKeeps)
	}
	var keeps verdict
	switch {
	case dives:
		keeps = c.dive(base, below)
	case isModel(base) && c.speaks(base, map[reflect.Type]bool{}):
		keeps = c.model(base)
	}
	for _, r := range slices.Backward(here) {
		keeps = c.rule(base, r, t != base, keeps)
	}
	return c.through(t, base, keeps, nilKeeps)
}

// skips reports whether a rule lets an absent value pass all that follow it.
func skips(rule string) bool {
	return rule == "omitempty" || rule == "omitnil" || rule == "omitzero"
}

var valuerType = reflect.TypeFor[validator.Valuer]()

// hasValuer reports whether the engine may ask a value of type t for another one.
// Types such as type P *P, which never end, count as well.
func hasValuer(t reflect.Type) bool {
	for range 100 {
		switch {
		case reflect.PointerTo(t).Implements(valuerType):
			return true
		case t.Kind() == reflect.Pointer:
			t = t.Elem()
		case isOptional(t):
			t = innerType(t)
		default:
			return false
		}
	}
	return true
}

// through puts the pointers and optional fields between t and base before keeps.
// nilKeeps says whether nothing at all would be in order.
func (c *verdicts) through(t, base reflect.Type, keeps verdict, nilKeeps bool) verdict {
	if t == base || keeps == nil && nilKeeps {
		return keeps
	}
	pointed, inner := pointerOf(t)
	keeps = c.through(inner, base, keeps, nilKeeps)
	return func(v reflect.Value, depth int) bool {
		v = pointed(v)
		if v.IsNil() {
			return nilKeeps
		}
		return keeps == nil || keeps(v.Elem(), depth)
	}
}

// pointerOf tells how to reach what t, a pointer or an optional field, holds.
func pointerOf(t reflect.Type) (pointer func(reflect.Value) reflect.Value, inside reflect.Type) {
	if t.Kind() == reflect.Pointer {
		return func(v reflect.Value) reflect.Value { return v }, t.Elem()
	}
	return inner, innerType(t)
}

// presence looks only whether there is a value: a Secret's, or one that an
// interface holds.
func (c *verdicts) presence(base reflect.Type, rules []string, nilKeeps bool) verdict {
	for _, r := range rules {
		c.beyond = c.beyond || r != "required" && !skips(r)
	}
	switch {
	case base.Kind() == reflect.Interface:
		return func(v reflect.Value, _ int) bool { return plainInside(v, nilKeeps) }
	case nilKeeps:
		return nil
	}
	return func(v reflect.Value, _ int) bool { return secretStandIn(v) == true }
}

// plainInside reports whether an interface holds what JSON makes for one, which
// has no rules of its own; anything else is for the engine to look at.
func plainInside(v reflect.Value, nilKeeps bool) bool {
	if v.IsNil() {
		return nilKeeps
	}
	v = v.Elem()
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64, reflect.String:
		return v.Type().PkgPath() == "" // named types may have methods that the engine asks
	case reflect.Slice, reflect.Map:
		return v.Type().PkgPath() == "" && !v.IsNil()
	}
	return false
}

func (c *verdicts) dive(base reflect.Type, rules []string) verdict {
	if len(rules) > 0 && rules[0] == "keys" {
		c.beyond = true
		return nil
	}
	return c.each(base, c.level(base.Elem(), rules))
}

// each asks keeps about every element of a slice, an array or a map.
func (c *verdicts) each(base reflect.Type, keeps verdict) verdict {
	switch {
	case base.Kind() == reflect.Map && !findable(base.Key()):
		c.beyond = true
		return nil
	case keeps == nil:
		return nil
	case base.Kind() == reflect.Map:
		return func(v reflect.Value, depth int) bool { return keepEntries(v, depth, keeps) }
	}
	return func(v reflect.Value, depth int) bool {
		for i := range v.Len() {
			if !keeps(v.Index(i), depth) {
				return false
			}
		}
		return true
	}
}

// findable leaves out keys that may be NaN: the engine looks each entry up by its
// key, and would not find it.
func findable(key reflect.Type) bool {
	zero := reflect.Zero(key)
	return key.Kind() == reflect.String || zero.CanInt() || zero.CanUint()
}

func keepEntries(v reflect.Value, depth int, keeps verdict) bool {
	if v.Len() == 0 {
		return true
	}
	elem := reflect.New(v.Type().Elem()).Elem()
	for entries := v.MapRange(); entries.Next(); {
		elem.SetIterValue(entries)
		if !keeps(elem, depth) {
			return false
		}
	}
	return true
}

func (c *verdicts) model(t reflect.Type) verdict {
	m, known := c.models[t]
	if !known {
		m = &model{}
		c.models[t] = m
		for i := range t.NumField() {
			if f := t.Field(i); followed(f) {
				if keeps := c.field(t, f); keeps != nil {
					m.fields = append(m.fields, modelField{i, keeps})
				}
			}
		}
	}
	return m.keeps
}

func (c *verdicts) field(t reflect.Type, f reflect.StructField) verdict {
	if base, isOpt := settle(f.Type); !f.IsExported() && (isOpt || !isModel(base)) {
		c.beyond = true // it cannot be asked for its methods
	}
	return c.level(f.Type, split(c.tags.of(t, f)))
}

func (m *model) keeps(v reflect.Value, depth int) bool {
	if depth > shallow {
		return false
	}
	for i := range m.fields {
		if f := &m.fields[i]; !f.keeps(v.Field(f.index), depth+1) {
			return false
		}
	}
	return true
}

// speaks reports whether the engine could have something to say about the fields
// below a type: one has a tag, or may hold anything.
func (c *verdicts) speaks(t reflect.Type, seen map[reflect.Type]bool) bool {
	base, _ := settle(t)
	switch {
	case base.Kind() == reflect.Interface, hasValuer(t):
		return true
	case seen[base] || !isModel(base):
		return false
	}
	seen[base] = true
	for f := range base.Fields() {
		if followed(f) && (c.tags.of(base, f) != "" || c.speaks(f.Type, seen)) {
			return true
		}
	}
	return false
}
