package validate

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzTag reads any tag on any type: compiling does not panic, and what compiles
// without mistakes does not panic on the value that arrives.
func FuzzTag(f *testing.F) {
	for _, tag := range []string{
		"required", "omitempty,min=3", "dive,keys,min=1,endkeys,max=2", "gt=1|lt=a", "required_if=A 1 B 'x y'", "unique=A", "oneof='a b' c", "min=0x2C,max=0x7C",
		",", "|", "=", "dive,dive", "endkeys", "keys", "iscolor|foo", "eqfield=A.B", "len=", "required_without_all=A B", "spicedb=x", "datetime=2006|", "validateFn=X",
	} {
		f.Add(tag, "x", int64(1))
	}
	types := []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[*string](), reflect.TypeFor[[]string](), reflect.TypeFor[map[string]string](), reflect.TypeFor[any](),
		reflect.TypeFor[[]any](), reflect.TypeFor[owner](), reflect.TypeFor[[]owner](), reflect.TypeFor[Opt[string]](), reflect.TypeFor[Opt[[]owner]](), reflect.TypeFor[Secret](), reflect.TypeFor[time.Time](),
	}
	f.Fuzz(func(t *testing.T, tag, text string, n int64) {
		if len(tag) > 200 {
			return
		}
		common := newEngine() // its cache of types slows down as it grows
		for _, of := range types {
			model := reflect.StructOf([]reflect.StructField{
				{Name: "A", Type: reflect.TypeFor[string]()},
				{Name: "F", Type: of, Tag: reflect.StructTag("validate:" + strconv.Quote(tag))},
			})
			engine := common
			tags := collect(model)
			if len(tags.standIns) > 0 {
				engine = tags.engine()
			}
			if tags.probe(always(engine), tags.verdict(model) != nil); len(tags.mistakes) > 0 {
				continue
			}
			v := samples(model)[1]
			v.Field(0).SetString(text)
			switch of.Kind() {
			case reflect.String:
				v.Field(1).SetString(text)
			case reflect.Int:
				v.Field(1).SetInt(n)
			}
			var found findings
			found.tags(engine, v, "")
			for _, one := range found.list {
				if strings.HasPrefix(one.err.Error(), "validating ") {
					t.Fatalf("%q on %s: %v", tag, of, one.err)
				}
			}
		}
	})
}
