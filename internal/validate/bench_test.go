package validate

import (
	"reflect"
	"testing"
	"time"
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

// BenchmarkVerdict checks values in order, by the plan and then by the engine alone:
//
//	go test -run - -bench Verdict ./internal/validate/
func BenchmarkVerdict(b *testing.B) {
	type line struct {
		ID     int64   `validate:"gt=0"`
		Number string  `validate:"required,max=80"`
		Status string  `validate:"oneof=open paid shipped"`
		Total  float64 `validate:"gte=0"`
		Count  int     `validate:"min=1,max=100"`
		Code   string  `validate:"len=3"`
	}
	lines := make([]line, 100)
	for i := range lines {
		lines[i] = line{1, "A-1", "paid", 1.5, 2, "EUR"}
	}
	for name, of := range map[string]struct {
		v      any
		fields int
	}{"line": {&lines[0], 6}, "lines": {&lines, 600}, "order": {validOrder(), 20}} {
		b.Run(name, func(b *testing.B) {
			v := reflect.ValueOf(of.v).Elem()
			plan, _ := Compile(v.Type())
			b.ReportAllocs()
			for b.Loop() {
				if err := plan.Check(v); err != nil {
					b.Fatal(err)
				}
			}
			took, start := b.Elapsed(), time.Now()
			for range b.N {
				_ = plan.report(v, false)
			}
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N*of.fields), "ns/field")
			b.ReportMetric(time.Since(start).Seconds()/took.Seconds(), "engine/verdict")
		})
	}
}
