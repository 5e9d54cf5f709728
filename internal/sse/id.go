package sse

import (
	"bytes"
	"unicode/utf8"
)

// id is the last event id. Most loops over a stream never look at it: it becomes a string when one does.
type id struct {
	read  []byte // of the event that is being read
	given bool   // that event has one
	last  []byte // as of the last event that was dispatched
	text  string // last, if it is known
	known bool
}

// set takes the id of the event that is being read. It reports whether that is within MaxID: what replaces invalid bytes is longer than they are.
func (i *id) set(value []byte) bool {
	switch {
	case bytes.IndexByte(value, 0) >= 0:
		return true
	case len(value) > MaxID:
		return false
	case !utf8.Valid(value):
		value = replaceInvalid(value)
	}
	i.read, i.given = append(i.read[:0], value...), true
	return len(value) <= MaxID
}

// dispatch makes the id that of the last event.
func (i *id) dispatch() {
	if i.given {
		i.last, i.read = i.read, i.last
		i.given, i.known = false, false
	}
}

func (i *id) String() string {
	if !i.known && string(i.last) != i.text {
		i.text = string(i.last)
	}
	i.known = true
	return i.text
}
