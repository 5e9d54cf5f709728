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
	c := newTags()
	c.elements(t)
	return c
}

func newTags() *tags {
	return &tags{
		seen:     map[reflect.Type]bool{},
		standIns: map[reflect.Type]validator.CustomTypeFunc{},
		rewrites: map[reflect.Type]map[string]string{},
		sampled:  map[reflect.Type][2]reflect.Value{},
	}
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
		if rewritten := at.level(f.Type, split(tag)); rewritten != tag {
			if c.rewrites[t] == nil {
				c.rewrites[t] = map[string]string{}
			}
			c.rewrites[t][f.Name] = rewritten
		}
	}
}

// of is the tag of a field that the engine is to use.
func (c *tags) of(model reflect.Type, f reflect.StructField) string {
	if tag, ok := c.rewrites[model][f.Name]; ok {
		return tag
	}
	return f.Tag.Get("validate")
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
	rules = impliedDive(t, base, rules)
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

// impliedDive adds the dive that validator wants before it looks at the models in
// a list or map: a document is valid only if they are. Without any rule a nil
// pointer to the list is in order.
func impliedDive(t, base reflect.Type, rules []string) []string {
	kind := base.Kind()
	isList := kind == reflect.Slice || kind == reflect.Array || kind == reflect.Map
	if !isList || slices.Contains(rules, "dive") || !hasRules(base.Elem(), map[reflect.Type]bool{}) {
		return rules
	}
	if t != base && len(rules) == 0 {
		return []string{"omitnil", "dive"}
	}
	return append(slices.Clone(rules), "dive")
}

// hasRules reports whether a model somewhere below t has a rule.
func hasRules(t reflect.Type, seen map[reflect.Type]bool) bool {
	base, _ := settle(t)
	if seen[base] {
		return false
	}
	seen[base] = true
	switch {
	case base.Kind() == reflect.Slice, base.Kind() == reflect.Array, base.Kind() == reflect.Map:
		return hasRules(base.Elem(), seen)
	case !isModel(base):
		return false
	}
	for f := range base.Fields() {
		if followed(f) && (f.Tag.Get("validate") != "" || hasRules(f.Type, seen)) {
			return true
		}
	}
	return false
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
	if c.unchanged() {
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

// unchanged reports whether the engine sees types and tags as they are.
func (c *tags) unchanged() bool { return len(c.standIns) == 0 && len(c.rewrites) == 0 }

var plain = sync.OnceValue(newEngine)

func newEngine() *validator.Validate {
	return validator.New(validator.WithRequiredStructEnabled())
}
