package crest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// toUTF8 returns a structured body in UTF-8: by its declared charset, else by its first bytes, else as it is.
// Bytes that contradict the declared charset are an error.
func toUTF8(body []byte, label string, json bool) ([]byte, error) {
	switch {
	case label != "" && !isUTF8(label):
		return decodeCharset(body, label)
	case label != "" && !utf8.Valid(body):
		return nil, errors.New("the body is not UTF-8, which its charset says it is")
	case json && label == "":
		if enc := sniffJSON(body); enc != nil {
			return decodeWith(enc, body, "UTF-16 or UTF-32")
		}
	case label == "" && bomEncoding(body) != nil:
		return decodeWith(bomEncoding(body), body, "UTF-16")
	}
	return bytes.TrimPrefix(body, utf8BOM), nil
}

// decodeText returns a text body in UTF-8: by its declared charset, else by its byte order mark, else as UTF-8 if
// it is, else as Latin-1. Bytes that contradict the declared charset are an error, never mojibake.
func decodeText(body []byte, label string) ([]byte, error) {
	if label == "" {
		if enc := bomEncoding(body); enc != nil {
			return decodeWith(enc, body, "UTF-16")
		}
		if body = bytes.TrimPrefix(body, utf8BOM); utf8.Valid(body) {
			return body, nil
		}
		return charmap.ISO8859_1.NewDecoder().Bytes(body)
	}
	if isUTF8(label) {
		body = bytes.TrimPrefix(body, utf8BOM)
		if !utf8.Valid(body) {
			return nil, errors.New("the text is not UTF-8, which its charset says it is")
		}
		return body, nil
	}
	return decodeCharset(body, label)
}

func isUTF8(label string) bool {
	return strings.EqualFold(label, "utf-8") || strings.EqualFold(label, "utf8") || strings.EqualFold(label, "us-ascii")
}

// decodeCharset decodes a declared charset, one of those of the WHATWG Encoding Standard.
func decodeCharset(body []byte, label string) ([]byte, error) {
	enc, name := charset.Lookup(label)
	if enc == nil || name == "replacement" || name == "x-user-defined" {
		return nil, fmt.Errorf("the charset %s is not known: read the answer as []byte and decode it yourself", safeText(label))
	}
	switch strings.ToLower(strings.TrimSpace(label)) { // where the WHATWG table means something else
	case "iso-8859-1":
		enc = charmap.ISO8859_1 // not windows-1252
	case "utf-16":
		enc = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM) // a byte order mark counts
	}
	return decodeWith(enc, body, name)
}

// decodeWith decodes and refuses bytes that the encoding does not have.
func decodeWith(enc encoding.Encoding, body []byte, name string) ([]byte, error) {
	text, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		return nil, fmt.Errorf("the text is not %s: %w", name, err)
	}
	if bytes.ContainsRune(text, utf8.RuneError) {
		return nil, fmt.Errorf("the text is not %s, which its charset says it is", name)
	}
	return bytes.TrimPrefix(text, utf8BOM), nil
}

func bomEncoding(b []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}), bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	return nil
}

// sniffJSON tells UTF-16 and UTF-32 by byte order mark or by the zeros among the first four bytes
// (RFC 4627, section 3): JSON begins with two ASCII characters. nil is UTF-8.
func sniffJSON(b []byte) encoding.Encoding {
	zero := func(i int) bool { return i < len(b) && b[i] == 0 }
	has := func(prefix ...byte) bool { return bytes.HasPrefix(b, prefix) }
	switch {
	case has(0xFF, 0xFE, 0, 0), len(b) >= 4 && !zero(0) && zero(1) && zero(2) && zero(3):
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
	case has(0, 0, 0xFE, 0xFF), len(b) >= 4 && zero(0) && zero(1) && zero(2) && !zero(3):
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case has(0xFF, 0xFE), len(b) >= 2 && !zero(0) && zero(1):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case has(0xFE, 0xFF), len(b) >= 2 && zero(0) && !zero(1):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	return nil
}
