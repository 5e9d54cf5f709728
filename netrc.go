package crest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may read %s: set its mode to 0600", path)
	case !info.Mode().IsRegular() || info.Size() > maxNetrc:
		return nil, fmt.Errorf("%s is no file of at most %d bytes", path, maxNetrc)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseNetrc(string(text)), nil
}

// netrcEntry is a machine as far as it has been read.
type netrcEntry struct {
	machine, login, password string
	has                      int // 1: login, 2: password
}

// parseNetrc reads machines. The first entry of a machine counts.
func parseNetrc(text string) map[string]*fixedTicket {
	machines := map[string]*fixedTicket{}
	var now netrcEntry
	end := func() {
		host := strings.TrimSuffix(strings.ToLower(now.machine), ".")
		if host != "" && now.has == 3 && machines[host] == nil && !strings.Contains(now.login, ":") {
			machines[host] = &fixedTicket{basic(now.login, NewSecret(now.password))}
		}
		now = netrcEntry{}
	}
	words := netrcWords(text)
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "default" {
			end()
			continue
		}
		if word != "machine" && word != "login" && word != "password" && word != "account" || len(words) == 0 {
			continue
		}
		value := words[0]
		words = words[1:]
		switch word {
		case "machine":
			end()
			now.machine = value
		case "login":
			now.login, now.has = value, now.has|1
		case "password":
			now.password, now.has = value, now.has|2
		}
	}
	end()
	return machines
}

// netrcWords splits a file at white space, without comments and macros. A word may be quoted.
func netrcWords(text string) []string {
	var words []string
	macro := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
			macro = false // an empty line ends it
		case macro:
		case fields[0] == "macdef":
			macro = true
		default:
			words = append(words, netrcLine(fields)...)
		}
	}
	return words
}

func netrcLine(fields []string) []string {
	var words []string
	for i, f := range fields {
		if strings.HasPrefix(f, "#") && (i == 0 || fields[i-1] != "password") {
			break
		}
		if len(f) > 1 && f[0] == '"' && f[len(f)-1] == '"' {
			f = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(f[1 : len(f)-1])
		}
		words = append(words, f)
	}
	return words
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
