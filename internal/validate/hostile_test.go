package validate

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type (
	endlessList  []endlessList
	endlessMap   map[string]endlessMap
	endlessPtr   *endlessPtr
	endlessArray [2]*endlessArray
	endlessOpt   struct{ next *endlessOpt }
	endlessRules []struct {
		Name string `validate:"required"`
		Rest endlessRules
	}
	halfOpt struct{ *Opt[int] } // has Inner from a pointer that is nil in its zero value
)

func (e *endlessOpt) Inner() (any, *uint8) { return &e.next, new(uint8) }

// Every named type can hold itself, not only structs.
func TestTypesThatHoldThemselves(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		"list": reflect.TypeFor[endlessList](), "map": reflect.TypeFor[endlessMap](), "pointer": reflect.TypeFor[endlessPtr](),
		"array": reflect.TypeFor[endlessArray](), "optional": reflect.TypeFor[endlessOpt](), "half optional": reflect.TypeFor[halfOpt](),
	} {
		t.Run(name, func(t *testing.T) {
			plan, mistakes := Compile(typ)
			require.Empty(t, mistakes)
			require.Nil(t, plan)
			model := reflect.StructOf([]reflect.StructField{
				{Name: "A", Type: typ, Tag: `validate:"omitempty"`},
				{Name: "B", Type: reflect.SliceOf(typ), Tag: `validate:"dive,required"`},
				{Name: "C", Type: reflect.TypeFor[int](), Tag: `validate:"gt=0"`},
			})
			plan, mistakes = Compile(model)
			require.Empty(t, mistakes)
			require.ErrorContains(t, plan.Check(reflect.Zero(model)), "C fails gt=0")
		})
	}
	t.Run("rules", func(t *testing.T) {
		require.NoError(t, check(t, endlessRules{{Name: "a"}}))
		require.ErrorContains(t, check(t, endlessRules{{}}), "[0].Name fails required")
	})
}
