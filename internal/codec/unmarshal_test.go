package codec

import (
	stdjson "encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type unmarshal = func([]byte, any) error

// engines are the lenient and the strict functions of both engines.
var engines = map[string]unmarshal{
	"Unmarshal": Unmarshal, "UnmarshalStrict": UnmarshalStrict,
	"StdUnmarshal": StdUnmarshal, "StdUnmarshalStrict": StdUnmarshalStrict,
}

type account struct {
	Name string         `json:"name"`
	Role string         `json:"role"`
	Any  any            `json:"any"`
	Map  map[string]any `json:"map"`
	List []any          `json:"list"`
	Opt  Opt[any]       `json:"opt"`
	Sub  *account       `json:"sub"`
	Num  stdjson.Number `json:"num"`
}

type plainAccount struct {
	Name string        `json:"name"`
	Role string        `json:"role"`
	Sub  *plainAccount `json:"sub"`
	Opt  Opt[inside]   `json:"opt"`
}

type inside struct {
	A int `json:"a"`
}

// R34: what each function refuses. "no" is lenient: accepted.
func TestStrictness(t *testing.T) {
	const lenient, strict = "UnmarshalStrict", "all"
	tests := map[string]struct {
		doc     string
		refused string // "all", or the one that refuses
	}{
		"plain":                    {`{"name":"a"}`, ""},
		"white space around":       {" \t\r\n{\"name\":\"a\"} \n\t\r", ""},
		"duplicate":                {`{"role":"user","role":"admin"}`, lenient},
		"duplicate, escaped":       {`{"role":"user","r\u006fle":"admin"}`, lenient},
		"duplicate below":          {`{"sub":{"role":"user","role":"admin"}}`, lenient},
		"duplicate in an optional": {`{"opt":{"a":1,"a":2}}`, lenient},
		"case folding":             {`{"Role":"admin"}`, lenient},
		"case folding twice":       {`{"Role":"user","role":"admin"}`, lenient},
		"folded to s":              {"{\"\u017fub\":null}", lenient},
		"unknown field":            {`{"zzz":1}`, "unknown"},
		"unknown below":            {`{"sub":{"zzz":1}}`, "unknown"},
		"unknown in an optional":   {`{"opt":{"zzz":1}}`, lenient},
		"folded in an optional":    {`{"opt":{"A":1}}`, lenient},
		"invalid UTF-8":            {"{\"name\":\"\xff\"}", lenient},
		"invalid UTF-8 in a name":  {"{\"name\xff\":1}", "unknown"},
		"half surrogate":           {`{"name":"\ud800"}`, lenient},
		"trailing brace":           {`{"name":"a"}}`, strict},
		"trailing value":           {`{"name":"a"}{"name":"b"}`, strict},
		"trailing word":            {`{"name":"a"} x`, strict},
		"trailing NUL":             {"{\"name\":\"a\"}\x00", strict},
		"trailing comma":           {`{"name":"a"},`, strict},
		"cut short":                {`{"name":"a"`, strict},
		"cut in a string":          {`{"name":"a`, strict},
		"empty":                    {``, strict},
		"white space only":         {" \n", strict},
		"byte order mark":          {"\ufeff{}", strict},
		"comma before the end":     {`{"name":"a",}`, strict},
		"single quotes":            {`{'name':'a'}`, strict},
		"comment":                  {`{}//`, strict},
		"name without a value":     {`{"id":99,null}`, strict},
		"wrong type":               {`{"name":1}`, strict},
		"wrong type below":         {`{"sub":{"name":[]}}`, strict},
	}
	for name, tt := range tests {
		for engine, decode := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				std := strings.HasPrefix(engine, "Std")
				want := tt.refused == strict || tt.refused == engine ||
					tt.refused == "unknown" && strings.HasSuffix(engine, "Strict")
				err := decode([]byte(tt.doc), new(plainAccount))
				require.Equal(t, want, err != nil, "%v", err)
				if !std && tt.refused != strict {
					err = decode([]byte(strings.ReplaceAll(tt.doc, `"opt"`, `"sub"`)), new(account))
					require.Equal(t, want || strings.Contains(name, "optional") && engine == lenient, err != nil, "%v", err)
				}
			})
		}
	}
}

// R34: any gets exact numbers, wherever it stands.
func TestExactNumbers(t *testing.T) {
	const big = "12345678901234567890.123456789"
	const doc = `{"any":` + big + `,"map":{"a":` + big + `,"b":{"c":[` + big + `]}},"list":[` + big + `,[` + big + `]],` +
		`"opt":{"x":` + big + `},"sub":{"any":[` + big + `]},"num":` + big + `}`
	const n = stdjson.Number(big)
	for name, decode := range engines {
		t.Run(name, func(t *testing.T) {
			var got account
			require.NoError(t, decode([]byte(doc), &got))
			require.Equal(t, n, got.Any)
			require.Equal(t, map[string]any{"a": n, "b": map[string]any{"c": []any{n}}}, got.Map)
			require.Equal(t, []any{n, []any{n}}, got.List)
			require.Equal(t, []any{n}, got.Sub.Any)
			require.Equal(t, n, got.Num)
			if !strings.HasPrefix(name, "Std") {
				require.Equal(t, map[string]any{"x": n}, got.Opt.value)
			}
			var alone any
			require.NoError(t, decode([]byte(big), &alone))
			require.Equal(t, n, alone)
			var list []map[string]any
			require.NoError(t, decode([]byte(`[{"a":1}]`), &list))
			require.Equal(t, []map[string]any{{"a": stdjson.Number("1")}}, list)
		})
	}
}

func TestNumberFields(t *testing.T) {
	type numbers struct {
		N stdjson.Number
		P *stdjson.Number
		L []stdjson.Number
	}
	tests := map[string]struct {
		doc  string
		want numbers
		bad  bool
	}{
		"number":      {doc: `{"N":1.50}`, want: numbers{N: "1.50"}},
		"quoted":      {doc: `{"N":"7"}`, want: numbers{N: "7"}},
		"null":        {doc: `{"N":null,"P":null}`},
		"pointer":     {doc: `{"P":5,"L":[1,2]}`, want: numbers{P: new(stdjson.Number("5")), L: []stdjson.Number{"1", "2"}}},
		"word":        {doc: `{"N":"seven"}`, bad: true},
		"bool":        {doc: `{"N":true}`, bad: true},
		"empty quote": {doc: `{"N":" "}`, bad: true},
	}
	for name, tt := range tests {
		for engine, decode := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				var got numbers
				err := decode([]byte(tt.doc), &got)
				if tt.bad {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
			})
		}
	}
}

func TestOptionalStates(t *testing.T) {
	type model struct {
		S Opt[string]
		A Opt[any]
		N Opt[[]inside]
	}
	tests := map[string]struct {
		doc  string
		want model
	}{
		"unset":       {`{}`, model{}},
		"null":        {`{"S":null,"A":null,"N":null}`, model{S: Null[string](), A: Null[any](), N: Null[[]inside]()}},
		"value":       {`{"S":"x","A":true,"N":[{"a":1}]}`, model{S: Some("x"), A: Some(any(true)), N: Some([]inside{{1}})}},
		"zero values": {`{"S":"","A":[],"N":[]}`, model{S: Some(""), A: Some(any([]any{})), N: Some([]inside{})}},
	}
	for name, tt := range tests {
		for engine, decode := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				var got model
				require.NoError(t, decode([]byte(tt.doc), &got))
				require.Equal(t, tt.want, got)
			})
		}
	}
}

func TestDecodeIntoWhatIsThere(t *testing.T) {
	for name, decode := range engines {
		t.Run(name, func(t *testing.T) {
			target := account{Name: "kept", Any: &inside{5}, Map: map[string]any{"a": 1}}
			require.NoError(t, decode([]byte(`{"any":{"a":7},"map":{"b":2}}`), &target))
			require.Equal(t, "kept", target.Name)
			require.Equal(t, &inside{7}, target.Any, "a pointer in an any is decoded into")
			require.Equal(t, map[string]any{"a": 1, "b": stdjson.Number("2")}, target.Map)
			for _, bad := range []any{nil, account{}, (*account)(nil), new(chan int)} {
				require.Error(t, decode([]byte(`{}`), bad))
			}
		})
	}
}

// R34: depth is an error, not a crash.
func TestNestingIsBounded(t *testing.T) {
	type node struct {
		Next *node  `json:"n"`
		List []node `json:"l"`
		Any  any    `json:"a"`
	}
	docs := map[string]func(depth int) string{
		"lists":   func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) },
		"unended": func(n int) string { return strings.Repeat("[", n) },
		"objects": func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) },
		"nodes":   func(n int) string { return strings.Repeat(`{"n":`, n) + "null" + strings.Repeat("}", n) },
		"skipped": func(n int) string {
			return `{"z":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
		},
	}
	for name, doc := range docs {
		for engine, decode := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				for _, depth := range []int{10_001, 5_000_000} {
					data := []byte(doc(depth))
					require.Error(t, decode(data, new(any)))
					require.Error(t, decode(data, new(node)))
					require.Error(t, decode(data, new(Opt[any])))
				}
			})
		}
	}
	data := []byte(docs["nodes"](9_000))
	require.NoError(t, Unmarshal(data, new(node)))
	require.NoError(t, UnmarshalStrict(data, new(node)))
}

// R34: a small answer of nothing but {} grows by a factor; the bound on the body
// keeps it harmless, so the factor is held here.
func TestManyEmptyObjects(t *testing.T) {
	const n = 1_000_000
	data := []byte("[" + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]")
	for name, decode := range engines {
		t.Run(name, func(t *testing.T) {
			require.Error(t, decode([]byte(strings.Repeat("{}", n)), new(map[string]any)))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var list []struct{}
			require.NoError(t, decode(data, &list))
			require.Len(t, list, n)
			var anything any
			require.NoError(t, decode(data, &anything))
			require.Len(t, anything, n)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(150*len(data)))
		})
	}
}

func TestTimesAndTexts(t *testing.T) {
	type model struct {
		T time.Time
		B []byte
		M map[int]string
	}
	for name, decode := range engines {
		t.Run(name, func(t *testing.T) {
			var got model
			require.NoError(t, decode([]byte(`{"T":"2026-01-02T03:04:05Z","B":"aGk=","M":{"1":"a"}}`), &got))
			require.Equal(t, model{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), []byte("hi"), map[int]string{1: "a"}}, got)
		})
	}
}
