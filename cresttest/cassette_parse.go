package cresttest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxFile is how large a file may be that is played.
const maxFile = 64 << 20

// readFile reads a file that is not too large.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s has more than %d MiB: split it", file, maxFile>>20)
	}
	return text, err
}

// tapeParser walks the lines of a file.
type tapeParser struct {
	file  string
	lines []string
	at    int
}

// parseTape reads a file. Its errors begin with the file and the line.
func parseTape(file string, text []byte) (*tape, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))                                         // of an editor
	if first, _, _ := bytes.Cut(text, []byte("\n")); bytes.HasSuffix(first, []byte("\r")) { // the whole file was changed, by git or an editor
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	p := &tapeParser{file: file, lines: strings.Split(string(text), "\n")}
	if p.lines[0] != magic {
		return nil, p.mistake(errors.New("the file is no cassette: its first line is " + magic))
	}
	p.at++
	t := &tape{notes: p.notes()}
	for p.at < len(p.lines) {
		x, err := p.exchange()
		if err != nil {
			return nil, p.mistake(err)
		}
		t.exchanges = append(t.exchanges, x)
	}
	return t, nil
}

func (p *tapeParser) mistake(err error) error {
	return fmt.Errorf("%s:%d: %w", p.file, min(p.at, len(p.lines)-1)+1, err)
}

// notes takes comments, and the empty lines between them.
func (p *tapeParser) notes() (notes []string) {
	for ; p.at < len(p.lines); p.at++ {
		switch line := p.lines[p.at]; {
		case strings.HasPrefix(line, "#"):
			notes = append(notes, oneLine(line[1:]))
		case line != "":
			return notes
		}
	}
	return notes
}

// exchange takes one, whose marker is the line that is looked at.
func (p *tapeParser) exchange() (*exchange, error) {
	x := &exchange{line: p.at + 1}
	name, words, ok := p.marker()
	if !ok || name == answerWord || strings.HasPrefix(name, answerWord+" ") {
		return nil, fmt.Errorf("an exchange begins with a line such as %sGET /pets/{id}", marker)
	}
	p.at++
	x.operation, x.foreign, x.elsewhere = name, slices.Contains(words, foreignWord), slices.Contains(words, otherWord)
	if err := p.message(&x.request, words, x.requestLine); err != nil {
		return nil, err
	}
	if name, words, ok = p.marker(); !ok || name != answerWord {
		return nil, fmt.Errorf("%s has no answer: it begins with a line %s%s", x.operation, marker, answerWord)
	}
	p.at++
	return x, p.message(&x.answer, words, x.statusLine)
}

// marker reads a line that begins a part.
func (p *tapeParser) marker() (name string, words []string, ok bool) {
	if p.at == len(p.lines) {
		return "", nil, false
	}
	name, ok = strings.CutPrefix(p.lines[p.at], marker)
	if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsFunc(name, control) {
		return "", nil, false
	}
	for strings.HasSuffix(name, ")") {
		rest, list, found := cutLast(name[:len(name)-1], " (")
		more := strings.Split(list, ", ")
		if !found || slices.ContainsFunc(more, unknownWord) {
			break
		}
		name, words = strings.TrimSpace(rest), append(words, more...)
	}
	return name, words, name != ""
}

func cutLast(text, sep string) (before, after string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}

func unknownWord(word string) bool {
	return !slices.Contains([]string{foreignWord, otherWord, partialWord, base64Word, crlfWord}, word)
}

// message takes comments, the first line, the header and the body.
func (p *tapeParser) message(m *message, words []string, first func(string) error) error {
	m.notes, m.partial = p.notes(), slices.Contains(words, partialWord)
	if p.at == len(p.lines) {
		return errors.New("the file ends where a message is to begin")
	}
	if err := first(p.lines[p.at]); err != nil {
		return err
	}
	p.at++
	if err := p.header(m); err != nil {
		return err
	}
	return p.body(m, words)
}

// requestLine reads "GET /pets/7 HTTP/1.1".
func (x *exchange) requestLine(line string) error {
	method, rest, _ := strings.Cut(line, " ")
	target, version, ok := strings.Cut(rest, " ")
	if !ok || !strings.HasPrefix(version, "HTTP/") {
		return errors.New("the line is no request such as GET /pets/7 HTTP/1.1: a space in its path is %20")
	}
	if u, err := url.ParseRequestURI(target); err != nil || u.Host != "" || !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, control) {
		return errors.New("the request's target is no path with a query")
	}
	if !token(method) {
		return errors.New("the request's method is no method")
	}
	x.method, x.target = method, target
	return nil
}

// statusLine reads "HTTP/1.1 200 OK".
func (x *exchange) statusLine(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/") || err != nil || len(code) != 3 || status < 200 {
		return errors.New("the line is no status such as HTTP/1.1 200 OK, of 200 or more")
	}
	x.status, x.reason = status, oneLine(reason)
	return nil
}

// header takes lines up to an empty one or a marker.
func (p *tapeParser) header(m *message) error {
	m.header = http.Header{}
	for ; p.at < len(p.lines); p.at++ {
		line := p.lines[p.at]
		if line == "" || strings.HasPrefix(line, marker) {
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) {
			return errors.New("the line is no header such as Content-Type: application/json; a body begins behind an empty line")
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		m.header[name] = append(m.header[name], oneLine(value))
	}
	return nil
}

// body takes what stands behind an empty line, up to the line break in front of the next marker.
func (p *tapeParser) body(m *message, words []string) error {
	if p.at == len(p.lines) || p.lines[p.at] != "" {
		return nil
	}
	begin := p.at + 1
	for p.at = begin; p.at < len(p.lines) && !strings.HasPrefix(p.lines[p.at], marker); p.at++ {
	}
	lines := p.lines[begin:p.at]
	if n := len(lines); p.at == len(p.lines) && n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	body, err := bodyBytes(strings.Join(lines, "\n"), words)
	if err != nil {
		p.at = begin
		return err
	}
	if len(body) > 0 { // an empty one is none, however it was written
		m.body = body
	}
	return nil
}

// bodyBytes is the inverse of bodyText.
func bodyBytes(text string, words []string) ([]byte, error) {
	switch {
	case slices.Contains(words, base64Word):
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, fmt.Errorf("the body is no base64: %w", err)
		}
		return data, nil
	case slices.Contains(words, crlfWord):
		return []byte(strings.ReplaceAll(text, "\n", "\r\n")), nil
	}
	return []byte(text), nil
}

// token reports whether a text can be a method or the name of a header (RFC 9110, section 5.6.2).
func token(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r > unicode.MaxASCII || r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
