package codec

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/goccy/go-json/jsontext"
	v2 "github.com/goccy/go-json/v2"
)

// secret is what tells a secret from other types: it can be revealed, and it
// hides itself from logs and from fmt.
type secret interface {
	Reveal() string
	LogValue() slog.Value
	Format(fmt.State, rune)
}

// optional is a field with three states: a *T and where its state is kept.
type optional interface {
	Inner() (value any, state *uint8)
}

// The states of an optional field.
const (
	stateUnset uint8 = iota
	stateNull
	stateValue
)

var writeSecret = v2.MarshalToFunc(func(e *jsontext.Encoder, s secret) error {
	return e.WriteToken(jsontext.String(s.Reveal()))
})

// writeOptional writes the inner value itself: the field's own MarshalJSON goes
// through encoding/json, which sees no secret in clear.
var writeOptional = v2.MarshalToFunc(func(e *jsontext.Encoder, o optional) error {
	value, state := o.Inner()
	if *state != stateValue {
		return e.WriteToken(jsontext.Null)
	}
	return v2.MarshalEncode(e, value)
})

// refuseRedacted keeps a model whose own MarshalJSON calls encoding/json from
// sending the placeholder in its secret's stead.
var refuseRedacted = v2.MarshalToFunc(func(e *jsontext.Encoder, m stdjson.Marshaler) error {
	t := reflect.TypeOf(m)
	if !HoldsSecret(t) {
		return errors.ErrUnsupported
	}
	data, err := m.MarshalJSON()
	if err != nil {
		return err
	}
	if bytes.Contains(data, []byte(`"[redacted]"`)) {
		return &failure{offset: unknown, text: fmt.Sprintf("json: MarshalJSON of %s writes [redacted] for its secret: write Reveal() there, or drop the method", t)}
	}
	return e.WriteValue(data)
})

// readAny gives numbers in an any all of their digits. A pointer that the any
// holds already is decoded into, as encoding/json does.
var readAny = v2.UnmarshalFromFunc(func(d *jsontext.Decoder, p *any) error {
	if d.PeekKind() != '0' || reflect.ValueOf(*p).Kind() == reflect.Pointer {
		return errors.ErrUnsupported
	}
	number, err := d.ReadValue()
	if err == nil {
		*p = stdjson.Number(number)
	}
	return err
})

// readNumber reads a json.Number, a mere string to the v2 engine, as
// encoding/json does: a number, or a string that holds one.
var readNumber = v2.UnmarshalFromFunc(func(d *jsontext.Decoder, p *stdjson.Number) error {
	if kind := d.PeekKind(); kind != '0' && kind != '"' {
		return errors.ErrUnsupported
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	return stdjson.Unmarshal(value, p)
})

var readOptional = v2.UnmarshalFromFunc(func(d *jsontext.Decoder, o optional) error {
	value, state := o.Inner()
	if d.PeekKind() == 'n' {
		reflect.ValueOf(value).Elem().SetZero()
		*state = stateNull
		return d.SkipValue()
	}
	if err := v2.UnmarshalDecode(d, value); err != nil {
		return err
	}
	*state = stateValue
	return nil
})
