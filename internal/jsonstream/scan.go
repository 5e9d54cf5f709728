package jsonstream

import "io"

// scan takes the text that begins at pos. lone says that a number may end where the stream does: elsewhere something must follow it.
// Brackets are counted, not matched: a codec will see whether they fit.
func (r *Reader) scan(lone bool) ([]byte, error) {
	first := r.buf[r.pos]
	if first != '{' && first != '[' && first != '"' && !isScalar(first) {
		return nil, &SyntaxError{"the stream has a comma, a colon or a closing bracket where a value should begin"}
	}
	r.start = r.pos
	s := scanner{scalar: isScalar(first), sequence: r.format == Sequence}
	for {
		used, done := s.scan(r.rest())
		r.pos += used
		text := r.buf[r.start:r.pos]
		switch {
		case int64(len(text)) > r.limit:
			return nil, &TooLarge{r.limit}
		case s.cut:
			return nil, io.ErrUnexpectedEOF
		case done:
			return text, nil
		case r.more():
			continue
		case s.scalar && lone && r.failure == io.EOF:
			return r.buf[r.start:r.pos], nil
		}
		return nil, early(r.failure)
	}
}

// scanner finds the end of a text that comes in pieces.
type scanner struct {
	scalar   bool // a number, true, false or null: it has no end of its own
	sequence bool // a record separator cannot be part of it
	depth    int
	quoted   bool
	escaped  bool
	cut      bool // a record separator was found
}

// scan returns how many bytes of p belong to the text, and whether it is whole.
func (s *scanner) scan(p []byte) (used int, done bool) {
	if s.scalar {
		for i, c := range p {
			if !isScalar(c) || isSpace(c) {
				return i, true
			}
		}
		return len(p), false
	}
	for i, c := range p {
		switch {
		case c == separator && s.sequence:
			s.cut = true
			return i, false
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped = c == '\\'
			s.quoted = c != '"'
		case c == '"':
			s.quoted = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			s.depth--
		}
		if s.depth == 0 && !s.quoted {
			return i + 1, true
		}
	}
	return len(p), false
}

// isScalar reports whether c may belong to a number, true, false or null: whether it has no meaning to the structure.
func isScalar(c byte) bool {
	switch c {
	case '{', '}', '[', ']', '"', ',', ':', separator:
		return false
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
