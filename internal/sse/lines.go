package sse

import (
	"bytes"
	"io"
)

const (
	bufferSize   = 64 << 10
	maxIdleReads = 100 // in a row, as in package bufio
)

// lines cuts a source into lines that end with LF, CR or CRLF, in place. What follows a CR is not waited for.
type lines struct {
	src   io.Reader
	limit int64

	buf        []byte
	start, end int // of what is not yet given out
	feed       mark
	back       mark
	afterCR    bool
	later      bool // the first line is over
	err        error
}

func newLines(src io.Reader, limit int64) lines {
	return lines{src: src, limit: limit, feed: mark{char: '\n', at: -1}, back: mark{char: '\r', at: -1}}
}

// next returns a line without its end. held is told before buf is moved.
func (l *lines) next(held *data) ([]byte, error) {
	for {
		l.skipLF()
		i := l.find()
		size := i - l.start
		if i < 0 {
			size = l.end - l.start
		}
		if int64(size) > l.limit {
			return nil, &TooLarge{What: "a line of the stream", Limit: l.limit}
		}
		if i >= 0 {
			return l.give(i), nil
		}
		if l.err != nil {
			return nil, l.err
		}
		held.keep()
		l.fill()
	}
}

// give takes the line up to i out. The first one is without the byte order mark.
func (l *lines) give(i int) []byte {
	line := l.buf[l.start:i]
	l.afterCR = l.buf[i] == '\r'
	l.start = i + 1
	if !l.later {
		l.later = true
		line = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF"))
	}
	return line
}

// skipLF leaves out the LF of a CRLF whose CR has ended a line.
func (l *lines) skipLF() {
	if !l.afterCR || l.start == l.end {
		return
	}
	l.afterCR = false
	if l.buf[l.start] == '\n' {
		l.start++
	}
}

// find returns where the line ends, or -1.
func (l *lines) find() int {
	unread := l.buf[:l.end]
	feed, back := l.feed.next(unread, l.start), l.back.next(unread, l.start)
	if feed < 0 || back >= 0 && back < feed {
		return back
	}
	return feed
}

// mark remembers where the next of one byte is. None is searched twice for the same thing, however the stream is cut and whatever its
// lines end with.
type mark struct {
	char byte
	at   int // the next one, when at or behind the start
	none int // there is none between the start and here
}

// next returns where the next one is, or -1.
func (m *mark) next(buf []byte, start int) int {
	if m.at >= start {
		return m.at
	}
	from := max(start, m.none)
	i := bytes.IndexByte(buf[from:], m.char)
	if i < 0 {
		m.none = len(buf)
		return -1
	}
	m.at = from + i
	return m.at
}

// moved follows what was searched to the front of a buffer.
func (m *mark) moved(by int) { m.at, m.none = -1, max(m.none-by, 0) }

// fill reads more behind what is there, in a larger buffer if need be.
func (l *lines) fill() {
	if l.start == l.end || l.end == len(l.buf) { // not each time: bytes that come one by one would be copied as often as they are many
		l.move()
	}
	for range maxIdleReads {
		n, err := l.src.Read(l.buf[l.end:])
		l.end += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// move brings what is left to the front of a buffer that has room: the same one, one twice as large, or a small one again
// after a large event.
func (l *lines) move() {
	left := l.end - l.start
	size := max(len(l.buf), bufferSize)
	switch {
	case left > size/2:
		size *= 2
	case left <= bufferSize/2:
		size = bufferSize
	}
	to := l.buf
	if size != len(l.buf) {
		to = make([]byte, size)
	}
	if l.start > 0 || size != len(l.buf) { // a long line that comes in small pieces stays where it is
		copy(to, l.buf[l.start:l.end])
	}
	l.buf = to
	l.feed.moved(l.start)
	l.back.moved(l.start)
	l.start, l.end = 0, left
}
