package bind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type deepLists struct {
	A []int                     `query:"a,style=deepObject"`
	B []struct{ C []string }    `query:"b,style=deepObject"`
	M map[string]map[string]int `query:"m,style=deepObject"`
}

// readQuery decodes a query into a model of T.
func readQuery[T any](t testing.TB, query string) (T, error) {
	t.Helper()
	var model T
	in, mistakes := compile(t, "/", model).Incoming()
	require.Empty(t, mistakes)
	err := in.Decode(reflect.ValueOf(&model).Elem(), Received{Path: "/", Query: query})
	return model, err
}

// R35: an index says where an item stands and never how long the list is.
func TestR35Indexes(t *testing.T) {
	got, err := readQuery[deepLists](t, "a[1]=8&a[0]=7&b[0][C][0]=x")
	require.NoError(t, err)
	require.Equal(t, deepLists{A: []int{7, 8}, B: []struct{ C []string }{{[]string{"x"}}}}, got)
	for _, query := range []string{
		"a[9999999]=1", "a[1]=1", "a[0]=1&a[2]=1", "a[00]=1", "a[-1]=1", "a[0x0]=1", "a[+0]=1", "a[ 0]=1", "a[x]=1", "a[]=1", "a[0][0]=1",
		"a[0]=1&a[0]=2", "a=1", "a[0=1", "a[0]b=1", "a[0]=1&a=2", "b[0][C][9223372036854775807]=x", "b[9999999][C][0]=x", "a[18446744073709551616]=1",
		"m" + strings.Repeat("[k]", 33) + "=1", "m[a]=1",
	} {
		_, err := readQuery[deepLists](t, query)
		require.Error(t, err, query)
		require.NotContains(t, err.Error(), "9999999")
	}
}

func TestR35AllocationsDoNotGrowWithTheIndex(t *testing.T) {
	allocated := func(index int) uint64 {
		in, mistakes := compile(t, "/", deepLists{}).Incoming()
		require.Empty(t, mistakes)
		from := Received{Path: "/", Query: fmt.Sprintf("a[%d]=1&b[%d][C][%d]=x", index, index, index)}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			_ = in.Decode(reflect.New(in.r.typ).Elem(), from)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(2)
	small, large := allocated(2), allocated(999_999_999)
	require.Less(t, large, 2*small+100_000, "%d bytes for an index of 2", small)
}

func TestIncomingRefuses(t *testing.T) {
	type model struct {
		N    int               `query:"n"`
		L    []int             `query:"l,explode=false"`
		Arr  [2]bool           `query:"arr"`
		O    struct{ A int }   `query:"o,explode=false"`
		Each struct{ X int }   `query:"each"`
		Rest map[string]string `query:"rest,style=deepObject"`
	}
	for query, want := range map[string]string{
		"n=x":         "model.N (query:\"n\") is not an integer of 64 bits",
		"n=1&n=2":     "is there more than once, and is no list",
		"n=%zz":       "holds a % that begins no percent-encoded byte",
		"l=1,x":       "model.L",
		"arr=true":    "is a list of another length than the field's array",
		"o=A":         "is not a list of names and values",
		"X=1&X=2":     "more than once",
		"rest=1":      "has a value without keys",
		"rest[a]=1&n": "is not an integer",
	} {
		_, err := readQuery[model](t, query)
		require.ErrorContains(t, err, want, query)
	}
	got, err := readQuery[model](t, "n=+7&unknown=1")
	require.Error(t, err, "%v: a + is a space", got)
	got, err = readQuery[model](t, "unknown=1&&o=A,5,B,6&X=%33")
	require.NoError(t, err)
	require.Equal(t, model{O: struct{ A int }{5}, Each: struct{ X int }{3}}, got)
}

func TestIncomingMatch(t *testing.T) {
	tests := map[string]struct {
		route    string
		yes, not []string
	}{
		"root":         {"/", []string{"/"}, []string{"", "/a", "//"}},
		"literal":      {"/pets", []string{"/pets"}, []string{"/pets/", "/Pets", "/pets/7", "/v1/pets"}},
		"slash at end": {"/pets/", []string{"/pets/"}, []string{"/pets", "/pets//"}},
		"one":          {"/pets/{a}", []string{"/pets/7", "/pets/a%2Fb"}, []string{"/pets/", "/pets", "/pets/7/8"}},
		"parts":        {"/f/{a}.{b}", []string{"/f/x.y", "/f/x.y.z"}, []string{"/f/x", "/f/.y", "/f/x."}},
		"between":      {"/f/x{a}y", []string{"/f/x1y", "/f/xyy"}, []string{"/f/xy", "/f/1y", "/f/x1"}},
		"rest":         {"/f/{a...}", []string{"/f/x", "/f/x/y/"}, []string{"/f", "/f/"}},
		"constants":    {"/s?v=1&w", []string{"/s?w&q=1&v=1"}, []string{"/s", "/s?v=1", "/s?v=2&w"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in, mistakes := compile(t, tt.route, modelOfRoute(t, tt.route)).Incoming()
			require.Empty(t, mistakes)
			match := func(target string) bool {
				path, query, _ := strings.Cut(target, "?")
				return in.Match(path, query)
			}
			for _, target := range tt.yes {
				require.True(t, match(target), target)
			}
			for _, target := range tt.not {
				require.False(t, match(target), target)
			}
		})
	}
}

func modelOfRoute(t *testing.T, route string) any {
	t.Helper()
	parsed, mistakes := ParseRoute(route)
	require.Empty(t, mistakes)
	var fields []reflect.StructField
	for _, name := range parsed.Names() {
		fields = append(fields, reflect.StructField{Name: strings.ToUpper(name), Type: reflect.TypeFor[string](), Tag: reflect.StructTag(`path:"` + name + `"`)})
	}
	return reflect.Zero(reflect.StructOf(fields)).Interface()
}

func TestIncomingDefaults(t *testing.T) {
	type model struct {
		Limit int      `query:"limit" default:"20"`
		Sort  *string  `query:"sort" default:"name"`
		Lang  string   `header:"Accept-Language" default:"en"`
		Page  Opt[int] `query:"page" default:"1"`
	}
	got, err := readQuery[model](t, "limit=0")
	require.NoError(t, err)
	name := "name"
	require.Equal(t, model{0, &name, "en", some(1)}, got)
}

// What an answer's plan wrote, a response's plan reads.
func TestAnswerRoundTrip(t *testing.T) {
	type located struct {
		Total int                 `header:"X-Total"`
		Names []string            `header:"X-Names"`
		Attrs map[string]string   `header:"X-Attrs,explode=true"`
		Meta  map[string][]string `header:"X-Meta-*"`
		SID   Secret              `cookie:"sid"`
		Flags []bool              `cookie:"flag"`
		ID    int                 `json:"id"`
		Note  Opt[string]         `json:"note"`
	}
	type unset struct {
		A Opt[int] `json:"a"`
		B Opt[int] `json:"b"`
	}
	for name, model := range map[string]any{
		"located": located{7, []string{"a", "b,c", `"d"`}, map[string]string{"k": `x, "y"`}, map[string][]string{"a": {"1", "2"}}, hide("s"), []bool{true, false}, 3, some("n")},
		"pointer": &located{ID: 1, SID: hide("x")},
		"unset":   unset{A: some(1)},
		"null":    unset{A: nullOf[int]()},
	} {
		t.Run(name, func(t *testing.T) {
			r, mistakes := CompileResponse(reflect.TypeOf(model))
			require.Empty(t, mistakes)
			a, mistakes := r.Answer()
			require.Empty(t, mistakes)
			var parts Parts
			require.NoError(t, a.Encode(own(model), &parts))
			require.Equal(t, JSONFields, a.BodyKind())
			data, err := a.AppendJSON(nil, own(model), json.Marshal)
			require.NoError(t, err)
			got := reflect.New(reflect.TypeOf(model)).Elem()
			if r.BodyKind() == Whole {
				require.NoError(t, json.Unmarshal(data, r.BodyTarget(got).Addr().Interface()))
			} else {
				require.NoError(t, r.DecodeJSON(got, data, json.Unmarshal))
			}
			from := received(&parts)
			require.NoError(t, r.DecodeLocated(got, from.Header, func() []*http.Cookie {
				list, _ := http.ParseCookie(from.Header.Get("Cookie"))
				return list
			}))
			require.Equal(t, model, got.Interface(), "%s", data)
		})
	}
}

func TestAnswerMistakes(t *testing.T) {
	r, mistakes := CompileResponse(reflect.TypeFor[struct {
		A struct{ B int } `cookie:"a"`
	}]())
	require.Empty(t, mistakes)
	_, mistakes = r.Answer()
	require.Contains(t, text(mistakes), "is an object that becomes several cookies, and is read from one: use explode=false")
}

// FuzzIncoming reads what anybody may send. What is taken is as large as what was sent.
func FuzzIncoming(f *testing.F) {
	type model struct {
		ID     Opt[int]       `path:"id"`
		Colors map[string]int `path:"colors,style=matrix,explode=true"`
		Lists  struct {
			A []int
			B []struct{ C []string }
		} `query:"deep,style=deepObject"`
		L    []string          `query:"l,style=pipeDelimited"`
		Rest map[string][]any  `query:"*"`
		H    map[string]string `header:"X-H,explode=true"`
		C    []string          `cookie:"c,style=form,explode=false"`
		Form []shelf           `form:"f,style=deepObject"`
	}
	in, mistakes := compile(f, "/p/{id}/x{colors}", model{}).Incoming()
	require.Empty(f, mistakes)
	f.Add("/p/7/x;a=1;b=2", "deep[A][0]=1&l=a%7Cb&x=1", `a="b, c", d=e`, "c=a,b; d", "f[0][labels][0]=a&f[0][depth]=1")
	f.Add("/p//x", "deep[B][9999999][C]=%", `"`, `c="`, "f[9]=+")
	f.Fuzz(func(t *testing.T, path, query, header, cookie, form string) {
		v := reflect.New(reflect.TypeFor[model]()).Elem()
		_ = in.Decode(v, Received{Path: path, Query: query, Header: http.Header{"X-H": {header}, "Cookie": {cookie}}})
		_ = in.DecodeForm(v, []byte(form))
		m, _ := v.Interface().(model)
		require.LessOrEqual(t, len(m.Form), bytes.Count([]byte(form), []byte("="))+bytes.Count([]byte(form), []byte("&"))+1)
		require.LessOrEqual(t, len(m.Lists.A), len(query)+1)
	})
}

func TestExplodedPairsOfAHeader(t *testing.T) {
	for line, want := range map[string][]Pair{
		"":                         nil,
		" , ":                      nil,
		"R=100, G=200":             {{"R", "100"}, {"G", "200"}},
		"R=100,G = 200 ,":          {{"R", "100"}, {"G", " 200"}},
		`a="x, \"y\"=z", "b,=c"=d`: {{"a", `x, "y"=z`}, {"b,=c", "d"}},
		`a="no end, b=c`:           {{"a", "no end, b=c"}},
		`a="x" y, b=`:              {{"a", "x"}, {"b", ""}},
		"a=b=c":                    {{"a", "b=c"}},
	} {
		got, err := explodedPairs([]string{line})
		require.NoError(t, err, line)
		require.Equal(t, want, got, line)
	}
	for _, line := range []string{"a", "a, b=c", `"a"`, "a=b, c"} {
		_, err := explodedPairs([]string{line})
		require.ErrorIs(t, err, errNoPairs, line)
	}
}
