// Package sse turns the bytes of an event stream into events, by the algorithm of the WHATWG HTML standard, section 9.2.6.
// Lines, events and ids are bounded; nothing else is known of HTTP here.
package sse

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"
)

// MaxID is the largest id of an event, in bytes: it is sent back in a header.
const MaxID = 4 << 10

// Event is one event. Data is valid until the next one is asked for.
type Event struct {
	Type string // "message" where the stream names none
	Data []byte
}

// TooLarge says that a bound was passed: that of the reader, or MaxID.
type TooLarge struct {
	What  string
	Limit int64
	Fixed bool // no reader has another
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("%s is larger than the bound of %d bytes", e.What, e.Limit)
}

// Reader reads events. It belongs to one goroutine.
type Reader struct {
	lines lines
	limit int64
	id    id
	delay time.Duration
	told  bool // the stream has set delay
	err   error

	// of the event that is being read
	kind string // "" is "message"
	data data
}

// NewReader reads events from src: lines and events of up to limit bytes, after an event whose id was lastID, "" for none.
func NewReader(src io.Reader, limit int64, lastID string) *Reader {
	return &Reader{lines: newLines(src, limit), limit: limit, id: id{text: lastID, known: true}}
}

// LastID is the id of the event that [Reader.Next] returned last, or of the newest before it that had one: what a reconnect sends as
// Last-Event-ID, "" for nothing.
func (r *Reader) LastID() string { return r.id.String() }

// Retry is the wait before a reconnect that the stream asked for last, and whether it did.
func (r *Reader) Retry() (time.Duration, bool) { return r.delay, r.told }

// Next returns the next event. At the end of the stream it is io.EOF: what was not ended by an empty line is dropped. An
// error of the source comes as it is. After an error there is nothing more.
func (r *Reader) Next() (Event, error) {
	for r.err == nil {
		line, err := r.lines.next(&r.data)
		if err == nil && len(line) == 0 {
			if e, ok := r.dispatch(); ok {
				return e, r.err
			}
			continue
		}
		if err == nil {
			err = r.field(line)
		}
		r.err = err
	}
	return Event{}, r.err
}

// dispatch ends an event. One without data is none, but its id counts.
func (r *Reader) dispatch() (Event, bool) {
	r.id.dispatch()
	data, some := r.data.take()
	kind := r.kind
	r.kind = ""
	if !some {
		return Event{}, false
	}
	if !utf8.Valid(data) {
		data = replaceInvalid(data)
		if int64(len(data)) > r.limit {
			r.err = &TooLarge{What: "an event of the stream", Limit: r.limit}
			return Event{}, true
		}
	}
	if kind == "" {
		kind = "message"
	}
	return Event{kind, data}, true
}

// field takes one line in.
func (r *Reader) field(line []byte) error {
	name, value, colon := bytes.Cut(line, []byte{':'})
	if colon && len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) {
	case "data":
		return r.data.add(value, r.limit)
	case "event":
		r.kind = text(value, r.kind)
	case "id":
		if !r.id.set(value) {
			return &TooLarge{What: "the id of an event", Limit: MaxID, Fixed: true}
		}
	case "retry":
		r.setRetry(value)
	}
	return nil // a comment, or a field that nobody knows
}

func (r *Reader) setRetry(value []byte) {
	var ms int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return
		}
		if ms = ms*10 + int64(c-'0'); ms > math.MaxInt32 {
			ms = math.MaxInt32
		}
	}
	if len(value) > 0 {
		r.delay, r.told = time.Duration(ms)*time.Millisecond, true
	}
}

// text is value as a string, without allocating where it is still the same.
func text(value []byte, before string) string {
	if string(value) == before {
		return before
	}
	if utf8.Valid(value) {
		return string(value)
	}
	return string(replaceInvalid(value))
}
