package bind

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzQuery(f *testing.F) {
	f.Add("a", "b c", "k", int64(1), "x,y")
	f.Add("&=+%", "ü", "a[0]", int64(-5), "\x00")
	type model struct {
		S string            `query:"s"`
		L []string          `query:"l"`
		N int64             `query:"n"`
		M map[string]string `query:"*"`
		C []string          `query:"c,style=pipeDelimited"`
	}
	r := compile(f, "/x?v=1", model{})
	f.Fuzz(func(t *testing.T, s, item, key string, n int64, c string) {
		out := new(Parts)
		in := model{S: s, L: []string{item, s}, N: n, M: map[string]string{key: item}, C: []string{c}}
		if err := r.Encode(own(in), out); err != nil {
			require.Empty(t, key)
			return
		}
		got, err := url.ParseQuery(string(out.Query))
		require.NoError(t, err)
		want := url.Values{"v": {"1"}, "s": {s}, "l": {item, s}, "n": got["n"], "c": {c}}
		if _, named := want[key]; !named {
			want[key] = []string{item}
		}
		require.Equal(t, want, got)
		require.NotContains(t, string(out.Query), "+")
	})
}

func FuzzHeader(f *testing.F) {
	f.Add("a", "b,c", "k")
	f.Add("v\r\nEvil: 1", `"`, "X\n")
	f.Add(" ", "\t", `\`)
	type model struct {
		S string            `header:"X-S"`
		L []string          `header:"X-L"`
		M map[string]string `header:"X-M-*"`
	}
	r := compile(f, "/", model{})
	back := compileResponse(f, model{})
	f.Fuzz(func(t *testing.T, s, item, key string) {
		out := new(Parts)
		in := model{S: s, L: []string{item, s}, M: map[string]string{key: s}}
		if r.Encode(own(in), out) != nil {
			return
		}
		var wire bytes.Buffer
		require.NoError(t, out.Header.Write(&wire))
		require.Equal(t, len(out.Header), bytes.Count(wire.Bytes(), []byte("\n")), "a line that was not declared")
		wire.WriteString("\r\n")
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append([]byte("HTTP/1.1 200 OK\r\n"), wire.Bytes()...))), nil)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		v := own(model{})
		require.NoError(t, back.DecodeLocated(v, res.Header, nil))
		got := v.Interface().(model)
		require.Equal(t, in.S, got.S)
		require.Equal(t, in.L, got.L)
		require.Len(t, got.M, 1)
	})
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add("1", "a, b", "sid")
	f.Add(`"`, `"\`, "null")
	f.Add("R=1,G", ",,,", "%zz")
	type model struct {
		N  int               `header:"A"`
		L  []string          `header:"B"`
		D  []Opt[int]        `header:"C"`
		M  map[string]int    `header:"D"`
		P  *point            `header:"E,explode=true"`
		T  []*shownTime      `header:"F"`
		A  [2]bool           `header:"G"`
		W  map[string][]int8 `header:"X-*"`
		C  []string          `cookie:"c,style=form"`
		CM map[string]string `cookie:"c2"`
	}
	r := compileResponse(f, model{})
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, name := range []string{"A", "B", "C", "D", "E", "F", "G", "X-Y"} {
			err := r.DecodeLocated(own(model{}), http.Header{name: {a, b, c}}, func() []*http.Cookie {
				return []*http.Cookie{{Name: "c", Value: a}, {Name: "c", Value: b}, {Name: "c2", Value: c}}
			})
			if err != nil {
				require.IsType(t, (*FieldError)(nil), err)
			}
		}
	})
}

type shownTime struct{ text string }

func (s shownTime) MarshalText() ([]byte, error)  { return []byte(s.text), nil }
func (s *shownTime) UnmarshalText(b []byte) error { s.text = string(b); return nil }

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"at":1.5,"dates":["2020-01-01"],"n":"5"}`))
	f.Add([]byte(`{"AT":"x","opt":null}`))
	f.Add([]byte(`[`))
	type model struct {
		At    time.Time   `json:"at,format=unix"`
		Dates []time.Time `json:"dates,format=date"`
		Opt   Opt[int]    `json:"opt"`
		N     int         `json:"n,string"`
	}
	r := compileResponse(f, model{})
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = r.DecodeJSON(own(model{}), data, json.Unmarshal)
	})
}
