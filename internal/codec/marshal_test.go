package codec

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type selfRedacting struct{ Key Secret }

func (s selfRedacting) MarshalJSON() ([]byte, error) {
	type alias selfRedacting
	return stdjson.Marshal(alias(s))
}

type selfRevealing struct{ Key Secret }

func (s selfRevealing) MarshalJSON() ([]byte, error) {
	return stdjson.Marshal(map[string]string{"k": s.Key.Reveal()})
}

type withSecrets struct {
	Field   Secret             `json:"field"`
	Pointer *Secret            `json:"pointer"`
	Nil     *Secret            `json:"nil"`
	Slice   []Secret           `json:"slice"`
	Map     map[string]Secret  `json:"map"`
	Opt     Opt[Secret]        `json:"opt"`
	OptList Opt[[]Secret]      `json:"opt_list"`
	Null    Opt[Secret]        `json:"null"`
	Any     any                `json:"any"`
	Unset   Opt[Secret]        `json:"unset,omitzero"`
	Empty   Secret             `json:"empty,omitzero"`
	Skipped Secret             `json:"-"`
	Array   [1]Secret          `json:"array"`
	Nested  struct{ S Secret } `json:"nested"`
}

func TestMarshalWritesSecretsInClear(t *testing.T) {
	s := NewSecret(`k"&<`)
	model := withSecrets{
		Field: s, Pointer: &s, Slice: []Secret{s}, Map: map[string]Secret{"a": s},
		Opt: Some(s), OptList: Some([]Secret{s}), Null: Null[Secret](),
		Any:     map[string]any{"value": s, "pointer": &s, "opt": Some(s), "list": []any{s}},
		Skipped: s, Array: [1]Secret{s}, Nested: struct{ S Secret }{s},
	}
	const k = `"k\"&<"`
	const want = `{"field":` + k + `,"pointer":` + k + `,"nil":null,"slice":[` + k + `],"map":{"a":` + k + `},"opt":` + k +
		`,"opt_list":[` + k + `],"null":null,"any":{"list":[` + k + `],"opt":` + k + `,"pointer":` + k + `,"value":` + k +
		`},"array":[` + k + `],"nested":{"S":` + k + `}}`
	for name, v := range map[string]any{"value": model, "pointer": &model} {
		t.Run(name, func(t *testing.T) {
			data, err := Marshal(v)
			require.NoError(t, err)
			require.Equal(t, want, string(data))
		})
	}
	std, err := stdjson.Marshal(model)
	require.NoError(t, err)
	require.NotContains(t, string(std), "k\\\"", "encoding/json shows a secret")
}

func TestMarshalSecretsAlone(t *testing.T) {
	s := NewSecret("k")
	tests := map[string]struct {
		v    any
		want string
	}{
		"value":            {s, `"k"`},
		"pointer":          {&s, `"k"`},
		"empty":            {Secret{}, `""`},
		"nil pointer":      {(*Secret)(nil), `null`},
		"optional":         {Some(s), `"k"`},
		"optional pointer": {Some(&s), `"k"`},
		"list in map":      {map[string][]Secret{"a": {s}}, `{"a":["k"]}`},
		"map key":          {map[Secret]int{s: 1}, `{"k":1}`},
		"key in an any":    {[]any{map[Secret]int{s: 1}}, `[{"k":1}]`},
		"interface key":    {map[any]int{s: 1}, `{"k":1}`},
		"own method":       {selfRevealing{s}, `{"k":"k"}`},
		"own method, deep": {[]any{map[string]any{"x": &selfRevealing{s}}}, `[{"x":{"k":"k"}}]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := Marshal(tt.v)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(data))
		})
	}
}

// A method that hands its secret to encoding/json would put the placeholder on the
// wire.
func TestMarshalRefusesPlaceholders(t *testing.T) {
	s := NewSecret("k")
	tests := map[string]any{
		"own method":           selfRedacting{s},
		"own method, pointer":  &selfRedacting{s},
		"own method in a list": []any{selfRedacting{s}},
		"own method in an any": struct{ M any }{selfRedacting{s}},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := Marshal(v)
			require.Error(t, err, string(data))
			require.NotContains(t, err.Error(), `"k"`)
		})
	}
}

func TestMarshalLikeEncodingJSON(t *testing.T) {
	type inner struct {
		A int     `json:"a,omitempty"`
		B *string `json:"b"`
	}
	type model struct {
		inner
		T time.Time
		D time.Duration
		R stdjson.RawMessage
		N stdjson.Number
		B []byte
		F [2]byte
		M map[int]string
		Q int `json:",string"`
		X any
		L []inner
		P **inner
	}
	v := model{inner: inner{A: 1, B: new("x")}, T: time.Unix(1, 5).UTC(), D: time.Second, R: stdjson.RawMessage(`{"a": 1}`),
		N: "1.50", B: []byte("hi"), F: [2]byte{1, 2}, M: map[int]string{2: "b", 1: "a"}, Q: 7, X: map[string]any{"b": 1.5, "a": nil}, L: []inner{{}}}
	tests := map[string]any{
		"struct": v, "pointer": &v, "nil": nil, "nil slice": []int(nil), "nil map": map[string]int(nil), "text": "é\u2028\n\x00\xff",
		"optional": Some(5), "optional struct": Some(v), "optionals": []Opt[string]{Some("x"), Null[string](), {}},
		"floats": []float64{0, math.Copysign(0, -1), 1e21, 1e-7, 1.5, math.MaxFloat64}, "float32": []float32{1.1, 3.4e38},
		"any": []any{1, "x", nil, true, 1.5, map[string]any{"z": []any{}}},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			want, err := stdjson.Marshal(v)
			require.NoError(t, err)
			got, err := Marshal(v)
			require.NoError(t, err)
			require.Equal(t, string(compacted(t, want)), string(compacted(t, got)))
			got, err = StdMarshal(v)
			require.NoError(t, err)
			require.Equal(t, string(compacted(t, want)), string(compacted(t, got)))
		})
	}
}

// compacted evens out which characters are escaped.
func compacted(t *testing.T, data []byte) []byte {
	var v any
	require.NoError(t, StdUnmarshal(data, &v))
	out, err := stdjson.Marshal(v)
	require.NoError(t, err)
	return out
}

func TestMarshalKeepsOrderAndURLs(t *testing.T) {
	v := struct {
		URL string `json:"url"`
		A   Opt[string]
		Z   int
	}{"http://x/?a=1&b=<2>", Some("a&b"), 1}
	data, err := Marshal(v)
	require.NoError(t, err)
	require.Equal(t, `{"url":"http://x/?a=1&b=<2>","A":"a&b","Z":1}`, string(data))
}

var errModel = errors.New("my own reason")

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, fmt.Errorf("value hunter2: %w", errModel) }

func TestMarshalErrors(t *testing.T) {
	type cycle struct{ Next *cycle }
	round := &cycle{}
	round.Next = round
	tests := map[string]any{
		"NaN": math.NaN(), "infinity": []float64{math.Inf(1)}, "NaN in any": map[string]any{"a": math.NaN()},
		"channel": make(chan int), "function": func() {}, "complex": 1i, "cycle": round,
		"number": stdjson.Number("hunter2"), "method": failing{}, "method in any": []any{failing{}},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			for _, marshal := range []func(any) ([]byte, error){Marshal, StdMarshal} {
				data, err := marshal(v)
				require.Error(t, err)
				require.Nil(t, data)
				require.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
	_, err := Marshal(failing{})
	require.ErrorIs(t, err, errModel)
	_, err = StdMarshal(failing{})
	require.ErrorIs(t, err, errModel)
}

// R24: what Marshal returns is never written to again.
func TestMarshalSlicesAreNeverShared(t *testing.T) {
	type body struct {
		ID   int
		Text string
		Any  any
		Key  Secret
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			var kept [][]byte
			for i := range 200 {
				data, err := Marshal(body{ID: g*1000 + i, Text: "text", Any: i, Key: NewSecret(fmt.Sprint(g, i))})
				if err != nil {
					t.Error(err)
					return
				}
				kept = append(kept, data)
				plain, _ := Marshal(struct{ A, B int }{g, i})
				kept = append(kept, plain)
			}
			for i := range 200 {
				want := fmt.Sprintf(`{"ID":%d,"Text":"text","Any":%d,"Key":"%d %d"}`, g*1000+i, i, g, i)
				if string(kept[2*i]) != want || string(kept[2*i+1]) != fmt.Sprintf(`{"A":%d,"B":%d}`, g, i) {
					t.Errorf("body %d of %d was overwritten: %s", i, g, kept[2*i])
				}
				clear(kept[2*i]) // whoever shares it would see this
			}
		})
	}
	group.Wait()
}

func TestMarshalAllocatesOnce(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	v := &struct {
		ID   int
		Name string
	}{1, "x"}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = Marshal(v) }), 1.0)
}
