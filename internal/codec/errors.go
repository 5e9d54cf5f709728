package codec

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-json"
)

// failure is what went wrong, told by offset, field and kind. The engines quote
// numbers, names and what a type's own methods say; a message that ends in a log
// must hold none of it.
type failure struct {
	text   string
	what   string // the end of text, of a value that has a place
	offset int64
	field  string
	shown  error // for errors.As and errors.Is; its own text is harmless
	hidden error // for errors.Is only: its text may quote the document
}

// unknown is the offset of an error that tells none.
const unknown = -1

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error { return f.shown }

// Is finds what a type's own UnmarshalJSON returned, without handing it out.
func (f *failure) Is(target error) bool {
	return f.hidden != nil && errors.Is(f.hidden, target)
}

func decodeError(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	switch e := err.(type) {
	case *json.SyntaxError:
		return syntaxFailure(e, e.Offset)
	case *stdjson.SyntaxError:
		return syntaxFailure(e, e.Offset)
	case *json.UnmarshalTypeError:
		return typeFailure(&stdjson.UnmarshalTypeError{Value: e.Value, Type: e.Type, Offset: e.Offset, Struct: e.Struct, Field: e.Field}, e.Err)
	case *stdjson.UnmarshalTypeError:
		return typeFailure(e, nil)
	case *json.InvalidUnmarshalError, *stdjson.InvalidUnmarshalError:
		return &failure{text: err.Error(), offset: unknown, shown: err}
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return unknownField(quoted)
	}
	return &failure{text: "json: a value was refused by its type's own decoding method", offset: unknown, hidden: err}
}

// syntaxKinds maps what the engines say to what is told. The engines' own words
// hold one character of the document at most.
var syntaxKinds = []struct{ said, told string }{
	{"unexpected end", "the JSON value is cut short"},
	{"unexpected EOF", "the JSON value is cut short"},
	{"after top-level value", "data follows the JSON value"},
	{"duplicate object member name", "a name stands twice in one object"},
	{"invalid UTF-8", "a string is not valid UTF-8"},
	{"exceeded max depth", "values are nested too deep"},
}

func syntaxFailure(err error, offset int64) *failure {
	kind := "not valid JSON"
	for _, k := range syntaxKinds {
		if strings.Contains(err.Error(), k.said) {
			kind = k.told
			break
		}
	}
	return &failure{text: fmt.Sprintf("json: %s at byte %d", kind, offset), offset: offset, shown: err}
}

// typeFailure keeps the kind of the value ("number", not "number 42") and the
// Go type. Both engines' errors are found as encoding/json's.
func typeFailure(e *stdjson.UnmarshalTypeError, cause error) *failure {
	kind, _, _ := strings.Cut(e.Value, " ")
	shown := &stdjson.UnmarshalTypeError{Value: kind, Type: e.Type, Offset: e.Offset, Struct: e.Struct, Field: shorten(e.Field)}
	f := valueFailure(shown.Field, e.Offset, fmt.Sprintf("%s does not fit Go type %s", kind, e.Type))
	f.shown, f.hidden = shown, cause
	return f
}

// valueFailure is that of one value.
func valueFailure(field string, offset int64, what string) *failure {
	where := ""
	if field != "" {
		where = "field " + strconv.Quote(field) + " "
	}
	return &failure{text: fmt.Sprintf("json: %sat byte %d: %s", where, offset, what), what: what, offset: offset, field: field}
}

// Within makes the error of a document that was decoded by itself one of the document that has it as its member name, from the
// byte start on; nil if it is no error of one value.
func (f *failure) Within(name string, start int64) error {
	if f.what == "" {
		return nil
	}
	if f.field != "" {
		name += "." + f.field
	}
	whole := valueFailure(shorten(name), start+f.offset, f.what)
	whole.shown, whole.hidden = f.shown, f.hidden
	if e, ok := f.shown.(*stdjson.UnmarshalTypeError); ok {
		moved := *e
		moved.Offset, moved.Field = whole.offset, whole.field
		whole.shown = &moved
	}
	return whole
}

func unknownField(quoted string) *failure {
	name, err := strconv.Unquote(quoted)
	if err != nil {
		name = quoted
	}
	name = shorten(name)
	return &failure{text: "json: unknown field " + strconv.Quote(name), offset: unknown, field: name}
}

// panicked turns a panic into an error. A document can bring one about: a struct
// that embeds a nil pointer has its methods, and they run into the nil. What the
// method panicked with may quote the document and is not kept.
func panicked(err *error) {
	if recover() != nil {
		*err = &failure{text: "json: the encoding or decoding method of a type panicked (does it embed a nil pointer?)", offset: unknown}
	}
}

func encodeError(err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	switch e := err.(type) {
	case *json.UnsupportedTypeError, *json.UnsupportedValueError, *stdjson.UnsupportedTypeError, *stdjson.UnsupportedValueError:
		return err
	case *json.MarshalerError:
		return methodFailure(e.Type, e.Err)
	case *stdjson.MarshalerError:
		return methodFailure(e.Type, e.Err)
	}
	return &failure{text: "json: a value has no JSON form", offset: unknown, hidden: err}
}

func methodFailure(t reflect.Type, cause error) *failure {
	return &failure{text: fmt.Sprintf("json: the encoding method of %s failed", t), offset: unknown, shown: cause}
}
