package crest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// FuzzCurlQuoting: whatever stands in URL, header and body, a shell takes the line apart into the words that were meant, and nothing in it
// is a command, an expansion or the name of a file.
func FuzzCurlQuoting(f *testing.F) {
	for _, s := range []string{"", "a", "it's", `\`, `'\''`, "'; id; '", "$(id) `id` $HOME", "@/etc/passwd", "-x", "%s%%\\n", "a\x00b7", "\r\n", "\xff", "日本\u202e", "a | b > c", "!!", "~", "#"} {
		f.Add(s, s, []byte(s))
	}
	type fuzzed struct {
		Query  string `query:"q"`
		Header string `header:"X-Value"`
		Body   []byte
	}
	c := newClient(f, "https://api.example.com", crest.WithTransport(inMemory(func(*http.Request) (*http.Response, error) { return nil, errMode })))
	endpoint := crest.Post[fuzzed, crest.Empty]("/x")
	f.Fuzz(func(t *testing.T, query, header string, body []byte) {
		p, err := endpoint.Prepare(t.Context(), c, fuzzed{query, header, body})
		if err != nil {
			return // such a header cannot be sent
		}
		line, err := p.CurlWithSecrets(t.Context())
		require.NoError(t, err)
		words, input, err := shellParse(line)
		require.NoError(t, err, "%q", line)
		require.Equal(t, []string{"curl", "-X", "POST"}, words[:3])
		require.Contains(t, words, p.URL().String())
		if value := strings.TrimSpace(header); value != "" {
			require.Contains(t, words, "X-Value: "+value)
		}
		switch last := words[len(words)-2:]; last[0] {
		case "--data-raw":
			require.Equal(t, string(body), last[1])
			require.True(t, utf8.Valid(body))
		default:
			require.Equal(t, []string{"--data-binary", "@-"}, last)
			require.Equal(t, string(body), input)
		}
	})
}

var errShell = errors.New("not a line of plain and quoted words, with one pipe from printf at most")

// shellParse takes a line apart: its words, and what printf writes into them. It knows of the shell's language what cannot be taken
// for anything else: plain characters, single quotes, and a backslash before one of these.
func shellParse(line string) (words []string, input string, err error) {
	for rest := line; rest != ""; {
		var word string
		if word, rest, err = shellWordOf(rest); err != nil {
			return nil, "", err
		}
		if word == "|" && input == "" && len(words) == 2 && words[0] == "printf" {
			if input, err = printfOf(words[1]); err != nil {
				return nil, "", err
			}
			words = nil
			continue
		}
		words = append(words, word)
	}
	return words, input, nil
}

// shellWordOf is the first word of a line, and what follows the space behind it.
func shellWordOf(line string) (word, rest string, err error) {
	if strings.HasPrefix(line, "| ") {
		return "|", line[2:], nil
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ':
			return word, line[i+1:], nil
		case c == '\'':
			inside, _, closed := strings.Cut(line[i+1:], "'")
			if !closed {
				return "", "", errShell
			}
			word += inside
			i += len(inside) + 1
		case c == '\\' && strings.HasPrefix(line[i:], `\'`):
			word += "'"
			i++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_./:@,+", c) >= 0:
			word += string(c)
		default:
			return "", "", errShell
		}
	}
	return word, "", nil
}

// printfOf is what printf writes by a format without arguments.
func printfOf(format string) (string, error) {
	if strings.HasPrefix(format, "-") {
		return "", errShell
	}
	var out strings.Builder
	for in := strings.NewReader(format); ; {
		c, err := in.ReadByte()
		switch {
		case err == io.EOF:
			return out.String(), nil
		case c == '%':
			if c, _ = in.ReadByte(); c != '%' {
				return "", errShell
			}
		case c == '\\':
			var n int
			for range 3 { // printf takes up to three digits: always three leave no doubt
				digit, _ := in.ReadByte()
				if digit < '0' || digit > '7' {
					return "", errShell
				}
				n = n<<3 | int(digit-'0')
			}
			c = byte(n)
		}
		out.WriteByte(c)
	}
}
