package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fill gives the fields of a model the values of params. What is null or not named stays unset.
func (b *typeBuilder) fill(model reflect.Value, m *botoMember, params map[string]any) {
	shape := b.shape(m)
	for _, member := range shape.Members {
		value, ok := params[member.name]
		if !ok || value == nil {
			continue
		}
		field := model.FieldByName(fieldName(member.name))
		if member.name == shape.Payload {
			field = model.FieldByName("Body")
		}
		b.set(field, member.value, value)
	}
}

// set gives v, which may be a pointer, a value of the suite.
func (b *typeBuilder) set(v reflect.Value, m *botoMember, value any) {
	if value == nil {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	shape := b.shape(m)
	switch {
	case v.Kind() == reflect.Interface:
		v.Set(reflect.ValueOf(value))
	case shape.Type == "list":
		b.setList(v, shape, value.([]any))
	case shape.Type == "map":
		b.setMap(v, shape, value.(map[string]any))
	case shape.Type == "structure":
		b.fill(v, m, value.(map[string]any))
	default:
		setScalar(v, value)
	}
}

func (b *typeBuilder) setList(v reflect.Value, shape *botoShape, values []any) {
	v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
	for i, value := range values {
		b.set(v.Index(i), shape.Member, value)
	}
}

func (b *typeBuilder) setMap(v reflect.Value, shape *botoShape, values map[string]any) {
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range values {
		elem := reflect.New(v.Type().Elem()).Elem()
		b.set(elem, shape.Value, value)
		v.SetMapIndex(reflect.ValueOf(key), elem)
	}
}

func setScalar(v reflect.Value, value any) {
	switch to := v.Addr().Interface().(type) {
	case *time.Time:
		*to = fromEpoch(value.(float64))
	case *unixTime:
		to.Time = fromEpoch(value.(float64))
	case *httpTime:
		to.Time = fromEpoch(value.(float64))
	case *specialFloat:
		*to = specialFloat(number(value))
	case *[]byte:
		*to = []byte(value.(string))
	case *string:
		*to = value.(string)
	case *bool:
		*to = value.(bool)
	case *int32, *int64:
		v.SetInt(int64(value.(float64)))
	case *float32, *float64:
		v.SetFloat(value.(float64))
	default:
		panic(fmt.Sprintf("no value for a %v", v.Type()))
	}
}

// number reads a number of the suite, which may be the name of a special one.
func number(value any) float64 {
	if name, ok := value.(string); ok {
		f, err := strconv.ParseFloat(name, 64)
		if err != nil {
			panic(err.Error())
		}
		return f
	}
	return value.(float64)
}

// read is the reverse of fill: what is set in a model, in the suite's terms.
func (b *typeBuilder) read(model reflect.Value, m *botoMember) map[string]any {
	shape, found := b.shape(m), map[string]any{}
	for _, member := range shape.Members {
		field := model.FieldByName(fieldName(member.name))
		if member.name == shape.Payload {
			field = model.FieldByName("Body")
		}
		if !field.IsValid() {
			continue
		}
		if value, set := b.get(field, member.value); set {
			found[member.name] = value
		}
	}
	return found
}

// get returns a value in the suite's terms and whether it is set.
func (b *typeBuilder) get(v reflect.Value, m *botoMember) (value any, set bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, false
		}
		return b.get(v.Elem(), m)
	case reflect.Slice, reflect.Map:
		if v.IsNil() {
			return nil, false
		}
	case reflect.Interface:
		if v.IsNil() {
			return nil, false
		}
		return plain(v.Interface()), true
	}
	shape := b.shape(m)
	switch shape.Type {
	case "list":
		return b.getList(v, shape), true
	case "map":
		return b.getMap(v, m, shape), true
	case "structure":
		return b.read(v, m), true
	}
	return getScalar(v), true
}

func (b *typeBuilder) getList(v reflect.Value, shape *botoShape) []any {
	list := make([]any, v.Len())
	for i := range list {
		list[i], _ = b.get(v.Index(i), shape.Member)
	}
	return list
}

func (b *typeBuilder) getMap(v reflect.Value, m *botoMember, shape *botoShape) map[string]any {
	found := map[string]any{}
	for iter := v.MapRange(); iter.Next(); {
		key := iter.Key().String()
		if m.Location == "headers" {
			key = strings.ToLower(key)
		}
		found[key], _ = b.get(iter.Value(), shape.Value)
	}
	return found
}

func getScalar(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Time:
		return toEpoch(x)
	case unixTime:
		return toEpoch(x.Time)
	case httpTime:
		return toEpoch(x.Time)
	case specialFloat:
		return nameOf(float64(x))
	case []byte:
		return string(x)
	case int32:
		return float64(x)
	case int64:
		return float64(x)
	case float32:
		shortest, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
		return shortest
	}
	return v.Interface()
}

// nameOf is a number, or the suite's name of a special one.
func nameOf(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

// plain makes what a codec put into an any comparable: numbers are float64.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err.Error())
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err.Error())
	}
	return out
}

// depthOf is how deep a value is nested.
func depthOf(value any) int {
	deepest := 0
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, depthOf(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, depthOf(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}

// isSpecial reports whether a value holds the name of a float that JSON has no number for.
func isSpecial(value map[string]any) bool {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err.Error())
	}
	return slices.ContainsFunc([]string{`"NaN"`, `"Infinity"`, `"-Infinity"`}, func(name string) bool {
		return strings.Contains(string(text), name)
	})
}

// newBuilder makes the types for one case, whose value is params or the result.
func (s *botoSuite) newBuilder(response bool, value map[string]any) *typeBuilder {
	return &typeBuilder{botoSuite: s, response: response, special: isSpecial(value), depth: depthOf(value) + 1}
}
