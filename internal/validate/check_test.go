package validate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"
)

type owner struct {
	Name  string `validate:"required"`
	Email string `validate:"omitempty,email"`
}

type pet struct {
	ID    int               `validate:"gt=0"`
	Name  string            `validate:"required,max=5"`
	Kind  string            `validate:"omitempty,oneof=dog cat"`
	Owner *owner            `validate:"omitempty"`
	Other owner             `validate:"-"`
	Tags  []string          `validate:"max=2,dive,min=2"`
	Meta  map[string]string `validate:"omitempty,dive,keys,min=2,endkeys,required"`
	Kids  []pet             `validate:"dive"`
	Born  time.Time         `validate:"omitempty,gt=2000-01-01T00:00:00Z|required"`
	Any   any               `validate:"omitempty"`
	Free  []owner
}

func TestTags(t *testing.T) {
	good := func(change func(*pet)) pet {
		p := pet{ID: 1, Name: "rex"}
		change(&p)
		return p
	}
	tests := map[string]struct {
		v    any
		want string
	}{
		"good":              {good(func(*pet) {}), ""},
		"pointer":           {new(good(func(*pet) {})), ""},
		"nil pointer":       {(*pet)(nil), ""},
		"two fields":        {pet{Name: "too long"}, "ID fails gt=0; Name fails max=5"},
		"through a pointer": {&pet{Name: "x"}, "ID fails gt=0"},
		"oneof":             {good(func(p *pet) { p.Kind = "hunter2" }), "Kind fails oneof=dog cat"},
		"nested":            {good(func(p *pet) { p.Owner = &owner{Email: "x"} }), "Owner.Name fails required; Owner.Email fails email"},
		"dive":              {good(func(p *pet) { p.Tags = []string{"ok", "x"} }), "Tags[1] fails min=2"},
		"length":            {good(func(p *pet) { p.Tags = []string{"aa", "bb", "cc"} }), "Tags fails max=2"},
		"key":               {good(func(p *pet) { p.Meta = map[string]string{"x": "y"} }), "Meta[x] fails min=2"},
		"odd key":           {good(func(p *pet) { p.Meta = map[string]string{"\n": "y"} }), `Meta[\n] fails min=2`},
		"map value":         {good(func(p *pet) { p.Meta = map[string]string{"xx": ""} }), "Meta[xx] fails required"},
		"recursive":         {good(func(p *pet) { p.Kids = []pet{{ID: 1, Name: "a"}, {ID: 1}} }), "Kids[1].Name fails required"},
		"without dive":      {good(func(p *pet) { p.Free = []owner{{}} }), "Free[0].Name fails required"},
		"list":              {[]pet{good(func(*pet) {}), {ID: 1}}, "[1].Name fails required"},
		"list of pointers":  {[]*pet{nil, {ID: 1}}, "[1].Name fails required"},
		"array":             {[1]pet{{ID: 1}}, "[0].Name fails required"},
		"map":               {map[string]pet{"k": {ID: 1}}, "[k].Name fails required"},
		"map of lists":      {map[int][]*pet{7: {{ID: 1}}}, "[7][0].Name fails required"},
		"pointer to list":   {&[]pet{{ID: 1}}, "[0].Name fails required"},
		"unnamed": {struct {
			A int `validate:"gt=1"`
		}{1}, "A fails gt=1"},
		"struct in an any": {good(func(p *pet) { p.Any = owner{} }), "Any.Name fails required"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := check(t, tt.v)
			requireText(t, tt.want, err)
			if tt.want != "" {
				failed, ok := errors.AsType[validator.ValidationErrors](fmt.Errorf("wrapped: %w", err))
				require.True(t, ok)
				require.NotEmpty(t, failed[0].Tag())
			}
		})
	}
}

type shelf struct {
	Plain   []owner
	Deep    map[string][][]*owner
	Array   [1]owner
	Pointer *[]owner
	Opt     Opt[[]owner]
	Within  struct{ List []owner }
	Counted []owner `validate:"max=1"`
	Empty   []owner `validate:"omitempty"`
	Shut    []owner `validate:"-"`
	Closed  []owner `validate:"dive,structonly"`
	Next    []shelf
	Any     []any
}

// Models in lists and maps keep their rules too, as the promise of a valid model says, where validator alone wants a dive.
func TestPromise1ListsAreValidated(t *testing.T) {
	fine := owner{Name: "x"}
	bad := []owner{fine, {}}
	for name, tt := range map[string]struct {
		change func(*shelf)
		want   string
	}{
		"nothing":           {func(*shelf) {}, ""},
		"list":              {func(s *shelf) { s.Plain = bad }, "Plain[1].Name fails required"},
		"map of lists":      {func(s *shelf) { s.Deep = map[string][][]*owner{"k": {{nil, {}}}} }, "Deep[k][0][1].Name fails required"},
		"array":             {func(s *shelf) { s.Array[0] = owner{Name: "x", Email: "y"} }, "Array[0].Email fails email"},
		"pointer":           {func(s *shelf) { s.Pointer = &bad }, "Pointer[1].Name fails required"},
		"optional":          {func(s *shelf) { s.Opt = Some(bad) }, "Opt[1].Name fails required"},
		"in a model":        {func(s *shelf) { s.Within.List = bad }, "Within.List[1].Name fails required"},
		"beside a rule":     {func(s *shelf) { s.Counted = bad[1:] }, "Counted[0].Name fails required"},
		"the rule":          {func(s *shelf) { s.Counted = bad }, "Counted fails max=1"},
		"omitempty":         {func(s *shelf) { s.Empty = bad }, "Empty[1].Name fails required"},
		"not at all":        {func(s *shelf) { s.Shut = bad }, ""},
		"not its models":    {func(s *shelf) { s.Closed = bad }, ""},
		"of itself":         {func(s *shelf) { s.Next = []shelf{{Array: [1]owner{fine}, Next: []shelf{{}}}} }, "Next[0].Next[0].Array[0].Name fails required"},
		"anything in lists": {func(s *shelf) { s.Any = []any{owner{}} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := shelf{Array: [1]owner{fine}}
			tt.change(&s)
			requireText(t, tt.want, check(t, s))
		})
	}
}

func TestTagsOfListsThatEndNever(t *testing.T) {
	s := &shelf{Array: [1]owner{{Name: "x"}}, Next: make([]shelf, 1)}
	s.Next[0] = *s
	s.Next[0].Next = s.Next
	require.ErrorContains(t, check(t, s), "is there a cycle of pointers?")
}

func TestRunTimeTypes(t *testing.T) {
	of := reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[int](), Tag: `validate:"min=3"`},
		{Name: "B", Type: reflect.TypeFor[Opt[string]](), Tag: `validate:"min=3"`},
	})
	plan, mistakes := Compile(of)
	require.Empty(t, mistakes)
	require.EqualError(t, plan.Check(reflect.New(of).Elem()), "A fails min=3")
}

func TestErrorsAreBounded(t *testing.T) {
	err := check(t, make([]owner, 5000))
	var found *findings
	require.ErrorAs(t, err, &found)
	require.Len(t, found.list, most)
	require.Less(t, len(err.Error()), 500)
	require.True(t, strings.HasSuffix(err.Error(), "; and 90 more"), err.Error())

	type keyed struct {
		M map[string]int `validate:"dive,gt=0"`
	}
	err = check(t, keyed{map[string]int{strings.Repeat("k", 5000): 0}})
	require.Less(t, len(err.Error()), 200)
}

type optionals struct {
	Plain    Opt[int]
	Required Opt[int]      `validate:"required"`
	Min      Opt[int]      `validate:"min=3"`
	Empty    Opt[string]   `validate:"omitempty,min=3"`
	If       Opt[string]   `validate:"min=3,required_if=Plain 1"`
	List     Opt[[]string] `validate:"max=2,dive,min=2"`
	Each     []Opt[string] `validate:"dive,min=2"`
	Model    Opt[owner]
	Must     Opt[owner]            `validate:"required"`
	Pointer  *Opt[int]             `validate:"omitempty,gt=1"`
	Map      map[string]Opt[owner] `validate:"dive"`
	Secret   Opt[Secret]           `validate:"required"`
}

func TestOptionals(t *testing.T) {
	good := optionals{Required: Some(0), Must: Some(owner{Name: "a"}), Secret: Some(NewSecret("k"))}
	with := func(change func(*optionals)) *optionals {
		o := good
		change(&o)
		return &o
	}
	tests := map[string]struct {
		v    *optionals
		want string
	}{
		"unset":            {&good, ""},
		"all unset":        {&optionals{}, "Required fails required; Must fails required; Secret fails required"},
		"null is absent":   {with(func(o *optionals) { o.Required, o.Min = Null[int](), Null[int]() }), "Required fails required"},
		"zero is a value":  {with(func(o *optionals) { o.Min = Some(0) }), "Min fails min=3"},
		"value":            {with(func(o *optionals) { o.Min = Some(3) }), ""},
		"omitempty":        {with(func(o *optionals) { o.Empty = Some("x") }), "Empty fails min=3"},
		"condition":        {with(func(o *optionals) { o.Plain = Some(1) }), "If fails required_if=Plain 1"},
		"condition met":    {with(func(o *optionals) { o.Plain, o.If = Some(1), Some("ab") }), "If fails min=3"},
		"dive":             {with(func(o *optionals) { o.List = Some([]string{"x"}) }), "List[0] fails min=2"},
		"elements":         {with(func(o *optionals) { o.Each = []Opt[string]{{}, Some("x"), Null[string]()} }), "Each[1] fails min=2"},
		"model":            {with(func(o *optionals) { o.Model = Some(owner{}) }), "Model.Name fails required"},
		"null model":       {with(func(o *optionals) { o.Model = Null[owner]() }), ""},
		"pointer":          {with(func(o *optionals) { o.Pointer = new(Some(1)) }), "Pointer fails gt=1"},
		"pointer to unset": {with(func(o *optionals) { o.Pointer = new(Opt[int]) }), ""},
		"map":              {with(func(o *optionals) { o.Map = map[string]Opt[owner]{"a": Some(owner{}), "b": {}} }), "Map[a].Name fails required"},
		"empty secret":     {with(func(o *optionals) { o.Secret = Some(Secret{}) }), "Secret fails required"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			requireText(t, tt.want, check(t, tt.v))
			requireText(t, tt.want, check(t, *tt.v))
		})
	}
	requireText(t, "Name fails required", check(t, Some(owner{})))
	requireText(t, "", check(t, Null[owner]()))
}

type credentials struct {
	Key   Secret   `validate:"required"`
	Maybe *Secret  `validate:"omitempty,required"`
	Other Secret   `validate:"required_without=Maybe"`
	Not   Secret   `validate:"excluded_with=Maybe"`
	List  []Secret `validate:"omitempty,dive,required"`
	Free  Secret
}

func TestSecrets(t *testing.T) {
	s := NewSecret("hunter2")
	tests := map[string]struct {
		v    credentials
		want string
	}{
		"good":       {credentials{Key: s, Other: s}, ""},
		"missing":    {credentials{Other: s}, "Key fails required"},
		"empty text": {credentials{Key: NewSecret(""), Other: s}, "Key fails required"},
		"excluded":   {credentials{Key: s, Maybe: &s, Not: s}, "Not fails excluded_with=Maybe"},
		"without":    {credentials{Key: s}, "Other fails required_without=Maybe"},
		"element":    {credentials{Key: s, Other: s, List: []Secret{s, {}}}, "List[1] fails required"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := check(t, tt.v)
			requireText(t, tt.want, err)
			failed, _ := errors.AsType[validator.ValidationErrors](err)
			for _, f := range failed {
				require.NotContains(t, fmt.Sprintf("%#v %v", f.Value(), f.Value()), "hunter2")
			}
		})
	}
}

func TestNothingToValidate(t *testing.T) {
	type bare struct {
		A int
		B []bare
		C map[string]any
		D time.Time
		E Opt[Secret]
	}
	for name, of := range map[string]reflect.Type{
		"nil": nil, "int": reflect.TypeFor[int](), "any": reflect.TypeFor[any](), "struct": reflect.TypeFor[bare](), "map": reflect.TypeFor[map[string]any](),
		"time": reflect.TypeFor[time.Time](), "bytes": reflect.TypeFor[[]byte](), "error": reflect.TypeFor[error](), "pointer": reflect.TypeFor[***bare](),
	} {
		t.Run(name, func(t *testing.T) {
			plan, mistakes := Compile(of)
			require.Nil(t, plan)
			require.Nil(t, mistakes)
		})
	}
	v := reflect.ValueOf(&bare{}).Elem()
	var none *Plan
	require.Zero(t, testing.AllocsPerRun(100, func() {
		plan, _ := Compile(reflect.TypeFor[bare]())
		_ = plan.Check(v)
		_ = none.Check(v)
	}))
}

func TestConcurrentUse(t *testing.T) {
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 30 {
				of := reflect.StructOf([]reflect.StructField{
					{Name: "A", Type: reflect.TypeFor[int](), Tag: reflect.StructTag(fmt.Sprintf(`validate:"max=%d"`, i))},
					{Name: "B", Type: reflect.TypeFor[Opt[owner]]()},
				})
				plan, mistakes := Compile(of)
				v := reflect.New(of).Elem()
				v.Field(0).SetInt(int64(i + 1))
				if err := plan.Check(v); err == nil || len(mistakes) > 0 {
					t.Errorf("type %d in goroutine %d: %v, %v", i, g, err, mistakes)
				}
				again, _ := Compile(of)
				if again != plan {
					t.Errorf("type %d was compiled twice", i)
				}
			}
		})
	}
	group.Wait()
}
