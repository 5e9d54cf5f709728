package crest

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/codec"
)

// Codec turns values into bytes and back for some media types. The stock ones are [JSON], [StdJSON], [XML], [Form] and
// [Text]; implement it for others. A Codec must be safe for concurrent use and keep neither values nor bytes.
type Codec interface {
	// MediaTypes are the types that the codec reads, such as "application/xml", "text/*" or "application/*+xml".
	// The first is what requests are sent with.
	MediaTypes() []string
	// Marshal writes v. The bytes belong to crest from then on.
	Marshal(v any) ([]byte, error)
	// Unmarshal reads the whole of data, in UTF-8, into the pointer v. Text after the value is an error.
	Unmarshal(data []byte, v any) error
}

// WithCodec makes c write request bodies and read answers of its media types. Of several the nearest writes,
// at one level the one given last; all of them read. Without the option an endpoint speaks [JSON] alone; with
// it JSON is read only if it is given too. nil is a mistake.
func WithCodec(c Codec) Option {
	return anyOption(func(s *settings) error {
		if isNil(c) || len(c.MediaTypes()) == 0 {
			return fmt.Errorf("WithCodec: the codec is nil or names no media type")
		}
		s.codecs = slices.Insert(slices.Clone(s.codecs), 0, c)
		return nil
	})
}

// WithStrictFields makes an answer in JSON an error that has fields the model does not know, a key twice, a key in other
// case, or text that is not UTF-8. A nearer level cannot switch it off.
func WithStrictFields() Option {
	return anyOption(func(s *settings) error {
		s.strict = true
		return nil
	})
}

const (
	jsonMediaType = "application/json"
	formMediaType = "application/x-www-form-urlencoded"
)

// JSON returns the default codec: goccy/go-json with encoding/json's rules, text after the value refused,
// numbers in an any kept exact as [json.Number], and [Secret] values written in clear.
func JSON() Codec { return jsonCodec{} }

// StdJSON returns a codec over encoding/json, for those who want no unsafe code between the network and the
// program. A request body with a [Secret] is an error under it, and of what [WithStrictFields] refuses it
// sees unknown fields alone.
func StdJSON() Codec { return stdCodec{} }

type jsonCodec struct{}

func (jsonCodec) MediaTypes() []string               { return jsonTypes }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return codec.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return codec.Unmarshal(data, v) }
func (jsonCodec) strict(data []byte, v any) error    { return codec.UnmarshalStrict(data, v) }
func (jsonCodec) writesSecrets()                     {}

type stdCodec struct{}

func (stdCodec) MediaTypes() []string               { return jsonTypes }
func (stdCodec) Marshal(v any) ([]byte, error)      { return codec.StdMarshal(v) }
func (stdCodec) Unmarshal(data []byte, v any) error { return codec.StdUnmarshal(data, v) }
func (stdCodec) strict(data []byte, v any) error    { return codec.StdUnmarshalStrict(data, v) }

// secretWriter is a codec that writes a Secret in clear instead of [redacted].
type secretWriter interface{ writesSecrets() }

// strictReader is a codec that can refuse what a model does not name.
type strictReader interface {
	strict(data []byte, v any) error
}

// utf8Reader is a codec that may be told that what it reads is in UTF-8 already. It is an interface so that encoding/xml
// is linked into those programs alone that use [XML].
type utf8Reader interface{ inUTF8() Codec }

var jsonTypes = []string{jsonMediaType, "text/json", "*/*+json"}

// Text returns a codec for text/*: it writes and reads strings, []byte and what implements
// [encoding.TextMarshaler] and [encoding.TextUnmarshaler].
func Text() Codec { return textCodec{} }

type textCodec struct{}

func (textCodec) MediaTypes() []string { return []string{"text/plain", "text/*"} }

func (textCodec) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case *string:
		return []byte(*v), nil
	case []byte:
		return v, nil
	case encoding.TextMarshaler:
		return v.MarshalText()
	}
	return nil, fmt.Errorf("a %T is no text: give it a MarshalText method", v)
}

func (textCodec) Unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case *string:
		*v = string(data)
		return nil
	case *[]byte:
		*v = bytes.Clone(data)
		return nil
	case encoding.TextUnmarshaler:
		return v.UnmarshalText(data)
	}
	return unfit{fmt.Errorf("a %T cannot be read from text: give it an UnmarshalText method", v)}
}

// unfit is what a codec of crest's says of a model or a format, and so quotes nothing of a body.
type unfit struct{ error }

// Form returns a codec for application/x-www-form-urlencoded answers, as some OAuth servers send them. It reads into
// [url.Values] or map[string]string. Requests are declared with form tags instead.
func Form() Codec { return formCodec{} }

type formCodec struct{}

func (formCodec) MediaTypes() []string { return []string{formMediaType} }

func (formCodec) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case url.Values:
		return []byte(v.Encode()), nil
	case *url.Values:
		return []byte(v.Encode()), nil
	}
	return nil, fmt.Errorf("a %T is no url.Values: declare a request with form tags instead", v)
}

func (formCodec) Unmarshal(data []byte, v any) error {
	values, err := url.ParseQuery(strings.TrimSpace(string(data)))
	if err != nil {
		return unfit{errors.New("the form cannot be parsed")}
	}
	switch v := v.(type) {
	case *url.Values:
		*v = values
		return nil
	case *map[string]string:
		*v = make(map[string]string, len(values))
		for name, all := range values {
			(*v)[name] = all[0]
		}
		return nil
	}
	return unfit{fmt.Errorf("a %T cannot be read from a form: use url.Values or map[string]string", v)}
}
