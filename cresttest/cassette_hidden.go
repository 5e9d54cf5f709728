package cresttest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/crest-go/crest"
)

// nothing, in place of what is hidden, leaves it out.
const nothing = "\x00"

// standIns are tried in place of what is hidden: the model may want a number there, or a time. Every type does without, if not every rule.
var standIns = []string{redacted, "1", "true", "2000-01-01T00:00:00Z", "", nothing}

// with is a body that has a text in place of what is hidden; one that is a number or a truth also as JSON's own.
func (m *message) with(text string) []byte {
	quoted := []byte(`"` + redacted + `"`)
	switch {
	case text != nothing:
		body := m.body
		if text == "1" || text == "true" {
			body = bytes.ReplaceAll(body, quoted, []byte(text))
		}
		return bytes.ReplaceAll(body, []byte(redacted), []byte(text))
	case strings.HasPrefix(m.header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return []byte(withoutHidden(string(m.body)))
	}
	return bytes.ReplaceAll(m.body, quoted, fmt.Appendf(nil, "%-*s", len(quoted), "null")) // as long as before: an error says at which byte
}

// withoutHidden leaves the hidden pairs of a query or form out.
func withoutHidden(query string) string {
	var left []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.Contains(pair, redacted) {
			left = append(left, pair)
		}
	}
	return strings.Join(left, "&")
}

// allHidden reports whether nothing of a body is shown.
func allHidden(body []byte) bool { return string(bytes.TrimSpace(body)) == redacted }

// lostPieces says why a stream without pieces was not meant to have none.
func (x *exchange) lostPieces() error {
	switch {
	case x.status/100 != 2 || x.answer.partial:
		return nil
	case allHidden(x.answer.body):
		return errors.New("the body is hidden, and would be played as a stream without pieces: write them by hand")
	}
	rest := x.answer.body[bytes.LastIndex(x.answer.body, []byte("\n\n"))+1:]
	if bytes.HasPrefix(rest, []byte("data")) || bytes.Contains(rest, []byte("\ndata")) {
		return errors.New("the last event has no empty line behind it, and is lost: two empty lines follow it in the file")
	}
	return nil
}

// isShown reports whether what does not fit can be seen in the file, and is not what a text stood in for.
func isShown(err error, text string, body []byte) bool {
	switch {
	case allHidden(body):
		return false
	case errors.Is(err, crest.KindValidation):
		return breaksShown(err, text)
	case errors.Is(err, crest.KindDecode):
		return text == nothing
	}
	return true
}

// brokenRule is how the validator of the models tells of one.
type brokenRule interface {
	ActualTag() string
	Value() any
}

// breaksShown reports whether a rule is broken by a value that is not hidden.
func breaksShown(err error, text string) bool {
	if v := reflect.ValueOf(err); v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if rule, ok := v.Index(i).Interface().(brokenRule); ok && isOfShown(rule, text) {
				return true
			}
		}
	}
	switch outer := err.(type) {
	case interface{ Unwrap() error }:
		return outer.Unwrap() != nil && breaksShown(outer.Unwrap(), text)
	case interface{ Unwrap() []error }:
		for _, inner := range outer.Unwrap() {
			if breaksShown(inner, text) {
				return true
			}
		}
	}
	return false
}

// isOfShown reports whether the value of a rule is surely none that a text stands in for, nor held to one.
func isOfShown(rule brokenRule, text string) bool {
	tag, v := rule.ActualTag(), reflect.ValueOf(rule.Value())
	switch {
	case strings.Contains(tag, "field"), strings.HasPrefix(tag, "required_"), strings.HasPrefix(tag, "excluded_"): // of other fields
		return false
	case text == nothing:
		return v.IsValid() && v.Comparable() && v.Kind() != reflect.Struct && v.Kind() != reflect.Array && !v.IsZero()
	}
	day, _, _ := strings.Cut(text, "T") // a time.Time is written in another way
	return !strings.Contains(fmt.Sprint(rule.Value()), day)
}
