package conformance

import (
	"fmt"
	"slices"
)

// object is a JSON object of the data that remembers which keys a driver has asked for: one that nobody asked for
// is an input that the driver does not know, and fails the row.
type object struct {
	values map[string]any
	read   map[string]bool
}

func newObject(values map[string]any) *object {
	return &object{values: values, read: map[string]bool{}}
}

// unread are the keys that nobody has asked for.
func (o *object) unread() []string {
	var keys []string
	for _, key := range sortedKeys(o.values) {
		if !o.read[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

// get returns the value of a key, nil when it is absent or null.
func (o *object) get(key string) any {
	o.read[key] = true
	return o.values[key]
}

// has reports whether the key is there, be it null.
func (o *object) has(key string) bool {
	o.read[key] = true
	_, ok := o.values[key]
	return ok
}

// null reports whether the key is there and null.
func (o *object) null(key string) bool { return o.has(key) && o.values[key] == nil }

// text returns a string, "" when it is absent or null.
func (o *object) text(key string) string { return orZero[string](o.get(key), key) }

// flag returns a boolean, false when it is absent or null.
func (o *object) flag(key string) bool { return orZero[bool](o.get(key), key) }

// number returns a whole number, otherwise when it is absent or null.
func (o *object) number(key string, otherwise int) int {
	v := o.get(key)
	if v == nil {
		return otherwise
	}
	return int(orZero[float64](v, key))
}

func (o *object) texts(key string) []string { return asTexts(o.get(key)) }

// named is a name with its values; a nil list stands for null, which removes it.
type named struct {
	name   string
	values []string
}

// fields reads pairs ([["a","b"]], in their order) or an object. Values of one name, spelled the same, come together.
func (o *object) fields(key string) []named {
	switch v := o.get(key).(type) {
	case nil:
		return nil
	case map[string]any:
		var fields []named
		for _, name := range sortedKeys(v) {
			fields = append(fields, newNamed(name, v[name]))
		}
		return fields
	case []any:
		return gather(v)
	default:
		panic(fmt.Sprintf("the key %s is neither pairs nor an object", key))
	}
}

func newNamed(name string, value any) named {
	if value == nil {
		return named{name: name}
	}
	return named{name, []string{value.(string)}}
}

func gather(pairs []any) []named {
	var fields []named
	for _, entry := range pairs {
		pair := asList(entry)
		field := newNamed(pair[0].(string), pair[1])
		i := slices.IndexFunc(fields, func(f named) bool { return f.name == field.name })
		if i < 0 {
			fields = append(fields, field)
			continue
		}
		fields[i].values = append(fields[i].values, field.values...)
	}
	return fields
}

func orZero[T any](v any, key string) (zero T) {
	if v == nil {
		return zero
	}
	typed, ok := v.(T)
	if !ok {
		panic(fmt.Sprintf("the key %s is a %T, not a %T", key, v, zero))
	}
	return typed
}

func asList(v any) []any { return orZero[[]any](v, "of a list") }

func asObject(v any) map[string]any { return orZero[map[string]any](v, "of an object") }

func asTexts(v any) []string {
	var texts []string
	for _, entry := range asList(v) {
		texts = append(texts, entry.(string))
	}
	return texts
}

// must ends a row for a trouble of the driver itself.
func must(err error) {
	if err != nil {
		panic(err.Error())
	}
}

// must1 is must beside a value.
func must1[T any](v T, err error) T {
	must(err)
	return v
}
