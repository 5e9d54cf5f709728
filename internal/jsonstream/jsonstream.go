// Package jsonstream cuts a stream into the JSON texts that it holds: lines, text sequences (RFC 7464), the elements of one
// array, or values one after the other. It looks at quotes and brackets only: whether a text is JSON is for a codec to say.
// It holds one text at a time.
package jsonstream

import (
	"bytes"
	"fmt"
	"io"
)

// Format says how a stream holds its texts.
type Format int

// The formats.
const (
	// Lines has a text on each line; empty lines are skipped.
	Lines Format = iota
	// Sequence has a record separator before each text and a line feed behind it (RFC 7464).
	Sequence
	// Values has the elements of one array, when it begins with one, and else values one after the other.
	Values
)

// separator is RFC 7464's RS. It cannot stand inside a JSON text.
const separator = 0x1E

// TooLarge says that a text is larger than the bound.
type TooLarge struct{ Limit int64 }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("a value of the stream is larger than the bound of %d bytes", e.Limit)
}

// SyntaxError says that the stream is not of its format.
type SyntaxError struct{ what string }

func (e *SyntaxError) Error() string { return e.what }

// Reader reads texts. It belongs to one goroutine.
type Reader struct {
	buffer
	format Format
	next   func() ([]byte, error)
	err    error
}

// NewReader reads texts of up to limit bytes from src.
func NewReader(src io.Reader, format Format, limit int64) *Reader {
	r := &Reader{buffer: buffer{src: src, limit: limit}, format: format}
	r.next = r.begin
	return r
}

// Next returns the next text, without the white space around it, valid until the one after it is asked for. At the end of
// the stream it is io.EOF, and io.ErrUnexpectedEOF where that comes too early. An error of the source comes as it is. After an
// error there is nothing more.
func (r *Reader) Next() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	text, err := r.next()
	r.err = err
	return text, err
}

// begin skips a byte order mark and finds out what there is.
func (r *Reader) begin() ([]byte, error) {
	for r.end-r.pos < len(bom) && bytes.HasPrefix(bom, r.rest()) && r.more() {
	}
	if bytes.HasPrefix(r.rest(), bom) {
		r.pos += len(bom)
	}
	switch r.format {
	case Lines:
		r.next = r.line
	case Sequence:
		r.next = r.record
	default:
		r.next = r.value
		if c, err := r.peek(); err == nil && c == '[' {
			r.pos++
			r.next = r.first
		}
	}
	return r.next()
}

var bom = []byte("\xEF\xBB\xBF")

// line is the next one that is not empty. The last need not end.
func (r *Reader) line() ([]byte, error) {
	for r.start = r.pos; ; {
		i := bytes.IndexByte(r.rest(), '\n')
		if r.pos += i + 1; i < 0 {
			r.pos = r.end
		}
		line := bytes.TrimSuffix(bytes.TrimSuffix(r.buf[r.start:r.pos], []byte{'\n'}), []byte{'\r'}) // one end: more of them count as text
		if int64(len(line)) > r.limit {
			return nil, &TooLarge{r.limit}
		}
		if i < 0 && r.more() {
			continue
		}
		line = trim(r.buf[r.start:r.pos]) // more may have moved it
		switch {
		case i < 0 && (r.failure != io.EOF || len(line) == 0):
			return nil, r.failure
		case len(line) > 0:
			return line, nil
		}
		r.start = r.pos
	}
}

// record is the next text of a sequence. A number, true, false or null counts only with white space behind it: without, its end may
// be missing (RFC 7464, section 2.4).
func (r *Reader) record() ([]byte, error) {
	c, err := r.peek()
	if err != nil {
		return nil, err
	}
	if c != separator {
		return nil, &SyntaxError{"the stream is no JSON text sequence: a text does not begin with the record separator"}
	}
	for c == separator {
		r.pos++
		if c, err = r.peek(); err != nil {
			return nil, early(err)
		}
	}
	text, err := r.scan(false)
	if err != nil {
		return nil, err
	}
	if isScalar(text[0]) && (r.pos == r.end || !isSpace(r.buf[r.pos])) {
		return nil, io.ErrUnexpectedEOF
	}
	return text, nil
}

// value is the next of several values without anything between them but white space.
func (r *Reader) value() ([]byte, error) {
	if _, err := r.peek(); err != nil {
		return nil, err
	}
	return r.scan(true)
}

// first is the first element of the array.
func (r *Reader) first() ([]byte, error) {
	c, err := r.peek()
	if err == nil && c == ']' {
		return nil, r.close()
	}
	r.next = r.later
	return r.element(err)
}

// later is one of the others.
func (r *Reader) later() ([]byte, error) {
	c, err := r.peek()
	switch {
	case err != nil:
		return nil, early(err)
	case c == ']':
		return nil, r.close()
	case c != ',':
		return nil, &SyntaxError{"the array has no comma between two elements"}
	}
	r.pos++
	_, err = r.peek()
	return r.element(err)
}

func (r *Reader) element(err error) ([]byte, error) {
	if err != nil {
		return nil, early(err)
	}
	return r.scan(false)
}

// close ends the array. It is io.EOF if the stream ends there too.
func (r *Reader) close() error {
	r.pos++
	if _, err := r.peek(); err != nil {
		return err
	}
	return &SyntaxError{"there is more after the array"}
}

// early makes an end one that came too soon.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
