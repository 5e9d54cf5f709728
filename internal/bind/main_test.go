package bind

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Opt stands in for the root's optional field.
type Opt[T any] struct {
	value T
	state uint8
}

func some[T any](v T) Opt[T] { return Opt[T]{v, stateValue} }
func nullOf[T any]() Opt[T]  { return Opt[T]{state: stateNull} }

func (o *Opt[T]) Inner() (any, *uint8) { return &o.value, &o.state }
func (o Opt[T]) IsZero() bool          { return o.state == stateUnset }
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != stateValue {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*o = nullOf[T]()
		return nil
	}
	o.state = stateValue
	return json.Unmarshal(data, &o.value)
}

// Secret stands in for the root's secret.
type Secret struct{ text *string }

func hide(text string) Secret { return Secret{&text} }

func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}
func (s Secret) IsZero() bool                  { return s.Reveal() == "" }
func (s Secret) LogValue() slog.Value          { return slog.StringValue("[redacted]") }
func (s Secret) Format(f fmt.State, _ rune)    { _, _ = f.Write([]byte("[redacted]")) }
func (s Secret) MarshalText() ([]byte, error)  { return []byte("[redacted]"), nil }
func (s *Secret) UnmarshalText(t []byte) error { *s = hide(string(t)); return nil }

// compile compiles the model of v, which must have no mistakes.
func compile(t testing.TB, route string, v any) *Request {
	t.Helper()
	parsed, mistakes := ParseRoute(route)
	require.Empty(t, mistakes)
	r, mistakes := CompileRequest(reflect.TypeOf(v), parsed, RequestConfig{AllowBody: true})
	require.Empty(t, mistakes)
	return r
}

// own makes an addressable copy of a model.
func own(v any) reflect.Value {
	c := reflect.New(reflect.TypeOf(v)).Elem()
	c.Set(reflect.ValueOf(v))
	return c
}

func encode(t testing.TB, route string, v any) (*Parts, error) {
	t.Helper()
	out := new(Parts)
	err := compile(t, route, v).Encode(own(v), out)
	return out, err
}

// mistakesOf joins what is wrong with a model and a route, with AllowBody.
func mistakesOf(route string, v any) string {
	parsed, mistakes := ParseRoute(route)
	if len(mistakes) == 0 {
		_, mistakes = CompileRequest(reflect.TypeOf(v), parsed, RequestConfig{AllowBody: true})
	}
	return text(mistakes)
}

func text(mistakes []error) string {
	var lines []string
	for _, m := range mistakes {
		lines = append(lines, m.Error())
	}
	return strings.Join(lines, "\n")
}
