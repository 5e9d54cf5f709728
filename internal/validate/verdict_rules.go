package validate

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// test answers one rule for one value.
type test func(v reflect.Value) bool

// rule puts one rule, or the alternatives a|b, before next. pointed says that the
// value came by a pointer, which makes it present even if it is zero.
func (c *verdicts) rule(base reflect.Type, text string, pointed bool, next verdict) verdict {
	if skips(text) {
		if next == nil {
			return nil
		}
		present := hasValue(base, text, pointed)
		return func(v reflect.Value, depth int) bool { return !present(v) || next(v, depth) }
	}
	var either []test
	for alternative := range strings.SplitSeq(text, "|") {
		name, param, _ := strings.Cut(alternative, "=")
		param = strings.ReplaceAll(strings.ReplaceAll(param, "0x2C", ","), "0x7C", "|")
		t := testFor(base, name, param, pointed)
		if t == nil {
			c.beyond = true
			return nil
		}
		either = append(either, t)
	}
	return before(next, anyOf(either))
}

func anyOf(either []test) test {
	if len(either) == 1 {
		return either[0]
	}
	return func(v reflect.Value) bool {
		return slices.ContainsFunc(either, func(t test) bool { return t(v) })
	}
}

func before(next verdict, first test) verdict {
	if next == nil {
		return func(v reflect.Value, _ int) bool { return first(v) }
	}
	return func(v reflect.Value, depth int) bool { return first(v) && next(v, depth) }
}

// testFor returns nil for what is left to the engine.
func testFor(base reflect.Type, name, param string, pointed bool) test {
	switch name {
	case "required":
		return hasValue(base, name, pointed)
	case "min", "gte", "max", "lte", "gt", "lt", "len", "eq", "ne":
		return bound(base, name, param)
	case "oneof":
		return oneOf(base, param)
	}
	if form := forms[name]; form != nil && base.Kind() == reflect.String {
		return func(v reflect.Value) bool { return form(v.String(), param) }
	}
	return nil
}

// hasValue is what required and the rules that skip mean by a value.
func hasValue(base reflect.Type, name string, pointed bool) test {
	switch kind := base.Kind(); {
	case kind == reflect.Slice, kind == reflect.Map:
		if name == "omitzero" {
			return func(v reflect.Value) bool { return v.Len() > 0 }
		}
		return isSet
	case kind == reflect.Chan, kind == reflect.Func:
		return isSet
	case name == "omitnil", pointed && name != "omitzero":
		return func(reflect.Value) bool { return true }
	case kind == reflect.String:
		return func(v reflect.Value) bool { return v.Len() > 0 }
	}
	return func(v reflect.Value) bool { return !v.IsZero() }
}

func isSet(v reflect.Value) bool { return !v.IsNil() }

// bound compares a number, or the length of what has one; a text's is in runes.
func bound(base reflect.Type, name, param string) test {
	kind, zero := base.Kind(), reflect.Zero(base)
	switch {
	case kind == reflect.String && name == "eq":
		return func(v reflect.Value) bool { return v.String() == param }
	case kind == reflect.String && name == "ne":
		return func(v reflect.Value) bool { return v.String() != param }
	case kind == reflect.Bool:
		want, err := strconv.ParseBool(param)
		if err != nil || name != "eq" {
			return nil
		}
		return func(v reflect.Value) bool { return v.Bool() == want }
	case kind == reflect.String:
		return compare(name, param, parseInt, func(v reflect.Value) int64 { return int64(utf8.RuneCountInString(v.String())) })
	case kind == reflect.Slice, kind == reflect.Array, kind == reflect.Map:
		return compare(name, param, parseInt, func(v reflect.Value) int64 { return int64(v.Len()) })
	case base == reflect.TypeFor[time.Duration]():
		return compare(name, param, parseDuration, reflect.Value.Int)
	case zero.CanInt():
		return compare(name, param, parseInt, reflect.Value.Int)
	case zero.CanUint():
		return compare(name, param, parseUint, reflect.Value.Uint)
	case zero.CanFloat():
		return compare(name, param, func(s string) (float64, error) { return strconv.ParseFloat(s, base.Bits()) }, reflect.Value.Float)
	}
	return nil
}

func parseInt(s string) (int64, error)   { return strconv.ParseInt(s, 0, 64) }
func parseUint(s string) (uint64, error) { return strconv.ParseUint(s, 0, 64) }

func parseDuration(s string) (int64, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return int64(d), nil
	}
	return parseInt(s)
}

func compare[T cmp.Ordered](name, param string, parse func(string) (T, error), read func(reflect.Value) T) test {
	bound, err := parse(param)
	if err != nil {
		return nil
	}
	switch name {
	case "min", "gte":
		return func(v reflect.Value) bool { return read(v) >= bound }
	case "max", "lte":
		return func(v reflect.Value) bool { return read(v) <= bound }
	case "gt":
		return func(v reflect.Value) bool { return read(v) > bound }
	case "lt":
		return func(v reflect.Value) bool { return read(v) < bound }
	case "ne":
		return func(v reflect.Value) bool { return read(v) != bound }
	}
	return func(v reflect.Value) bool { return read(v) == bound } // len, eq
}

// quotable splits at spaces, except inside 'single quotes'.
var quotable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`'[^']*'|\S+`) })

func oneOf(base reflect.Type, param string) test {
	choices := quotable().FindAllString(param, -1)
	for i, c := range choices {
		choices[i] = strings.ReplaceAll(c, "'", "")
	}
	switch zero := reflect.Zero(base); {
	case base.Kind() == reflect.String:
		return func(v reflect.Value) bool { return slices.Contains(choices, v.String()) }
	case zero.CanInt():
		numbers := written(choices, func(n int64) string { return strconv.FormatInt(n, 10) }, parseInt)
		return func(v reflect.Value) bool { return slices.Contains(numbers, v.Int()) }
	case zero.CanUint():
		numbers := written(choices, func(n uint64) string { return strconv.FormatUint(n, 10) }, parseUint)
		return func(v reflect.Value) bool { return slices.Contains(numbers, v.Uint()) }
	}
	return nil
}

// written returns the numbers among choices. The engine compares them as texts,
// so that 01 is none.
func written[T any](choices []string, format func(T) string, parse func(string) (T, error)) (numbers []T) {
	for _, c := range choices {
		if n, err := parse(c); err == nil && format(n) == c {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
