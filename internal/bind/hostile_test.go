package bind

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type (
	endlessList  []endlessList
	endlessMap   map[string]endlessMap
	endlessPtr   *endlessPtr
	endlessArray [2]*endlessArray
	endlessOpt   struct{ next *endlessOpt }
	// fork has eight ways to what it holds, and wide two billion to its end.
	fork[T any] struct{ A, B, C, D, E, F, G, H []T }
	wide        = fork[fork[fork[fork[fork[fork[fork[fork[fork[fork[int]]]]]]]]]]
)

func (e *endlessOpt) Inner() (any, *uint8) { return &e.next, new(uint8) }

// Every named type can hold itself, not only structs.
func TestTypesThatHoldThemselves(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		"list": reflect.TypeFor[endlessList](), "map": reflect.TypeFor[endlessMap](), "pointer": reflect.TypeFor[endlessPtr](),
		"array": reflect.TypeFor[endlessArray](), "optional": reflect.TypeFor[*endlessOpt](), "wide": reflect.TypeFor[wide](),
	} {
		t.Run(name, func(t *testing.T) {
			field := reflect.StructField{Name: "A", Type: typ, Tag: `json:"a,omitzero"`}
			tagged := reflect.StructField{Name: "H", Type: reflect.TypeFor[string](), Tag: `header:"X-H"`}
			for _, model := range []reflect.Type{typ, reflect.StructOf([]reflect.StructField{field}), reflect.StructOf([]reflect.StructField{field, tagged})} {
				_, sent := CompileRequest(model, &Route{}, RequestConfig{AllowBody: true})
				_, read := CompileResponse(model)
				if name == "pointer" || name == "optional" { // no value fits
					require.Contains(t, text(sent), "a pointer to itself, which can't be written as JSON")
					require.Contains(t, text(read), "a pointer to itself, which can't be read from JSON")
					continue
				}
				require.Empty(t, sent)
				require.Empty(t, read)
			}
			if name == "wide" {
				return
			}
			field.Tag = `query:"a,style=deepObject"`
			_, mistakes := CompileRequest(reflect.StructOf([]reflect.StructField{field}), &Route{}, RequestConfig{})
			require.Contains(t, text(mistakes), "has the recursive type ")
		})
	}
}

// A model within itself is below the top, where the codec alone writes it.
func TestDeeperLooksAtARecursiveModelTwice(t *testing.T) {
	type node struct {
		At   time.Time `json:"at,format=unix"`
		Next *node     `json:"next"`
	}
	require.Contains(t, mistakesOf("/x", node{}), "bind.node.Next.At has a format below the top level of the body")
	type Part struct {
		A string `default:"a"`
	}
	_, mistakes := CompileResponse(reflect.TypeFor[struct {
		Part
		Again Part
	}]())
	require.Equal(t, "struct.Again.A has a default below the top level of the body: set it in the code, or use a type of its own", text(mistakes))
}

type sealedPart struct {
	A string `json:"a"`
}

type sealedObject struct {
	*sealedPart
	B string `json:"b"`
}

func TestSealedMembersOfAnObject(t *testing.T) {
	for name, model := range map[string]any{
		"header": struct {
			H sealedObject `header:"X-H"`
		}{},
		"cookie": struct {
			H *sealedObject `cookie:"h,explode=false"`
		}{},
		"optional": struct {
			H Opt[sealedObject] `header:"X-H"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := CompileResponse(reflect.TypeOf(model))
			require.Contains(t, text(mistakes), "holds the field sealedPart.A, which is behind an embedded pointer that is not exported and can't be set")
		})
	}
	t.Run("sent", func(t *testing.T) {
		type model struct {
			Q sealedObject `query:"q,style=deepObject"`
			H sealedObject `header:"X-H"`
		}
		out, err := encode(t, "/", model{Q: sealedObject{&sealedPart{"1"}, "2"}, H: sealedObject{nil, "3"}})
		require.NoError(t, err)
		require.Equal(t, "q%5Ba%5D=1&q%5Bb%5D=2", string(out.Query))
		require.Equal(t, http.Header{"X-H": {"b, 3"}}, out.Header)
	})
}

func TestR23TransportHeaders(t *testing.T) {
	for _, name := range []string{"content-length", "Transfer-Encoding", "PROXY-AUTHORIZATION"} {
		t.Run(name, func(t *testing.T) {
			why, refused := TransportHeader(name)
			require.True(t, refused)
			for _, typ := range []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[Secret](), reflect.TypeFor[*[]int]()} {
				model := reflect.StructOf([]reflect.StructField{{Name: "H", Type: typ, Tag: reflect.StructTag(`header:"` + name + `"`)}})
				_, mistakes := CompileRequest(model, &Route{}, RequestConfig{AllowBody: true})
				require.Contains(t, text(mistakes), "can't be sent by hand: "+why)
				_, mistakes = CompileDefaults(model)
				require.Contains(t, text(mistakes), "can't be sent by hand: "+why)
			}
			_, mistakes := CompileResponse(reflect.StructOf([]reflect.StructField{{Name: "H", Type: reflect.TypeFor[string](), Tag: reflect.StructTag(`header:"` + name + `"`)}}))
			require.Empty(t, mistakes, "an answer may be asked for it")

			_, err := encode(t, "/", struct {
				M map[string]string `header:"*"`
			}{map[string]string{name: "hunter2"}})
			requireFieldError(t, err, "can't be sent by hand: "+why)
			head, tail, _ := strings.Cut(name, "-")
			model := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "M", Type: reflect.TypeFor[map[string][]string](), Tag: reflect.StructTag(`header:"` + head + `-*"`)}})).Elem()
			model.Field(0).Set(reflect.ValueOf(map[string][]string{tail: {"hunter2"}}))
			_, err = encode(t, "/", model.Interface())
			requireFieldError(t, err, "can't be sent by hand: "+why)
		})
	}
	_, refused := TransportHeader("Content-Type")
	require.False(t, refused)
}

func TestR23RefusedHeader(t *testing.T) {
	_, _, found := RefusedHeader(http.Header{"Content-Type": {"text/plain"}})
	require.False(t, found)
	for _, want := range []string{"Content-Length", "Transfer-Encoding", "Proxy-Authorization"} {
		name, why, found := RefusedHeader(http.Header{"Content-Type": {"text/plain"}, want: nil})
		require.True(t, found, "one that is removed too")
		require.Equal(t, want, name)
		require.NotEmpty(t, why)
	}
}

func requireFieldError(t *testing.T, err error, want string) {
	t.Helper()
	require.IsType(t, &FieldError{}, err)
	require.ErrorContains(t, err, want)
	require.NotContains(t, err.Error(), "hunter2")
}

// pointed marshals itself through a pointer, which it follows.
type pointed struct{ text string }

func (p *pointed) MarshalText() ([]byte, error) { return []byte(p.text), nil }

type stamp struct{ *time.Time } // has all of its methods, and may have no time

func TestNilPointersAreNil(t *testing.T) {
	type model struct {
		Q encoding.TextMarshaler   `query:"q"`
		A any                      `query:"a"`
		L []encoding.TextMarshaler `query:"l"`
		M map[string]any           `query:"m"`
		S fmt.Stringer             `query:"s"`
		H encoding.TextMarshaler   `header:"X-H"`
		C any                      `cookie:"c"`
		E stamp                    `query:"e,omitzero"`
	}
	out, err := encode(t, "/", model{})
	require.NoError(t, err)
	require.Empty(t, out.Query)
	none, addr := (*pointed)(nil), netip.MustParseAddr("::1")
	out, err = encode(t, "/", model{
		Q: none, A: none, H: none, C: none, S: (*time.Time)(nil),
		L: []encoding.TextMarshaler{none, addr, &pointed{"p"}}, M: map[string]any{"a": none, "b": &addr},
	})
	require.NoError(t, err)
	require.Equal(t, "l=%3A%3A1&l=p&b=%3A%3A1", string(out.Query))
	require.Empty(t, out.Header)
	require.Empty(t, out.Cookies)

	for name, value := range map[string]any{"nil": nil, "typed nil": none, "nil time": (*time.Time)(nil)} {
		t.Run("path "+name, func(t *testing.T) {
			type any1 struct {
				P any `path:"p"`
			}
			_, err := encode(t, "/{p}", any1{value})
			requireFieldError(t, err, "is empty; a path segment needs a value")
		})
	}
	t.Run("embedded", func(t *testing.T) {
		type model struct {
			E stamp `query:"e"`
		}
		_, err := encode(t, "/", model{})
		requireFieldError(t, err, "its MarshalText panicked")
		now := time.Unix(0, 0).UTC()
		out, err := encode(t, "/", model{stamp{&now}})
		require.NoError(t, err)
		require.Equal(t, "e=1970-01-01T00%3A00%3A00Z", string(out.Query))
		type answer struct {
			E stamp `header:"X-E"`
		}
		err = compileResponse(t, answer{}).DecodeLocated(own(answer{}), http.Header{"X-E": {"1970-01-01T00:00:00Z"}}, nil)
		requireFieldError(t, err, "its UnmarshalText panicked")
	})
}

// A secret inside an any is hidden as if the field were one.
func TestSecretInAnAnyInThePath(t *testing.T) {
	type model struct {
		P any `path:"p"`
		R any `path:"r"`
	}
	out, err := encode(t, "/{p}/x/{r...}", model{hide("s3cr3t"), []any{"a", "b"}})
	require.NoError(t, err)
	require.Equal(t, "/%5Bredacted%5D/x/a/b", string(out.Path))
	require.Equal(t, "/s3cr3t/x/a/b", string(out.ClearPath))
	_, err = encode(t, "/{p}/x/{r...}", model{"p", []any{hide("hunter2")}})
	requireFieldError(t, err, "holds a Secret inside a list")
}

// halfOpt has its method from a pointer that is nil in its zero value.
type halfOpt struct{ *Opt[int] }

type brokenOpt struct{ A int }

func (*brokenOpt) Inner() (any, *uint8) { return nil, nil }

func TestHalfOptional(t *testing.T) {
	for name, typ := range map[string]reflect.Type{"embedded": reflect.TypeFor[halfOpt](), "broken": reflect.TypeFor[brokenOpt]()} {
		for _, tag := range []string{`query:"a"`, `json:"a"`, `header:"X-A"`} {
			t.Run(name+" "+tag, func(t *testing.T) {
				model := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.SliceOf(typ), Tag: reflect.StructTag(tag)}})
				_, mistakes := CompileRequest(model, &Route{}, RequestConfig{AllowBody: true})
				require.Contains(t, text(mistakes), "with a method Inner that its zero value can't run")
			})
		}
	}
}

func TestJSONMembers(t *testing.T) {
	field := func(name string) *jsonField {
		return &jsonField{field: &field{name: name}, folded: string(appendFolded(nil, name))}
	}
	fields := []*jsonField{field("name"), field("NAME"), field("Straße"), field("ünï"), field("k"), field("x\xff")}
	object := map[string]json.RawMessage{"": nil, "other": nil}
	for _, key := range []string{"NAME", "Name", "nAME", "STRASSE", "straſe", "STRAßE", "ÜNÏ", "Ünï", "\u212a", "X\xfe"} {
		object[key] = json.RawMessage(key)
	}
	m := jsonMembers{object: object, fields: fields}
	for name, want := range map[string]string{"name": "Name", "NAME": "NAME", "Straße": "STRAßE", "ünï": "ÜNÏ", "k": "\u212a", "x\xff": "X\xfe"} {
		raw, ok := m.of(field(name))
		require.True(t, ok, name)
		require.Equal(t, want, string(raw), name)
	}
	clear(object) // one look at the keys serves all fields of a body
	object["Name"], object["NAMe"] = json.RawMessage("1"), json.RawMessage("2")
	raw, ok := m.of(field("name"))
	require.True(t, ok)
	require.Equal(t, "1", string(raw))
	_, ok = (&jsonMembers{fields: fields}).of(fields[0])
	require.False(t, ok)
}

func FuzzFolded(f *testing.F) {
	f.Add("name", "NAME")
	f.Add("k", "\u212a")
	f.Add("\xff", "\xfe")
	f.Add("ς", "Σ")
	f.Fuzz(func(t *testing.T, a, b string) {
		alike := string(appendFolded(nil, a)) == string(appendFolded(nil, b))
		require.Equal(t, strings.EqualFold(a, b), alike)
	})
}
