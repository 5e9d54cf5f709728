package crest

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/crest-go/crest/internal/bind"
)

// partHeader writes the header of a form's part; file is nil for a text field. Names are checked before they are quoted,
// because what reads a form may take a line break for the end of the line, quotes or not (R22).
func partHeader(name string, file *File, contentType string) ([]byte, error) {
	quoted, err := quoteParam(name)
	if err != nil {
		return nil, fmt.Errorf("the form field's name %w", err)
	}
	head := append([]byte("Content-Disposition: form-data; name="), quoted...)
	if file == nil {
		return append(head, "\r\n\r\n"...), nil
	}
	if head, err = appendFileName(head, file.Name); err != nil {
		return nil, err
	}
	head = append(append(append(head, "\r\nContent-Type: "...), contentType...), "\r\n"...)
	for _, name := range slices.Sorted(maps.Keys(file.Header)) {
		if err := partHeaderProblem(name, file.Header[name]); err != nil {
			return nil, err
		}
		for _, value := range file.Header[name] {
			head = append(append(append(append(head, name...), ": "...), value...), "\r\n"...)
		}
	}
	return append(head, "\r\n"...), nil
}

// writtenHeaders come from the fields of a File.
var writtenHeaders = []string{"Content-Disposition", "Content-Type"}

func partHeaderProblem(name string, values []string) error {
	for _, own := range writtenHeaders {
		if strings.EqualFold(name, own) {
			return fmt.Errorf("the file's Header has %s, which crest writes from the file's other fields: take it out", own)
		}
	}
	if why, refused := bind.TransportHeader(name); refused {
		return fmt.Errorf("the file's Header has %s, which cannot be set by hand: %s", name, why)
	}
	for _, value := range values {
		if err := bind.CheckHeader(name, value); err != nil {
			return fmt.Errorf("the file's Header: %w", err)
		}
	}
	return nil
}

// appendFileName writes the base of a file's name. What is not ASCII stands there twice: in UTF-8 as browsers write it, which
// RFC 7578, section 4.2, asks for, and as filename* (RFC 8187) for the readers that take bytes for Latin-1.
func appendFileName(dst []byte, name string) ([]byte, error) {
	if name == "" {
		return dst, nil
	}
	base := behindFolders(name)
	if base == "" || base == "." || base == ".." {
		return nil, errors.New("the file's Name names no file: it ends in a slash, or is a folder's (. or ..)")
	}
	quoted, err := quoteParam(base)
	if err != nil {
		return nil, fmt.Errorf("the file's Name %w", err)
	}
	dst = append(append(dst, "; filename="...), quoted...)
	if strings.IndexFunc(base, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		dst = append(append(dst, "; filename*=UTF-8''"...), strings.ReplaceAll(url.QueryEscape(base), "+", "%20")...)
	}
	return dst, nil
}

// quoteParam writes a quoted-string with quotes and backslashes escaped by backslashes, as MIME has it (RFC 2045,
// section 5.1; RFC 822, section 3.3) and parsers of it read it back. Browsers write %22 for a quote: there a name that holds
// %22 itself looks the same.
func quoteParam(text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("is not UTF-8")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, errors.New("holds a control character, which could start another header: take it out")
	}
	dst := make([]byte, 0, len(text)+2)
	dst = append(dst, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"'), nil
}
