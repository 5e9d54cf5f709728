package crest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

// WithNetrc takes Basic credentials from a netrc file for requests that have no other: the one named, or else that of the variable NETRC, or
// else .netrc in the home directory (_netrc on Windows). The host must be a machine of the file exactly; default entries, and those without login
// or password, are passed over. A file that others may read is an error of [New], as is one that was named and is not there. Without this option no netrc
// file is read.
func WithNetrc(file ...string) ClientOption {
	return clientOption(func(s *settings) error {
		path, named, err := netrcPath(file)
		if err != nil {
			return err
		}
		machines, err := readNetrc(path)
		if errors.Is(err, os.ErrNotExist) && !named {
			return nil
		}
		if err != nil {
			return fmt.Errorf("WithNetrc: %w", err)
		}
		s.client.netrc = machines
		return nil
	})
}

func netrcPath(file []string) (path string, named bool, err error) {
	if len(file) > 1 {
		return "", false, errors.New("WithNetrc: more than one file: give one, or none for the usual place")
	}
	if len(file) == 1 {
		return file[0], true, nil
	}
	if path := os.Getenv("NETRC"); path != "" {
		return path, false, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", false, fmt.Errorf("WithNetrc: the home directory is not known: %w", err)
	}
	name := ".netrc"
	if runtime.GOOS == "windows" {
		name = "_netrc"
	}
	return filepath.Join(home, name), false, nil
}

// maxNetrc is the largest netrc file that is read, in bytes.
const maxNetrc = 1 << 20

func readNetrc(path string) (map[string]*fixedTicket, error) {
	info, err := os.Stat(path) // before it is opened, which would wait for the other end of a pipe
	if err == nil {
		err = checkNetrc(path, info)
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err == nil {
		err = checkNetrc(path, info) // another file may have come into its place
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxNetrc))
	if err != nil {
		return nil, err
	}
	machines, err := parseNetrc(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return machines, nil
}

func checkNetrc(path string, info os.FileInfo) error {
	switch {
	case !info.Mode().IsRegular() || info.Size() > maxNetrc:
		return fmt.Errorf("%s is no file of at most %d bytes", path, maxNetrc)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others may read %s: set its mode to 0600", path)
	}
	return nil
}

// netrcEntry is a machine as far as it has been read.
type netrcEntry struct {
	machine, login, password string
	has                      int // 1: login, 2: password
	broken                   bool
}

// parseNetrc reads machines. The first entry of a machine that is complete counts.
func parseNetrc(text string) (map[string]*fixedTicket, error) {
	machines := map[string]*fixedTicket{}
	words := &netrcWords{rest: text, line: 1}
	var now netrcEntry
	for {
		word, quoted, err := words.next()
		switch {
		case err != nil:
			return nil, err
		case word == "" && !quoted:
			now.end(machines)
			return machines, nil
		case quoted || !netrcKeyword[word]: // such as port and protocol of other programs
			continue
		case word == "macdef":
			words.skipMacro()
			continue
		case word == "machine" || word == "default":
			now.end(machines)
			now = netrcEntry{broken: word == "default"} // which would give credentials to every host
		}
		if err := now.read(word, words); err != nil {
			return nil, err
		}
	}
}

var netrcKeyword = map[string]bool{"machine": true, "default": true, "login": true, "password": true, "account": true, "macdef": true}

// read takes the value of a keyword. A bare keyword in its place is none: the value is missing, and what comes may be another machine's.
func (e *netrcEntry) read(keyword string, words *netrcWords) error {
	if keyword == "default" {
		return nil
	}
	before := *words
	value, quoted, err := words.value()
	if err != nil {
		return err
	}
	if value == "" && !quoted || !quoted && netrcKeyword[value] {
		*words, e.broken = before, true
		return nil
	}
	switch keyword {
	case "machine":
		e.machine = value
	case "login":
		e.login, e.has = value, e.has|1
	case "password":
		e.password, e.has = value, e.has|2
	}
	return nil
}

// end adds a complete entry to the machines.
func (e *netrcEntry) end(machines map[string]*fixedTicket) {
	host := strings.TrimSuffix(strings.ToLower(e.machine), ".")
	usable := !e.broken && e.has == 3 && checkUser("netrc", e.login) == nil
	if host != "" && usable && machines[host] == nil {
		machines[host] = &fixedTicket{basic(e.login, NewSecret(e.password))}
	}
}

// netrcWords cuts a file into words at white space. A word may be quoted, with \ before a quote or a backslash in it.
type netrcWords struct {
	rest string
	line int
}

// next returns the next word that can be a keyword: a # begins a comment there. At the end of the file the word is empty and not quoted.
func (w *netrcWords) next() (word string, quoted bool, err error) {
	for w.skipSpace(); strings.HasPrefix(w.rest, "#"); w.skipSpace() {
		w.skipLine()
	}
	return w.value()
}

// value returns the next word as it is.
func (w *netrcWords) value() (word string, quoted bool, err error) {
	w.skipSpace()
	if !strings.HasPrefix(w.rest, `"`) {
		end := strings.IndexFunc(w.rest, unicode.IsSpace)
		if end < 0 {
			end = len(w.rest)
		}
		word, w.rest = w.rest[:end], w.rest[end:]
		return word, false, nil
	}
	var b strings.Builder
	for i := 1; i < len(w.rest) && w.rest[i] != '\n'; i++ {
		switch w.rest[i] {
		case '"':
			w.rest = w.rest[i+1:]
			return b.String(), true, nil
		case '\\':
			if i++; i == len(w.rest) || w.rest[i] == '\n' {
				return "", false, w.unclosed()
			}
		}
		b.WriteByte(w.rest[i])
	}
	return "", false, w.unclosed()
}

func (w *netrcWords) unclosed() error { return fmt.Errorf("line %d: a quote is not closed", w.line) }

func (w *netrcWords) skipSpace() {
	after := strings.TrimLeftFunc(w.rest, unicode.IsSpace)
	w.line += strings.Count(w.rest[:len(w.rest)-len(after)], "\n")
	w.rest = after
}

// skipLine leaves the line that the words are in, and returns it.
func (w *netrcWords) skipLine() string {
	line, after, ended := strings.Cut(w.rest, "\n")
	w.rest = after
	if ended {
		w.line++
	}
	return line
}

// skipMacro passes over a macro, which an empty line ends.
func (w *netrcWords) skipMacro() {
	for w.skipLine(); w.rest != "" && strings.TrimSpace(w.skipLine()) != ""; {
	}
}

// withNetrc adds the credentials of a request's host, when it has none.
func (h *hop) withNetrc(req *http.Request) (*http.Request, error) {
	machines := h.core.netrc
	if len(machines) == 0 || h.settings.bare {
		return req, nil
	}
	target := originOf(req.URL)
	entry := machines[target.host]
	if _, set := req.Header["Authorization"]; set || entry == nil {
		return req, nil
	}
	if target.plain() && !h.core.plainOK {
		return nil, errPlain(target)
	}
	req = req.Clone(req.Context())
	return req, entry.authorize(req)
}
