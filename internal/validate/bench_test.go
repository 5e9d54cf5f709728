package validate

import (
	"reflect"
	"testing"
)

func BenchmarkCompileSeen(b *testing.B) {
	of := reflect.TypeFor[pet]()
	for b.Loop() {
		_, _ = Compile(of)
	}
}

func BenchmarkCheck(b *testing.B) {
	type flat struct {
		ID   int    `validate:"gt=0"`
		Name string `validate:"required,max=50"`
	}
	type holding struct {
		ID   int `validate:"gt=0"`
		Opt  Opt[string]
		List []span
	}
	for name, v := range map[string]any{
		"flat": &flat{1, "rex"}, "tree": &tree{Left: &tree{}, Kids: []*tree{{}, {}}}, "method": &span{1, 2}, "optional and methods": &holding{1, Some("x"), make([]span, 3)}, "bare": &struct{ A int }{},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			of := reflect.ValueOf(v).Elem()
			plan, _ := Compile(of.Type())
			for b.Loop() {
				if err := plan.Check(of); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
