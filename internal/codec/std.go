package codec

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// StdMarshal is [Marshal] by encoding/json, for those who want no unsafe code.
// It cannot write a secret: a v that holds one, in a field even if that is
// empty, or inside an any, is an error, so that neither the secret nor its
// placeholder is sent.
func StdMarshal(v any) (_ []byte, err error) {
	defer panicked(&err)
	if err := refuseSecret(reflect.ValueOf(v), 0); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := stdjson.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, encodeError(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// StdUnmarshal is [Unmarshal] by encoding/json. Numbers inside an optional field
// of any are as exact as the field's own UnmarshalJSON makes them.
func StdUnmarshal(data []byte, v any) (err error) {
	defer panicked(&err)
	if factsOf(reflect.TypeOf(v))&anyFact == 0 {
		return decodeError(stdjson.Unmarshal(data, v))
	}
	return stdDecode(data, v, false)
}

// StdUnmarshalStrict is [UnmarshalStrict] as far as encoding/json can: unknown
// fields are refused; duplicate names, names in another case and invalid UTF-8
// are not seen.
func StdUnmarshalStrict(data []byte, v any) error {
	return stdDecode(data, v, true)
}

func stdDecode(data []byte, v any, strict bool) (err error) {
	defer panicked(&err)
	dec := stdjson.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(v); err != nil {
		return decodeError(streamError(err, data))
	}
	end := dec.InputOffset()
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		return &failure{text: fmt.Sprintf("json: data follows the JSON value at byte %d", end), offset: end}
	}
	return nil
}

// streamError tells a document that is cut short as Unmarshal would: a Decoder
// says io.EOF, which to a caller means a broken connection.
func streamError(err error, data []byte) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return stdjson.Unmarshal(data, new(stdjson.RawMessage))
	}
	return err
}

// deepest is how far refuseSecret looks; a value that goes deeper has most
// likely a cycle, which has no JSON form.
const deepest = 10_000

// refuseSecret walks no further than static types leave it open.
func refuseSecret(v reflect.Value, depth int) error {
	if !v.IsValid() {
		return nil
	}
	switch f := factsOf(v.Type()); {
	case f&secretFact != 0:
		return &failure{offset: unknown, text: fmt.Sprintf("json: %s holds a secret, which encoding/json cannot write: use the default codec, or send it outside the body", v.Type())}
	case f&interfaceFact == 0:
		return nil
	case depth > deepest:
		return &failure{offset: unknown, text: fmt.Sprintf("json: %s is nested too deep: is there a cycle?", v.Type())}
	}
	for inner := range parts(v) {
		if err := refuseSecret(inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}
