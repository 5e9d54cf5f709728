package codec

import (
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"testing"

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
func (s Secret) IsZero() bool                 { return s.text == nil || *s.text == "" }
func (s Secret) LogValue() slog.Value         { return slog.StringValue("[redacted]") }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte("[redacted]")) }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }
func (s Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := stdjson.Unmarshal(b, &text); err != nil {
		return err
	}
	*s = NewSecret(text)
	return nil
}

type Opt[T any] struct {
	value T
	state uint8
}

func Some[T any](v T) Opt[T] { return Opt[T]{v, 2} }
func Null[T any]() Opt[T]    { return Opt[T]{state: 1} }

func (o *Opt[T]) Inner() (any, *uint8) { return &o.value, &o.state }
func (o Opt[T]) IsZero() bool          { return o.state == 0 }
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != 2 {
		return []byte("null"), nil
	}
	return stdjson.Marshal(o.value)
}
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := stdjson.Unmarshal(b, &v); err != nil {
		return err
	}
	*o = Some(v)
	return nil
}
