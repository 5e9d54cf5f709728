package cresttest

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const goodTape = magic + `
# a note

=== POST /files (base64, partial)
# hidden
POST /v1/files?a=b HTTP/1.1
Content-Type: image/x
X-B: 1
X-B: 2

AAE=
=== answer
HTTP/1.1 204 No Content

=== GET /x (foreign)
GET /x HTTP/2

=== answer (crlf)
# said
HTTP/1.1 200
Server:

a
b
`

func TestCassetteFormat(t *testing.T) {
	for name, text := range map[string]string{
		"as written":     goodTape,
		"of Windows":     strings.ReplaceAll(goodTape, "\n", "\r\n"),
		"with a BOM":     "\ufeff" + goodTape,
		"without an end": strings.TrimSuffix(goodTape, "\n"),
		"airy":           strings.ReplaceAll(goodTape, "\nPOST", "\n\n#\nPOST"),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseTape("f", []byte(text))
			require.NoError(t, err)
			require.Equal(t, []string{"a note"}, got.notes)
			require.Len(t, got.exchanges, 2)
			x := got.exchanges[0]
			require.Equal(t, "POST /files", x.operation)
			require.Equal(t, []string{"POST", "/v1/files?a=b"}, []string{x.method, x.target})
			require.Equal(t, http.Header{"Content-Type": {"image/x"}, "X-B": {"1", "2"}}, x.request.header)
			require.Equal(t, []byte{0, 1}, x.request.body)
			require.True(t, x.request.partial)
			require.Equal(t, 204, x.status)
			require.Nil(t, x.answer.body)
			x = got.exchanges[1]
			require.True(t, x.foreign)
			require.Equal(t, "a\r\nb", string(x.answer.body))
			require.Equal(t, http.Header{"Server": {""}}, x.answer.header)
		})
	}
}

func TestCassetteFormatMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"another file":       {magic, "package x", "f:1: the file is no cassette"},
		"text before":        {"# a note", "a note", "f:2: an exchange begins with a line such as === GET /pets/{id}"},
		"an answer first":    {"=== POST /files (base64, partial)", "=== answer", "f:4: an exchange begins"},
		"no answer":          {"=== answer\n", "=== GET /y\n", "f:12: POST /files has no answer"},
		"a word that is not": {"=== answer (crlf)", "=== answer (clrf)", "f:18: GET /x has no answer"},
		"no request line":    {"GET /x HTTP/2", "GET /x", "f:16: the line is no request"},
		"a space":            {"GET /x HTTP/2", "GET /x y HTTP/2", "f:16: the line is no request such as GET /pets/7 HTTP/1.1: a space in its path is %20"},
		"a whole URL":        {"GET /x HTTP/2", "GET https://a.example/x HTTP/2", "f:16: the request's target is no path"},
		"a bad escape":       {"GET /x HTTP/2", "GET /%zz HTTP/2", "f:16: the request's target"},
		"a bad method":       {"GET /x HTTP/2", "G:T /x HTTP/2", "f:16: the request's method"},
		"no status line":     {"HTTP/1.1 200", "200", "f:20: the line is no status"},
		"an early status":    {"HTTP/1.1 200", "HTTP/1.1 100", "f:20: the line is no status"},
		"a short status":     {"HTTP/1.1 200", "HTTP/1.1 20", "f:20: the line is no status"},
		"no header":          {"Server:", "Server", "f:21: the line is no header"},
		"a bad name":         {"Server:", "Ser ver:", "f:21: the line is no header"},
		"no base64":          {"AAE=", "AAE", "f:11: the body is no base64"},
		"the end":            {"HTTP/1.1 200\nServer:\n\na\nb\n", "", "f:20: the file ends"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, goodTape, tt.old)
			_, err := parseTape("f", []byte(strings.Replace(goodTape, tt.old, tt.new, 1)))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestCassetteFileIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Truncate(file, maxFile+1)) // a hole
	_, err := readFile(file)
	require.ErrorContains(t, err, "more than 64 MiB")
}

// FuzzCassette reads and writes: what was read comes back equal.
func FuzzCassette(f *testing.F) {
	f.Add([]byte(goodTape))
	f.Add([]byte(magic + "\n=== GET /x\nGET /x HTTP/1.1\n\n\x00\r\n=== answer (crlf)\nHTTP/1.1 200 a\n\n\na\n\n"))
	f.Add([]byte(magic + "\n=== x (base64)  (crlf)\nGET /x HTTP/1.1\n=== answer\nHTTP/1.1 200 a"))
	f.Add([]byte(magic + "\r\n=== a (base64, x)\r\n"))
	f.Add([]byte(magic + "\n=== x (base64)\nGET /x HTTP/1.1\n\n\n=== answer (crlf)\nHTTP/1.1 200 a\n\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := parseTape("f", text)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "f:"))
			return
		}
		written := first.text()
		again, err := parseTape("f", written)
		require.NoError(t, err, "%q", written)
		require.Equal(t, unplaced(first), unplaced(again), "%q", written)
		require.Equal(t, string(written), string(again.text()))
	})
}

// FuzzCassetteBody sees that each body comes back, wherever it stands.
func FuzzCassetteBody(f *testing.F) {
	for _, body := range []string{"", "a", "\n", "a\r\nb\r\n", "=== answer", "x\n=== y", "\xff", "\r"} {
		f.Add([]byte(body), []byte("z"))
	}
	f.Fuzz(func(t *testing.T, body, other []byte) {
		one := &exchange{operation: "GET /x", method: "GET", target: "/x", status: 200, request: message{body: body}, answer: message{body: other}}
		two := &exchange{operation: "GET /x", method: "GET", target: "/x", status: 200, request: message{body: other}, answer: message{body: body}}
		got, err := parseTape("f", (&tape{exchanges: []*exchange{one, two}}).text())
		require.NoError(t, err)
		require.Len(t, got.exchanges, 2)
		require.True(t, bytes.Equal(body, got.exchanges[0].request.body))
		require.True(t, bytes.Equal(other, got.exchanges[0].answer.body))
		require.True(t, bytes.Equal(body, got.exchanges[1].answer.body))
	})
}

// unplaced is a tape without the lines that its exchanges came from.
func unplaced(t *tape) tape {
	out := tape{notes: t.notes}
	for _, x := range t.exchanges {
		copied := *x
		copied.line = 0
		out.exchanges = append(out.exchanges, &copied)
	}
	return out
}
