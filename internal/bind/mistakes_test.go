package bind

import (
	"encoding/json"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type selfMarshaler struct {
	ID   string `path:"id"`
	Name string `json:"name"`
}

func (selfMarshaler) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

type nestedFormat struct {
	At time.Time `json:"at,format=unix"`
}

type nestedDefault struct {
	N int `json:"n" default:"1"`
}

type strayHeader struct {
	Tag string `header:"ETag"`
	Own string `header:"X-Own" json:"-"`
}

type nestedOpt struct {
	N Opt[int] `json:"n"`
}

type tree struct {
	Left, Right *tree
	Leaf        Opt[*tree] `json:"leaf,omitzero"`
}

func TestRequestMistakes(t *testing.T) {
	type a struct {
		X string `query:"x"`
	}
	type b struct {
		X string `query:"x"`
	}
	tests := map[string]struct {
		route string
		model any
		want  string
	}{
		"no field":        {"/{id}", struct{}{}, `struct has no field tagged path:"id" for the placeholder {id}: add one or take it out of the route`},
		"no field, named": {"/{id}", a{}, `bind.a has no field tagged path:"id" for the placeholder {id}`},
		"no placeholder":  {"/x", onePath{}, `bind.onePath.ID (path:"id") has no placeholder {id} in the route /x: add it, or take the field out`},
		"no place":        {"/x", struct{ a }{a{}}, ""},
		"loose field": {"/x", struct {
			Q string `query:"q"`
			Z int
		}{}, `struct.Z has no place: tag it json, header or cookie (in a request also path, query or form), name it Body if it is the whole body, or json:"-" to leave it out`},
		"two places": {"/x", struct {
			Q string `query:"q" header:"X-Q"`
		}{}, "has the tags query and header: a field has one place"},
		"place and json": {"/x", struct {
			Q string `query:"q" json:"q"`
		}{}, "has a json name too"},
		"place and json -": {"/x", struct {
			Q string `query:"q" json:"-"`
		}{}, ""},
		"unexported": {"/x", struct {
			q string `query:"q"`
		}{}, "is tagged but not exported"},
		"no name": {"/x", struct {
			Q string `query:",omitzero"`
		}{}, `has no name: write query:"name"`},
		"header name": {"/x", struct {
			Q string `header:"X A"`
		}{}, "is named by no token"},
		"cookie name": {"/x", struct {
			Q string `cookie:"a=b"`
		}{}, "is named by no token"},
		"same name": {"/x", struct {
			Q string `query:"q"`
			R string `query:"q"`
		}{}, `struct.R (query:"q") has the same name as Q`},
		"same header": {"/x", struct {
			Q string `header:"x-a"`
			R string `header:"X-A"`
		}{}, "has the same name as Q"},
		"same depth": {"/x", struct {
			a
			b
		}{}, `struct.b.X (query:"x") has the same name as a.X`},
		"shadowed": {"/x", struct {
			a
			X string `query:"x"`
		}{}, ""},
		"same json":      {"/x", sameJSON, "struct.B (json:\"a\") has the same name as A"},
		"constant":       {"/x?q=1", a{}, ""},
		"constant twice": {"/x?x=1", a{}, "stands as a constant in the route's query already"},
		"duration": {"/x", struct {
			D time.Duration `query:"d"`
		}{}, "time.Duration, which APIs don't agree on"},
		"chan": {"/x", struct {
			D chan int `query:"d"`
		}{}, "has the type chan int, which has no text form"},
		"empty object": {"/x", struct {
			D struct{ x int } `query:"d"`
		}{}, "has no fields to send"},
		"recursive": {"/x", struct {
			D tree `query:"d,style=deepObject"`
		}{}, "recursive type bind.tree"},
		"pointer to any": {"/x", struct {
			D *any `query:"d"`
		}{}, "pointer to the interface"},
		"map key": {"/x", struct {
			D map[float64][2]int `query:"d"`
			E map[struct{}]int   `query:"e"`
		}{}, "map keys of type struct {}"},
		"rest style": {"/{p...}", struct {
			P string `path:"p,style=label"`
		}{}, "fills the rest of the path"},
		"rest object": {"/{p...}", struct {
			P map[string]string `path:"p"`
		}{}, "fills the rest of the path"},
		"json and form": {"/x", struct {
			A string `json:"a"`
			B string `form:"b"`
		}{}, "is part of a JSON body, and B of a form"},
		"Body and json": {"/x", struct {
			A    string `json:"a"`
			Body string
		}{}, `struct.Body is the whole body, and A is part of one: give Body a json tag`},
		"Body and form": {"/x", struct {
			A    string `form:"a"`
			Body []byte
		}{}, "is the whole body, and A is part of one"},
		"two bodies": {"/x", struct {
			bodyA
			bodyB
		}{}, "has the same name as bodyA.Body"},
		"own MarshalJSON": {"/{id}", selfMarshaler{}, "bind.selfMarshaler has MarshalJSON"},
		"unencodable":     {"/x", map[string]chan int{}, "map[string]chan int[] is a chan, which can't be written as JSON"},
		"unencodable field": {"/x", struct {
			Q string `query:"q"`
			F func() `json:"f"`
		}{}, `struct.F (json:"f") can't be sent: func() is a func`},
		"deep format":    {"/x", struct{ N nestedFormat }{}, "struct.N.At has a format below the top level of the body"},
		"deep default":   {"/x", struct{ N []nestedDefault }{}, "struct.N[].N has a default below the top level of the body"},
		"deep header":    {"/x", struct{ N []strayHeader }{}, "struct.N[].Tag has a header tag below the top level of the body, where it means nothing: add a json tag"},
		"deep opt":       {"/x", struct{ N *nestedOpt }{}, "struct.N.N is optional below the top level of the body: add omitzero"},
		"deep in a list": {"/x", []nestedFormat{}, "[]bind.nestedFormat[].At has a format"},
		"deep in Body":   {"/x", struct{ Body nestedOpt }{}, "struct.Body.N is optional below"},
		"deep in a json field": {"/x", struct {
			Q string    `query:"q"`
			N nestedOpt `json:"n"`
		}{}, "struct.N.N is optional below"},
		"embedded is top": {"/x", struct{ nestedDefault }{}, ""},
		"recursive body":  {"/x", tree{}, ""},
		"json option": {"/x", struct {
			Q string `query:"q"`
			A string `json:"a,omitemtpy"`
		}{}, `unknown option "omitemtpy": use omitzero, omitempty, string or format=`},
		"json format": {"/x", struct {
			A int `json:"a,format=date"`
		}{}, "which is for time.Time"},
		"bad default": {"/x", struct {
			Q int8 `query:"q" default:"300"`
		}{}, `struct.Q (query:"q") has a default that is not an integer of 8 bits`},
		"default of a list": {"/x", struct {
			Q []string `query:"q" default:"a"`
		}{}, "has a default, which is for single values"},
		"default of a Secret": {"/x", struct {
			Q Secret `query:"q" default:"a"`
		}{}, "would put a Secret into the source"},
		"default of a Body": {"/x", struct {
			Body string `default:"a"`
		}{}, "has a default, which a body can't have"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := mistakesOf(tt.route, tt.model)
			if tt.want == "" {
				require.Empty(t, got)
			}
			require.Contains(t, got, tt.want)
		})
	}
}

// sameJSON is built at run time, because vet finds the mistake too.
var sameJSON = reflect.Zero(reflect.StructOf([]reflect.StructField{
	{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"a"`},
	{Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"a"`},
})).Interface()

type bodyA struct{ Body string }
type bodyB struct{ Body string }

func TestMistakesComeTogether(t *testing.T) {
	route, _ := ParseRoute("/{id}/{other}")
	r, mistakes := CompileRequest(reflect.TypeFor[struct {
		A time.Duration `query:"a"`
		B chan int      `header:"b"`
		C string        `path:"c"`
		D string
	}](), route, RequestConfig{})
	require.Nil(t, r)
	require.Len(t, mistakes, 6)
}

func TestBodyOnGet(t *testing.T) {
	route, _ := ParseRoute("/x")
	for name, model := range map[string]any{
		"json": struct {
			Q string `query:"q"`
			A string `json:"a"`
		}{},
		"form": struct {
			A string `form:"a"`
		}{},
		"Body":  struct{ Body io.Reader }{},
		"whole": pet{},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := CompileRequest(reflect.TypeOf(model), route, RequestConfig{})
			require.Len(t, mistakes, 1)
			require.Contains(t, mistakes[0].Error(), "WithGetBody()")
		})
	}
	_, mistakes := CompileRequest(reflect.TypeFor[paging](), route, RequestConfig{})
	require.Empty(t, mistakes)
}

func TestCompileDefaults(t *testing.T) {
	type model struct {
		Key  Secret `header:"X-Key"`
		Lang string `query:"lang" default:"en"`
		SID  string `cookie:"sid,omitzero"`
	}
	r, mistakes := CompileDefaults(reflect.TypeFor[model]())
	require.Empty(t, mistakes)
	require.Equal(t, NoBody, r.Body())
	require.True(t, r.HasDefaults())
	v, out := own(model{Key: hide("k")}), new(Parts)
	r.ApplyDefaults(v)
	require.NoError(t, r.Encode(v, out))
	require.Nil(t, out.Path)
	require.Equal(t, "lang=en", string(out.Query))
	require.Len(t, out.Secrets, 1)

	for name, tt := range map[string]struct {
		model any
		want  string
	}{
		"path": {onePath{}, "can't be a default"},
		"json": {struct {
			Q string `query:"q"`
			A string `json:"a"`
		}{}, "can't be a default"},
		"Body":    {struct{ Body string }{}, "can't be a default"},
		"nothing": {struct{}{}, "has no field tagged header, query or cookie"},
		"string":  {"", "has no field tagged header, query or cookie"},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := CompileDefaults(reflect.TypeOf(tt.model))
			require.Contains(t, text(mistakes), tt.want)
		})
	}
}

func TestApplyDefaults(t *testing.T) {
	type Deep struct {
		N int `query:"n" default:"7"`
	}
	type Node struct{ *Deep }
	type model struct {
		*Node
		S  string     `query:"s" default:"a,b"`
		P  *int       `query:"p" default:"5"`
		PP **bool     `query:"pp" default:"true"`
		O  Opt[int]   `query:"o" default:"6"`
		T  time.Time  `query:"t,format=date" default:"2020-02-29"`
		L  level      `query:"-"`
		J  float64    `json:"j" default:"1.5"`
		U  *time.Time `json:"u,format=unix" default:"10"`
	}
	r := compile(t, "/", model{})
	require.True(t, r.HasDefaults())

	v := own(model{})
	r.ApplyDefaults(v)
	got := v.Interface().(model)
	require.Nil(t, got.Node, "nothing is set behind a nil pointer")
	require.Equal(t, "a,b", got.S)
	require.Equal(t, 5, *got.P)
	require.True(t, **got.PP)
	require.Equal(t, some(6), got.O)
	require.Equal(t, "2020-02-29", got.T.Format(time.DateOnly))
	require.InDelta(t, 1.5, got.J, 0)
	require.Equal(t, int64(10), got.U.Unix())

	w := own(model{})
	r.ApplyDefaults(w)
	require.NotSame(t, got.P, w.Interface().(model).P, "each call has its own pointer")

	shared := &Node{&Deep{}}
	v = own(model{Node: shared, S: "set", O: nullOf[int]()})
	r.ApplyDefaults(v)
	got = v.Interface().(model)
	require.Equal(t, 7, got.N)
	require.Zero(t, shared.N, "the caller's pointers must stay as they are")
	require.Equal(t, "set", got.S)
	require.Equal(t, nullOf[int](), got.O)
}

func TestEncodable(t *testing.T) {
	type inner struct {
		OK  string
		Fn  func()   `json:"fn"`
		Out chan int `json:"-"`
	}
	type outer struct{ List []map[string]*inner }
	require.EqualError(t, encodable(reflect.TypeFor[outer]()), `bind.outer.List[][].Fn is a func, which can't be written as JSON: tag it json:"-", or give it a type that can`)
	require.ErrorContains(t, decodable(reflect.TypeFor[outer]()), "can't be read from JSON")
	require.ErrorContains(t, encodable(reflect.TypeFor[Opt[complex128]]()), "complex128")
	require.ErrorContains(t, encodable(reflect.TypeFor[map[struct{}]int]()), "keys of type struct {}")
	for _, ok := range []reflect.Type{reflect.TypeFor[tree](), reflect.TypeFor[any](), reflect.TypeFor[io.Reader](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[map[level]int](), reflect.TypeFor[map[uint8]json.Number](), reflect.TypeFor[selfMarshaler]()} {
		require.NoError(t, encodable(ok), ok)
	}
	require.NoError(t, decodable(reflect.TypeFor[tree]()))
	require.ErrorContains(t, decodable(reflect.TypeFor[struct{ R io.Reader }]()), "struct.R is the interface io.Reader")
}

// TestJSONFormatColon: the format option as encoding/json/v2 writes it, which linters know.
func TestJSONFormatColon(t *testing.T) {
	for _, tag := range []string{"at,format=unix", "at,format:unix", "at,format:'unix'"} {
		_, o, problems := parseTag(inJSON, tag)
		require.Empty(t, problems, tag)
		require.Equal(t, formatUnix, o.format, tag)
	}
	_, _, problems := parseTag(Query, "at,format:unix")
	require.NotEmpty(t, problems, "only json tags have that form")
}
