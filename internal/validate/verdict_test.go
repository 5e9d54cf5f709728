package validate

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"
)

// Every compiled rule on every kind, with every edge value: a verdict is the
// engine's, except that unusual emails and urls are left to it.
func TestVerdictsOfEachRule(t *testing.T) {
	compiled := map[string]int{}
	for _, tag := range compilable() {
		name := strings.FieldsFunc(tag, func(r rune) bool { return r == '=' || r == ',' || r == '|' })[0]
		t.Run(tag, func(t *testing.T) {
			engine := newEngine() // its cache of types slows down as it grows
			for _, of := range fieldTypes {
				for _, of := range []reflect.Type{of, reflect.PointerTo(of)} {
					if verdictOfRule(t, of, tag, engine) {
						compiled[name]++
					}
				}
			}
		})
	}
	for name, least := range map[string]int{"required": 50, "omitempty": 50, "min": 20, "oneof": 10, "email": 4, "uuid4": 4, "contains": 4, "eq": 20, "dive": 1} {
		require.GreaterOrEqual(t, compiled[name], least, "%s: %v", name, compiled)
	}
}

// compilable lists each rule that a verdict knows, alone and with what changes it.
func compilable() (tags []string) {
	for _, name := range limits {
		for _, param := range []string{"0", "1", "3", "-1", "0x2", "1.5", "1s", "NaN", "true", "9223372036854775807", "18446744073709551615"} {
			tags = append(tags, name+"="+param)
		}
	}
	for _, name := range limits {
		tags = append(tags, "omitempty,"+name+"=0", "omitempty,"+name+"=3")
	}
	for name := range forms {
		switch name {
		case "contains", "startswith", "endswith":
			tags = append(tags, name+"=a", name+"=0x2C")
		case "datetime":
			tags = append(tags, name+"=2006-01-02")
		default:
			tags = append(tags, name, "omitempty,"+name, name+"|eq=dog", "min=1|"+name)
		}
	}
	for _, name := range presence {
		for _, other := range presence {
			tags = append(tags, name, name+","+other, name+","+other+",required", name+",min=1,"+other)
		}
	}
	return append(tags, "oneof=dog cat", "oneof=1 01 2", "oneof=01 0x3 1_2", "oneof='a b' 12", "dive", "required,dive", "dive,required", "dive,omitempty,min=2", "eq=dog|eq=cat,min=3|max=1", "eq=0x7C", "ne=dog,required")
}

func verdictOfRule(t *testing.T, of reflect.Type, tag string, engine *validator.Validate) (compiled bool) {
	model := reflect.StructOf([]reflect.StructField{{Name: "F", Type: of, Tag: reflect.StructTag(fmt.Sprintf("validate:%q", tag))}})
	tags := collect(model)
	if len(tags.standIns) > 0 {
		engine = tags.engine()
	}
	if tags.probe(always(engine), false); len(tags.mistakes) > 0 {
		return false
	}
	keeps := tags.verdict(model)
	if keeps == nil {
		return false
	}
	for _, v := range edges(of) {
		whole := reflect.New(model).Elem()
		whole.Field(0).Set(v)
		want := (&Plan{engine: always(engine), open: true}).Check(whole)
		got := keeps(whole, 0)
		if got || !oneSidedAt(of, tag) {
			require.Equal(t, want == nil, got, "%s on %s: %+v: %v", tag, of, v, want)
		}
	}
	return true
}

// oneSidedAt reports whether a verdict may leave values to the engine that are in order.
func oneSidedAt(of reflect.Type, tag string) bool {
	base, _ := settle(of)
	return base.Kind() == reflect.Interface || isModel(base) || strings.Contains(tag, "email") || strings.Contains(tag, "url")
}

// edges are values of a type at which rules begin to fail.
func edges(of reflect.Type) (list []reflect.Value) {
	zero := reflect.Zero(of)
	list = append(list, zero)
	switch kind := of.Kind(); {
	case kind == reflect.String:
		for _, s := range texts {
			list = append(list, reflect.ValueOf(s).Convert(of))
		}
	case zero.CanInt(), zero.CanUint():
		for _, n := range numbers {
			list = append(list, reflect.ValueOf(n).Convert(of))
		}
	case zero.CanFloat():
		for _, x := range floats {
			list = append(list, reflect.ValueOf(x).Convert(of))
		}
	case kind == reflect.Pointer:
		for _, inside := range edges(of.Elem()) {
			p := reflect.New(of.Elem())
			p.Elem().Set(inside)
			list = append(list, p)
		}
	default:
		m := maker{Rand: rand.New(rand.NewPCG(1, 1)), text: "x", n: 3}
		for range 60 {
			v := reflect.New(of).Elem()
			m.fill(v, 0)
			list = append(list, v)
		}
	}
	return list
}

type order struct {
	ID       int64             `validate:"gt=0"`
	Number   string            `validate:"required,max=20"`
	Status   string            `validate:"oneof=open paid 'in transit'"`
	Total    float64           `validate:"gte=0"`
	Retries  uint8             `validate:"lt=10"`
	Wait     time.Duration     `validate:"min=1s,max=1h"`
	Customer owner             `validate:"required"`
	Billing  *owner            `validate:"omitempty"`
	Tags     []string          `validate:"max=3,dive,required,alphanum"`
	Created  time.Time         `validate:"required"`
	Key      string            `validate:"uuid4|uuid"`
	Site     string            `validate:"omitempty,url"`
	Note     Opt[string]       `validate:"max=10"`
	Token    Secret            `validate:"required"`
	Parent   *order            `validate:"omitempty"`
	Extra    any               `validate:"required"`
	Labels   map[string]string `validate:"max=2,dive,required"`
	Free     map[string]owner
	embedded
}

type embedded struct {
	Kind string `validate:"eq=a|eq=b"`
}

func validOrder() *order {
	return &order{
		ID: 1, Number: "é-1", Status: "in transit", Wait: time.Minute, Customer: owner{"Ann", "ann@mail.example.com"}, Billing: &owner{Name: "Bob"}, Tags: []string{"a1", "b"},
		Created: time.Unix(0, 0), Key: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", Site: "https://example.com/a?b=c%20d", Note: Some("short"), Token: NewSecret("k"), Extra: map[string]any{}, embedded: embedded{"b"},
	}
}

// The engine is not asked about values that keep their rules.
func TestKeptRulesNeedNoEngine(t *testing.T) {
	nested := validOrder()
	nested.Parent = validOrder()
	for name, v := range map[string]any{"order": validOrder(), "nested": nested, "list": []*order{validOrder(), nil}, "map": map[string]order{"a": *nested}} {
		t.Run(name, func(t *testing.T) {
			plan, asked := counted(t, reflect.TypeOf(v))
			at := reflect.New(reflect.TypeOf(v)).Elem()
			at.Set(reflect.ValueOf(v))
			require.NoError(t, plan.Check(at))
			require.Zero(t, *asked)
			if name != "map" {
				require.Zero(t, testing.AllocsPerRun(100, func() { _ = plan.Check(at) }))
			}
		})
	}
	broken := validOrder()
	broken.ID = 0
	plan, asked := counted(t, reflect.TypeFor[order]())
	require.EqualError(t, plan.Check(reflect.ValueOf(broken).Elem()), "ID fails gt=0")
	require.Equal(t, 1, *asked, "the engine makes the error")
}

// counted compiles a plan whose engine counts the orders that it looks at.
func counted(t *testing.T, of reflect.Type) (plan *Plan, asked *int) {
	plan, mistakes := compile(of)
	require.Empty(t, mistakes)
	asked = new(int)
	engine := collect(of).engine() // the plan's has looked at its samples already
	engine.RegisterStructValidation(func(validator.StructLevel) { *asked++ }, order{})
	return &Plan{engine: always(engine), keeps: plan.keeps}, asked
}

// trap is an optional field that tells when it is looked at.
type trap struct{ looks *int }

func (p *trap) Inner() (any, *uint8) {
	if p.looks != nil {
		*p.looks++
	}
	return new(int), new(uint8)
}

type (
	chained struct {
		Trap trap
		Text string
		Next *chained
		List []chained
	}
	withAny struct {
		Next *withAny
		Any  any
	}
	besideRules struct {
		ID   int `validate:"gt=0"`
		Body chained
		Ptr  *chained
		Skip ruled     `validate:"-"`
		Many []chained // without dive
	}
	ruled struct {
		Trap trap `validate:"omitempty,min=1"`
	}
)

// What no rule reaches is never walked, however deep it is.
func TestWhatHasNoRulesIsNotWalked(t *testing.T) {
	plan, _ := Compile(reflect.TypeFor[chained]())
	require.Nil(t, plan)
	plan, _ = Compile(reflect.TypeFor[*withAny]())
	require.Nil(t, plan, "what an any holds has no rules where the model has none")

	looks := 0
	model := besideRules{ID: 1, Body: chained{Trap: trap{&looks}}, Ptr: &chained{Trap: trap{&looks}}, Skip: ruled{trap{&looks}}, Many: []chained{{Trap: trap{&looks}}}}
	model.Ptr.Next = model.Ptr // a cycle
	v := reflect.ValueOf(&model).Elem()
	plan, mistakes := Compile(v.Type())
	require.Empty(t, mistakes)
	require.NoError(t, plan.Check(v))
	require.Zero(t, looks)
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = plan.Check(v) }))

	require.NoError(t, check(t, &struct{ R ruled }{ruled{trap{&looks}}}))
	require.NotZero(t, looks, "what a rule reaches is looked at")
}

type valued struct{ X int }

func (valued) ValidatorValue() any { return owner{} }

// What a verdict does not know is left to the engine, for the whole type.
func TestLeftToTheEngine(t *testing.T) {
	type base struct {
		A int `validate:"gt=0"`
	}
	type text string
	for name, v := range map[string]any{
		"another rule": struct {
			F string `validate:"ip"`
		}{},
		"an alternative": struct {
			F string `validate:"min=1|ip"`
		}{},
		"another field": struct {
			A, F string `validate:"eqfield=A"`
		}{},
		"keys": struct {
			F map[string]int `validate:"dive,keys,min=1,endkeys,gt=0"`
		}{},
		"floats as keys": struct {
			F map[float64]int `validate:"dive,gt=0"`
		}{},
		"floats, bare": struct {
			F map[float64]Secret `validate:"dive"`
		}{},
		"valuer": struct {
			F valued
			base
		}{},
		"valuer behind": struct {
			F *[]*valued `validate:"omitempty,dive"`
		}{},
		"hidden in a model": struct {
			F struct {
				P *struct {
					I string `validate:"ip"`
				}
			}
		}{},
		"unexported list": struct {
			text `validate:"required"`
		}{},
		"fields left out": struct {
			F owner `validate:"structonly"`
		}{},
		"own method": struct {
			F span `validate:"validateFn=Validate"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			of := reflect.TypeOf(v)
			tags := collect(of)
			require.True(t, tags.found)
			require.Nil(t, tags.verdict(of))
			require.Nil(t, knownTop(of))
		})
	}
}

// A verdict gives up where a cycle could be, and then the walk tells.
func TestVerdictsOfDeepValues(t *testing.T) {
	of := reflect.TypeFor[tree]()
	keeps := collect(of).verdict(of)
	deep := &tree{}
	for range shallow - 1 {
		deep = &tree{Left: deep}
	}
	require.True(t, keeps(reflect.ValueOf(deep).Elem(), 0))
	require.False(t, keeps(reflect.ValueOf(tree{Left: &tree{Kids: []*tree{deep}}}), 0))
	require.NoError(t, check(t, tree{Left: &tree{Kids: []*tree{deep}}}))
}

// R46: a verdict that panics is none: the engine looks.
func TestVerdictsDoNotPanic(t *testing.T) {
	plan := &Plan{engine: plain, keeps: func(reflect.Value, int) bool { panic("hunter2") }}
	require.NoError(t, plan.Check(reflect.ValueOf(owner{Name: "x"})))
	require.ErrorContains(t, plan.Check(reflect.ValueOf(owner{})), "Name fails required")
}
