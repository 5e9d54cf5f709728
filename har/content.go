package har

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"
)

// content is what can be told of a body.
type content struct {
	bytes  []byte // what is shown
	size   int64  // decompressed; as on the wire where that is not known
	opened bool   // size is that of what was compressed
	notes  []string
}

// hide is one of the rules of redaction for bodies.
type hide func(body []byte) (shown []byte, ok bool)

// content decompresses what was kept, cuts it at limit and hides what is secret in it.
func (c *capture) content(coding string, limit int, hidden hide) content {
	out := content{size: c.n}
	switch {
	case c.n == 0:
		return out
	case limit == 0:
		return out.note("bodies are not kept")
	}
	plain, cut := c.kept, c.n > int64(len(c.kept))
	if coding != "" {
		d, ok := decompress(coding, c.kept, limit)
		if !ok {
			return out.note("the body is not shown: its content coding is " + quoted(coding))
		}
		if d.whole {
			out.size, out.opened = d.size, true
		}
		plain, cut = d.head, cut || !d.whole || d.size > int64(len(d.head))
	}
	shown, ok := hidden(plain)
	if !ok {
		return out.note("the body is not shown: something in it is secret and cannot be told from the rest")
	}
	if out.bytes = shown; cut {
		out.bytes = trimRune(shown)
		return out.note(fmt.Sprintf("the first %d bytes of the body", len(plain)))
	}
	return out
}

func (c content) note(text string) content {
	c.notes = append(c.notes, text)
	return c
}

// decompressed is what came out of a compressed body.
type decompressed struct {
	head  []byte
	size  int64
	whole bool // its end was reached
}

// maxRatio is to how many times its size a body is decompressed to learn its size.
const maxRatio = 200

// decompress keeps limit bytes, and counts the rest. It is false for a coding that it does not know.
func decompress(coding string, body []byte, limit int) (d decompressed, ok bool) {
	r, err := opener(coding, bufio.NewReader(bytes.NewReader(body)))
	if r == nil && err == nil {
		return d, false
	}
	if err != nil { // damaged at its very beginning
		return d, true
	}
	most := max(int64(len(body))*maxRatio, int64(limit))
	d.head, err = io.ReadAll(io.LimitReader(r, int64(limit)))
	rest, restErr := int64(0), error(nil)
	if err == nil {
		rest, restErr = io.Copy(io.Discard, io.LimitReader(r, most-int64(len(d.head))))
	}
	d.size = int64(len(d.head)) + rest
	d.whole = err == nil && restErr == nil && d.size < most
	return d, true
}

// opener is nil for a coding that it does not know.
func opener(coding string, body *bufio.Reader) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(body)
	case "deflate": // with the frame of zlib, as it should be, or without
		head, _ := body.Peek(2)
		if len(head) == 2 && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
			return zlib.NewReader(body)
		}
		return flate.NewReader(body), nil
	}
	return nil, nil
}

// trimRune takes off a character that was cut in two.
func trimRune(text []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if tail := text[len(text)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return text[:len(text)-i]
			}
			break
		}
	}
	return text
}

// isText reports whether a body can stand in JSON as it is.
func isText(body []byte, contentType string) bool {
	_, params, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return utf8.Valid(body)
	}
	return false
}

func quoted(text string) string { return fmt.Sprintf("%.100q", text) }
