package bind

import (
	"errors"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2019, 12, 16, 23, 48, 18, 500e6, time.UTC)

type color string

type level int

func (l level) MarshalText() ([]byte, error) {
	if l < 0 {
		return nil, errors.New("level -7 is secret")
	}
	return []byte("level/" + string(rune('0'+l))), nil
}

type paging struct {
	Limit int `query:"limit,omitzero"`
	Page  int `query:"page,omitzero"`
}

type rgb struct {
	R int
	G int `json:"G"`
	B int `json:"B,omitempty"`
	_ int // an unexported field is passed over
}

func TestEncodeQuery(t *testing.T) {
	str, empty := "s", ""
	type all struct {
		S   string              `query:"s,omitzero"`
		B   *bool               `query:"b"`
		I   int8                `query:"i,omitempty"`
		U   *uint64             `query:"u"`
		F32 float32             `query:"f32,omitzero"`
		F64 float64             `query:"f64,omitzero"`
		P   *string             `query:"p"`
		N   color               `query:"n,omitzero"`
		L   []string            `query:"l"`
		PL  []*string           `query:"pl"`
		Arr [2]int              `query:"arr,omitzero"`
		D   []byte              `query:"d"`
		T   time.Time           `query:"t,omitzero"`
		TD  *time.Time          `query:"td,format=date"`
		TU  time.Time           `query:"tu,format=unix,omitzero"`
		TH  []time.Time         `query:"th,format=http-date"`
		M   level               `query:"m,omitzero"`
		IP  netip.Addr          `query:"ip,omitzero"`
		Big *big.Int            `query:"big"`
		BV  big.Int             `query:"bv,omitzero"`
		A   any                 `query:"a"`
		AL  []any               `query:"al"`
		O   Opt[int]            `query:"o"`
		OT  Opt[time.Time]      `query:"ot,format=date"`
		OL  Opt[[]string]       `query:"ol"`
		Obj *rgb                `query:"obj"`
		Map map[string]int      `query:"map,explode=false"`
		K   map[level]string    `query:"k"`
		St  url.Values          `query:"-"`
		Sp  map[string][]string `json:"-"`
	}
	tests := map[string]struct {
		in   all
		want string
	}{
		"nothing":              {all{}, ""},
		"string":               {all{S: "a b+c&d=e/ü"}, "s=a%20b%2Bc%26d%3De%2F%C3%BC"},
		"false pointer":        {all{B: new(false)}, "b=false"},
		"int":                  {all{I: -8}, "i=-8"},
		"uint":                 {all{U: new(uint64(math.MaxUint64))}, "u=18446744073709551615"},
		"float32":              {all{F32: 1.1}, "f32=1.1"},
		"float64":              {all{F64: 1e21}, "f64=1e%2B21"},
		"small float":          {all{F64: -0.000001}, "f64=-0.000001"},
		"pointer":              {all{P: &str}, "p=s"},
		"empty text":           {all{P: &empty}, "p="},
		"named":                {all{N: "red"}, "n=red"},
		"list":                 {all{L: []string{"a", "", "c,d"}}, "l=a&l=&l=c%2Cd"},
		"empty list":           {all{L: []string{}}, ""},
		"list with nil":        {all{PL: []*string{nil, &str, nil}}, "pl=s"},
		"list of nils":         {all{S: "x", PL: []*string{nil}, D: []byte("y")}, "s=x&d=eQ%3D%3D"},
		"array":                {all{Arr: [2]int{1, 2}}, "arr=1&arr=2"},
		"bytes":                {all{D: []byte{0xff, 0xfe}}, "d=%2F%2F4%3D"},
		"time":                 {all{T: noon}, "t=2019-12-16T23%3A48%3A18.5Z"},
		"date":                 {all{TD: &noon}, "td=2019-12-16"},
		"unix":                 {all{TU: noon}, "tu=1576540098.5"},
		"http-date":            {all{TH: []time.Time{noon}}, "th=Mon%2C%2016%20Dec%202019%2023%3A48%3A18%20GMT"},
		"text marshaler":       {all{M: 3}, "m=level%2F3"},
		"marshaler with zero":  {all{IP: netip.MustParseAddr("::1")}, "ip=%3A%3A1"},
		"pointer marshaler":    {all{Big: big.NewInt(7)}, "big=7"},
		"by pointer receiver":  {all{BV: *big.NewInt(8)}, "bv=8"},
		"any":                  {all{A: uint8(5)}, "a=5"},
		"any nil pointer":      {all{A: (*int)(nil)}, ""},
		"any list":             {all{A: []int{1, 2}}, "a=1&a=2"},
		"list of any":          {all{AL: []any{1, "x", nil, true}}, "al=1&al=x&al=true"},
		"opt zero value":       {all{O: some(0)}, "o=0"},
		"opt null":             {all{O: nullOf[int]()}, "o=null"},
		"opt time with format": {all{OT: some(noon)}, "ot=2019-12-16"},
		"opt list":             {all{OL: some([]string{"a", "b"})}, "ol=a&ol=b"},
		"opt null list":        {all{OL: nullOf[[]string]()}, "ol=null"},
		"object":               {all{Obj: &rgb{R: 100, G: 200}}, "R=100&G=200"},
		"map sorted":           {all{Map: map[string]int{"z": 1, "a": 2, "m": 3}}, "map=a,2,m,3,z,1"},
		"map with text keys":   {all{K: map[level]string{1: "x"}}, "level%2F1=x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := encode(t, "/x", tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(out.Query))
			require.Equal(t, "/x", string(out.Path))
			_, err = url.ParseQuery(string(out.Query))
			require.NoError(t, err)
		})
	}
}

func TestEncodeKeepsDeclaredOrderAfterConstants(t *testing.T) {
	type model struct {
		Z string `query:"z"`
		paging
		A string `query:"a[b]"`
	}
	out, err := encode(t, "/x?v=2&flag", model{Z: "1", paging: paging{Limit: 5}, A: "2"})
	require.NoError(t, err)
	require.Equal(t, "v=2&flag&z=1&limit=5&a%5Bb%5D=2", string(out.Query))
}

func TestEncodeWildcards(t *testing.T) {
	type model struct {
		Foo   *string             `query:"foo"`
		All   map[string][]string `query:"*"`
		Meta  map[string]string   `header:"x-meta-*"`
		Owner string              `header:"X-Meta-Owner,omitzero"`
		Any   map[string]any      `header:"*"`
	}
	t.Run("sorted and escaped", func(t *testing.T) {
		out, err := encode(t, "/x?v=2", model{All: map[string][]string{"z": {"1"}, "a b": {"2", "3"}, "e": {}, "v": {"wrong"}}})
		require.NoError(t, err)
		require.Equal(t, "v=2&a%20b=2&a%20b=3&z=1", string(out.Query))
	})
	t.Run("a named field wins", func(t *testing.T) {
		out, err := encode(t, "/x", model{Foo: new("named"), All: map[string][]string{"foo": {"map"}, "bar": {"map"}},
			Owner: "me", Meta: map[string]string{"owner": "you", "Size": "5"}})
		require.NoError(t, err)
		require.Equal(t, "foo=named&bar=map", string(out.Query))
		require.Equal(t, map[string][]string{"X-Meta-Owner": {"me"}, "X-Meta-Size": {"5"}}, map[string][]string(out.Header))
	})
	t.Run("a named field that is left out does not", func(t *testing.T) {
		out, err := encode(t, "/x", model{All: map[string][]string{"foo": {"map"}}, Meta: map[string]string{"owner": "you"}})
		require.NoError(t, err)
		require.Equal(t, "foo=map", string(out.Query))
		require.Equal(t, "you", out.Header.Get("X-Meta-Owner"))
	})
	t.Run("any", func(t *testing.T) {
		out, err := encode(t, "/x", model{Any: map[string]any{"x-a": 1, "x-b": []string{"p", "q"}, "x-c": nil}})
		require.NoError(t, err)
		require.Equal(t, map[string][]string{"X-A": {"1"}, "X-B": {"p", "q"}}, map[string][]string(out.Header))
	})
	t.Run("R20 names", func(t *testing.T) {
		_, err := encode(t, "/x", model{All: map[string][]string{"": {"v"}}})
		require.ErrorContains(t, err, "empty name")
		_, err = encode(t, "/x", model{Meta: map[string]string{"a\r\nEvil": "v"}})
		require.ErrorContains(t, err, "no token")
		require.NotContains(t, err.Error(), "Evil")
		_, err = encode(t, "/x", model{Any: map[string]any{"a": map[string]int{"b": 1}}})
		require.ErrorContains(t, err, "holds an object")
		_, err = encode(t, "/x", model{Any: map[string]any{"a": hide("hunter2")}})
		require.ErrorContains(t, err, "field of its own")
	})
}

func TestEncodeHeaders(t *testing.T) {
	type all struct {
		S  string            `header:"x-s,omitzero"`
		P  *string           `header:"X-P"`
		B  *bool             `header:"X-B"`
		L  []string          `header:"X-L"`
		LE []string          `header:"X-Le,explode=true"`
		I  []int             `header:"X-I"`
		T  []time.Time       `header:"X-T,format=http-date"`
		TD time.Time         `header:"X-Td,omitzero"`
		O  Opt[string]       `header:"X-O"`
		M  map[string]string `header:"X-M"`
		ME map[string]string `header:"X-Me,explode=true"`
		A  any               `header:"X-A"`
	}
	tests := map[string]struct {
		in   all
		want map[string][]string
	}{
		"nothing":       {all{}, nil},
		"canonical":     {all{S: "v"}, map[string][]string{"X-S": {"v"}}},
		"empty":         {all{P: new("")}, map[string][]string{"X-P": {""}}},
		"bool":          {all{B: new(true)}, map[string][]string{"X-B": {"true"}}},
		"list":          {all{L: []string{"a", "b", "c"}}, map[string][]string{"X-L": {"a, b, c"}}},
		"quoted":        {all{L: []string{"b,c", `"def"`, "a", "", " x"}}, map[string][]string{"X-L": {`"b,c", "\"def\"", a, "", " x"`}}},
		"repeated":      {all{LE: []string{"a", "b,c"}}, map[string][]string{"X-Le": {"a", "b,c"}}},
		"numbers":       {all{I: []int{1, 2}}, map[string][]string{"X-I": {"1, 2"}}},
		"dates":         {all{T: []time.Time{noon, noon}}, map[string][]string{"X-T": {"Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:18 GMT"}}},
		"date-time":     {all{TD: noon}, map[string][]string{"X-Td": {"2019-12-16T23:48:18.5Z"}}},
		"opt":           {all{O: some("x")}, map[string][]string{"X-O": {"x"}}},
		"opt null":      {all{O: nullOf[string]()}, map[string][]string{"X-O": {"null"}}},
		"object":        {all{M: map[string]string{"R": "1", "G": "2"}}, map[string][]string{"X-M": {"G, 2, R, 1"}}},
		"object by =":   {all{ME: map[string]string{"R": "1", "G": "2"}}, map[string][]string{"X-Me": {"G=2, R=1"}}},
		"any with list": {all{A: []bool{true, false}}, map[string][]string{"X-A": {"true, false"}}},
		"tab and ü":     {all{S: "a\tü"}, map[string][]string{"X-S": {"a\tü"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := encode(t, "/x", tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.want, map[string][]string(out.Header))
		})
	}
}

func TestEncodeCookies(t *testing.T) {
	type all struct {
		S string            `cookie:"s,omitzero"`
		L []string          `cookie:"l"`
		J []string          `cookie:"j,explode=false"`
		M map[string]string `cookie:"m"`
		N map[string]int    `cookie:"n,explode=false"`
		F string            `cookie:"f,style=form,omitzero"`
		O Opt[int]          `cookie:"o"`
	}
	tests := map[string]struct {
		in   all
		want []Pair
	}{
		"nothing":  {all{}, nil},
		"text":     {all{S: "v"}, []Pair{{"s", "v"}}},
		"exploded": {all{L: []string{"a", "b"}}, []Pair{{"l", "a"}, {"l", "b"}}},
		"joined":   {all{J: []string{"a", "b"}}, []Pair{{"j", "a,b"}}},
		"object":   {all{M: map[string]string{"R": "1", "G": "2"}}, []Pair{{"G", "2"}, {"R", "1"}}},
		"pairs":    {all{N: map[string]int{"R": 1, "G": 2}}, []Pair{{"n", "G,2,R,1"}}},
		"form":     {all{F: "a b;ü"}, []Pair{{"f", "a%20b%3B%C3%BC"}}},
		"null":     {all{O: nullOf[int]()}, []Pair{{"o", "null"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := encode(t, "/x", tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.want, out.Cookies)
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	type all struct {
		F  *float64          `query:"f"`
		L  level             `query:"l,omitzero"`
		A  any               `query:"a"`
		T  time.Time         `query:"t,omitzero"`
		H  string            `header:"X-H,omitzero"`
		HL []string          `header:"X-Hl"`
		C  string            `cookie:"c,omitzero"`
		CM map[string]string `cookie:"cm"`
		D  map[string]any    `query:"d,style=deepObject"`
	}
	loop := map[string]any{}
	loop["x"] = loop
	tests := map[string]struct {
		in          all
		field, want string
	}{
		"NaN":             {all{F: new(math.NaN())}, "all.F", "NaN or infinite"},
		"Inf":             {all{F: new(math.Inf(-1))}, "all.F", "NaN or infinite"},
		"marshaler fails": {all{L: -7}, "all.L", "its MarshalText failed"},
		"any of a chan":   {all{A: make(chan int)}, "all.A", "no text form"},
		"any nested":      {all{A: [][]int{{1}}}, "all.A", "inside another"},
		"any recursive":   {all{A: loop}, "all.A", "inside another"},
		"any of secrets":  {all{A: []Secret{hide("hunter2")}}, "all.A", "field of its own"},
		"year 10000":      {all{T: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "all.T", "year"},
		"header CRLF":     {all{H: "v\r\nEvil: 1"}, "all.H", "control character"},
		"header space":    {all{H: "v "}, "all.H", "white space"},
		"list with CRLF":  {all{HL: []string{"a", "b\nEvil"}}, "all.HL", "control character"},
		"cookie":          {all{C: "a;b"}, "all.C", "cookie"},
		"cookie name":     {all{CM: map[string]string{"a=b": "c"}}, "all.CM", "token"},
		"deep loop":       {all{D: loop}, "all.D", "nested too deeply"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := encode(t, "/x", tt.in)
			fe, ok := errors.AsType[*FieldError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.field, fe.Field)
			require.Contains(t, fe.Problem, tt.want)
			for _, value := range []string{"Evil", "hunter2", "-7", "a;b", "a=b"} {
				require.NotContains(t, err.Error(), value)
			}
		})
	}
	_, err := encode(t, "/x", all{L: -7})
	require.EqualError(t, errors.Unwrap(err), "level -7 is secret")
}

func TestEncodeEmbedded(t *testing.T) {
	type Deep struct {
		Limit int    `query:"limit,omitzero"` // shadowed by paging's
		Trace string `header:"X-Trace,omitzero"`
	}
	type Middle struct{ *Deep }
	type model struct {
		*Middle
		paging
		ID string `path:"id"`
	}
	out, err := encode(t, "/{id}", model{ID: "a", paging: paging{Limit: 1}})
	require.NoError(t, err)
	require.Equal(t, "limit=1", string(out.Query))
	require.Nil(t, out.Header)

	out, err = encode(t, "/{id}", model{ID: "a", Middle: &Middle{&Deep{Limit: 5, Trace: "t"}}})
	require.NoError(t, err)
	require.Empty(t, out.Query)
	require.Equal(t, "t", out.Header.Get("X-Trace"))
}

func TestEncodePointerModel(t *testing.T) {
	type model struct {
		ID string `path:"id" default:"none"`
	}
	r := compile(t, "/{id}", &model{})
	out := new(Parts)
	require.NoError(t, r.Encode(own(&model{ID: "a"}), out))
	require.Equal(t, "/a", string(out.Path))
	require.EqualError(t, r.Encode(own((*model)(nil)), out), "model is nil: pass a request model")

	mine := &model{}
	v := own(mine)
	r.ApplyDefaults(v)
	require.Empty(t, mine.ID, "the caller's model must stay as it is")
	out = &Parts{Path: []byte("/v1")}
	require.NoError(t, r.Encode(v, out))
	require.Equal(t, "/v1/none", string(out.Path), "what stands there is the path of the base URL")
}

func TestR44SecretsTravelApart(t *testing.T) {
	type model struct {
		Tenant Secret      `path:"tenant"`
		ID     int         `path:"id"`
		Key    Secret      `query:"key"`
		Other  *Secret     `query:"other"`
		Token  Secret      `header:"x-token"`
		Opt    Opt[Secret] `cookie:"sid"`
		Any    any         `header:"X-Any"`
		Zero   Secret      `header:"X-Zero"`
		Left   Secret      `header:"X-Left,omitzero"`
		Q      string      `query:"q"`
	}
	in := model{Tenant: hide("t/1"), ID: 8, Key: hide("k&y"), Token: hide("tok"), Opt: some(hide("c00kie")), Any: hide("any"), Q: "v"}
	out, err := encode(t, "/{tenant}/pets/{id}", in)
	require.NoError(t, err)
	require.Equal(t, "/%5Bredacted%5D/pets/8", string(out.Path))
	require.Equal(t, "/t%2F1/pets/8", string(out.ClearPath))
	require.Equal(t, "q=v", string(out.Query))
	require.Nil(t, out.Header)
	require.Nil(t, out.Cookies)
	require.Equal(t, []SecretPair{
		{Query, "key", "k&y"}, {Header, "X-Token", "tok"}, {Header, "X-Any", "any"}, {Header, "X-Zero", ""}, {Cookie, "sid", "c00kie"},
	}, out.Secrets)

	for name, in := range map[string]model{
		"header": {Tenant: hide("t"), Token: hide("hunter2\r\n")},
		"cookie": {Tenant: hide("t"), Opt: some(hide("hunter2;"))},
		"path":   {Tenant: hide("hunter2/..")},
		"empty":  {},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := encode(t, "/{tenant}/pets/{id}", in)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestClearPathIsNilWithoutSecrets(t *testing.T) {
	out, err := encode(t, "/{id}", struct {
		ID int `path:"id"`
	}{5})
	require.NoError(t, err)
	require.Nil(t, out.ClearPath)
}
