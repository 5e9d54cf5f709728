package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-json"
	"github.com/goccy/go-json/jsontext"
	v2 "github.com/goccy/go-json/v2"
)

// telling reads as the other sets of options do, and its errors say where a type's own method was asked. It is not
// what decoding begins with, since it is slower.
var telling = v2.JoinOptions(json.DefaultOptionsV1(), json.ReportErrorsWithLegacySemantics(false), v2.WithUnmarshalers(
	v2.JoinUnmarshalers(readAny, readNumber, readOptional)))

// placed finds the value that a type's own method refused, by a second look into another value of v's type: the first one hands the
// method's error on and tells no place. Any other error stays as it is, and so does one that does not come again.
func placed(err error, data []byte, v any) error {
	f, ok := err.(*failure)
	if !ok || f.hidden == nil || f.offset != unknown {
		return err
	}
	at := secondLook(data, v)
	if at == nil || at.Err == nil || at.GoType == nil || at.Err.Error() != f.hidden.Error() {
		return err
	}
	found := valueFailure(path(at.JSONPointer), at.ByteOffset, fmt.Sprintf("%s was refused by the decoding method of Go type %s", kindOf(at.JSONKind), at.GoType))
	found.hidden = f.hidden
	return found
}

func secondLook(data []byte, v any) (at *v2.SemanticError) {
	defer func() {
		if recover() != nil {
			at = nil
		}
	}()
	at, _ = errors.AsType[*v2.SemanticError](v2.Unmarshal(data, reflect.New(reflect.TypeOf(v).Elem()).Interface(), telling))
	return at
}

// path writes a pointer as the engines write the fields of other errors.
func path(p jsontext.Pointer) string {
	var steps []string
	for step := range p.Tokens() {
		steps = append(steps, shorten(step))
	}
	return shorten(strings.Join(steps, "."))
}

// kindOf is what the engines call a kind of value.
func kindOf(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "a value"
}
