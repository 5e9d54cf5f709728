package codec

import (
	"fmt"
	"io"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type secretTree struct {
	Children []*secretTree
	Parent   *secretTree
	Other    map[string]otherTree
}

type otherTree struct {
	Back *secretTree
	Key  Opt[*Secret]
}

type plainTree struct {
	Children []*plainTree
	Opt      Opt[*plainTree]
	hidden   Secret
	Skipped  Secret `json:"-"`
}

type embedded struct{ Key Secret }

func TestHoldsSecret(t *testing.T) {
	tests := map[string]struct {
		t    reflect.Type
		want bool
	}{
		"nil":              {nil, false},
		"secret":           {reflect.TypeFor[Secret](), true},
		"pointer":          {reflect.TypeFor[**Secret](), true},
		"slice":            {reflect.TypeFor[[]Secret](), true},
		"array":            {reflect.TypeFor[[2][]Secret](), true},
		"map value":        {reflect.TypeFor[map[string]Secret](), true},
		"map key":          {reflect.TypeFor[map[Secret]int](), true},
		"optional":         {reflect.TypeFor[Opt[Secret]](), true},
		"optional list":    {reflect.TypeFor[Opt[[]*Secret]](), true},
		"field":            {reflect.TypeFor[struct{ A struct{ B Secret } }](), true},
		"embedded":         {reflect.TypeFor[struct{ embedded }](), true},
		"embedded pointer": {reflect.TypeFor[struct{ *embedded }](), true},
		"skipped": {reflect.TypeFor[struct {
			A Secret `json:"-"`
		}](), false},
		"named dash": {reflect.TypeFor[struct {
			A Secret `json:"-,"`
		}](), true},
		"unexported":        {reflect.TypeFor[struct{ a Secret }](), false},
		"recursive with":    {reflect.TypeFor[secretTree](), true},
		"recursive with, 2": {reflect.TypeFor[otherTree](), true},
		"recursive without": {reflect.TypeFor[plainTree](), false},
		"any":               {reflect.TypeFor[any](), false},
		"interface":         {reflect.TypeFor[io.Reader](), false},
		"time":              {reflect.TypeFor[time.Time](), false},
		"int":               {reflect.TypeFor[int](), false},
		"optional int":      {reflect.TypeFor[Opt[int]](), false},
		"function":          {reflect.TypeFor[func(Secret)](), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, HoldsSecret(tt.t))
			require.Equal(t, tt.want, HoldsSecret(tt.t), "from the cache")
		})
	}
	_ = plainTree{}.hidden
}

// A type in the middle of a cycle must not inherit a half answer.
func TestFactsOfCyclesAreWhole(t *testing.T) {
	type a struct {
		Self *a
		Any  any
	}
	require.Equal(t, anyFact|interfaceFact, factsOf(reflect.TypeFor[a]()))
	require.Equal(t, anyFact|interfaceFact, factsOf(reflect.TypeFor[*a]()))
	require.Equal(t, anyFact|interfaceFact|optionalFact|optionalAnyFact, factsOf(reflect.TypeFor[Opt[a]]()))
	type beside struct {
		Opt Opt[int]
		Any any
	}
	require.Zero(t, factsOf(reflect.TypeFor[beside]())&optionalAnyFact, "the any is not in the optional")
	require.NotZero(t, factsOf(reflect.TypeFor[*account]())&optionalAnyFact)
}

func TestFactsAreSafeForConcurrentUse(t *testing.T) {
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 50 {
				field := reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[Secret]()}
				if !HoldsSecret(reflect.StructOf([]reflect.StructField{field})) {
					t.Errorf("type %d in goroutine %d holds no secret", i, g)
				}
			}
		})
	}
	group.Wait()
}

func TestStdMarshalRefusesSecrets(t *testing.T) {
	s := NewSecret("k")
	type holder struct{ Any any }
	tests := map[string]any{
		"secret": s, "pointer": &s, "nil pointer": (*Secret)(nil), "optional": Some(s), "list": []Secret{},
		"field": withSecrets{}, "any": []any{1, map[string]any{"a": s}}, "any in a struct": &holder{&holder{[]any{&s}}},
		"optional any": Some(any(s)), "key in an any": holder{map[any]int{s: 1}}, "model in an any": holder{withSecrets{}},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := StdMarshal(v)
			require.ErrorContains(t, err, "holds a secret")
			require.Nil(t, data)
		})
	}
	round := &holder{}
	round.Any = round
	_, err := StdMarshal(round)
	require.ErrorContains(t, err, "nested too deep")
	_, err = StdMarshal(plainTree{hidden: s, Skipped: s})
	require.NoError(t, err)
	_, err = StdMarshal(holder{plainTree{hidden: s, Skipped: s}})
	require.NoError(t, err)
}
