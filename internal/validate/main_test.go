package validate

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"testing"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Secret and Opt stand for the types of the root package, which this one knows by
// their methods only.
type Secret struct{ text *string }

func NewSecret(text string) Secret { return Secret{&text} }

func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}
func (s Secret) IsZero() bool                 { return s.Reveal() == "" }
func (s Secret) LogValue() slog.Value         { return slog.StringValue("[redacted]") }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte("[redacted]")) }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

type Opt[T any] struct {
	value T
	state uint8
}

func Some[T any](v T) Opt[T] { return Opt[T]{v, 2} }
func Null[T any]() Opt[T]    { return Opt[T]{state: 1} }

func (o *Opt[T]) Inner() (any, *uint8)         { return &o.value, &o.state }
func (o *Opt[T]) UnmarshalJSON(b []byte) error { o.state = 2; return json.Unmarshal(b, &o.value) }

// check compiles the type of v, without mistakes, and checks v.
func check(t *testing.T, v any) error {
	t.Helper()
	plan, mistakes := Compile(reflect.TypeOf(v))
	require.Empty(t, mistakes)
	return plan.Check(reflect.ValueOf(v))
}

// requireText wants err to read want, or to be nil for "".
func requireText(t *testing.T, want string, err error) {
	t.Helper()
	if want == "" {
		require.NoError(t, err)
		return
	}
	require.EqualError(t, err, want)
}

// always is an engine that is there already.
func always(engine *validator.Validate) func() *validator.Validate {
	return func() *validator.Validate { return engine }
}
