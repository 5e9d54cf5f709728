package bind

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type shade struct {
	Red   uint8     `json:"R"`
	Name  string    `json:"name"`
	Until *int      `json:"until,omitzero"`
	At    Opt[bool] `json:"at,omitzero"`
}

type shelf struct {
	Labels []string          `json:"labels"`
	Colors map[string]shade  `json:"colors"`
	Inner  []map[string]word `json:"inner"`
	Depth  *float32          `json:"depth"`
}

// travellers are types whose values come back from a place as they went, by what they are there.
var travellers = map[shape][]reflect.Type{
	scalarShape: {
		reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int8](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[word](),
		reflect.TypeFor[*int](), reflect.TypeFor[**string](), reflect.TypeFor[[]byte](), reflect.TypeFor[Opt[int]](), reflect.TypeFor[Opt[string]](), reflect.TypeFor[*Opt[bool]](),
		reflect.TypeFor[Secret](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time](), reflect.TypeFor[Opt[time.Time]](), reflect.TypeFor[any](),
	},
	listShape: {
		reflect.TypeFor[[]string](), reflect.TypeFor[[]int](), reflect.TypeFor[words](), reflect.TypeFor[[2]bool](), reflect.TypeFor[[]Opt[int]](), reflect.TypeFor[*[]string](),
		reflect.TypeFor[[]time.Time](), reflect.TypeFor[Opt[[]word]](), reflect.TypeFor[[]netip.Addr](), reflect.TypeFor[[]any](),
	},
	structShape: {reflect.TypeFor[shade](), reflect.TypeFor[*shade](), reflect.TypeFor[Opt[shade]]()},
	mapShape:    {reflect.TypeFor[map[string]string](), reflect.TypeFor[map[word]int](), reflect.TypeFor[map[string]Opt[bool]]()},
}

// roads are the styles of each place; odd are the characters that a value there may hold and still be told apart.
var roads = []struct {
	tag    string
	shapes []shape
	odd    string
	alone  bool // an object that takes the names of others
}{
	{`path:"%s"`, all, nothing, false},
	{`path:"%s,explode=true"`, all, nothing, false},
	{`path:"%s,style=label"`, all, nothing, false},
	{`path:"%s,style=label,explode=true"`, all, "undotted", false},
	{`path:"%s,style=matrix"`, all, nothing, false},
	{`path:"%s,style=matrix,explode=true"`, all, nothing, false},
	{`query:"%s"`, all, nothing, true},
	{`query:"%s,omitzero"`, []shape{scalarShape, listShape}, nothing, false},
	{`query:"%s,explode=false"`, all, nothing, false},
	{`query:"%s,style=spaceDelimited"`, compounds, "tight", false},
	{`query:"%s,style=pipeDelimited"`, compounds, "tight", false},
	{`query:"%s,style=deepObject"`, compounds, nothing, false},
	{`header:"X-%s"`, all, "trimmed", false},
	{`header:"X-%s,explode=true"`, all, "trimmed", false},
	{`cookie:"%s,style=form"`, all, nothing, true},
	{`cookie:"%s,style=form,explode=false"`, all, nothing, false},
	{`cookie:"%s"`, all, "cookie", true},
	{`cookie:"%s,explode=false"`, all, "cookie", false},
	{`form:"%s"`, all, nothing, true},
	{`form:"%s,style=deepObject"`, compounds, nothing, false},
	{`form:"%s,explode=false"`, all, nothing, false},
	{`json:"%s"`, all, nothing, false},
	{`json:"%s,omitzero"`, all, nothing, false},
}

const nothing = ""

var (
	compounds = []shape{listShape, structShape, mapShape}
	all       = append([]shape{scalarShape}, compounds...)
)

// traveller makes the values of one road.
type traveller struct {
	dice
	odd   string
	place string
	form  string // of times
}

func (d traveller) text() string {
	text := pick(d.dice, "a", "x y", "a,b", "50%", "a=b&c", "é ü", `"q"`, "a+b", "semi;colon", "a/b", "(1.5)", "|", "~", `back\slash`, "%2C")
	switch {
	case d.odd == "cookie" || d.odd == "tight" || d.odd == "undotted":
		text = pick(d.dice, "a", "b-c", "100%25", "a=b", "é", "x:y")
		if d.odd == "cookie" {
			text = strings.ReplaceAll(text, "é", "e")
		}
	case d.odd == "trimmed" && d.IntN(8) == 0:
		text = pick(d.dice, `a", b`, `a\"b`)
	case d.place != "path" && d.odd == nothing && d.IntN(8) == 0:
		text = pick(d.dice, "", " padded ", "..")
	}
	return text
}

// keys are names that no road has trouble with.
func (d traveller) key() string { return pick(d.dice, "k", "long-key", "z9", "under_score") }

// fill gives v a value that is there, in every part.
func (d traveller) fill(v reflect.Value) {
	if _, ok := isOptional(v.Type()); ok {
		value, state := inner(v)
		*state = stateValue
		d.fill(value)
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Date(2000+d.IntN(50), 2, 3, 0, 0, 0, 0, time.UTC)
		if d.form != "date" {
			*p = p.Add(time.Duration(d.IntN(86400)) * time.Second)
		}
		return
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{10, byte(d.IntN(256)), 0, 1})
		if d.odd == "undotted" {
			*p = netip.MustParseAddr("::1")
		}
		return
	case *Secret:
		*p = hide(d.text())
		return
	}
	d.fillKind(v)
}

func (d traveller) fillKind(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(d.text())
	case reflect.Bool:
		v.SetBool(d.IntN(2) == 0)
	case reflect.Int, reflect.Int8:
		v.SetInt(pick(d.dice, int64(-128), -1, 7, 127))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(pick(d.dice, uint64(0), 1, 255))
	case reflect.Float32:
		v.SetFloat(pick(d.dice, 3, -12, 1e9))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{0xFB, 0xFF, byte(d.IntN(256))})
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1+d.IntN(3), 3))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			d.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + d.IntN(3) {
			elem := reflect.New(v.Type().Elem()).Elem()
			d.fill(elem)
			v.SetMapIndex(reflect.ValueOf(d.key()).Convert(v.Type().Key()), elem)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(d.text()))
	case reflect.Struct:
		for i := range v.NumField() {
			d.fill(v.Field(i))
		}
	}
}

// Whatever a model is and wherever its fields go: what a client's plan wrote, the same plan reads back.
func TestRoundTripOfRandomModels(t *testing.T) {
	rounds := 6000
	if testing.Short() {
		rounds = 1000
	}
	seen := make(map[string]int)
	for seed := range uint64(rounds) {
		d := dice{rand.New(rand.NewPCG(seed, 7))}
		model, route := d.trip(seen)
		if model.IsValid() {
			roundTrip(t, fmt.Sprintf("seed %d", seed), route, model)
		}
	}
	for _, road := range roads {
		for _, s := range road.shapes {
			require.Greater(t, seen[fmt.Sprint(road.tag, s)], rounds/400, "%s of %v", road.tag, s)
		}
	}
}

// trip makes a model of a few fields, filled, and a route for it.
func (d dice) trip(seen map[string]int) (reflect.Value, string) {
	var fields []reflect.StructField
	var fills []func(reflect.Value)
	route, body, lone := "/trip", "", ""
	for i := range 1 + d.IntN(4) {
		road := roads[d.IntN(len(roads))]
		place, _, _ := strings.Cut(road.tag, ":")
		form := pick(d, nothing, nothing, "date", "unix", "http-date")
		s := pick(d, road.shapes...)
		typ := pick(d, travellers[s]...)
		bodily := place == "form" || place == "json"
		object := road.alone && (s == mapShape || s == structShape)
		if bodily && body != "" && body != place || lone == place || object && i > 0 {
			continue // one body, and a map that takes all is alone in its place
		}
		if object {
			lone = place
		}
		if bodily {
			body = place
		}
		name := string(rune('A' + i))
		tag := strings.ReplaceAll(road.tag, "%s", name)
		if form != nothing && times(typ) && !(form == "http-date" && place == "cookie") && !strings.Contains(road.tag, "Delimited") {
			tag = strings.TrimSuffix(tag, `"`) + ",format=" + form + `"`
		} else {
			form = nothing
		}
		if place == "path" {
			route += "/" + pick(d, "", "v.") + "{" + name + "}"
		}
		seen[fmt.Sprint(road.tag, s)]++
		fields = append(fields, reflect.StructField{Name: name, Type: typ, Tag: reflect.StructTag(tag)})
		fills = append(fills, traveller{d, road.odd, place, form}.fill)
	}
	v := reflect.New(reflect.StructOf(fields)).Elem()
	for i, fill := range fills {
		fill(v.Field(i))
	}
	return v, route
}

func times(t reflect.Type) bool { return strings.HasSuffix(strings.Trim(t.String(), "]"), "time.Time") }

// roundTrip encodes a model as a client does, reads it as a server does, and compares.
func roundTrip(t *testing.T, label, route string, sent reflect.Value) {
	t.Helper()
	parsed, mistakes := ParseRoute(route)
	require.Empty(t, mistakes, label)
	plan, mistakes := CompileRequest(sent.Type(), parsed, RequestConfig{AllowBody: true})
	if len(mistakes) > 0 {
		require.Contains(t, text(mistakes), "Secret", "%s: %s", label, sent.Type())
		return
	}
	in, mistakes := plan.Incoming()
	require.Empty(t, mistakes, label)
	var parts Parts
	require.NoError(t, plan.Encode(sent, &parts), "%s: %v %+v", label, sent.Type(), sent)
	from := received(&parts)
	require.True(t, in.Match(from.Path, from.Query), "%s: %s is of %s", label, from.Path, route)
	got := reflect.New(sent.Type()).Elem()
	require.NoError(t, in.Decode(got, from), "%s: %v %+v", label, sent.Type(), from)
	switch plan.Body() {
	case Form:
		data, err := plan.AppendForm(nil, sent)
		require.NoError(t, err, label)
		require.NoError(t, in.DecodeForm(got, data), "%s: %s", label, data)
	case Whole:
		return // is the codec's alone
	case JSONFields:
		data, err := plan.AppendJSON(nil, sent, func(v any) ([]byte, error) { return json.Marshal(revealed(v)) })
		require.NoError(t, err, label)
		require.NoError(t, in.DecodeJSON(got, data, json.Unmarshal), "%s: %s", label, data)
	}
	require.Equal(t, sent.Interface(), got.Interface(), "%s: %v %+v", label, sent.Type(), from)
}

// revealed is a Secret as the codec writes it.
func revealed(v any) any {
	if s, ok := v.(*Secret); ok {
		return s.Reveal()
	}
	return v
}

// received is what a server gets of parts: secrets attached, cookies in one line.
func received(p *Parts) Received {
	from := Received{Path: string(p.Path), Header: p.Header}
	if p.ClearPath != nil {
		from.Path = string(p.ClearPath)
	}
	if from.Header == nil {
		from.Header = http.Header{}
	}
	query, cookies := p.Query, p.Cookies
	for _, s := range p.Secrets {
		switch s.In {
		case Query:
			if len(query) > 0 {
				query = append(query, '&')
			}
			query = AppendQueryEscape(append(AppendQueryEscape(query, s.Name), '='), s.Value)
		case Header:
			from.Header.Set(s.Name, s.Value)
		case Cookie:
			cookies = append(cookies, Pair{s.Name, s.Value})
		}
	}
	var lines []string
	for _, c := range cookies {
		lines = append(lines, c.Name+"="+c.Value)
	}
	if len(lines) > 0 {
		from.Header.Set("Cookie", strings.Join(lines, "; "))
	}
	from.Query = string(query)
	return from
}

// What stands in a fixed way is read back too: nested objects, wildcards, the rest of a path, files of a form, nil and null.
func TestRoundTrip(t *testing.T) {
	depth := float32(2.5)
	tests := map[string]struct {
		route string
		model any
	}{
		"deep": {"/", struct {
			S shelf `query:"s,style=deepObject"`
		}{shelf{[]string{"a", "b"}, map[string]shade{"x": {Red: 1, Name: "r"}}, []map[string]word{{"k": "v"}, {"l": "w"}}, &depth}}},
		"deep in a form": {"/", struct {
			S shelf  `form:"s,style=deepObject"`
			T string `form:"t"`
		}{shelf{[]string{"a]b"}, nil, nil, nil}, "s[x]=1"}},
		"wildcard query": {"/?v=2", struct {
			Q    string              `query:"q"`
			Rest map[string][]string `query:"*"`
		}{"1", map[string][]string{"a": {"1", "2"}, "b c": {"&"}}}},
		"wildcard headers": {"/", struct {
			N    int               `header:"X-Meta-N"`
			Meta map[string]string `header:"X-Meta-*"`
		}{3, map[string]string{"a": "1", "b-c": "2"}}},
		"the rest of a path": {"/files/{bucket}/{path...}", struct {
			Bucket string `path:"bucket"`
			Path   string `path:"path"`
		}{"b/c", "x/y z/é/"}},
		"a list as the rest": {"/files/{path...}", struct {
			Path []string `path:"path"`
		}{[]string{"a/b", "c"}}},
		"placeholders in one segment": {"/files/{name}.{ext}/{a}-{b}", struct {
			Name string `path:"name"`
			Ext  string `path:"ext"`
			A    int    `path:"a"`
			B    string `path:"b"`
		}{"report", "tar.gz", 7, "x-y"}},
		"a label behind a value": {"/pets/{id}{format}", struct {
			ID     int      `path:"id"`
			Format []string `path:"format,style=label,explode=true"`
		}{7, []string{"json", "gz"}}},
		"null": {"/{p}", struct {
			P int            `path:"p"`
			Q Opt[int]       `query:"q"`
			H Opt[[]string]  `header:"X-H"`
			C Opt[string]    `cookie:"c"`
			D Opt[shade]     `query:"d,style=deepObject"`
			J Opt[time.Time] `json:"j,format=unix"`
		}{1, nullOf[int](), nullOf[[]string](), nullOf[string](), nullOf[shade](), nullOf[time.Time]()}},
		"unset": {"/", struct {
			Q Opt[int]          `query:"q"`
			P *int              `query:"p"`
			L []string          `header:"L"`
			S *shade            `query:"s,explode=false"`
			M map[string]string `query:"*"`
			J Opt[bool]         `json:"j"`
		}{}},
		"nulls in lists": {"/", struct {
			L []Opt[int] `query:"l,explode=false"`
			H []Opt[int] `header:"X-L"`
		}{[]Opt[int]{some(1), nullOf[int]()}, []Opt[int]{nullOf[int](), some(2)}}},
		"embedded": {"/{a}", struct {
			*Page
			A string `path:"a"`
		}{&Page{Limit: 3}, "a"}},
		"an embedded pointer with nothing in it": {"/{a}", struct {
			*Page
			A string `path:"a"`
		}{nil, "a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			roundTrip(t, name, tt.route, own(tt.model))
		})
	}
}

type Page struct {
	Limit int `query:"limit,omitzero"`
}

// What can't be made from text is said, all of it.
func TestIncomingMistakes(t *testing.T) {
	r := compile(t, "/{a}", struct {
		A    fmt.Stringer `path:"a"`
		Q    stamp        `query:"q"`
		S    sealedObject `query:"s,explode=false"`
		Body *strings.Reader
	}{})
	_, mistakes := r.Incoming()
	said := text(mistakes)
	require.Contains(t, said, "fmt.Stringer")
	require.Contains(t, said, "Body is a *strings.Reader, which a server can't fill: use io.Reader or io.ReadCloser")
}
