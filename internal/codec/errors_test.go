package codec

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-json"
	"github.com/stretchr/testify/require"
)

type color string

var errColor = errors.New("no such color")

func (c *color) UnmarshalJSON(b []byte) error { return fmt.Errorf("%w: %s", errColor, b) }

type shade string

func (s *shade) UnmarshalText(b []byte) error { return fmt.Errorf("%w: %s", errColor, b) }

type errorModel struct {
	Name  string           `json:"name"`
	Count int8             `json:"count"`
	Color color            `json:"color"`
	Shade shade            `json:"shade"`
	Time  time.Time        `json:"time"`
	Bytes []byte           `json:"bytes"`
	Sub   *errorModel      `json:"sub"`
	Map   map[string]int   `json:"map"`
	Keys  map[int]int      `json:"keys"`
	Opt   Opt[int]         `json:"opt"`
	Num   stdjson.Number   `json:"num"`
	Quote int              `json:"quote,string"`
	List  []map[string]any `json:"list"`

	Colors []map[string]color `json:"colors"`
	When   Opt[color]         `json:"when"`
}

// No error quotes the document: "hunter2" and 55555 stand for what it holds.
func TestErrorsNeverQuoteTheDocument(t *testing.T) {
	tests := map[string]string{
		"string for int":    `{"count":"hunter2"}`,
		"number for string": `{"name":55555}`,
		"overflow":          `{"count":55555}`,
		"fraction":          `{"count":5.5555}`,
		"method":            `{"color":"hunter2"}`,
		"text method":       `{"shade":"hunter2"}`,
		"time":              `{"time":"hunter2"}`,
		"time as number":    `{"time":55555}`,
		"base64":            `{"bytes":"hunter2!"}`,
		"optional":          `{"opt":"hunter2"}`,
		"optional overflow": `{"opt":55555555555555555555555}`,
		"number field":      `{"num":"hunter2"}`,
		"quoted":            `{"quote":"hunter2"}`,
		"quoted number":     `{"quote":55555}`,
		"map value":         `{"map":{"a":"hunter2"}}`,
		"bad literal":       `{"name":hunter2}`,
		"after the value":   `{"name":"a"}hunter2`,
		"in a string":       "{\"name\":\"hunter2\n\"}",
		"bad escape":        `{"name":"hunter2\q"}`,
		"cut short":         `{"name":"hunter2`,
		"below":             `{"sub":{"count":"hunter2"}}`,
		"list of numbers":   `{"list":[55555]}`,
		"list":              `["hunter2"]`,
		"string":            `"hunter2"`,
		"duplicate value":   `{"name":"hunter2","name":"hunter2"}`,
		"invalid UTF-8":     "{\"name\":\"hunter2\xff\"}",
	}
	for name, doc := range tests {
		for engine, decode := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				err := decode([]byte(doc), new(errorModel))
				if err == nil && (name == "duplicate value" || name == "invalid UTF-8") {
					return // lenient
				}
				require.Error(t, err)
				for e := err; e != nil; e = errors.Unwrap(e) {
					for _, print := range []string{"%v", "%+v", "%#v"} {
						if print == "%#v" && e == err {
							continue // what Is compares with stays inside
						}
						require.NotRegexp(t, "hunter2|5555", fmt.Sprintf(print, e))
					}
				}
				require.NotRegexp(t, "[A-Z.]", err.Error()[:1]+err.Error()[len(err.Error())-1:])
			})
		}
	}
}

func TestErrorPlaces(t *testing.T) {
	tests := map[string]struct {
		doc    string
		offset int64 // of go-json; -1 where none is told
		field  string
		text   string
	}{
		"syntax":    {`{"name":x}`, 9, "", "json: not valid JSON at byte 9"},
		"cut short": {`{"name":"x"`, 11, "", "json: the JSON value is cut short at byte 11"},
		"trailing":  {`{} 1`, 4, "", "json: data follows the JSON value at byte 4"},
		"type":      {`{"count":"x"}`, 12, "count", `json: field "count" at byte 12: string does not fit Go type int8`},
		"below":     {`{"sub":{"sub":{"name":[1]}}}`, 23, "sub.sub.name", `json: field "sub.sub.name" at byte 23: array does not fit Go type string`},
		"top":       {`[]`, 1, "", `json: at byte 1: array does not fit Go type codec.errorModel`},
		"map key":   {`{"keys":{"x":1}}`, 12, "keys.x", `json: field "keys.x" at byte 12: number does not fit Go type int`},
		"method":    {`{"color":"x"}`, 9, "color", `json: field "color" at byte 9: string was refused by the decoding method of Go type codec.color`},
		"text":      {`{"sub":{"shade":"x"}}`, 16, "sub.shade", `json: field "sub.shade" at byte 16: string was refused by the decoding method of Go type codec.shade`},
		"listed":    {`{"colors":[{},{"a/b":{}}]}`, 21, "colors.1.a/b", `json: field "colors.1.a/b" at byte 21: object was refused by the decoding method of Go type codec.color`},
		"folded":    {`{"COLOR":"x"}`, 9, "COLOR", `json: field "COLOR" at byte 9: string was refused by the decoding method of Go type codec.color`},
		"time":      {`{"time":"x"}`, 8, "time", `json: field "time" at byte 8: string was refused by the decoding method of Go type time.Time`},
		"in an Opt": {`{"when":"x"}`, 8, "when", `json: field "when" at byte 8: string was refused by the decoding method of Go type codec.color`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for name, decode := range map[string]unmarshal{"": Unmarshal, "folded": UnmarshalStrict} {
				if name != "" && strings.Contains(tt.doc, "COLOR") {
					continue // strict reading knows no such field
				}
				err := decode([]byte(tt.doc), new(errorModel))
				require.EqualError(t, err, tt.text)
				offset, told := offsetOf(fmt.Errorf("wrapped: %w", err))
				require.Equal(t, tt.offset != -1, told)
				if told {
					require.Equal(t, tt.offset, offset)
				}
				require.Equal(t, tt.field, fieldOf(err))
			}
			err := StdUnmarshal([]byte(tt.doc), new(errorModel))
			require.Error(t, err)
			require.True(t, strings.HasPrefix(tt.field, fieldOf(err)), fieldOf(err)) // older paths end at a map
		})
	}
	_, told := offsetOf(errors.New("another"))
	require.False(t, told)
	require.Empty(t, fieldOf(errors.New("another")))
	require.Empty(t, fieldOf(nil))
}

// A place that the second look cannot find again is not made up.
func TestErrorPlaceOfAMethodThatChangesItsMind(t *testing.T) {
	for name, v := range map[string]any{"refuses once": &fickle{}, "panics then": &fickle{panics: true}, "another error": &fickle{always: true}} {
		t.Run(name, func(t *testing.T) {
			fickleCalls.Store(0)
			fickleMood.Store(v)
			err := Unmarshal([]byte(`{"a":1}`), new(struct{ A fickle }))
			require.EqualError(t, err, "json: a value was refused by its type's own decoding method")
			require.ErrorIs(t, err, errColor)
			require.Empty(t, fieldOf(err))
		})
	}
}

type fickle struct{ panics, always bool }

var (
	fickleCalls atomic.Int32
	fickleMood  atomic.Value
)

func (*fickle) UnmarshalJSON([]byte) error {
	mood := fickleMood.Load().(*fickle)
	switch n := fickleCalls.Add(1); {
	case n == 1 || mood.always:
		return fmt.Errorf("%w at the call %d", errColor, n)
	case mood.panics:
		panic("at the second call")
	}
	return nil
}

// The error of a member can be made one of the document that it was cut out of.
func TestErrorWithin(t *testing.T) {
	for name, tt := range map[string]struct {
		member, text string
		v            any
	}{
		"type":     {`"x"`, `json: field "n" at byte 13: string does not fit Go type int`, new(int)},
		"below":    {`[{"count":"x"}]`, `json: field "n.0.count" at byte 23: string does not fit Go type int8`, new([]errorModel)},
		"method":   {`"x"`, `json: field "n" at byte 10: string was refused by the decoding method of Go type codec.color`, new(color)},
		"below it": {`{"color":"x"}`, `json: field "n.color" at byte 19: string was refused by the decoding method of Go type codec.color`, new(errorModel)},
	} {
		t.Run(name, func(t *testing.T) {
			f, ok := errors.AsType[*failure](Unmarshal([]byte(tt.member), tt.v))
			require.True(t, ok)
			whole := f.Within("n", 10)
			require.EqualError(t, whole, tt.text)
			offset, _ := offsetOf(whole)
			mismatch, typed := errors.AsType[*stdjson.UnmarshalTypeError](whole)
			if typed {
				require.Equal(t, offset, mismatch.Offset)
				require.Equal(t, fieldOf(whole), mismatch.Field)
			} else {
				require.ErrorIs(t, whole, errColor)
			}
		})
	}
	syntax, _ := errors.AsType[*failure](Unmarshal([]byte(`{`), new(errorModel)))
	require.NoError(t, syntax.Within("n", 10), "the document is whole, so that there is nothing to say")
}

func TestUnknownFieldIsNamedAndCut(t *testing.T) {
	for name, decode := range map[string]unmarshal{"go-json": UnmarshalStrict, "std": StdUnmarshalStrict} {
		t.Run(name, func(t *testing.T) {
			err := decode([]byte(`{"who\n":1}`), new(errorModel))
			require.EqualError(t, err, `json: unknown field "who\n"`)
			require.Equal(t, "who\n", fieldOf(err))
			err = decode([]byte(`{"`+strings.Repeat("ü", 5000)+`":1}`), new(errorModel))
			require.Less(t, len(err.Error()), 200)
			require.Less(t, len(fieldOf(err)), 110)
		})
	}
}

// Callers look for encoding/json's error types, whichever engine decoded.
func TestErrorTypes(t *testing.T) {
	for name, decode := range engines {
		t.Run(name, func(t *testing.T) {
			mismatch, ok := errors.AsType[*stdjson.UnmarshalTypeError](decode([]byte(`{"count":55555}`), new(errorModel)))
			require.True(t, ok)
			require.Equal(t, "number", mismatch.Value)
			require.Equal(t, "int8", mismatch.Type.String())
			require.Equal(t, "count", mismatch.Field)

			err := decode([]byte(`{"color":"x"}`), new(errorModel))
			require.ErrorIs(t, err, errColor)
			err = decode([]byte(`{"shade":"x"}`), new(errorModel))
			require.ErrorIs(t, err, errColor)
			_, ok = errors.AsType[*time.ParseError](decode([]byte(`{"time":"hunter2"}`), new(errorModel)))
			require.False(t, ok, "its text quotes the value")

			err = decode([]byte(`{x`), new(errorModel))
			_, std := errors.AsType[*stdjson.SyntaxError](err)
			_, own := errors.AsType[*json.SyntaxError](err)
			require.True(t, std || own)
		})
	}
}

// offsetOf returns how many bytes of the document were read when err, from one of
// this package's functions, occurred. It is false where the engine does not tell:
// for unknown fields, and with encoding/json for a value that its type's own
// method refused.
func offsetOf(err error) (int64, bool) {
	f, ok := errors.AsType[*failure](err)
	if !ok || f.offset == unknown {
		return 0, false
	}
	return f.offset, true
}

// fieldOf returns the JSON path of the field whose value did not fit, or the name
// of the unknown field, cut to 100 bytes; "" if err tells none.
func fieldOf(err error) string {
	f, _ := errors.AsType[*failure](err)
	if f == nil {
		return ""
	}
	return f.field
}
