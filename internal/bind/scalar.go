package bind

import (
	"encoding"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// secret is a value that hides itself everywhere but here.
type secret interface {
	Reveal() string
	LogValue() slog.Value
	Format(fmt.State, rune)
}

var (
	secretType          = reflect.TypeFor[secret]()
	timeType            = reflect.TypeFor[time.Time]()
	durationType        = reflect.TypeFor[time.Duration]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// scalar writes a value as one text and reads it back. The kinds are told apart
// by a switch, not by function values, so that callers' buffers stay on the stack.
type scalar struct {
	kind   scalarKind
	bits   int    // of a number
	format string // of a time
}

type scalarKind uint8

const (
	noScalar scalarKind = iota
	textScalar
	textPointerScalar // only *T marshals itself
	secretScalar
	timeScalar
	stringScalar
	boolScalar
	intScalar
	uintScalar
	floatScalar
	bytesScalar
)

var scalarKinds = [reflect.UnsafePointer + 1]scalarKind{
	reflect.String: stringScalar, reflect.Bool: boolScalar,
	reflect.Int: intScalar, reflect.Int8: intScalar, reflect.Int16: intScalar, reflect.Int32: intScalar, reflect.Int64: intScalar,
	reflect.Uint: uintScalar, reflect.Uint8: uintScalar, reflect.Uint16: uintScalar, reflect.Uint32: uintScalar, reflect.Uint64: uintScalar, reflect.Uintptr: uintScalar,
	reflect.Float32: floatScalar, reflect.Float64: floatScalar,
}

// scalarOf says how t is one text, if it is. A secret comes first, because its
// MarshalText redacts; a TextMarshaler wins over its kind.
func scalarOf(t reflect.Type, format string) scalar {
	kind := scalarKinds[t.Kind()]
	switch {
	case t.Implements(secretType):
		return scalar{kind: secretScalar}
	case t == timeType:
		if format == "" {
			format = formatDateTime
		}
		return scalar{kind: timeScalar, format: format}
	case t.Implements(textMarshalerType):
		return scalar{kind: textScalar}
	case reflect.PointerTo(t).Implements(textMarshalerType):
		return scalar{kind: textPointerScalar}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && scalarOf(t.Elem(), "").kind == uintScalar:
		return scalar{kind: bytesScalar}
	case kind == intScalar || kind == uintScalar || kind == floatScalar:
		return scalar{kind: kind, bits: int(t.Size()) * 8}
	}
	return scalar{kind: kind}
}

// append writes v. Its errors never hold the value.
func (s scalar) append(dst []byte, v reflect.Value) ([]byte, error) {
	switch s.kind {
	case stringScalar:
		return append(dst, v.String()...), nil
	case boolScalar:
		return strconv.AppendBool(dst, v.Bool()), nil
	case intScalar:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case uintScalar:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case floatScalar:
		return appendFloat(dst, v.Float(), s.bits)
	case bytesScalar:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes()), nil
	case timeScalar:
		t, _ := reflect.TypeAssert[time.Time](v)
		return appendTime(dst, t, s.format)
	case secretScalar:
		return append(dst, reveal(v)...), nil
	}
	return s.appendText(dst, v)
}

// appendEscaped writes v percent-encoded.
func (s scalar) appendEscaped(dst []byte, v reflect.Value) ([]byte, error) {
	if s.kind == stringScalar {
		return AppendQueryEscape(dst, v.String()), nil
	}
	start := len(dst)
	dst, err := s.append(dst, v)
	return escapeFrom(dst, start), err
}

func (s scalar) appendText(dst []byte, v reflect.Value) ([]byte, error) {
	if s.kind == textPointerScalar {
		v = addressable(v).Addr()
	}
	m, ok := reflect.TypeAssert[encoding.TextMarshaler](v)
	if !ok {
		return dst, &problem{text: "holds a type that has no text form: give it MarshalText, or use a string"}
	}
	text, err := marshalText(m)
	return append(dst, text...), err
}

// marshalText asks a type of the caller's. It may panic, as methods do that a
// struct has from an embedded pointer that is nil.
func marshalText(m encoding.TextMarshaler) (text []byte, err error) {
	defer func() {
		if recover() != nil {
			text, err = nil, &problem{text: "could not be written: its MarshalText panicked (does it embed a nil pointer?)"}
		}
	}()
	if text, err = m.MarshalText(); err != nil {
		return nil, &problem{text: "could not be written: its MarshalText failed", cause: err}
	}
	return text, nil
}

// text is append for a value that is needed as a string.
func (s scalar) text(v reflect.Value) (string, error) {
	switch s.kind {
	case stringScalar:
		return v.String(), nil
	case secretScalar:
		return reveal(v), nil
	}
	var room [64]byte
	text, err := s.append(room[:0], v)
	return string(text), err
}

// reveal is a secret in clear. One behind an embedded pointer that is nil is empty.
func reveal(v reflect.Value) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	s, _ := reflect.TypeAssert[secret](v)
	return s.Reveal()
}

// addressable copies v if nothing can point to it, as to a map's element.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// appendFloat writes numbers as encoding/json does: the shortest text that
// reads back the same, with an exponent only for very large and small ones.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, &problem{text: "is NaN or infinite: send a finite number, or use a type with MarshalText"}
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), nil
}

// parse reads text into v. Its errors never hold the text.
func (s scalar) parse(v reflect.Value, text string) error {
	var err error
	switch s.kind {
	case stringScalar:
		v.SetString(text)
	case boolScalar:
		return parseBool(v, text)
	case intScalar:
		var n int64
		n, err = strconv.ParseInt(text, 10, s.bits)
		v.SetInt(n)
	case uintScalar:
		var n uint64
		n, err = strconv.ParseUint(text, 10, s.bits)
		v.SetUint(n)
	case floatScalar:
		return s.parseFloat(v, text)
	case bytesScalar:
		var data []byte
		data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
		v.SetBytes(data)
	case timeScalar:
		var t time.Time
		t, err = parseTime(text, s.format)
		v.Set(reflect.ValueOf(t))
	default:
		return s.parseText(v, text)
	}
	if err != nil {
		return &problem{text: "is not " + s.wanted()}
	}
	return nil
}

func parseBool(v reflect.Value, text string) error {
	switch strings.ToLower(text) {
	case "true", "1":
		v.SetBool(true)
	case "false", "0":
		v.SetBool(false)
	default:
		return &problem{text: "is not true or false"}
	}
	return nil
}

func (s scalar) parseFloat(v reflect.Value, text string) error {
	f, err := strconv.ParseFloat(text, s.bits)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(text, "xX_") {
		return &problem{text: "is not " + s.wanted()}
	}
	v.SetFloat(f)
	return nil
}

func (s scalar) parseText(v reflect.Value, text string) error {
	u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	if !ok {
		return &problem{text: "has a type that can't be read from text: give it UnmarshalText"}
	}
	return unmarshalText(u, text)
}

func unmarshalText(u encoding.TextUnmarshaler, text string) (err error) {
	defer func() {
		if recover() != nil {
			err = &problem{text: "could not be read: its UnmarshalText panicked (does it embed a nil pointer?)"}
		}
	}()
	if err := u.UnmarshalText([]byte(text)); err != nil {
		return &problem{text: "was refused by its UnmarshalText", cause: err}
	}
	return nil
}

func (s scalar) wanted() string {
	switch s.kind {
	case intScalar:
		return fmt.Sprintf("an integer of %d bits", s.bits)
	case uintScalar:
		return fmt.Sprintf("an unsigned integer of %d bits", s.bits)
	case floatScalar:
		return fmt.Sprintf("a finite number of %d bits", s.bits)
	case bytesScalar:
		return "base64"
	}
	return "a time in the format " + s.format + " (format= in the tag chooses another)"
}

// readable says why a scalar of type t can't be read from text, if it can't.
func (s scalar) readable(t reflect.Type) error {
	switch s.kind {
	case textScalar, textPointerScalar, secretScalar:
		if !reflect.PointerTo(t).Implements(textUnmarshalerType) {
			return errors.New("has a type that can't be read from text: give " + t.String() + " an UnmarshalText")
		}
	}
	return nil
}
