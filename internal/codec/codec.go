package codec

import (
	"reflect"
	"strings"
	"sync"

	"github.com/goccy/go-json"
	"github.com/goccy/go-json/jsontext"
	v2 "github.com/goccy/go-json/v2"
)

// Marshal returns v as JSON, with the output of encoding/json except that
// <, > and & stay as they are: a request body is no HTML page, and URLs in it
// stay readable. Secrets are written in clear at any depth, also inside optional
// fields and inside any. NaN, infinities and cycles are errors.
// The slice is the caller's own; it is never pooled (CVE-2023-45286).
// A panic in a type's own method is an error too.
func Marshal(v any) (data []byte, err error) {
	defer panicked(&err)
	switch f := factsOf(reflect.TypeOf(v)); {
	case f&(secretFact|interfaceFact) != 0:
		data, err = v2.Marshal(v, revealing)
	case f&optionalFact != 0:
		data, err = v2.Marshal(v, unwrapping)
	default:
		data, err = json.MarshalWithOption(v, json.DisableHTMLEscape())
	}
	if err != nil {
		return nil, encodeError(err)
	}
	return data, nil
}

// Unmarshal decodes data, one JSON value and nothing behind it, into v, which is
// a non-nil pointer. As in encoding/json names match without regard to case, the
// last of two equal names wins and unknown names are skipped; unlike there, a
// number in an any is a json.Number with all of its digits.
// A float32 beyond 3.4028234e38 is refused (go-json rounds twice).
// A panic in a type's own method is an error too.
func Unmarshal(data []byte, v any) (err error) {
	defer panicked(&err)
	switch f := factsOf(reflect.TypeOf(v)); {
	case f&optionalAnyFact != 0:
		err = v2.Unmarshal(data, v, exact)
	case f&anyFact != 0:
		err = json.UnmarshalWithOption(data, v, exactNumbers())
	default:
		err = json.Unmarshal(data, v)
	}
	return placed(decodeError(err), data, v)
}

// UnmarshalStrict is [Unmarshal] that also refuses duplicate names, names that
// no field has exactly, and invalid UTF-8, at any depth (RFC 8259, section 4:
// names should be unique; section 8.1: text is UTF-8).
func UnmarshalStrict(data []byte, v any) (err error) {
	defer panicked(&err)
	if factsOf(reflect.TypeOf(v))&anyFact != 0 {
		return placed(decodeError(v2.Unmarshal(data, v, strictExact)), data, v)
	}
	return placed(decodeError(v2.Unmarshal(data, v, strict)), data, v)
}

// The engine compiles a type once per set of functions, so each set is made once.
var (
	plain      = v2.JoinOptions(json.DefaultOptionsV1(), jsontext.EscapeForHTML(false))
	unwrapping = v2.JoinOptions(plain, v2.WithMarshalers(writeOptional))
	revealing  = v2.JoinOptions(plain, v2.WithMarshalers(
		v2.JoinMarshalers(writeSecret, writeOptional, refuseRedacted)))

	exact = v2.JoinOptions(json.DefaultOptionsV1(), v2.WithUnmarshalers(
		v2.JoinUnmarshalers(readAny, readNumber, readOptional)))

	rules = v2.JoinOptions(json.DefaultOptionsV1(),
		jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false),
		v2.MatchCaseInsensitiveNames(false), v2.RejectUnknownMembers(true))
	strict = v2.JoinOptions(rules, v2.WithUnmarshalers(
		v2.JoinUnmarshalers(readNumber, readOptional)))
	strictExact = v2.JoinOptions(rules, v2.WithUnmarshalers(
		v2.JoinUnmarshalers(readAny, readNumber, readOptional)))
)

// exactNumbers asks the engine for UseNumber, which it offers to its Decoder
// only, at 1.6 times the cost: the flag is read off such a Decoder once.
var exactNumbers = sync.OnceValue(func() json.DecodeOptionFunc {
	var wanted json.DecodeOption
	dec := json.NewDecoder(strings.NewReader("0"))
	dec.UseNumber()
	_ = dec.DecodeWithOption(new(any), func(o *json.DecodeOption) { wanted.Flags = o.Flags })
	return func(o *json.DecodeOption) { o.Flags |= wanted.Flags }
})
