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
	feed       int // where the next LF is, when at or behind start
	noFeed     int // there is no LF between start and here
	noReturn   int // and no CR
	afterCR    bool
	later      bool // the first line is over
	err        error
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

// find returns where the line ends, or -1. No byte is searched twice for the same thing, however the stream is cut and
// whatever its lines end with.
func (l *lines) find() int {
	stop := l.end
	if l.feed < l.start {
		from := max(l.start, l.noFeed)
		if i := bytes.IndexByte(l.buf[from:l.end], '\n'); i >= 0 {
			l.feed = from + i
		} else {
			l.noFeed = l.end
		}
	}
	found := l.feed >= l.start && l.feed < l.end
	if found {
		stop = l.feed
	}
	from := max(l.start, l.noReturn)
	if from < stop {
		if i := bytes.IndexByte(l.buf[from:stop], '\r'); i >= 0 {
			return from + i
		}
		l.noReturn = stop
	}
	if found {
		return stop
	}
	return -1
}

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
	l.noFeed = max(l.noFeed-l.start, 0)
	l.noReturn = max(l.noReturn-l.start, 0)
	l.start, l.end, l.feed = 0, left, -1
}
