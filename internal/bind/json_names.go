package bind

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// jsonMembers are the members of one object, found by the names of fields.
type jsonMembers struct {
	object map[string]json.RawMessage
	fields []*jsonField
	keys   map[string]string // a field's folded name to the object's key; made when first needed
}

// of finds a field's value by its exact name, else without regard to case. Of
// several names that differ in case only, the first in the order of their bytes
// is taken, so that the answer is always the same.
func (m *jsonMembers) of(j *jsonField) (json.RawMessage, bool) {
	if raw, ok := m.object[j.name]; ok {
		return raw, true
	}
	if m.keys == nil {
		m.index()
	}
	key := m.keys[j.folded]
	return m.object[key], key != ""
}

// index looks at each key once, however many fields there are: a server chooses
// how many keys it sends.
func (m *jsonMembers) index() {
	m.keys = make(map[string]string, len(m.fields))
	for _, j := range m.fields {
		m.keys[j.folded] = ""
	}
	var folded []byte
	for key := range m.object {
		folded = appendFolded(folded[:0], key)
		old, wanted := m.keys[string(folded)]
		if wanted && (old == "" || key < old) && !m.claimed(key) {
			m.keys[string(folded)] = key
		}
	}
}

// claimed reports whether a field has exactly this name.
func (m *jsonMembers) claimed(key string) bool {
	return slices.ContainsFunc(m.fields, func(j *jsonField) bool { return j.name == key })
}

// appendFolded appends name so that two names come out alike where
// strings.EqualFold holds: each letter as the smallest of those that fold to it.
func appendFolded(dst []byte, name string) []byte {
	for _, c := range name {
		dst = utf8.AppendRune(dst, smallestFold(c))
	}
	return dst
}

func smallestFold(c rune) rune {
	if c < utf8.RuneSelf {
		if 'a' <= c && c <= 'z' {
			return c - 'a' + 'A'
		}
		return c
	}
	for {
		next := unicode.SimpleFold(c) // the next larger one, or around to the smallest
		if next <= c {
			return next
		}
		c = next
	}
}

// CheckMembers refuses an object that has a member which no json field names
// exactly, for strict reading. Its error holds the name, capped and quoted.
func (r *Response) CheckMembers(data []byte, unmarshal func(data []byte, v any) error) error {
	var object map[string]json.RawMessage
	if err := unmarshal(data, &object); err != nil {
		return err
	}
	m := jsonMembers{fields: r.json}
	for key := range object {
		if !m.claimed(key) {
			return fmt.Errorf("the body has the member %.100q, which no field names exactly", key)
		}
	}
	return nil
}
