package validate

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"
)

// oneSided are the forms that leave unusual texts to the engine.
var oneSided = map[string]bool{"email": true, "url": true, "http_url": true}

// FuzzForms holds the rules about texts to the engine's.
func FuzzForms(f *testing.F) {
	for _, s := range texts {
		f.Add(s, "a")
	}
	f.Add("2024-02-30", "2006-01-02")
	engine := newEngine()
	f.Fuzz(func(t *testing.T, text, param string) {
		for name := range forms {
			requireSameForm(t, engine, name, text, param)
		}
	})
}

func requireSameForm(t *testing.T, engine *validator.Validate, name, text, param string) {
	t.Helper()
	tag := name
	if name == "contains" || name == "startswith" || name == "endswith" || name == "datetime" {
		if strings.ContainsAny(param, ",|") || strings.Contains(param, "0x") || param == "" {
			return
		}
		tag += "=" + param
	}
	want, got := engine.Var(text, tag) == nil, forms[name](text, param)
	if got != want && (got || !oneSided[name]) {
		t.Errorf("%s on %q: %v, the engine says %v", tag, text, got, want)
	}
}

// Chance seldom finds the few bytes on which two readings of a form part, so all
// short texts of the bytes that matter are tried.
func TestFormsOfShortTexts(t *testing.T) {
	engine := newEngine()
	words := []string{"alpha", "alphanum", "number", "numeric", "lowercase", "uppercase"}
	for _, of := range []struct {
		start, bytes string
		most         int
		names        []string
	}{
		{"", "0xX1a", 5, []string{"hexadecimal"}}, {"", "+-.1\n", 4, []string{"numeric", "number"}}, {"", "aZ1\xff\xc3\xa9\n", 3, words},
		{"", "a@.-0", 6, []string{"email"}}, {"a@", "a.-0A~", 5, []string{"email"}},
		{"http", "s:/a", 6, []string{"url"}}, {"http://", "a0.:-@[", 5, []string{"url", "http_url"}}, {"https://a", ":0/?#%f \x7f", 5, []string{"url"}},
	} {
		var try func(text string, more int)
		try = func(text string, more int) {
			for _, name := range of.names {
				requireSameForm(t, engine, name, text, "")
			}
			for i := range len(of.bytes) * min(more, 1) {
				try(text+of.bytes[i:i+1], more-1)
			}
		}
		try(of.start, of.most)
	}
}

func TestFormsWithOneByteChanged(t *testing.T) {
	engine := newEngine()
	for _, text := range texts {
		for i := range len(text) {
			for _, c := range []byte("\x00\n -+.:/@%#?[~09aAfgG\x7f\xc3") {
				for _, name := range []string{"email", "url", "numeric", "uuid", "uuid4", "uuid4_rfc4122"} {
					requireSameForm(t, engine, name, text[:i]+string([]byte{c})+text[i+1:], "")
				}
			}
		}
	}
}

// FuzzVerdict makes models with rules and values, and looks for a verdict of yes
// where the engine says no. On no the plan's error must be the engine's.
func FuzzVerdict(f *testing.F) {
	for i := range uint64(2000) {
		f.Add(i, "x", int64(i), 1.5)
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string, n int64, x float64) {
		m := maker{Rand: rand.New(rand.NewPCG(seed, 1)), text: text, n: n, x: x}
		of := m.model(2)
		if m.IntN(4) == 0 {
			of = m.around(of)
		}
		tags := collect(of)
		engine := newEngine() // its cache of types slows down as it grows
		if len(tags.standIns) > 0 {
			engine = tags.engine()
		}
		tags.probe(always(engine), false)
		k := knownTop(of)
		requireKnown(t, of, tags, k)
		if len(tags.mistakes) > 0 || !tags.found {
			return
		}
		keeps := tags.verdict(of)
		for range 6 {
			v := reflect.New(of).Elem()
			m.fill(v, 0)
			requireSameVerdict(t, engine, keeps, v)
			if k != nil {
				plan := k.plan(of)
				requireSameVerdict(t, engine, func(v reflect.Value, _ int) bool {
					return plan == nil || plan.engine == nil || plan.keptBy(v)
				}, v)
			}
		}
	})
}

// requireKnown holds what is known of the fields by themselves to the declaration as a whole.
func requireKnown(t *testing.T, of reflect.Type, tags *tags, k *known) {
	t.Helper()
	if k == nil {
		return
	}
	require.Empty(t, tags.mistakes)
	require.Equal(t, tags.found, k.tagged)
	leads, open := reaches(of)
	require.Equal(t, [2]bool{leads, open}, [2]bool{k.leads, k.open})
}

// requireSameVerdict checks v by the engine alone and by the engine after keeps.
func requireSameVerdict(t *testing.T, engine *validator.Validate, keeps verdict, v reflect.Value) {
	t.Helper()
	want := (&Plan{engine: always(engine), open: true}).Check(v)
	got := (&Plan{engine: always(engine), open: true, keeps: keeps}).Check(v)
	if (got == nil) != (want == nil) {
		t.Fatalf("%s\n%+v\nerror %v instead of %v", v.Type(), v, got, want)
	}
	if want != nil && !hasMaps(v.Type()) { // the order of a map is left open
		require.Equal(t, want.Error(), got.Error())
		require.Equal(t, failures(want), failures(got))
	}
}

// hasMaps is rough: it reads the type's name.
func hasMaps(t reflect.Type) bool {
	name := t.String()
	return strings.Contains(name, "map[") || strings.Contains(name, "pet") || strings.Contains(name, "tree")
}

func failures(err error) (list []string) {
	for _, one := range err.(*findings).list {
		failed, ok := errors.AsType[validator.ValidationErrors](one.err)
		if !ok {
			return append(list, one.err.Error())
		}
		for _, f := range failed {
			list = append(list, fmt.Sprint(f.Namespace(), f.StructNamespace(), f.Field(), f.Tag(), f.ActualTag(), f.Param(), f.Kind(), f.Type(), f.Error()))
		}
	}
	return list
}

type (
	phase   string
	seconds time.Duration
	quiet   struct{ A, B string }
	maybe   struct {
		quiet
		*owner
		Any  any
		Next *maybe
		Opt  Opt[owner]
	}
)

var fieldTypes = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[phase](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int64](), reflect.TypeFor[uint](),
	reflect.TypeFor[uint8](), reflect.TypeFor[uintptr](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex128](), reflect.TypeFor[time.Duration](), reflect.TypeFor[seconds](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[any](), reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[Secret](), reflect.TypeFor[Opt[string]](), reflect.TypeFor[Opt[int]](), reflect.TypeFor[Opt[[]string]](),
	reflect.TypeFor[Opt[owner]](), reflect.TypeFor[Opt[Secret]](), reflect.TypeFor[owner](), reflect.TypeFor[pet](), reflect.TypeFor[tree](), reflect.TypeFor[quiet](), reflect.TypeFor[maybe](), reflect.TypeFor[func()](), reflect.TypeFor[chan int](),
}

var (
	texts = []string{
		"", "a", "x", "ab", "abc", "ABC", "é", "日本", "\xff", "a b", "dog", "cat", "open", "1", "01", "12", "-1", "+1.5", "1.", ".5", "1.5", "1e3", "0x1F", "fF", "true", "2024-01-31", "2024-02-30",
		"a@b.co", "a.b@c-d.example", "a@b", "a..b@c.de", "A@B.C0M", "a@-b.co", "é@b.co", `"a b"@c.de`, "a@b.co\n", "o'x+y@z.w.museum", "a@[1.2.3.4]", "<a@b.co>",
		"http://a", "https://a.b/c?d=e#f", "http://a:80", "http://a:b", "http://", "http:///a", "ftp://a/b", "HTTP://A/", "http://a/%zz", "http://a/%2f", "http://a/?%", "http://a/#%", "http://[::1]/", "http://u:p@h/", "http://a b/", "http://a/é", "https://-a", "http://a..b", "mailto:a@b.c",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-41D1-80B4-00C04FD430C8", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "6ba7b810-9dad-41d1-c0b4-00c04fd430c8", "6ba7b8109dad41d180b400c04fd430c8", "6ba7b810-9dad-41d1-80b4-00c04fd430cg",
	}
	numbers  = []int64{0, 1, -1, 2, 3, 12, 100, -128, math.MaxInt64, math.MinInt64, int64(time.Second), int64(time.Hour)}
	floats   = []float64{0, math.Copysign(0, -1), 1, 1.5, -1, 0.1, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)}
	presence = []string{"required", "omitempty", "omitnil", "omitzero"}
	limits   = []string{"min", "max", "len", "eq", "ne", "gt", "gte", "lt", "lte"}
)

// maker makes types, tags and values from a seed.
type maker struct {
	*rand.Rand
	text string
	n    int64
	x    float64
}

func pick[T any](m maker, list ...T) T { return list[m.IntN(len(list))] }

func (m maker) model(depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+m.IntN(4))
	for i := range fields {
		of := m.fieldType(depth)
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: of}
		if tag := m.tag(of); tag != "" {
			fields[i].Tag = reflect.StructTag(fmt.Sprintf("validate:%q", tag))
		}
	}
	return reflect.StructOf(fields)
}

func (m maker) fieldType(depth int) reflect.Type {
	of := pick(m, fieldTypes...)
	if depth > 0 && m.IntN(4) == 0 {
		of = m.model(depth - 1)
	}
	for m.IntN(3) == 0 {
		of = m.around(of)
	}
	return of
}

func (m maker) around(t reflect.Type) reflect.Type {
	switch m.IntN(5) {
	case 0:
		return reflect.SliceOf(t)
	case 1:
		return reflect.ArrayOf(m.IntN(3), t)
	case 2:
		return reflect.MapOf(pick(m, reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[float64]()), t)
	}
	return reflect.PointerTo(t)
}

// tag is made of rules that fit the type, most of the time.
func (m maker) tag(of reflect.Type) string {
	base, _ := settle(of)
	var rules []string
	for m.IntN(3) > 0 {
		rule := m.rule(base)
		if !isPresence(rule) && m.IntN(5) == 0 {
			rule += "|" + m.rule(base)
		}
		rules = append(rules, rule)
	}
	if base.Kind() == reflect.Slice || base.Kind() == reflect.Array || base.Kind() == reflect.Map {
		switch m.IntN(3) {
		case 0:
			return strings.Join(rules, ",")
		case 1:
			return strings.Join(append(rules, "dive"), ",")
		}
		return strings.TrimSuffix(strings.Join(append(rules, "dive", m.tag(base.Elem())), ","), ",")
	}
	return strings.Join(rules, ",")
}

func isPresence(rule string) bool { return skips(rule) || rule == "required" }

func (m maker) rule(base reflect.Type) string {
	if m.IntN(3) == 0 {
		return pick(m, presence...)
	}
	switch zero := reflect.Zero(base); {
	case base.Kind() == reflect.String && m.IntN(2) == 0:
		if m.IntN(3) > 0 {
			return pick(m, slices.Sorted(maps.Keys(forms))...)
		}
		return pick(m, "oneof=dog cat", "oneof='a b' x'y", "oneof=a0x2Cb 'dog'", "contains=a", "startswith=a0x2C", "endswith=b0x7C", "excludes=a")
	case base == reflect.TypeFor[time.Duration]() && m.IntN(2) == 0:
		return pick(m, limits...) + pick(m, "=1s", "=1h", "=0", "=-5ms")
	case base.Kind() == reflect.String, zero.CanInt():
		return pick(m, append(limits, "oneof")...) + pick(m, "=1", "=0", "=2", "=12", "=0x3", "=-1", "=9223372036854775807")
	case zero.CanUint():
		return pick(m, append(limits, "oneof")...) + pick(m, "=1", "=0", "=2", "=0x3", "=18446744073709551615", "=1_0")
	case zero.CanFloat():
		return pick(m, limits...) + pick(m, "=1.5", "=0.1", "=-0", "=1e300", "=NaN", "=Inf")
	case base.Kind() == reflect.Slice, base.Kind() == reflect.Map, base.Kind() == reflect.Array:
		return pick(m, limits...) + pick(m, "=1", "=0", "=2")
	case base.Kind() == reflect.Bool:
		return pick(m, "eq=true", "ne=true", "eq=0", "isdefault")
	}
	return pick(m, "required", "isdefault", "structonly", "nostructlevel", "omitempty")
}

// fill makes a value; every third part stays zero.
func (m maker) fill(v reflect.Value, depth int) {
	if !v.CanSet() || m.IntN(3) == 0 {
		return
	}
	switch kind := v.Kind(); {
	case kind == reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case v.CanInt():
		v.SetInt(pick(m, append(numbers, m.n)...))
	case v.CanUint():
		v.SetUint(uint64(pick(m, append(numbers, m.n)...)))
	case v.CanFloat():
		v.SetFloat(pick(m, append(floats, m.x)...))
	case kind == reflect.String:
		v.SetString(pick(m, append(texts, m.text)...))
	case kind == reflect.Interface && v.NumMethod() == 0:
		v.Set(reflect.ValueOf(pick[any](m, 1, "", phase("x"), []any(nil), []any{1}, map[string]any{}, owner{}, &owner{}, owner{Name: "x"}, true, time.Time{})))
	case kind == reflect.Interface:
		v.Set(reflect.ValueOf(time.Duration(m.n)))
	case depth < 6:
		m.fillParts(v, depth+1)
	}
}

func (m maker) fillParts(v reflect.Value, depth int) {
	switch t := v.Type(); {
	case t == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(m.n%1e10, 0)))
	case isSecret(t):
		v.Set(reflect.ValueOf(NewSecret(m.text)))
	case isOptional(t):
		value, state := v.Addr().Interface().(optional).Inner()
		*state = uint8(m.IntN(3))
		m.fill(reflect.ValueOf(value).Elem(), depth)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		m.fill(v.Elem(), depth)
	case t.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, m.IntN(4), 4))
		fallthrough
	case t.Kind() == reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i), depth)
		}
	case t.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(t))
		for range m.IntN(3) {
			key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			m.fill(key, depth)
			m.fill(elem, depth)
			v.SetMapIndex(key, elem)
		}
	case t.Kind() == reflect.Struct:
		for _, f := range v.Fields() {
			m.fill(f, depth)
		}
	case t.Kind() == reflect.Chan:
		v.Set(reflect.MakeChan(t, 0))
	}
}
