package cresttest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tape is the content of a file.
type tape struct {
	notes     []string // comments above the first exchange
	exchanges []*exchange
}

// exchange is a request and its answer.
type exchange struct {
	line      int    // of its marker; 0 for one that was not read
	operation string // method and route; of a foreign request method and path
	foreign   bool   // the request is no call's
	elsewhere bool   // the URL is not the route's: by a redirect, or WithURL
	method    string
	target    string // path and query
	request   message
	status    int
	reason    string
	answer    message
}

// message is what requests and answers have both.
type message struct {
	notes   []string
	header  http.Header
	body    []byte
	partial bool // the body was not read to its end
}

// The parts of the format.
const (
	magic       = "# crest cassette 1"
	marker      = "=== "
	answerWord  = "answer"
	foreignWord = "foreign"
	otherWord   = "elsewhere"
	partialWord = "partial"
	base64Word  = "base64"
	crlfWord    = "crlf"
)

// text is the tape as a file. A body ends before the line break in front of the next marker.
func (t *tape) text() []byte {
	var b bytes.Buffer
	b.WriteString(magic + "\n")
	writeNotes(&b, t.notes)
	for _, x := range t.exchanges {
		x.write(&b)
	}
	if n := len(t.exchanges); n > 0 && len(t.exchanges[n-1].answer.body) > 0 {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func (x *exchange) write(b *bytes.Buffer) {
	body, words := bodyText(x.request.body)
	words = appendIf(words, x.foreign, foreignWord)
	words = appendIf(words, x.elsewhere, otherWord)
	words = appendIf(words, x.request.partial, partialWord)
	writeMarker(b, x.operation, words)
	writeNotes(b, x.request.notes)
	fmt.Fprintf(b, "%s %s HTTP/1.1\n", x.method, x.target)
	writeMessage(b, x.request.header, body)

	body, words = bodyText(x.answer.body)
	writeMarker(b, answerWord, appendIf(words, x.answer.partial, partialWord))
	writeNotes(b, x.answer.notes)
	b.WriteString(strings.TrimSpace(fmt.Sprintf("HTTP/1.1 %d %s", x.status, x.reason)) + "\n")
	writeMessage(b, x.answer.header, body)
}

func appendIf(words []string, ok bool, word string) []string {
	if ok {
		return append(words, word)
	}
	return words
}

func writeMarker(b *bytes.Buffer, name string, words []string) {
	b.WriteString("\n" + marker + name)
	if len(words) > 0 {
		b.WriteString(" (" + strings.Join(words, ", ") + ")")
	}
	b.WriteByte('\n')
}

func writeNotes(b *bytes.Buffer, notes []string) {
	for _, note := range notes {
		b.WriteString("# " + oneLine(note) + "\n")
	}
}

func writeMessage(b *bytes.Buffer, header http.Header, body []byte) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	if len(body) > 0 {
		b.WriteByte('\n')
		b.Write(body)
	}
}

// bodyText is a body as it stands in a file, and the words that say how.
func bodyText(body []byte) (text []byte, words []string) {
	switch unix := bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")); {
	case readable(body):
		return body, nil
	case bytes.Count(body, []byte("\n")) == bytes.Count(body, []byte("\r\n")) && readable(unix):
		return unix, []string{crlfWord}
	}
	coded := base64.StdEncoding.EncodeToString(body)
	for line := range slices.Chunk([]byte(coded), 76) {
		text = append(append(text, line...), '\n')
	}
	return bytes.TrimSuffix(text, []byte("\n")), []string{base64Word}
}

// readable reports whether a body can stand as it is: text of lines, none of which looks like a marker.
func readable(body []byte) bool {
	if bytes.HasPrefix(body, []byte(marker)) || bytes.Contains(body, []byte("\n"+marker)) || !utf8.Valid(body) {
		return false
	}
	return !bytes.ContainsFunc(body, func(r rune) bool { return r != '\n' && r != '\t' && control(r) })
}

// control reports whether a character would change how a line is seen: controls, and those that change the direction of text
// (CVE-2021-42574).
func control(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// oneLine makes a text fit to stand in a line: headers and comments can hold what a server sent.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if control(r) && r != '\t' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}
