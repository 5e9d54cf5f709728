package validate

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"
)

// R46: what validator/v10 panics on, at the zero value or once a server sends the
// right thing, is a mistake that names type, field and mend.
func TestMistakes(t *testing.T) {
	type pair struct {
		A int
		M map[string]int
	}
	tests := map[string]struct {
		model any
		want  string // after type and field
	}{
		"unknown rule": {struct {
			F int `validate:"foo=1"`
		}{}, `there is no rule "foo": correct its name`},
		"empty rule": {struct {
			F int `validate:"gt=1,,lt=3"`
		}{}, `there is a rule without a name: remove the comma`},
		"hidden behind another": {struct {
			F string `validate:"min=5,foo"`
		}{}, `there is no rule "foo"`},
		"hidden by omitempty": {struct {
			F string `validate:"omitempty,len=abc"`
		}{}, `rule "len=abc" cannot run`},
		"hidden in an or": {struct {
			F string `validate:"min=1|foo"`
		}{}, `there is no rule "foo"`},
		"gt on channel": {struct {
			F chan int `validate:"gt=1"`
		}{}, `rule "gt=1" does not fit chan int: remove it`},
		"max on function": {struct {
			F func() `validate:"max=1"`
		}{}, `rule "max=1" does not fit func()`},
		"max on struct": {struct {
			F pair `validate:"max=1"`
		}{}, `rule "max=1" does not fit validate.pair`},
		"gt on struct pointer": {struct {
			F *pair `validate:"gt=1"`
		}{}, `rule "gt=1" does not fit validate.pair`},
		"url on struct": {struct {
			F pair `validate:"url"`
		}{}, `rule "url" does not fit validate.pair`},
		"gt on any": {struct {
			F any `validate:"gt=1"`
		}{}, `rule "gt=1" depends on a type that interface {} leaves open`},
		"oneof on any": {struct {
			F any `validate:"omitempty,oneof=a b"`
		}{}, `rule "oneof=a b" depends on a type`},
		"dive on any": {struct {
			F any `validate:"dive"`
		}{}, `dive needs a slice, array or map, not interface {}`},
		"elements of any": {struct {
			F []any `validate:"dive,min=1"`
		}{}, `rule "min=1" depends on a type`},
		"dive on string": {struct {
			F string `validate:"dive"`
		}{}, `dive needs a slice, array or map, not string`},
		"dive too deep": {struct {
			F []string `validate:"dive,dive"`
		}{}, `dive needs a slice, array or map, not string`},
		"oneof on float": {struct {
			F float64 `validate:"oneof=1 2"`
		}{}, `rule "oneof=1 2" does not fit float64`},
		"len of a word": {struct {
			F string `validate:"len=abc"`
		}{}, `rule "len=abc" cannot run: strconv.ParseInt: parsing "abc": invalid syntax: correct its parameter`},
		"min of a fraction": {struct {
			F int `validate:"min=1.5"`
		}{}, `rule "min=1.5" cannot run`},
		"unique on maps": {struct {
			F []map[string]int `validate:"unique"`
		}{}, `rule "unique" cannot compare the elements of []map[string]int`},
		"unique on lists": {struct {
			F [][]int `validate:"unique"`
		}{}, `rule "unique" cannot compare`},
		"unique on any": {struct {
			F []any `validate:"unique"`
		}{}, `rule "unique" cannot compare`},
		"unique map values": {struct {
			F map[string][]int `validate:"unique"`
		}{}, `rule "unique" cannot compare`},
		"unique by no field": {struct {
			F []pair `validate:"unique=Z"`
		}{}, `rule "unique=Z" cannot compare`},
		"unique by a map": {struct {
			F []pair `validate:"unique=M"`
		}{}, `rule "unique=M" cannot compare`},
		"required_if, odd": {struct {
			A string
			F string `validate:"required_if=A"`
		}{}, `rule "required_if=A" cannot run`},
		"required_if, twice": {struct {
			A string
			F string `validate:"required_if=A 1 A 2"`
		}{}, `rule "required_if=A 1 A 2" cannot run`},
		"required_if, no field": {struct {
			F string `validate:"required_if=Z 1"`
		}{}, `rule "required_if=Z 1" looks at a field that`},
		"required_if on any": {struct {
			A any
			F string `validate:"required_if=A x"`
		}{}, `looks at a field that`},
		"required_if, word": {struct {
			A int
			F string `validate:"required_if=A x"`
		}{}, `rule "required_if=A x" cannot run`},
		"required_if, pointer": {struct {
			A *int
			F string `validate:"required_if=A x"`
		}{}, `rule "required_if=A x" cannot run`},
		"excluded_if, nil": {struct {
			A int
			F *string `validate:"excluded_if=A nil"`
		}{}, `rule "excluded_if=A nil" cannot run`},
		"eqfield, no field": {struct {
			F string `validate:"eqfield=Z"`
		}{}, `looks at a field that`},
		"keys without dive": {struct {
			F map[string]int `validate:"keys,min=1,endkeys"`
		}{}, `keys stands without dive`},
		"keys on a list": {struct {
			F []int `validate:"dive,keys,min=1,endkeys"`
		}{}, `keys needs a map and an endkeys`},
		"keys without end": {struct {
			F map[string]int `validate:"dive,keys,min=1"`
		}{}, `keys needs a map and an endkeys`},
		"bad key rule": {struct {
			F map[string]int `validate:"dive,keys,len=a,endkeys"`
		}{}, `rule "len=a" cannot run`},
		"bad value rule": {struct {
			F map[string]int `validate:"dive,keys,min=1,endkeys,url"`
		}{}, `rule "url" does not fit int`},
		"optional": {struct {
			F Opt[float64] `validate:"oneof=1"`
		}{}, `rule "oneof=1" does not fit float64`},
		"optional any": {struct {
			F Opt[any] `validate:"min=1"`
		}{}, `rule "min=1" depends on a type`},
		"secret": {struct {
			F Secret `validate:"min=8"`
		}{}, `rule "min=8" looks at the text of a secret`},
		"secret pointer": {struct {
			F *Secret `validate:"required,len=3"`
		}{}, `rule "len=3" looks at the text of a secret`},
		"optional secret": {struct {
			F Opt[Secret] `validate:"eq=x"`
		}{}, `rule "eq=x" looks at the text of a secret`},
		"secrets": {struct {
			F []Secret `validate:"dive,alpha"`
		}{}, `rule "alpha" looks at the text of a secret`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			of := reflect.TypeOf(tt.model)
			_, mistakes := Compile(of)
			require.Len(t, mistakes, 1, "%v", mistakes)
			require.ErrorContains(t, mistakes[0], of.String()+".F: ")
			require.ErrorContains(t, mistakes[0], tt.want)
			_, again := Compile(of)
			require.Equal(t, mistakes, again)
			for _, holder := range []any{reflect.Zero(reflect.SliceOf(of)).Interface(), reflect.Zero(reflect.PointerTo(of)).Interface()} {
				_, mistakes = Compile(reflect.TypeOf(holder))
				require.Len(t, mistakes, 1, "behind a list or a pointer")
			}
		})
	}
}

type twice struct {
	A int       `validate:"foo"`
	B []twiceIn `validate:"dive"`
	C *twice
}

type twiceIn struct {
	D float64 `validate:"gt=1,oneof=1"`
}

func TestAllMistakesTogether(t *testing.T) {
	_, mistakes := Compile(reflect.TypeFor[*twice]())
	require.Len(t, mistakes, 2)
	require.EqualError(t, mistakes[0], `validate.twice.A: there is no rule "foo": correct its name (validator/v10 lists them)`)
	require.EqualError(t, mistakes[1], `validate.twiceIn.D: rule "oneof=1" does not fit float64: remove it, or change the field's type`)
}

func TestRulesThatMustStay(t *testing.T) {
	type inner struct{ A, B int }
	type model struct {
		A     int            `validate:"required_with=S"`
		S     string         `validate:"required_if=A 1 T 'x y',excluded_unless=A 5|required"`
		T     string         `validate:"eqfield=S|nefield=A"`
		D     time.Duration  `validate:"omitempty,min=1s,max=1h"`
		W     time.Time      `validate:"omitempty,gt"`
		L     []inner        `validate:"omitempty,unique=A,dive"`
		U     []*string      `validate:"unique"`
		P     **inner        `validate:"omitempty,required"`
		Q     inner          `validate:"required,structonly"`
		R     inner          `validate:"omitempty,nostructlevel"`
		C     string         `validate:"omitempty,iscolor|country_code"`
		E     [16]byte       `validate:"omitempty,len=16"`
		V     inner          `validate:"omitempty,validateFn=Nothing"`
		X     map[string]any `validate:"omitempty,min=1,dive,required"`
		N     any            `validate:"required_without_all=A S"`
		Or    string         `validate:"omitempty,ip|fqdn,max=0x2C"`
		chan_ chan int       `validate:"gt=1"`
	}
	plan, mistakes := Compile(reflect.TypeFor[model]())
	require.Len(t, mistakes, 1, "%v", mistakes)
	require.ErrorContains(t, mistakes[0], "model.Or: rule \"max=0x2C\" cannot run")
	require.NotNil(t, plan)
	_ = model{}.chan_
}

var rulesInSource = regexp.MustCompile(`(?m)^\t\t"([a-zA-Z0-9_]+)":\s+(?:is|has|required|excluded|skip|contains|excludes|starts|ends|field)\w*,`)

// R46: every rule on every kind. Either it is a mistake, or no value panics.
func TestEveryRuleOnEveryKind(t *testing.T) {
	kinds := []any{
		false, 0, int8(0), uint(0), uint64(0), uintptr(0), float32(0), 0.0, 1i, "", []byte(nil), []string(nil), []any(nil), [2]int{}, [2]string{}, map[string]int(nil),
		map[string][]int(nil), time.Time{}, time.Duration(0), struct{ X, Y int }{}, owner{}, (*int)(nil), (**string)(nil), (*owner)(nil), make(chan int), func() {}, Opt[int]{}, Opt[string]{}, Secret{}, []owner(nil), [][]int(nil),
	}
	types := []reflect.Type{reflect.TypeFor[any](), reflect.TypeFor[error](), reflect.TypeFor[Opt[any]]()}
	for _, k := range kinds {
		types = append(types, reflect.TypeOf(k))
	}
	params := []string{"", "1", "x", "A", "A 1", "A x", "x y", "1.5", "true", "2006", "US", "nil", "A.B", "A[0]"}
	hostile := hostileValues()
	for _, name := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			engine := newEngine() // its cache of types slows down as it grows
			for _, of := range types {
				for _, param := range params {
					tag := name
					if param != "" {
						tag += "=" + param
					}
					tryRule(t, engine, of, tag, hostile)
				}
			}
		})
	}
}

func tryRule(t *testing.T, engine *validator.Validate, of reflect.Type, tag string, hostile []any) {
	model := reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[string]()},
		{Name: "F", Type: of, Tag: reflect.StructTag(fmt.Sprintf("validate:%q", tag))},
	})
	tags := collect(model)
	if len(tags.standIns) > 0 {
		engine = tags.engine()
	}
	if tags.probe(always(engine), false); len(tags.mistakes) > 0 {
		return
	}
	plan := &Plan{engine: always(engine), open: true}
	values := []reflect.Value{reflect.New(model).Elem(), samples(model)[1]}
	for _, h := range hostile {
		if v := reflect.ValueOf(h); v.Type().AssignableTo(of) {
			one := reflect.New(model).Elem()
			one.Field(1).Set(v)
			values = append(values, one)
		}
	}
	for _, v := range values {
		if err := plan.Check(v); err != nil && strings.Contains(err.Error(), "panicked") {
			t.Errorf("%s on %s: %v", tag, of, err)
		}
	}
}

// hostileValues are what a server may send into fields of these types.
func hostileValues() []any {
	list := []any{true, map[string]any{}, []any{map[string]any{}}, []any{[]any{}, nil, 1.5}, -1, 1 << 40, []string{"", ""}, map[string]int{"": 0}, []byte{0}, time.Unix(0, 0), -1.5}
	for _, s := range []string{"\x00", "\xff\xfe", "é", "-", ":", "http://[", "data:,", "0000000000000000", "ｆｕｌｌ", "{", "\"", "1 2 3 4 5 6 7 8 9", "2006-13-45", "::1%", "9999999999999999999999", "a@b", "/\x00", "%zz", "AAAA-AAAA", "978-3", "0x"} {
		list = append(list, s)
	}
	return append(list, strings.Repeat("9", 5000), strings.Repeat("é", 300))
}

// allRules reads the names that the engine knows from its source, so that a new
// version's rules are tried as well.
func allRules(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(engineSource(t))
	require.NoError(t, err)
	var names []string
	for _, m := range rulesInSource.FindAllStringSubmatch(string(data), -1) {
		names = append(names, m[1])
	}
	for _, known := range []string{"required", "oneof", "email", "unique", "gt", "validateFn", "luhn_checksum", "skip_unless"} {
		require.Contains(t, names, known)
	}
	require.Greater(t, len(names), 150)
	slices.Sort(names)
	return slices.Compact(append(names, "iscolor", "country_code", "omitempty", "omitnil", "omitzero", "structonly", "nostructlevel", "dive", "keys", "endkeys"))
}
