package crest

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"

	"encoding/json"
)

// Secret is a text that does not show itself: fmt with every verb, slog and encoding/json
// print [redacted]. In clear it leaves the program only through crest's own encoders: a located
// field, a form field or a JSON body of a request model. A Secret in a located field is a
// credential: it is attached below the middleware and only for the client's own origin.
//
// The zero value is the empty secret. A Secret is a value, safe to copy and to share.
// It is also a [TokenSource] that always gives itself.
type Secret struct {
	// A pointer, not a string: fmt prints unexported fields without asking their methods.
	text *string
}

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text in clear, for signers and tests. Each use of it is a place to review.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether s is empty, for omitzero.
func (s Secret) IsZero() bool { return s.text == nil || *s.text == "" }

// Token returns s: a Secret is a [TokenSource].
func (s Secret) Token(context.Context) (Secret, error) { return s, nil }

// String returns [redacted].
func (s Secret) String() string { return redacted }

// GoString returns [redacted].
func (s Secret) GoString() string { return redacted }

// Format prints [redacted] under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]": what goes on the wire is written by crest's own encoder.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns [redacted], for map keys, encoding/xml and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalJSON takes a JSON string, such as a token in an answer. null leaves s as it is.
func (s *Secret) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a Secret is read from a JSON string")
	}
	*s = NewSecret(text)
	return nil
}

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// holdsSecret walks a value, through interfaces as well, for a Secret that is not empty.
func holdsSecret(v reflect.Value) bool { return (&secretWalk{seen: map[seenPointer]bool{}}).within(v) }

// secretWalk is one look through a value.
type secretWalk struct {
	seen  map[seenPointer]bool
	depth int
}

// seenPointer has its type: a struct lies where its first field does.
type seenPointer struct {
	at uintptr
	to reflect.Type
}

// within takes what is nested too deep for JSON, such as a list of itself, for one that holds a Secret.
func (w *secretWalk) within(v reflect.Value) bool {
	if v.IsValid() && v.Type() == reflect.TypeFor[Secret]() {
		return !v.Field(0).IsNil()
	}
	if v.IsValid() && v.Type().ConvertibleTo(fileType) {
		return false // what a reader holds is not crest's to look at
	}
	if w.depth++; w.depth > maxDepth {
		return true
	}
	defer func() { w.depth-- }()
	switch v.Kind() {
	case reflect.Pointer:
		at := seenPointer{v.Pointer(), v.Type()}
		if v.IsNil() || w.seen[at] {
			return false
		}
		w.seen[at] = true
		return w.within(v.Elem())
	case reflect.Interface:
		return w.within(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if w.within(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() < reflect.Array { // bytes and numbers
			return false
		}
		for i := range v.Len() {
			if w.within(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if w.within(entries.Key()) || w.within(entries.Value()) {
				return true
			}
		}
	}
	return false
}
