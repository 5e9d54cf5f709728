package validate

import (
	"reflect"
	"strings"
)

// aboutPresence reports whether a rule asks only if there is a value, which every
// type can answer.
func aboutPresence(name string) bool {
	switch name {
	case "required", "omitempty", "omitnil", "omitzero", "isdefault", "structonly", "nostructlevel", "skip_unless":
		return true
	}
	return strings.HasPrefix(name, "required_") || strings.HasPrefix(name, "excluded_")
}

// steers reports whether the engine treats a word of a tag as no rule but a
// direction.
func steers(word string) bool {
	switch word {
	case "omitempty", "omitnil", "omitzero", "structonly", "nostructlevel", "dive", "keys", "endkeys":
		return true
	}
	return false
}

// rule looks at one rule, or at the alternatives a|b, on values of type base.
func (p place) rule(base reflect.Type, text string) {
	if steers(text) {
		if text == "keys" {
			p.mistake("keys stands without dive: write dive,keys,…,endkeys,…")
		}
		return
	}
	for alternative := range strings.SplitSeq(text, "|") {
		name, param, _ := strings.Cut(alternative, "=")
		switch {
		case name == "":
			p.mistake("there is a rule without a name: remove the comma or bar that is too many")
			continue
		case name == "validateFn":
			p.calls = true
			continue
		case p.refused(base, name, alternative, param):
			continue
		}
		p.rules = append(p.rules, rule{p.model, p.field, base, alternative})
	}
}

// refused reports rules that fail by the value that arrives, so that no sample
// would show it.
func (p place) refused(base reflect.Type, name, text, param string) bool {
	switch {
	case isSecret(base) && !aboutPresence(name):
		p.mistake("rule %q looks at the text of a secret, which errors would then carry: use required or omitempty, or a Validate method", text)
	case base.Kind() == reflect.Interface && !aboutPresence(name):
		p.mistake("rule %q depends on a type that %s leaves open: give the field a type, or use a Validate method", text, base)
	case name == "unique" && !p.canBeUnique(base, param):
		p.mistake("rule %q cannot compare the elements of %s: name a comparable field with unique=Field, or use a Validate method", text, base)
	case !p.knowsFields(name, param):
		p.mistake("rule %q looks at a field that %s does not have, or that is an interface: correct the name", text, p.model)
	default:
		return false
	}
	return true
}

// canBeUnique reports whether unique can hash what it compares; an interface may
// hold anything, also what cannot be hashed.
func (p place) canBeUnique(base reflect.Type, param string) bool {
	switch base.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		base = base.Elem()
	default:
		return true // compares two fields; the probe tells
	}
	base = pointee(base)
	if param == "" {
		return hashable(base)
	}
	if base.Kind() != reflect.Struct {
		return false
	}
	f, ok := base.FieldByName(param)
	return ok && f.IsExported() && hashable(pointee(f.Type))
}

// pointee takes one pointer off t, as unique does.
func pointee(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func hashable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Array:
		return hashable(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !hashable(f.Type) {
				return false
			}
		}
	}
	return t.Comparable()
}

// knowsFields reports whether the fields that a rule names exist. validator takes
// a name it does not know for a condition that never holds. A rule that compares
// a field's value with a text needs a type for it.
func (p place) knowsFields(name, param string) bool {
	words := words(param)
	switch {
	case strings.HasSuffix(name, "_if"), strings.HasSuffix(name, "_unless"):
		for i := 0; i < len(words); i += 2 {
			if !p.has(words[i], true) {
				return false
			}
		}
		return true
	case strings.HasPrefix(name, "required_with"), strings.HasPrefix(name, "excluded_with"):
		for _, w := range words {
			if !p.has(w, false) {
				return false
			}
		}
		return true
	case strings.HasSuffix(name, "csfield"): // counted from the outermost model
		return true
	case strings.HasSuffix(name, "field"), name == "fieldcontains", name == "fieldexcludes":
		return p.has(param, false)
	}
	return true
}

// has looks up the first step of a path such as Owner.Name; the rest is left to
// the engine.
func (p place) has(path string, typed bool) bool {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	f, ok := p.model.FieldByName(path[:end])
	return ok && !(typed && f.Type.Kind() == reflect.Interface)
}

// words splits a parameter at spaces, except inside 'single quotes'.
func words(param string) []string {
	quoted := false
	return strings.FieldsFunc(param, func(r rune) bool {
		if r == '\'' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}
