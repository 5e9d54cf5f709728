package bind

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type (
	word     string
	number   float32
	words    []word
	anything interface{ Anything() }
	shared   struct {
		A string `json:"a" query:"shared"`
		_ string
	}
	Shown struct {
		*shared
		C any `header:"X-C"`
	}
	pickyKey struct{ a any }
)

func (k *pickyKey) UnmarshalText(text []byte) error { k.a = string(text); return nil }
func (k pickyKey) MarshalText() ([]byte, error)     { return fmt.Append(nil, k.a), nil }

// leaves are the types that random types are built of; the odd ones count.
var leaves = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int8](), reflect.TypeFor[uintptr](), reflect.TypeFor[float32](), reflect.TypeFor[complex64](),
	reflect.TypeFor[word](), reflect.TypeFor[number](), reflect.TypeFor[words](), reflect.TypeFor[[]byte](), reflect.TypeFor[[3]byte](), reflect.TypeFor[json.RawMessage](),
	reflect.TypeFor[any](), reflect.TypeFor[error](), reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[anything](), reflect.TypeFor[io.Reader](), reflect.TypeFor[io.ReadCloser](),
	reflect.TypeFor[chan int](), reflect.TypeFor[func()](), reflect.TypeFor[func() (io.ReadCloser, error)](), reflect.TypeFor[time.Duration](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[net.IP](), reflect.TypeFor[pointed](), reflect.TypeFor[stamp](), reflect.TypeFor[pickyKey](),
	reflect.TypeFor[Secret](), reflect.TypeFor[struct{ *Secret }](), reflect.TypeFor[Opt[int]](), reflect.TypeFor[Opt[any]](), reflect.TypeFor[Opt[*time.Time]](), reflect.TypeFor[Opt[[]Secret]](), reflect.TypeFor[Opt[Shown]](),
	reflect.TypeFor[halfOpt](), reflect.TypeFor[brokenOpt](), reflect.TypeFor[shared](), reflect.TypeFor[Shown](), reflect.TypeFor[sealedObject](), reflect.TypeFor[struct{ shared }](), reflect.TypeFor[struct{ *Shown }](),
	reflect.TypeFor[endlessList](), reflect.TypeFor[endlessMap](), reflect.TypeFor[endlessPtr](), reflect.TypeFor[*endlessArray](), reflect.TypeFor[endlessOpt](), reflect.TypeFor[struct{}](),
}

// decent are those that most places take.
var decent = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[int8](), reflect.TypeFor[any](), reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[time.Time](), reflect.TypeFor[stamp](),
	reflect.TypeFor[Opt[int]](), reflect.TypeFor[Opt[time.Time]](), reflect.TypeFor[Secret](), reflect.TypeFor[Shown](), reflect.TypeFor[sealedObject](), reflect.TypeFor[[]any](), reflect.TypeFor[map[string]string](),
}

// dice makes types and values.
type dice struct{ *rand.Rand }

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

func (d dice) typ(depth int) reflect.Type {
	if depth == 0 {
		return pick(d, pick(d, leaves, decent)...)
	}
	inner := d.typ(depth - 1)
	switch d.IntN(7) {
	case 0:
		return reflect.PointerTo(inner)
	case 1:
		return reflect.SliceOf(inner)
	case 2:
		return reflect.ArrayOf(d.IntN(3), inner)
	case 3:
		key := pick(d, leaves...)
		if !key.Comparable() {
			key = reflect.TypeFor[word]()
		}
		return reflect.MapOf(key, inner)
	case 4:
		return d.model(depth - 1)
	}
	return inner
}

// tags are places with what may follow a name in them.
var tags = []string{
	`json:"%s"`, `json:"%s,omitzero"`, `json:"%s,omitempty,string"`, `json:"%s,format=unix"`, `json:"-"`, ``,
	`path:"%s"`, `query:"%s"`, `query:"%s,style=deepObject,omitempty"`, `query:"%s,style=pipeDelimited"`, `query:"%s,explode=false" default:"1"`, `query:"*"`,
	`header:"X-%s"`, `header:"X-%s,explode=true,omitzero"`, `header:"X-%s-*"`, `header:"*"`, `header:"X-%s,format=http-date"`, `header:"X-%s" default:"1"`,
	`cookie:"%s"`, `cookie:"%s,style=form"`, `cookie:"%s,explode=false"`, `form:"%s"`, `form:"*"`, `form:"%s,style=deepObject"`,
}

// model keeps to a few places most times, because a mistake ends the look at it.
func (d dice) model(depth int) reflect.Type {
	var fields []reflect.StructField
	few := []string{pick(d, tags...), pick(d, tags...)}
	for i := range d.IntN(4) {
		name := string(rune('A' + i))
		tag := pick(d, few...)
		tag = strings.ReplaceAll(tag, "%s", name)
		fields = append(fields, reflect.StructField{Name: name, Type: d.typ(d.IntN(depth + 1)), Tag: reflect.StructTag(tag)})
	}
	return reflect.StructOf(fields)
}

// fill gives v a value, often a nil or an odd one.
func (d dice) fill(v reflect.Value, depth int) {
	if depth == 0 || d.IntN(5) == 0 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(pick(d, "", "a", "..", "\r\n", "ü", "*", "Content-Length"))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int64:
		v.SetInt(pick(d, int64(-1), 7))
	case reflect.Float32:
		v.SetFloat(pick(d, 1.5, 1e30))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		d.fill(v.Index(1), depth-1)
	case reflect.Array:
		for i := range v.Len() {
			d.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		d.fillMap(v, depth)
	case reflect.Interface:
		d.fillInterface(v, depth)
	case reflect.Struct:
		d.fillStruct(v, depth)
	}
}

func (d dice) fillMap(v reflect.Value, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	d.fill(key, depth-1)
	d.fill(elem, depth-1)
	if key.Comparable() {
		v.SetMapIndex(key, elem)
	}
}

// fillInterface puts in a value of any type that fits, also channels and funcs.
func (d dice) fillInterface(v reflect.Value, depth int) {
	for range 10 {
		t := d.typ(d.IntN(3))
		if t.Kind() == reflect.Interface || !t.Implements(v.Type()) {
			t = reflect.PointerTo(t)
		}
		if t.Implements(v.Type()) {
			inside := reflect.New(t).Elem()
			d.fill(inside, depth-1)
			v.Set(inside)
			return
		}
	}
}

func (d dice) fillStruct(v reflect.Value, depth int) {
	if _, ok := isOptional(v.Type()); ok {
		value, state := inner(v)
		*state = pick(d, stateUnset, stateNull, stateValue, stateValue)
		d.fill(value, depth-1)
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *Secret:
		*p = hide("hunter2")
	case *time.Time:
		*p = pick(d, time.Unix(0, 0), time.Unix(1e15, 1), time.Unix(-1, 5))
	case *Shown:
		p.shared = pick(d, nil, &shared{A: "a"})
	case *sealedObject:
		p.sealedPart = pick(d, nil, &sealedPart{"a"})
	}
	for i := range v.NumField() {
		d.fill(v.Field(i), depth-1)
	}
}

// Whatever a type declares and a value holds, there are mistakes and errors and
// no panics.
func TestRandomModelsNeverPanic(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	compiled := map[string]int{}
	for seed := range uint64(rounds) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		typ := d.model(2)
		if d.IntN(4) == 0 {
			typ = d.typ(2)
		}
		require.NotPanics(t, func() {
			d.asRequest(typ, compiled)
			d.asResponse(typ, compiled)
		}, "seed %d: %s", seed, typ)
	}
	t.Log(compiled)
	for _, what := range []string{"request", "encoded", "json", "form", "response", "located", "decoded", "incoming", "received", "form received", "answered"} {
		require.Greater(t, compiled[what], rounds/500, what)
	}
}

func (d dice) asRequest(typ reflect.Type, count map[string]int) {
	if typ.Kind() == reflect.Pointer && d.IntN(2) == 0 {
		typ = reflect.PointerTo(typ)
	}
	route, _ := ParseRoute(pick(d, "/", "/{A}", "/x/{A...}?k=1"))
	_, _ = CompileDefaults(typ)
	r, mistakes := CompileRequest(typ, route, RequestConfig{AllowBody: true})
	if len(mistakes) > 0 {
		return
	}
	count["request"]++
	for range 4 {
		v := reflect.New(typ).Elem()
		d.fill(v, 6)
		r.ApplyDefaults(v)
		if r.Encode(v, new(Parts)) == nil {
			count["encoded"]++
		}
		if r.Body() == JSONFields {
			_, err := r.AppendJSON(nil, v, func(any) ([]byte, error) { return []byte("0"), nil })
			if err == nil {
				count["json"]++
			}
		}
		if _, err := r.AppendForm(nil, v); err == nil && r.Body() == Form {
			count["form"]++
		}
		r.BodyField(v)
	}
	d.asIncoming(r, typ, count)
}

// asIncoming reads what nobody would send.
func (d dice) asIncoming(r *Request, typ reflect.Type, count map[string]int) {
	in, mistakes := r.Incoming()
	if len(mistakes) > 0 {
		return
	}
	count["incoming"]++
	texts := []string{"", "1", "a", "null", "true", `"`, "A,1", "A=1", "%", "%20", "+", ";A=1", ".1", "Mon, 16 Dec 2019 23:48:18 GMT", "1.5"}
	names := []string{"A", "B", "C", "A[0]", "A%5B0%5D", "A[9999999]", "A[a][b]", "A[", "A]", "", "a", "k"}
	for range 12 {
		v := reflect.New(typ).Elem()
		form := pick(d, names...) + "=" + pick(d, texts...) + "&" + pick(d, names...) + "=" + pick(d, texts...)
		from := Received{
			Path:   pick(d, "/", "/1", "/x/1/a", "/x/%2F"),
			Query:  "k=1&" + form,
			Header: http.Header{"X-A": {pick(d, texts...)}, "X-A-A": {pick(d, texts...)}, "Cookie": {strings.ReplaceAll(form, "&", "; ")}},
		}
		if in.Match(from.Path, from.Query) && in.Decode(v, from) == nil {
			count["received"]++
		}
		if in.DecodeForm(v, []byte(form)) == nil && r.Body() == Form {
			count["form received"]++
		}
		_ = in.DecodeParts(v, []Pair{{pick(d, names...), pick(d, texts...)}})
		if r.Body() == JSONFields {
			_ = in.DecodeJSON(v, []byte(`{"A":`+pick(d, "1", "null", `"1"`, `["1",2]`)+`}`), unmarshalCaught)
		}
		in.BodyTarget(v)
	}
}

// asAnswer writes values that are odd.
func (d dice) asAnswer(r *Response, typ reflect.Type, count map[string]int) {
	a, mistakes := r.Answer()
	if len(mistakes) > 0 {
		return
	}
	for range 4 {
		v := reflect.New(typ).Elem()
		d.fill(v, 6)
		if a.Encode(v, new(Parts)) == nil && a.Located() {
			count["answered"]++
		}
		if a.BodyKind() == JSONFields {
			_, _ = a.AppendJSON(nil, v, func(any) ([]byte, error) { return []byte("0"), nil })
		}
		a.BodyField(v)
	}
}

// unmarshalCaught takes panics of types' own methods, as the codecs do.
func unmarshalCaught(data []byte, v any) (err error) {
	defer func() {
		if recover() != nil {
			err = errText("panicked")
		}
	}()
	return json.Unmarshal(data, v)
}

func (d dice) asResponse(typ reflect.Type, count map[string]int) {
	r, mistakes := CompileResponse(typ)
	if len(mistakes) > 0 {
		return
	}
	count["response"]++
	d.asAnswer(r, typ, count)
	texts := []string{"", "1", "a", "null", "true", `"`, "A,1", "A=1, a=2", "1, 2", "Mon, 16 Dec 2019 23:48:18 GMT"}
	lines := func() []string { return []string{pick(d, texts...), pick(d, texts...)}[:1+d.IntN(2)] }
	for range 4 {
		v := reflect.New(typ).Elem()
		r.ApplyDefaults(v)
		if r.BodyKind() == JSONFields {
			body := `{"A":` + pick(d, "1", "null", `"1"`, `["1",2]`, `{"a":{}}`, "true") + `,"b":1}`
			if r.DecodeJSON(v, []byte(body), unmarshalCaught) == nil {
				count["decoded"]++
			}
		}
		r.BodyTarget(v)
		h := http.Header{"X-A": lines(), "X-B": lines(), "X-C": lines(), "X-A-A": lines()}
		cookies := []*http.Cookie{{Name: "A", Value: pick(d, texts...)}, {Name: "B", Value: pick(d, texts...)}}
		if r.DecodeLocated(v, h, func() []*http.Cookie { return cookies }) == nil && r.Located() {
			count["located"]++
		}
	}
}
