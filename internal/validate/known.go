package validate

import (
	"reflect"
	"slices"
	"sync"

	"github.com/go-playground/validator/v10"
)

// known is what a type and its tag say by themselves, whatever model they stand in. A
// program has many models and few kinds of fields: what is known of all fields of a
// model is all that there is to know of it, and it costs a look at each.
type known struct {
	keeps   verdict // nil where there is nothing to look at
	tagged  bool    // a validate tag stands here or below
	leads   bool    // as in shape
	open    bool
	special bool // the engine must be shown something else
}

// knownOf returns nil where only the declaration as a whole tells: there is a mistake to
// report, a rule that looks at other fields, or one that is left to the engine.
func knownOf(t reflect.Type, tag string) *known {
	if tag == "" && isPlain(t) {
		return nothing
	}
	at := knownAt{t, tag}
	knowns.RLock()
	k, is := knowns.of[at]
	knowns.RUnlock()
	if is {
		return k
	}
	if tag == "" && isPlainModel(t) {
		k = knownModel(t)
	} else {
		k = learn(t, tag)
	}
	knowns.Lock()
	defer knowns.Unlock()
	knowns.of[at] = k
	return k
}

// nothing is known of texts, numbers and booleans without a tag: there is nothing to say.
var nothing = &known{}

type knownAt struct {
	typ reflect.Type
	tag string
}

// knowns grows with the types and tags of a program. It is no sync.Map, which would look at such a key
// for longer than this lock takes.
var knowns = struct {
	sync.RWMutex
	of map[knownAt]*known // nil where nothing is known
}{of: map[knownAt]*known{}}

// isPlainModel reports whether t is a model that the engine is not shown something else for.
func isPlainModel(t reflect.Type) bool { return isModel(t) && !isOptional(t) }

// knownModel puts together what is known of a model's fields. It asks for methods only where there can be
// some: for that a run-time type would need that of its pointer, which is slow to make.
func knownModel(t reflect.Type) *known {
	k, m, methods := &known{}, &model{}, t.PkgPath() != ""
	for i := range t.NumField() {
		f := t.Field(i)
		methods = methods || f.Anonymous
		tag := f.Tag.Get("validate")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if !f.IsExported() && !isPlainModel(f.Type) {
			return nil
		}
		part := knownOf(f.Type, tag)
		if part == nil {
			return nil
		}
		k.add(part)
		if part.keeps != nil {
			m.fields = append(slices.Grow(m.fields, t.NumField()-i), modelField{i, part.keeps})
		}
	}
	if methods {
		if hasValuer(t) || isOptional(t) {
			return nil
		}
		k.leads = k.leads || asks(t)
	}
	if len(m.fields) > 0 {
		k.keeps = m.keeps
	}
	return k
}

func (k *known) add(part *known) {
	k.tagged = k.tagged || part.tagged
	k.leads = k.leads || part.leads
	k.open = k.open || part.open
	k.special = k.special || part.special
}

// learn compiles a field of a model that has no other.
func learn(t reflect.Type, tag string) *known {
	c := newTags()
	seen := place{c, reflect.TypeFor[struct{}](), ""}.level(t, split(tag))
	if len(c.mistakes) > 0 {
		return nil
	}
	vs := c.verdicts()
	keeps := vs.level(t, split(seen))
	if vs.beyond {
		return nil
	}
	if c.probe(plain, true); len(c.mistakes) > 0 {
		return nil
	}
	leads, open := reaches(t)
	return &known{keeps, c.found || tag != "", leads, open, seen != tag || !c.unchanged()}
}

// knownTop goes into the containers at the top as [verdicts.top] does.
func knownTop(t reflect.Type) *known {
	if isModel(t) {
		return knownModel(t)
	}
	if t.Name() != "" {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
	default:
		return nil
	}
	k := knownTop(t.Elem())
	if k == nil || t.Kind() == reflect.Pointer && t.Elem().Kind() != reflect.Struct {
		return nil
	}
	vs, whole := &verdicts{}, *k
	if t.Kind() == reflect.Pointer {
		whole.keeps = vs.through(t, t.Elem(), k.keeps, true)
	} else {
		whole.keeps = vs.each(t, k.keeps)
	}
	if vs.beyond {
		return nil
	}
	return &whole
}

// plan makes a plan for t, nil if there is nothing to validate.
func (k *known) plan(t reflect.Type) *Plan {
	rules := k.tagged && k.keeps != nil // what an any holds is looked at beside rules only
	switch {
	case !rules && !k.leads:
		return nil
	case !rules:
		return &Plan{asks: true}
	}
	p := &Plan{engine: plain, keeps: k.keeps, asks: k.leads, open: k.open}
	if k.special {
		p.engine = sync.OnceValue(func() *validator.Validate { return collect(t).engine() })
	}
	return p
}
