package codec

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type (
	endlessList    []endlessList
	endlessMap     map[string]endlessMap
	endlessPtr     *endlessPtr
	endlessSecrets []struct {
		Key  Secret
		Rest endlessSecrets
	}
	halfOpt struct{ *Opt[any] } // has Inner from a pointer that is nil in its zero value
	stamp   struct{ *time.Time }
)

// Every named type can hold itself, not only structs.
func TestFactsOfTypesThatHoldThemselves(t *testing.T) {
	for name, tt := range map[string]struct {
		t    reflect.Type
		want facts
	}{
		"list":            {reflect.TypeFor[endlessList](), 0},
		"map":             {reflect.TypeFor[endlessMap](), 0},
		"pointer":         {reflect.TypeFor[endlessPtr](), 0},
		"with secrets":    {reflect.TypeFor[*endlessSecrets](), secretFact},
		"no optional yet": {reflect.TypeFor[halfOpt](), optionalFact},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, factsOf(tt.t)) })
	}
	data, err := Marshal(endlessList{nil, {nil}})
	require.NoError(t, err)
	require.Equal(t, "[null,[null]]", string(data))
	var back endlessList
	require.NoError(t, Unmarshal([]byte("[[],[[]]]"), &back))
	require.Equal(t, endlessList{{}, {{}}}, back)
}

// A struct that embeds a nil pointer has its methods, and a document runs them.
func TestPanicsOfMethodsAreErrors(t *testing.T) {
	type model struct{ At stamp }
	document := []byte(`{"At":"2020-02-29T00:00:00Z"}`)
	for name, run := range map[string]func() error{
		"Marshal":            func() error { _, err := Marshal(model{}); return err },
		"StdMarshal":         func() error { _, err := StdMarshal(model{}); return err },
		"Unmarshal":          func() error { return Unmarshal(document, new(model)) },
		"UnmarshalStrict":    func() error { return UnmarshalStrict(document, new(model)) },
		"StdUnmarshal":       func() error { return StdUnmarshal(document, new(model)) },
		"StdUnmarshalStrict": func() error { return StdUnmarshalStrict(document, new(model)) },
	} {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, run(), "json: the encoding or decoding method of a type panicked (does it embed a nil pointer?)")
		})
	}
}
