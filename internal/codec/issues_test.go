package codec

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// R45: what goccy/go-json was reported for in versions before 0.12.0, rebuilt
// from the reports' descriptions. Each must end like encoding/json.

// same decodes data by both engines into fresh values of t and compares.
func same(t *testing.T, data []byte, of reflect.Type) {
	t.Helper()
	want, got := reflect.New(of), reflect.New(of)
	wantErr, gotErr := StdUnmarshal(data, want.Interface()), Unmarshal(data, got.Interface())
	require.Equal(t, wantErr == nil, gotErr == nil, "%q: %v / %v", data, wantErr, gotErr)
	if wantErr == nil {
		require.Equal(t, want.Interface(), got.Interface(), "%q", data)
	}
}

// sameOut encodes v by both engines and compares.
func sameOut(t *testing.T, v any) {
	t.Helper()
	want, wantErr := StdMarshal(v)
	got, gotErr := Marshal(v)
	require.Equal(t, wantErr == nil, gotErr == nil, "%v / %v", wantErr, gotErr)
	require.Equal(t, string(want), string(got))
}

type reported struct {
	ID    int               `json:"id"`
	Name  string            `json:"name"`
	Tags  []string          `json:"tags,omitempty"`
	Attrs map[string]string `json:"attrs,omitempty"`
	Sub   *reported         `json:"sub,omitempty"`
	Any   any               `json:"any,omitempty"`
}

// #604: a row of malformed inputs left state in a pool, and a later call panicked.
func TestIssue604(t *testing.T) {
	malformed := []string{
		`{"id":1,"name":"a`, `{"id":`, `{"tags":["a",`, `{"sub":{"sub":{"sub":`, `{"attrs":{"a":`, `[`, `{"any":{"a":[{"b":`, `{"id":"x"}`,
		`{"name":"\u12`, "{\"name\":\"\xff", `{"sub":[]}`, `{"any":tru`, `{"id":1e999}`, `{"tags":{}}`, `nul`, `"`, `-`, `{"id":1}}`,
	}
	valid := []byte(`{"id":7,"name":"rex","tags":["a"],"attrs":{"k":"v"},"sub":{"id":8},"any":[1,{"x":null}]}`)
	for range 50 {
		for _, doc := range malformed {
			require.Error(t, Unmarshal([]byte(doc), new(reported)))
			same(t, []byte(doc), reflect.TypeFor[any]())
		}
		same(t, valid, reflect.TypeFor[reported]())
		same(t, valid, reflect.TypeFor[any]())
	}
}

// #609: a name cut short, longer than 800 bytes, with bytes from 0x80 on.
func TestIssue609(t *testing.T) {
	for _, fill := range []string{"\x80", "\xff", "é", "\xe2\x82", "\xf0\x9f\x98\x80"} {
		for _, size := range []int{1, 511, 512, 513, 800, 801, 1024, 4096, 9000} {
			name := strings.Repeat(fill, size/len(fill)+1)
			for _, doc := range []string{`{"` + name, `{"` + name + `"`, `{"` + name + `":`, `{"id":1,"` + name, `["` + name, `{"` + name + `":1}`} {
				same(t, []byte(doc), reflect.TypeFor[reported]())
				same(t, []byte(doc), reflect.TypeFor[map[string]any]())
				_ = UnmarshalStrict([]byte(doc), new(reported))
			}
		}
	}
}

type issue581Base struct {
	List []int          `json:"list,omitempty"`
	Ptr  *int           `json:"ptr,omitempty"`
	Map  map[string]int `json:"map,omitempty"`
}

type issue581 struct {
	*issue581Base
	Name string `json:"name,omitempty"`
}

type issue512 struct {
	*Issue512Inner
	Next *issue512 `json:"next,omitempty"`
}

type Issue512Inner struct {
	Only *string `json:"only,omitempty"`
}

// #581, #512: embedded, with pointers or slices to be left out.
func TestIssue581And512(t *testing.T) {
	for _, v := range []any{
		issue581{}, &issue581{}, issue581{Name: "a"}, issue581{issue581Base: &issue581Base{}}, issue581{issue581Base: &issue581Base{List: []int{1}}},
		issue512{}, &issue512{Next: &issue512{}}, issue512{Issue512Inner: &Issue512Inner{}}, issue512{Issue512Inner: &Issue512Inner{Only: new("x")}},
		[]issue512{{}, {Next: &issue512{}}}, map[string]*issue581{"a": nil, "b": {}},
	} {
		sameOut(t, v)
	}
}

type issue401 struct{ N int }

func (v issue401) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"n":%d}`, v.N), nil }

type issue543 struct{ N int }

func (v *issue543) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"p":%d}`, v.N), nil }

type issue510 struct {
	Name *string `json:"name"`
	Sub  *struct {
		Text *string `json:"text"`
	} `json:"sub"`
}

// #401, #543, #510, #541: bad pointers for map values with MarshalJSON and for
// pointers to structs that hold pointers. The collector finds such pointers.
func TestIssue401And543And510And541(t *testing.T) {
	deep := &issue510{Name: new("a")}
	deep.Sub = &struct {
		Text *string `json:"text"`
	}{new("b")}
	values := []any{
		map[string]issue401{"a": {1}, "b": {2}}, map[string]*issue401{"a": {1}, "b": nil}, map[string]any{"a": issue401{1}, "b": &issue401{2}},
		map[string]*issue543{"a": {1}, "b": nil}, []*issue543{{1}, nil}, map[int]issue401{1: {1}}, struct{ M map[string]issue401 }{map[string]issue401{"x": {3}}},
		deep, *deep, map[string]*issue510{"a": deep}, []issue510{*deep}, map[string]any{"a": deep}, &issue510{},
		struct{ P *struct{ S *string } }{}, struct{ A any }{deep}, map[string][]issue401{"a": {{1}}},
	}
	for i := range 20 {
		for _, v := range values {
			sameOut(t, v)
		}
		if i%5 == 0 {
			runtime.GC()
		}
	}
}

// #486: a value without a name was accepted.
func TestIssue486(t *testing.T) {
	for _, doc := range []string{`{"id":99,null}`, `{null}`, `{"id":99,null:1}`, `{"id":99,"x"}`, `{"id":99,1}`, `{"id":99,{}}`, `[1,]`, `{"id":99 "name":1}`} {
		for _, target := range []any{new(reported), new(any), new(map[string]any), new(struct{})} {
			require.Error(t, Unmarshal([]byte(doc), target), doc)
			require.Error(t, UnmarshalStrict([]byte(doc), target), doc)
		}
	}
}

type issue576Part struct {
	A string `json:"a"`
	B int    `json:"b"`
}

type issue576 struct {
	issue576Part
	Other issue576Part              `json:"other"`
	Parts map[string]issue576Part   `json:"parts"`
	One   [1]issue576Part           `json:"one"`
	Only  struct{ P *issue576Part } `json:"only"`
}

// #576: fields were dropped, {} came out.
func TestIssue576(t *testing.T) {
	part := issue576Part{"x", 1}
	v := issue576{part, part, map[string]issue576Part{"k": part}, [1]issue576Part{part}, struct{ P *issue576Part }{&part}}
	for _, v := range []any{v, &v, []issue576{v}, map[string]issue576{"a": v}, struct{ X any }{v}, struct{ X any }{&v}, []any{v}, struct{ X *issue576 }{&v}} {
		sameOut(t, v)
	}
	data, err := Marshal(v)
	require.NoError(t, err)
	require.Greater(t, bytes.Count(data, []byte(`"a":"x"`)), 4)
	same(t, data, reflect.TypeFor[issue576]())
}

// #424, #523, #441: escapes and long strings, kept in place or copied; numbers at
// the edges; fields that share a prefix.
func TestIssue424And523And441(t *testing.T) {
	type prefixes struct {
		A, AB, ABC, ABCD                     int
		Abcdefghijklmnopqrstuvwxyz0123456789 int    `json:"abcdefghijklmnopqrstuvwxyz0123456789"`
		Text                                 string `json:"t"`
		I8                                   int8
		U64                                  uint64
		I64                                  int64
		F                                    float64
	}
	docs := []string{
		`{"A":1,"AB":2,"ABC":3,"ABCD":4,"ABCDE":5,"abcdefghijklmnopqrstuvwxyz0123456789":6,"abcdefghijklmnopqrstuvwxyz012345678":7}`,
		`{"\u0041":1,"\u0041B":2,"t":"\ud83d\ude00\u0000\"\\\/\b\f\n\r\t\ud800x"}`,
		`{"t":"` + strings.Repeat(`\n`, 5000) + `"}`, `{"t":"` + strings.Repeat(`é`, 5000) + `\u00e9"}`,
		`{"I8":127,"U64":18446744073709551615,"I64":-9223372036854775808,"F":1.7976931348623157e308}`,
		`{"I8":128}`, `{"I8":-129}`, `{"U64":18446744073709551616}`, `{"U64":-1}`, `{"I64":9223372036854775808}`, `{"F":1e309}`, `{"F":1e-400}`,
		`{"I8":1.0}`, `{"I8":1e1}`, `{"I8":01}`, `{"I8":+1}`, `{"F":.5}`, `{"F":5.}`, `{"F":-}`, `{"F":0x1}`, `{"F":1_0}`, `{"F":NaN}`,
	}
	for _, doc := range docs {
		same(t, []byte(doc), reflect.TypeFor[prefixes]())
		same(t, []byte(doc), reflect.TypeFor[any]())
	}
}

// #566, #495, #529: races in the type cache; -race tells.
func TestIssue566And495And529(t *testing.T) {
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 60 {
				of := reflect.StructOf([]reflect.StructField{
					{Name: "ID", Type: reflect.TypeFor[int](), Tag: reflect.StructTag(fmt.Sprintf(`json:"id%d"`, i))},
					{Name: "Sub", Type: reflect.TypeFor[*reported](), Tag: `json:"sub"`},
				})
				v := reflect.New(of)
				err := Unmarshal(fmt.Appendf(nil, `{"id%d":%d,"sub":{"id":3}}`, i, g), v.Interface())
				if err != nil || v.Elem().Field(0).Int() != int64(g) {
					t.Errorf("type %d in goroutine %d: %v", i, g, err)
				}
				if data, err := Marshal(v.Interface()); err != nil || !stdjson.Valid(data) {
					t.Errorf("type %d in goroutine %d: %s %v", i, g, data, err)
				}
			}
		})
	}
	group.Wait()
}
