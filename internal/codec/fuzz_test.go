package codec

import (
	"bytes"
	stdjson "encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fuzzModel has a field for each way that a decoder goes.
type fuzzModel struct {
	S  string             `json:"s"`
	I  int64              `json:"i,omitempty"`
	U  uint8              `json:"u"`
	F  float64            `json:"f"`
	B  bool               `json:"b,omitzero"`
	P  *string            `json:"p"`
	L  []fuzzModel        `json:"l,omitempty"`
	M  map[string]*int    `json:"m"`
	K  map[int]string     `json:"k"`
	A  any                `json:"a"`
	R  stdjson.RawMessage `json:"r,omitempty"`
	T  time.Time          `json:"t"`
	Y  []byte             `json:"y"`
	N  stdjson.Number     `json:"n,omitempty"`
	Q  int                `json:"q,string"`
	X  [2]int             `json:"x"`
	O  Opt[string]        `json:"o,omitzero"`
	OA Opt[any]           `json:"oa,omitzero"`
	fuzzPart
}

type fuzzPart struct {
	E string `json:"e"`
	Z *struct {
		W []any `json:"w"`
	} `json:"z"`
}

// fuzzPlain holds no interface and so takes the fast path.
type fuzzPlain struct {
	ID   int                `json:"id"`
	Name string             `json:"name"`
	Tags []string           `json:"tags"`
	Sub  *fuzzPlain         `json:"sub"`
	Map  map[string]float64 `json:"map"`
}

var fuzzSeeds = []string{
	`{}`, `null`, `[]`, `"x"`, `1`, `true`, `{"s":"a","i":-1,"u":255,"f":1.5e3,"b":true,"p":null}`, `{"S":1}`, `{"l":[{"l":[{}]}],"m":{"a":1,"b":null}}`,
	`{"k":{"1":"a"},"a":{"b":[1,2.50,"x",null,{}]},"r":{"x":  1}}`, `{"t":"2026-01-02T03:04:05.6+01:00","y":"aGk=","n":12,"q":"5","x":[1,2,3]}`,
	`{"o":null,"oa":{"a":1},"e":"x","z":{"w":[1,[]]}}`, `{"id":99,null}`, `{"a":1}}`, `{"s":"\ud800\u0000é"}`, "{\"s\":\"\xff\"}", `{"u":256}`, `{"n":"1"}`, `{"n":"x"}`,
	`{"id":1,"name":"x","tags":["a"],"sub":{"id":2},"map":{"a":1e400}}`, `{"q":5}`, `{"q":""}`, `[[[[[[]]]]]]`, `{"x":[1]}`, ` {"s" : "a" } `, `-0`, `{"a":-0.0e-0}`,
}

// FuzzUnmarshal compares verdict and value with encoding/json.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed))
	}
	types := []reflect.Type{reflect.TypeFor[fuzzModel](), reflect.TypeFor[fuzzPlain](), reflect.TypeFor[any](), reflect.TypeFor[map[string]any](), reflect.TypeFor[[]Opt[fuzzPlain]]()}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, of := range types {
			want, got, strict := reflect.New(of), reflect.New(of), reflect.New(of)
			wantErr, gotErr := StdUnmarshal(data, want.Interface()), Unmarshal(data, got.Interface())
			if (wantErr == nil) != (gotErr == nil) {
				t.Fatalf("%s from %q: encoding/json says %v, go-json %v", of, data, wantErr, gotErr)
			}
			if wantErr == nil && !alike(want.Interface(), got.Interface()) {
				t.Fatalf("%s from %q: %+v, not %+v", of, data, got.Elem(), want.Elem())
			}
			strictErr := UnmarshalStrict(data, strict.Interface())
			if strictErr == nil && (gotErr != nil || !alike(strict.Interface(), got.Interface())) {
				t.Fatalf("%s from %q: strict gives %+v, lenient %+v, %v", of, data, strict.Elem(), got.Elem(), gotErr)
			}
			for _, err := range []error{wantErr, gotErr, strictErr} {
				if err != nil && len(err.Error()) > 400 {
					t.Fatalf("error of %d bytes", len(err.Error()))
				}
			}
		}
	})
}

// alike evens out what encoding/json decodes inside an optional any: floats.
func alike(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	left, errA := stdjson.Marshal(a)
	right, errB := stdjson.Marshal(b)
	var x, y any
	return errA == nil && errB == nil && stdjson.Unmarshal(left, &x) == nil && stdjson.Unmarshal(right, &y) == nil && reflect.DeepEqual(x, y)
}

// FuzzMarshal compares the output with encoding/json's, and what comes back with
// what went out.
func FuzzMarshal(f *testing.F) {
	f.Add("text", int64(-5), 1.5, []byte("bytes"), true, uint8(7))
	f.Add("<&>\u2028\xff\x00\"\\", int64(math.MinInt64), 1e-7, []byte{}, false, uint8(0))
	f.Add("", int64(0), math.MaxFloat64, []byte(nil), true, uint8(255))
	f.Add("k", int64(1), math.Inf(1), []byte("{}"), true, uint8(1))
	f.Fuzz(func(t *testing.T, s string, i int64, n float64, raw []byte, b bool, u uint8) {
		var part fuzzPart
		part.E = s
		models := []any{
			fuzzPlain{ID: int(i), Name: s, Tags: []string{s, ""}, Sub: &fuzzPlain{Name: s}, Map: map[string]float64{s: n}},
			&fuzzModel{S: s, I: i, U: u, F: n, B: b, P: &s, L: []fuzzModel{{S: s}}, M: map[string]*int{s: new(int(i)), "": nil}, K: map[int]string{int(i): s},
				A: map[string]any{s: []any{n, b, nil, raw}}, Y: raw, N: "1", Q: int(i), O: Some(s), OA: Some(any(n)), fuzzPart: part},
			map[string]any{s: raw, "f": n}, []Opt[string]{Some(s), Null[string](), {}}, struct{ R stdjson.RawMessage }{raw},
		}
		for _, v := range models {
			want, wantErr := StdMarshal(v)
			got, gotErr := Marshal(v)
			if (wantErr == nil) != (gotErr == nil) {
				t.Fatalf("%+v: encoding/json says %v, go-json %v", v, wantErr, gotErr)
			}
			if wantErr != nil {
				continue
			}
			if !stdjson.Valid(got) || !bytes.Equal(evened(want), evened(got)) {
				t.Fatalf("%+v:\n%s, not\n%s", v, got, want)
			}
		}
		secret, err := Marshal([]any{NewSecret(s), s})
		if err != nil {
			t.Fatal(err)
		}
		var pair [2]string
		if err := StdUnmarshal(secret, &pair); err != nil || pair[0] != pair[1] || pair[0] != strings.ToValidUTF8(s, "\ufffd") && !strings.Contains(pair[0], "\ufffd") {
			t.Fatalf("the secret %q became %q", s, secret)
		}
	})
}

// evened writes JSON anew, so that only what it means counts.
func evened(data []byte) []byte {
	var v any
	if err := StdUnmarshal(data, &v); err != nil {
		return nil
	}
	out, _ := stdjson.Marshal(v)
	return out
}
