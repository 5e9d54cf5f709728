package crest_test

import (
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// faultRow is a row of docs/faults.md that a server of bytes can make.
type faultRow struct {
	write  func(a faultAnswer) string
	closes bool // the server then closes the connection; else it is the client that has to know what to do with it
	resets bool
	spills bool // something is left behind the answer: the client closes the connection when it finds that
	want   faultWant
	is     error                // found in the error
	body   bool                 // the fault is in the body: in that of a failure it does not hide the status
	except map[string]faultWant // by way; "raw" are all to which a body is bytes
}

var (
	faultGood      = faultWant{}
	faultLost      = faultWant{crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe}
	faultProtocol  = faultWant{crest.ErrTransport, crest.KindProtocol, crest.SentMaybe}
	faultTruncated = faultWant{crest.ErrResponse, crest.KindTruncated, crest.SentYes}
	faultEncoding  = faultWant{crest.ErrResponse, crest.KindEncoding, crest.SentYes}
	faultTooLarge  = faultWant{crest.ErrResponse, crest.KindTooLarge, crest.SentYes}
	faultType      = faultWant{crest.ErrResponse, crest.KindContentType, crest.SentYes}
	faultDecode    = faultWant{crest.ErrResponse, crest.KindDecode, crest.SentYes}
	faultRange     = faultWant{crest.ErrResponse, crest.KindRange, crest.SentYes}
	faultRedirect  = faultWant{crest.ErrTransport, crest.KindRedirect, crest.SentYes}
	faultStatus    = faultWant{crest.ErrStatus, "", crest.SentYes}
)

// says writes the same whatever was asked.
func says(text string) func(faultAnswer) string { return func(faultAnswer) string { return text } }

// ok writes a good answer with another head: its first line is in it already.
func ok(line string) func(faultAnswer) string {
	return func(a faultAnswer) string {
		a.head += line
		return a.text()
	}
}

// lostRows are those in which there is no answer.
func lostRows() map[string]faultRow {
	const head = "HTTP/1.1 200 OK\r\n"
	return map[string]faultRow{
		"row 9 no byte":                 {write: says(""), closes: true, want: faultLost, is: io.EOF},
		"row 9 reset":                   {write: says(""), resets: true, want: faultLost, is: syscall.ECONNRESET},
		"row 11 status line":            {write: says("HTTP/1.1 200 O"), closes: true, want: faultLost, is: io.ErrUnexpectedEOF},
		"row 11 header value":           {write: says(head + "Content-Length: 1"), closes: true, want: faultLost, is: io.ErrUnexpectedEOF},
		"row 11 between headers":        {write: says(head + "Content-Length: 10\r\n"), closes: true, want: faultLost, is: io.ErrUnexpectedEOF},
		"row 12 not HTTP":               {write: says("SSH-2.0-OpenSSH_9.9\r\n"), want: faultProtocol},
		"row 12 binary":                 {write: says("\x15\x03\x01\x00\x02\x02\n"), want: faultProtocol},
		"row 15 unknown encoding":       {write: says(head + "Transfer-Encoding: rot13\r\n\r\nx"), want: faultProtocol},
		"row 16 length 20 digits":       {write: says(head + "Content-Length: 99999999999999999999\r\n\r\n"), want: faultProtocol},
		"row 16 length negative":        {write: says(head + "Content-Length: -1\r\n\r\n"), want: faultProtocol},
		"row 16 two lengths":            {write: says(head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), want: faultProtocol},
		"row 23 103s without end":       {write: says(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 10_000)), want: faultProtocol},
		"row 23 100s without end":       {write: says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 20_000)), want: faultProtocol},
		"row 23 101":                    {write: says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), want: faultWant{crest.ErrTransport, crest.KindProtocol, crest.SentYes}},
		"row 24 one header":             {write: says(head + "X-A: " + strings.Repeat("a", 300<<10) + "\r\n\r\n"), want: faultProtocol},
		"row 24 many headers":           {write: says(head + strings.Repeat("X-A: a\r\n", 50_000) + "\r\n"), want: faultProtocol},
		"row 24 NUL":                    {write: says(head + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n"), want: faultProtocol},
		"row 24 a line that never ends": {write: says(strings.Repeat("a", 300<<10)), want: faultProtocol},
	}
}

// cutRows are those in which the body ends early, or is framed wrongly.
func cutRows() map[string]faultRow {
	cut := func(a faultAnswer) string { return a.body[:len(a.body)-3] }
	short := func(a faultAnswer) string { text := a.text(); return text[:len(text)-3] }
	rows := map[string]faultRow{
		"row 13 short":           {write: short, closes: true, is: io.ErrUnexpectedEOF},
		"row 13 nothing of it":   {write: func(a faultAnswer) string { return strings.TrimSuffix(a.text(), a.body) }, closes: true, is: io.ErrUnexpectedEOF},
		"row 14 reset":           {write: short, resets: true, is: syscall.ECONNRESET},
		"row 15 no terminator":   {write: func(a faultAnswer) string { return a.chunked(chunk(a.body)) }, closes: true, is: io.ErrUnexpectedEOF},
		"row 15 cut chunk":       {write: func(a faultAnswer) string { return a.chunked("fff\r\n" + cut(a)) }, closes: true, is: io.ErrUnexpectedEOF},
		"row 15 zz":              {write: func(a faultAnswer) string { return a.chunked("zz\r\n") }},
		"row 15 seventeen f":     {write: func(a faultAnswer) string { return a.chunked(strings.Repeat("f", 17) + "\r\n") }},
		"row 15 bad second size": {write: func(a faultAnswer) string { return a.chunked(chunk(a.body) + "-1\r\n") }},
		"row 15 reset":           {write: func(a faultAnswer) string { return a.chunked("fff\r\n" + cut(a)) }, resets: true, is: syscall.ECONNRESET},
	}
	for name, row := range rows {
		row.want, row.body = faultTruncated, true
		rows[name] = row
	}
	return rows
}

// oddRows are those in which nothing is wrong, or no more than the status.
func oddRows() map[string]faultRow {
	status := func(line string) faultRow {
		return faultRow{write: says("HTTP/1.1 " + line + "\r\nContent-Length: 3\r\n\r\nabc"), want: faultStatus}
	}
	rows := map[string]faultRow{
		"row 17 length and chunked": {write: func(a faultAnswer) string {
			a.head += "Content-Length: 3\r\n"
			return a.chunked(chunk(a.body) + "0\r\n\r\n")
		}},
		"row 19 extra bytes": {spills: true, write: func(a faultAnswer) string { return a.text() + "EXTRA" }},
		"row 18 204 with a body": {spills: true, write: says("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc"), want: faultDecode, except: map[string]faultWant{
			"raw": faultGood, "events": faultGood, "lines": faultGood, "parts": faultRange,
		}},
		"row 23 100 and 103": {write: func(a faultAnswer) string {
			return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + a.text()
		}},
		"row 24 obs-fold": {write: ok("X-A: a\r\n b\r\n")},
		"row 25 no reason": {write: func(a faultAnswer) string {
			return strings.Replace(strings.Replace(a.text(), " OK", "", 1), " Partial Content", "", 1)
		}},
		"row 25 099":       status("099 x"),
		"row 25 999":       status("999 x"),
		"row 25 600 digit": status("600"),
		"row 27 a page":    {write: says("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"), want: faultStatus},
		"row 37 401":       status("401 Unauthorized\r\nWWW-Authenticate: Bearer"),
		"row 35 garbage":   status("503 x\r\nRetry-After: soon"),
		"row 35 an age":    status("429 x\r\nRetry-After: 99999999999999999999"),
	}
	for _, code := range []int{408, 425, 429, 500, 501, 503, 504, 505} {
		rows["row 36 "+strconv.Itoa(code)] = status(strconv.Itoa(code) + " x")
	}
	return rows
}

// contentRows are those in which a whole body is not what was declared.
func contentRows() map[string]faultRow {
	with := func(body string) func(faultAnswer) string { return func(a faultAnswer) string { return a.with(body) } }
	typed := func(text string) func(faultAnswer) string {
		return func(a faultAnswer) string {
			head, _, _ := strings.Cut(a.head, "Content-Type:")
			return faultAnswer{head + "Content-Type: " + text + "\r\n", a.body}.text()
		}
	}
	labelled := func(a faultAnswer) string {
		a.head = strings.TrimSuffix(a.head, "\r\n") + "; charset=utf-7\r\n"
		return a.text()
	}
	except := func(more map[string]faultWant) map[string]faultWant {
		more["raw"] = faultGood
		return more
	}
	return map[string]faultRow{
		"row 26 a page": {write: typed("text/html"), want: faultType, except: except(map[string]faultWant{})},
		"row 28 empty":  {write: with(""), want: faultDecode, except: except(map[string]faultWant{"events": faultGood, "lines": faultGood, "parts": faultRange})},
		// null is the empty list to the pages, and no event to the stream
		"row 29 null": {write: with("null"), want: faultDecode, except: except(map[string]faultWant{"events": faultGood, "pages": faultGood, "parts": faultRange})},
		// an event without its end is none (WHATWG HTML, section 9.2.6)
		"row 29 cut JSON": {write: func(a faultAnswer) string { return a.with(a.body[:len(a.body)-4]) }, want: faultDecode,
			except: except(map[string]faultWant{"events": faultGood, "parts": faultRange})},
		"row 29 trailing bytes": {write: func(a faultAnswer) string { return a.with(a.body + "}") }, want: faultDecode,
			except: except(map[string]faultWant{"events": faultGood, "parts": faultRange})},
		// the label of an event stream means nothing (WHATWG HTML, section 9.2.5)
		"row 32 a charset": {write: labelled, want: faultDecode, except: except(map[string]faultWant{"events": faultGood})},
	}
}

// codedRows are those of Content-Encoding.
func codedRows() map[string]faultRow {
	coded := func(coding string, code func(string) string) func(faultAnswer) string {
		return func(a faultAnswer) string {
			a.head += "Content-Encoding: " + coding + "\r\n"
			return a.with(code(a.body))
		}
	}
	bomb := gzipped(strings.Repeat(" ", 20<<20))
	rows := map[string]faultRow{
		"row 30 bad header":   {write: coded("gzip", func(string) string { return "no gzip at all" }), want: faultEncoding},
		"row 30 bad checksum": {write: coded("gzip", func(text string) string { return damaged(gzipped(text), 8) }), want: faultEncoding},
		"row 30 truncated":    {write: coded("gzip", func(text string) string { s := gzipped(text); return s[:len(s)-12] }), want: faultTruncated},
		"row 30 members":      {write: coded("gzip", func(text string) string { return gzipped(text[:5]) + gzipped(text[5:]) })},
		"row 30 bomb":         {write: coded("gzip", func(text string) string { return bomb + gzipped(text) }), want: faultTooLarge},
		"row 31 br":           {write: coded("br", func(string) string { return "\x0b\x02\x80" }), want: faultEncoding},
		"row 31 chained":      {write: coded("gzip, gzip", func(text string) string { return gzipped(gzipped(text)) }), want: faultEncoding},
	}
	for name, row := range rows {
		row.body = row.want.step != ""
		if strings.HasPrefix(name, "row 30") { // a part of a compressed body is no part of the file
			row.except = map[string]faultWant{"parts": faultRange}
		}
		rows[name] = row
	}
	return rows
}

// redirectRows are those of a Location.
func redirectRows() map[string]faultRow {
	to := func(location string) faultRow {
		return faultRow{write: says("HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n"), want: faultRedirect}
	}
	return map[string]faultRow{
		"row 33 loop":        to("/loop"),
		"row 33 bad":         to("http://[::1"),
		"row 33 file":        to("file:///etc/passwd"),
		"row 33 data":        to("data:text/plain,x"),
		"row 33 credentials": to("http://user:pass@127.0.0.1/"),
		"row 33 too long":    to("/" + strings.Repeat("../", 4000)),
		"row 33 nowhere":     {write: says("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), want: faultStatus},
	}
}

// TestFaultMatrix puts each fault before each way to use a client, on a connection of its own and on one that was kept. Each ends in the
// error of its row, the next call on the same client works, and no connection is left.
func TestFaultMatrix(t *testing.T) {
	for _, rows := range []map[string]faultRow{lostRows(), cutRows(), oddRows(), contentRows(), codedRows(), redirectRows()} {
		for name, row := range rows {
			t.Run(name, func(t *testing.T) {
				for way, w := range faultWays() {
					t.Run(way, func(t *testing.T) { row.meet(t, way, w) })
				}
			})
		}
	}
}

// meet makes the fault in every position, and in the answer of a failure where that is another thing.
func (row faultRow) meet(t *testing.T, way string, w faultWay) {
	want := row.want
	if other, ok := row.except[way]; ok {
		want = other
	} else if other, ok := row.except["raw"]; ok && w.raw {
		want = other
	}
	kept := want
	if w.resends && want == faultLost && row.is != io.ErrUnexpectedEOF {
		kept = faultGood // row 10: net/http has sent it again
	}
	if !w.keeps {
		row.once(t, w, want, false, false)
	}
	if !w.parts {
		row.once(t, w, kept, true, false)
	}
	if row.body {
		row.once(t, w, faultStatus, false, true)
	}
}

// once makes one call that meets the fault, and one that does not.
func (row faultRow) once(t *testing.T, w faultWay, want faultWant, reused, failed bool) {
	t.Helper()
	s := &faultServer{way: w, at: 1 + w.before, fault: row.write, failed: failed, closes: row.closes, resets: row.resets}
	if reused {
		s.at *= 2
	}
	c, end := s.start(t)
	if reused {
		require.NoError(t, w.run(t, c))
	}
	err := w.run(t, c)
	want.check(t, err)
	if want == row.want && row.is != nil && !failed {
		require.ErrorIs(t, err, row.is)
	}
	if row.spills { // net/http looks for it when the connection is idle, which can be a moment later
		eventually(t, s.empty)
	}
	require.NoError(t, w.run(t, c), "the next call")
	end()
}
