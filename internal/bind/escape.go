package bind

import "bytes"

const upperHex = "0123456789ABCDEF"

// AppendQueryEscape appends s to dst with everything but RFC 3986's unreserved
// characters percent-encoded, in upper-case hex. A space becomes %20, never +. In a path
// too: what has no slash can't end its segment.
func AppendQueryEscape(dst []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		if c := s[i]; reserved[c] {
			dst = append(append(dst, s[from:i]...), '%', upperHex[c>>4], upperHex[c&15])
			from = i + 1
		}
	}
	return append(dst, s[from:]...)
}

// escapeFrom percent-encodes dst[start:] in place. Writing a value first and
// escaping it afterwards needs no second buffer for numbers, times and the like.
func escapeFrom(dst []byte, start int) []byte {
	count := 0
	for _, c := range dst[start:] {
		if reserved[c] {
			count++
		}
	}
	if count == 0 {
		return dst
	}
	read := len(dst)
	dst = append(dst, make([]byte, 2*count)...)
	for write := len(dst); read < write; { // what stands before the first one stays where it is
		read--
		c := dst[read]
		if !reserved[c] {
			write--
			dst[write] = c
			continue
		}
		write -= 3
		dst[write], dst[write+1], dst[write+2] = '%', upperHex[c>>4], upperHex[c&15]
	}
	return dst
}

// reserved is true for each byte that is percent-encoded.
var reserved = func() (table [256]bool) {
	for c := range table {
		table[c] = !unreserved(byte(c))
	}
	return table
}()

func unreserved(c byte) bool {
	return isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// unescape appends text to dst with one round of percent-decoding. What is no
// valid triplet stays, as a lenient server would have it. dst may be text[:0].
func unescape(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if c, ok := triplet(text[i:]); ok {
			dst = append(dst, c)
			i += 2
			continue
		}
		dst = append(dst, text[i])
	}
	return dst
}

// triplet reads the %XX at the start of text.
func triplet(text []byte) (byte, bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, ok1 := unhex(text[1])
	low, ok2 := unhex(text[2])
	return high<<4 | low, ok1 && ok2
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// dotted reports whether text is a dot segment or holds one between slashes, as
// it stands or after one or two rounds of percent-decoding: proxies and servers
// that decode before they route would leave the declared path (R14).
func dotted(text []byte) bool {
	var room [128]byte
	for range 2 {
		if hasDotSegment(text) {
			return true
		}
		if bytes.IndexByte(text, '%') < 0 {
			return false
		}
		text = unescape(room[:0], text)
	}
	return hasDotSegment(text)
}

// dottedPath is dotted for a path that is already escaped once. Literals and
// values meet in one segment, so it is the whole segment that is judged.
func dottedPath(path []byte) bool {
	var room [128]byte
	for len(path) > 0 {
		segment, rest, _ := bytes.Cut(path, []byte{'/'})
		path = rest
		if bytes.IndexByte(segment, '%') >= 0 {
			segment = unescape(room[:0], segment)
		}
		if dotted(segment) {
			return true
		}
	}
	return false
}

// hasDotSegment counts a backslash as a slash, because some servers do.
func hasDotSegment(text []byte) bool {
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != '/' && text[i] != '\\' {
			continue
		}
		if s := text[start:i]; len(s) > 0 && len(s) <= 2 && s[0] == '.' && s[len(s)-1] == '.' {
			return true
		}
		start = i + 1
	}
	return false
}
