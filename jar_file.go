package crest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// savedJar is the file that Save writes.
type savedJar struct {
	Version int           `json:"version"`
	Cookies []savedCookie `json:"cookies"`
}

// savedCookie is a cookie in the file. What widens where a cookie goes has to be said, so that a line that has got lost narrows it:
// a saved jar that forgot the host-only flag sent its cookies to subdomains (CVE-2026-54279 in aiohttp).
type savedCookie struct {
	Name        string        `json:"name"`
	Value       string        `json:"value"`
	Bytes       []byte        `json:"bytes,omitempty"` // the value, if it is not UTF-8
	Quoted      bool          `json:"quoted,omitempty"`
	Domain      string        `json:"domain,omitempty"`
	Subdomains  bool          `json:"subdomains,omitempty"`
	Shared      bool          `json:"shared,omitempty"`
	Path        string        `json:"path"`
	Expires     time.Time     `json:"expires,omitzero"`
	Secure      bool          `json:"secure,omitempty"`
	HTTPOnly    bool          `json:"http_only,omitempty"`
	SameSite    http.SameSite `json:"same_site,omitempty"` // as net/http counts them
	Partitioned bool          `json:"partitioned,omitempty"`
}

const (
	savedVersion = 1
	maxSavedJar  = 64 << 20 // bytes; a full jar is smaller
)

// Save writes all cookies, in clear, those of the session and shared ones too, as JSON to a file that is put in place at once when it is
// complete. A new file is readable for its owner alone (mode 0600), one that is there keeps its mode. The folder must exist.
// A path that is a link becomes a file.
func (j *Jar) Save(path string) error {
	saved := savedJar{Version: savedVersion, Cookies: []savedCookie{}}
	for _, k := range j.live() {
		saved.Cookies = append(saved.Cookies, k.save())
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(saved)
	if err == nil {
		err = replaceFile(path, text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("crest: saving the cookies: %w", err)
	}
	return nil
}

// Load puts what Save has written in the place of all that the jar holds. Cookies that have ended, and what the jar's rules
// refuse (of IP addresses, without [JarOptions].AllowIP), are left out. On an error the jar is unchanged. A file that
// is not there is an [fs.ErrNotExist], which a first start may pass over.
func (j *Jar) Load(path string) error {
	saved, err := readJar(path)
	if err != nil {
		return fmt.Errorf("crest: loading the cookies: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	var all []*kept
	shared := 0
	for _, s := range saved.Cookies {
		k, ok := s.restore(now, j.options)
		if ok && k.shared {
			shared++
		}
		if ok && (!k.shared || shared <= maxCookiesPerDomain) {
			all = append(all, k)
		}
	}
	j.sites, j.held = nil, 0
	j.putAll(all, now)
	return nil
}

func (k *kept) save() savedCookie {
	s := savedCookie{
		Name: k.Name, Value: k.Value, Quoted: k.Quoted, Domain: k.Domain, Subdomains: !k.hostOnly && !k.shared, Shared: k.shared,
		Path: k.Path, Expires: k.Expires, Secure: k.Secure, HTTPOnly: k.HttpOnly, SameSite: k.SameSite, Partitioned: k.Partitioned,
	}
	if !utf8.ValidString(k.Value) {
		s.Value, s.Bytes = "", []byte(k.Value)
	}
	return s
}

// restore makes a cookie of a line of the file, by the rules under which a server may set one.
func (s *savedCookie) restore(now time.Time, options JarOptions) (*kept, bool) {
	value := s.Value
	if len(s.Bytes) > 0 {
		value = string(s.Bytes)
	}
	k := newKept(&http.Cookie{
		Name: s.Name, Value: value, Quoted: s.Quoted, Expires: s.Expires, Secure: s.Secure, HttpOnly: s.HTTPOnly, SameSite: s.SameSite,
		Partitioned: s.Partitioned,
	}, s.Domain, s.Path, now)
	k.hostOnly, k.shared = !s.Subdomains && !s.Shared, s.Shared
	if !k.valid() || !strings.HasPrefix(k.Path, "/") || !k.prefixHolds(k.hostOnly && k.Path == "/") {
		return nil, false
	}
	if k.shared {
		return k, k.Domain == ""
	}
	domain, ip, ok := cookieHost(k.Domain)
	switch {
	case !ok || domain != k.Domain, ip && !options.AllowIP:
		return nil, false
	}
	return k, k.hostOnly || !ip && !publicSuffix(domain)
}

// errSavedJar says no more: errors of encoding/json quote what they stumble over, which here is a credential.
var errSavedJar = errors.New("is not what Save of this version writes: remove it, or restore it from a copy")

func readJar(path string) (saved savedJar, err error) {
	file, err := openPlain(path)
	if err != nil {
		return saved, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSavedJar+1))
	if err != nil {
		return saved, err
	}
	if len(text) > maxSavedJar || json.Unmarshal(text, &saved) != nil || saved.Version != savedVersion {
		return saved, fmt.Errorf("%s %w", path, errSavedJar)
	}
	return saved, nil
}

// replaceFile writes beside path and renames, so that path always has the whole text of before or after.
func replaceFile(path string, text []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := errors.Join(fill(file, path, text), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// fill writes the new file, with the mode of the one that it replaces.
func fill(file *os.File, path string, text []byte) error {
	if _, err := file.Write(text); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if old, err := os.Lstat(path); err == nil && old.Mode().IsRegular() {
		mode = old.Mode().Perm()
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	return file.Sync()
}
