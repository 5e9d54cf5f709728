package crest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shellCommand is a command line for a POSIX shell.
type shellCommand struct {
	words []string // quoted
	input []string // the commands whose output is piped into it
}

func (c *shellCommand) word(texts ...string) {
	for _, text := range texts {
		c.words = append(c.words, shellWord(text))
	}
}

// String returns the line. It ends where its last word does.
func (c *shellCommand) String() string {
	line := strings.Join(c.words, " ")
	switch len(c.input) {
	case 0:
		return line
	case 1:
		return c.input[0] + " | " + line
	}
	return "{ " + strings.Join(c.input, " && ") + "; } | " + line // without a file what follows it is left out too: nobody takes the rest for whole
}

// pipe lets the input have data, after what it has.
func (c *shellCommand) pipe(data []byte) {
	c.input = append(c.input, "printf "+printfFormat(data))
}

// pipeFile lets the input have a file.
func (c *shellCommand) pipeFile(name string) {
	if name == "-" { // which is the standard input for cat, behind -- too
		name = "./-"
	}
	c.input = append(c.input, "cat -- "+shellWord(name))
}

// shellWord quotes text so that it is one word (POSIX.1-2024, Shell Command Language, section 2.2.2): between single quotes all but themselves
// stand for themselves.
func shellWord(text string) string {
	if text != "" && strings.Trim(text, shellPlain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// shellPlain are the characters that mean themselves in every shell.
const shellPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@,+"

// argumentBytes is the size up to which a body is an argument: Linux takes 128 KiB in one.
const argumentBytes = 64 << 10

// argument reports whether a body can be an argument, and survive a terminal and a clipboard on its way there. No argument can have a NUL.
func argument(body []byte) bool {
	if len(body) > argumentBytes || !utf8.Valid(body) {
		return false
	}
	return !strings.ContainsFunc(string(body), func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) })
}

// printfFormat is the format with which printf writes data. It is the shell's own command, so its size has no bound.
func printfFormat(data []byte) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i, c := range data {
		switch {
		case c == '%':
			b.WriteString("%%")
		case c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '-' && i == 0: // a leading one would begin an option
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
