package crest

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedactBodies(t *testing.T) {
	rules := &redaction{names: []string{"a", "pin"}}
	for name, tt := range map[string]struct {
		rules             *redaction
		body, media, want string
		hidden            bool
	}{
		"no rules":             {nil, `not {JSON`, "", `not {JSON`, false},
		"names of no use":      {&redaction{}, `not {JSON`, "", `not {JSON`, false},
		"everything":           {&redaction{all: true}, `{}`, "", "", true},
		"everything of none":   {&redaction{all: true}, "", "", "", false},
		"any depth":            {rules, `{"x":[{"y":{"a":1}}],"a":"s"}`, "", `{"x":[{"y":{"a":"[redacted]"}}],"a":"[redacted]"}`, false},
		"any case":             {rules, `{"PIN":1,"Pin":null}`, "", `{"PIN":"[redacted]","Pin":"[redacted]"}`, false},
		"an escaped name":      {rules, `{"\u0061":1}`, "", `{"a":"[redacted]"}`, false},
		"a name twice":         {rules, `{"a":1,"a":2}`, "", `{"a":"[redacted]","a":"[redacted]"}`, false},
		"an object":            {rules, `{"a":{"b":1,"a":2}}`, "", `{"a":{"b":1,"a":"[redacted]"}}`, false},
		"a list":               {rules, `{"a":[1,[2],{"b":3}]}`, "", `{"a":["[redacted]",["[redacted]"],{"b":3}]}`, false},
		"numbers as they are":  {rules, `{"n":1.00,"big":12345678901234567890}`, "", `{"n":1.00,"big":12345678901234567890}`, false},
		"white space":          {rules, "{ \"b\" :\n1 }\n", "", `{"b":1}`, false},
		"lines":                {rules, "{\"a\":1}\n{\"a\":2}\n", "", "{\"a\":\"[redacted]\"}\n{\"a\":\"[redacted]\"}", false},
		"cut":                  {rules, `{"a":1,"b`, "", "", true},
		"cut after a value":    {rules, `{"b":1} {"a":"x`, "", "", true},
		"no JSON":              {rules, `a=1`, "text/plain", "", true},
		"too deep":             {rules, strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "", "", true},
		"form":                 {rules, "a=1&b=2&%61=3&PIN=4&a", formMediaType, "a=[redacted]&b=2&%61=[redacted]&PIN=[redacted]&a", false},
		"form with a bad name": {rules, "%zz=1", formMediaType, "%zz=[redacted]", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := tt.rules.body([]byte(tt.body), tt.media)
			require.Equal(t, tt.hidden, !ok)
			if ok {
				require.Equal(t, tt.want, string(got))
			}
		})
	}
}

// FuzzRedactJSON compares with the same done to decoded values, and sees that nothing is shown that is no JSON.
func FuzzRedactJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":{"a":[1,"x",null,{"c":true}]}}`, `[1,2]`, `"a"`, `{"A":"\u0000"}`, `{"a":1} {"b":2}`, `{"a":`, `nul`, "\xff"} {
		f.Add([]byte(seed))
	}
	rules := &redaction{names: []string{"a"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, valid := decodeAll(body)
		got, ok := rules.json(body)
		require.Equal(t, valid, ok)
		if !ok {
			return
		}
		for i := range want {
			want[i] = redactValue(want[i], false)
		}
		again, valid := decodeAll(got)
		require.True(t, valid)
		require.Equal(t, want, again)
	})
}

// decodeAll reads one or more values.
func decodeAll(body []byte) (list []any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		var v any
		switch err := d.Decode(&v); err {
		case nil:
			list = append(list, v)
		case io.EOF:
			return list, len(list) > 0
		default:
			return nil, false
		}
	}
}

func redactValue(v any, hidden bool) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = redactValue(inner, strings.EqualFold(name, "a"))
		}
		return v
	case []any:
		for i := range v {
			v[i] = redactValue(v[i], hidden)
		}
		return v
	}
	if hidden {
		return redacted
	}
	return v
}
