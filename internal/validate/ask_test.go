package validate

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type rangeError struct{ Field string }

func (e *rangeError) Error() string { return e.Field + " is out of range" }

type span struct{ From, To int }

func (s span) Validate() error {
	if s.From > s.To {
		return &rangeError{"From"}
	}
	return nil
}

type spanByPointer struct{ From, To int }

func (s *spanByPointer) Validate() error { return span(*s).Validate() }

type envelope struct {
	OK    bool
	Error string
}

var errEnvelope = errors.New("the API said no")

func (e *envelope) Validate() error {
	if !e.OK {
		return errEnvelope
	}
	return nil
}

type answer struct {
	envelope
	Name string `validate:"required"`
}

type Envelope envelope

func (e Envelope) Validate() error { return (*envelope)(&e).Validate() }

type exportedAnswer struct{ *Envelope }

type ambiguous struct {
	envelope
	span
}

type shadowing struct{ Envelope }

func (shadowing) Validate() error { return nil }

type holder struct {
	One    span
	Ptr    *spanByPointer
	List   []spanByPointer
	Map    map[string]spanByPointer
	Opt    Opt[span]
	Skip   span `validate:"-"`
	Any    any
	hidden span
}

type endless *endless

type named []span

func (n named) Validate() error {
	if len(n) > 2 {
		return errEnvelope
	}
	return nil
}

type nervous struct {
	P *int `validate:"required"`
}

func (n nervous) Validate() error { _ = *n.P; return nil }

type shouting struct{}

func (shouting) Validate() error { panic("hunter2") }

func TestValidateMethods(t *testing.T) {
	bad := span{2, 1}
	tests := map[string]struct {
		v    any
		want string
	}{
		"value":                {bad, "From is out of range"},
		"good":                 {span{1, 2}, ""},
		"pointer":              {&bad, "From is out of range"},
		"pointer receiver":     {spanByPointer(bad), "From is out of range"},
		"nil":                  {(*spanByPointer)(nil), ""},
		"promoted":             {answer{Name: "x"}, "the API said no"},
		"promoted, good":       {answer{envelope{OK: true}, "x"}, ""},
		"tags first":           {answer{}, "Name fails required; the API said no"},
		"promoted, exported":   {exportedAnswer{&Envelope{}}, "the API said no"},
		"ambiguous, hidden":    {ambiguous{}, ""},
		"shadowed":             {shadowing{}, ""},
		"list":                 {[]span{{}, bad}, "[1]: From is out of range"},
		"list of pointers":     {[]*spanByPointer{nil, {2, 1}}, "[1]: From is out of range"},
		"map":                  {map[string]spanByPointer{"k": {2, 1}}, "[k]: From is out of range"},
		"field":                {holder{One: bad}, "One: From is out of range"},
		"field, pointer":       {&holder{Ptr: &spanByPointer{2, 1}}, "Ptr: From is out of range"},
		"field, list":          {holder{List: []spanByPointer{{}, {2, 1}}}, "List[1]: From is out of range"},
		"field, map":           {holder{Map: map[string]spanByPointer{"a": {2, 1}}}, "Map[a]: From is out of range"},
		"field, optional":      {holder{Opt: Some(bad)}, "Opt: From is out of range"},
		"field, absent":        {holder{Opt: Null[span]()}, ""},
		"skipped":              {holder{Skip: bad}, ""},
		"any is left alone":    {holder{Any: bad}, ""},
		"unexported":           {holder{hidden: bad}, ""},
		"named list":           {named{{}, {}, {}}, "the API said no"},
		"named list, element":  {named{{}, bad}, "[1]: From is out of range"},
		"top optional":         {Some(bad), "From is out of range"},
		"panic":                {shouting{}, "the Validate method of validate.shouting panicked: "},
		"panic after a rule":   {nervous{}, "P fails required"},
		"panic without a rule": {nervous{new(1)}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := check(t, tt.v)
			if name == "panic" {
				require.ErrorContains(t, err, tt.want)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			requireText(t, tt.want, err)
		})
	}
	err := check(t, holder{One: bad, Ptr: &spanByPointer{2, 1}})
	found, ok := errors.AsType[*rangeError](err)
	require.True(t, ok)
	require.Equal(t, "From", found.Field)
	require.ErrorIs(t, check(t, answer{}), errEnvelope)
}

type tree struct {
	Left, Right *tree
	Kids        []*tree          `validate:"dive"`
	ByName      map[string]*tree `validate:"dive"`
	Any         any
	N           int `validate:"gte=0"`
}

type asking struct {
	Next *asking
	List []asking
	N    int
}

func (a *asking) Validate() error {
	if a.N < 0 {
		return &rangeError{"N"}
	}
	return nil
}

func TestRecursiveTypes(t *testing.T) {
	ok := &tree{Left: &tree{N: 1}, Kids: []*tree{nil, {N: 2}}, ByName: map[string]*tree{"a": {Right: &tree{N: -1}}}}
	requireText(t, "ByName[a].Right.N fails gte=0", check(t, ok))
	requireText(t, "Next.List[0]: N is out of range", check(t, asking{Next: &asking{List: []asking{{N: -1}}}}))

	deep := &tree{}
	for range 5_000 {
		deep = &tree{Left: deep}
	}
	require.NoError(t, check(t, deep))
}

// A stack overflow cannot be recovered, so a cycle has to be seen before it.
func TestCyclesAreErrors(t *testing.T) {
	type loop struct {
		Self any
		N    int `validate:"gte=0"`
	}
	byAny := &loop{}
	byAny.Self = byAny
	left, kids, named, anyKid, asks := &tree{}, &tree{}, &tree{}, &tree{}, &asking{}
	left.Left = left
	kids.Kids = []*tree{kids}
	named.ByName = map[string]*tree{"me": named}
	anyKid.Any = &anyKid.Any
	asks.Next = asks
	for name, v := range map[string]any{
		"pointer": left, "list": kids, "map": named, "any": byAny, "any of itself": anyKid, "method": asks, "in a list": []*tree{left}, "pointer to list": &[]*tree{left},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, check(t, v), "is there a cycle")
		})
	}
}

func TestPointersToThemselves(t *testing.T) {
	var e endless
	type model struct {
		P endless `validate:"omitempty"`
		N int     `validate:"gt=0"`
	}
	e = &e
	require.ErrorContains(t, check(t, model{e, 1}), "is there a cycle")
	plan, mistakes := Compile(reflect.TypeFor[endless]())
	require.Nil(t, plan)
	require.Empty(t, mistakes)
}

func TestCheckTakesWhatHasNoAddress(t *testing.T) {
	plan, mistakes := Compile(reflect.TypeFor[answer]())
	require.Empty(t, mistakes)
	require.ErrorIs(t, plan.Check(reflect.ValueOf(answer{Name: "x"})), errEnvelope)
	require.NoError(t, plan.Check(reflect.Value{}))
}
