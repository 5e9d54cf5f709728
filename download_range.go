package crest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// span is a run of bytes of a body: from the first to before the end. An end of -1 is the body's.
type span struct{ from, end int64 }

// header is the value of Range (RFC 9110, section 14.2).
func (s span) header() string {
	if s.end < 0 {
		return fmt.Sprintf("bytes=%d-", s.from)
	}
	return fmt.Sprintf("bytes=%d-%d", s.from, s.end-1)
}

// contentRange is what a part says of itself: which bytes it has, and of how many; -1 is not known.
type contentRange struct {
	span
	size int64
}

// parseContentRange reads Content-Range (RFC 9110, section 14.4). That of a 416 has no bytes: the span is {-1, -1}.
func parseContentRange(text string) (contentRange, bool) {
	unit, rest, _ := strings.Cut(strings.Trim(text, " \t"), " ")
	bytes, size, ok := strings.Cut(strings.TrimLeft(rest, " "), "/")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return contentRange{}, false
	}
	r := contentRange{span: span{-1, -1}, size: -1}
	if size != "*" {
		if r.size, ok = decimal(size); !ok {
			return contentRange{}, false
		}
	}
	if bytes == "*" {
		return r, r.size >= 0
	}
	first, last, _ := strings.Cut(bytes, "-")
	from, ok := decimal(first)
	to, also := decimal(last)
	if !ok || !also || to < from || r.size >= 0 && to >= r.size {
		return contentRange{}, false
	}
	r.span = span{from, to + 1}
	return r, true
}

// decimal reads a number of digits and nothing else; one that is too large for a size is none.
func decimal(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n < 1<<62
}

// representation is what a download fetches. Parts of several answers belong together only where these facts are the same.
type representation struct {
	Validator string `json:"validator"` // for If-Range; "" where parts cannot be told to belong together
	Size      int64  `json:"size"`      // -1 when it is not known
	Sum       string `json:"sum,omitempty"`

	source string // who gave Sum
}

// describe reads the facts of an answer. size is that of the whole, and whole says that the answer has all of it.
func describe(h http.Header, size int64, whole bool) representation {
	rep := representation{Size: size}
	if len(codings(h)) > 0 { // the bytes that are written are not those that ranges and checksums speak of
		rep.Size = -1
		return rep
	}
	rep.Validator = validator(h)
	if strings.EqualFold(strings.TrimSpace(h.Get("Accept-Ranges")), "none") {
		rep.Validator = ""
	}
	if sum, ok := statedChecksum(h, whole); ok {
		rep.Sum, rep.source = sum.String(), sum.source
	}
	return rep
}

// validator is what If-Range may be made of: a strong entity tag, or a date that is strong because a second or more lies between it and
// the answer (RFC 9110, sections 8.8.2.2 and 13.1.5).
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" {
		if strong(tag) {
			return tag
		}
		return ""
	}
	modified := h.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	sent, err2 := http.ParseTime(h.Get("Date"))
	if err != nil || err2 != nil || sent.Sub(at) < time.Second {
		return ""
	}
	return modified
}

// strong reports whether an entity tag is one, and not weak (section 8.8.3). What is none is not sent back.
func strong(tag string) bool {
	return len(tag) > 2 && tag[0] == '"' && strings.IndexByte(tag[1:], '"') == len(tag)-2 && plain(tag)
}

// differs reports whether a part says that it is of something else than rep: some servers do not look at If-Range.
func (rep *representation) differs(h http.Header, size int64) bool {
	if size >= 0 && rep.Size >= 0 && size != rep.Size {
		return true
	}
	field := "Last-Modified"
	if strings.HasPrefix(rep.Validator, `"`) {
		field = "ETag"
	}
	stated := h.Get(field)
	return stated != "" && stated != rep.Validator
}
