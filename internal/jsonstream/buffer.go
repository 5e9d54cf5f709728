package jsonstream

import (
	"bytes"
	"io"
)

const (
	bufferSize   = 64 << 10
	maxIdleReads = 100 // in a row, as in package bufio
)

// buffer holds the text that is being read.
type buffer struct {
	src   io.Reader
	limit int64

	buf             []byte
	start, pos, end int // of the text, of what was not looked at, of what was read
	failure         error
}

// rest is what was read and not looked at.
func (b *buffer) rest() []byte { return b.buf[b.pos:b.end] }

// more reads more behind what is there; false says that failure is why not.
func (b *buffer) more() bool {
	if b.failure != nil {
		return false
	}
	if b.start == b.end || b.end == len(b.buf) { // not each time: bytes that come one by one would be copied as often as they are many
		b.move()
	}
	for range maxIdleReads {
		n, err := b.src.Read(b.buf[b.end:])
		b.end += n
		b.failure = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	b.failure = io.ErrNoProgress
	return false
}

// move brings what is held to the front of a buffer that has room: the same one, one twice as large, or a small one again after a
// large text.
func (b *buffer) move() {
	held := b.end - b.start
	size := max(len(b.buf), bufferSize)
	switch {
	case held > size/2:
		size *= 2
	case held <= bufferSize/2:
		size = bufferSize
	}
	to := b.buf
	if size != len(b.buf) {
		to = make([]byte, size)
	}
	if b.start > 0 || size != len(b.buf) { // a long text that comes in small pieces stays where it is
		copy(to, b.buf[b.start:b.end])
	}
	b.buf = to
	b.start, b.pos, b.end = 0, b.pos-b.start, held
}

// peek skips white space and returns the byte behind it, which is not taken.
func (b *buffer) peek() (byte, error) {
	for {
		for b.pos < b.end {
			if c := b.buf[b.pos]; !isSpace(c) {
				return c, nil
			}
			b.pos++
		}
		b.start = b.pos
		if !b.more() {
			return 0, b.failure
		}
	}
}

// trim leaves out JSON's white space.
func trim(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }
