package validate

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type (
	fork[T any] struct {
		Text    string `validate:"omitempty,min=1"`
		A, B, C *T
		List    []T `validate:"dive"`
	}
	fork3[T any]  struct{ Next fork[fork[fork[T]]] }
	fork9[T any]  struct{ Next fork3[fork3[fork3[T]]] }
	fork27[T any] struct{ Next fork9[fork9[fork9[T]]] }
)

// A filled sample of models within models grows with its budget, not with 4 to
// the power of their depth, and is complete near the top.
func TestSamplesOfDeepModels(t *testing.T) {
	filled := samples(reflect.TypeFor[fork27[int]]())[1]
	require.Less(t, parts(filled), 1000)
	top := samples(reflect.TypeFor[fork[fork[fork[int]]]]())[1].Interface().(fork[fork[fork[int]]])
	for _, inner := range []*fork[fork[int]]{top.A, top.B, top.C, &top.List[0]} {
		require.Equal(t, 1, *inner.B.C)
		require.Equal(t, "x", inner.List[0].Text)
	}
	_, mistakes := Compile(reflect.TypeFor[fork27[int]]())
	require.Empty(t, mistakes)
}

func parts(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return 1 + parts(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += 1 + parts(v.Index(i))
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			n += parts(f)
		}
	}
	return n
}
