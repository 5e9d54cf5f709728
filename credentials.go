package crest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// credentials are what the authorize step attaches to the requests of one call.
type credentials struct {
	ticket     ticket // nil for none
	fields     []bind.SecretPair
	hiddenPath string // the escaped path with [redacted] in it; "" if no path field is secret
	clearPath  string
}

// atRedirect makes c the credentials of a redirect to a URL of the same origin. The server may have repeated some of them in it: there they
// are hidden again.
func (c *credentials) atRedirect(to *url.URL) error {
	c.ticket = redirected(c.ticket)
	c.takeKeys(to)
	shown := c.hide(to.EscapedPath())
	if shown == to.EscapedPath() {
		c.hiddenPath, c.clearPath = "", ""
		return nil
	}
	clear := to.EscapedPath()
	if err := setPath(to, shown); err != nil {
		return err
	}
	c.hiddenPath, c.clearPath = to.EscapedPath(), clear
	return nil
}

// redirected is the ticket for the next place: another one, where it answers what only this one has asked.
func redirected(t ticket) ticket {
	if moving, ok := t.(interface{ redirected() ticket }); ok {
		return moving.redirected()
	}
	return t
}

// shownBy reports whether a URL of another origin repeats a credential.
func (c *credentials) shownBy(to *url.URL) bool {
	values, _ := url.ParseQuery(to.RawQuery)
	return c.hide(to.EscapedPath()) != to.EscapedPath() || slices.ContainsFunc(c.fields, func(f bind.SecretPair) bool {
		return f.In == bind.Query && slices.Contains(values[f.Name], f.Value)
	})
}

// takeKeys hides the keys of the query that a Location repeats, and gives up those for which it has another value: there the
// server's word holds.
func (c *credentials) takeKeys(to *url.URL) {
	values, _ := url.ParseQuery(to.RawQuery)
	c.fields = slices.DeleteFunc(slices.Clone(c.fields), func(f bind.SecretPair) bool {
		return f.In == bind.Query && values.Has(f.Name) && !slices.Contains(values[f.Name], f.Value)
	})
	for _, f := range c.fields {
		if f.In == bind.Query && values.Has(f.Name) {
			to.RawQuery = string(dropQuery([]byte(to.RawQuery), f.Name))
		}
	}
}

// hide puts [redacted] in place of what is secret in the request's own path.
func (c *credentials) hide(path string) string {
	if c.hiddenPath == "" {
		return path
	}
	mark := url.PathEscape(redacted)
	if !strings.Contains(c.hiddenPath, mark) {
		mark = redacted
	}
	literals := strings.Split(c.hiddenPath, mark)
	clear := strings.TrimPrefix(c.clearPath, literals[0])
	for _, literal := range literals[1:] {
		end := strings.Index(clear, literal)
		if literal == "" {
			end = len(clear)
		}
		if end < 0 {
			return path
		}
		if end > 0 {
			path = strings.ReplaceAll(path, clear[:end], mark)
		}
		clear = clear[end+len(literal):]
	}
	return path
}

func (c *credentials) none() bool {
	return c.ticket == nil && len(c.fields) == 0 && c.hiddenPath == ""
}

// errOrigin ends a call whose credentials would leave their origin.
var errOrigin = errors.New("the request left the client's origin (a middleware changed its host?): credentials stay at home")

// authorize returns the request with the cookies of the jar and its credentials, those for the home origin alone. It changes nothing that
// a middleware has seen: req is a copy, its URL and header are not.
func (h *hop) authorize(req *http.Request) (*http.Request, error) {
	c := h.credentials
	if c.none() {
		if err := h.checkGiven(req); err != nil {
			return nil, err
		}
		return h.withNetrc(h.withJar(req))
	}
	target := originOf(req.URL)
	switch {
	case target != *h.home, !namesOne(req.URL):
		return nil, errOrigin
	case target.plain() && !h.core.plainOK:
		return nil, errPlain(target)
	}
	out := h.withJar(req.Clone(req.Context()))
	if err := c.attachPath(out); err != nil {
		return nil, err
	}
	for _, f := range c.fields {
		attach(out, f)
	}
	if c.ticket == nil {
		return h.withNetrc(out)
	}
	return out, c.ticket.authorize(out)
}

// checkGiven refuses Authorization over plain http that was given as a text, or by a middleware.
func (h *hop) checkGiven(req *http.Request) error {
	if h.core.plainOK || req.URL.Scheme == "https" || !h.hasAuthorization(req.Header) {
		return nil
	}
	if target := originOf(req.URL); target.plain() {
		return errPlain(target)
	}
	return nil
}

// hasAuthorization looks for it in the spelling that crest writes, and in all where somebody else may have written.
func (h *hop) hasAuthorization(header http.Header) bool {
	if sayAnything(header["Authorization"]) {
		return true
	}
	if h.call != nil && !h.call.handedOut() {
		return false
	}
	for name, values := range header {
		if strings.EqualFold(name, "Authorization") && sayAnything(values) {
			return true
		}
	}
	return false
}

// sayAnything reports whether a header with these values is more than its name.
func sayAnything(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return v != "" })
}

// namesOne tells a URL that names one origin from an Opaque one that names two. What is Opaque is sent as the request line, and a proxy
// goes by that.
func namesOne(u *url.URL) bool {
	line := u.Opaque
	if strings.HasPrefix(line, "//") {
		line = u.Scheme + ":" + line
	}
	if line == "" || line[0] == '/' {
		return true
	}
	named, err := url.Parse(line)
	return err == nil && originOf(named) == originOf(u)
}

func errPlain(target origin) error {
	return fmt.Errorf("credentials over plain http to %s would be readable on the way: use https or allow it with WithPlainCredentials", target.host)
}

func (c *credentials) attachPath(req *http.Request) error {
	if c.hiddenPath == "" {
		return nil
	}
	if req.URL.EscapedPath() != c.hiddenPath {
		return errors.New("a middleware changed a path that holds a Secret")
	}
	return setPath(req.URL, c.clearPath)
}

func attach(req *http.Request, f bind.SecretPair) {
	switch f.In {
	case bind.Header:
		req.Header.Add(f.Name, f.Value)
	case bind.Cookie:
		pairs := append(slices.Clone(req.Header["Cookie"]), f.Name+"="+f.Value)
		req.Header["Cookie"] = []string{strings.Join(pairs, "; ")}
	case bind.Query:
		req.URL.RawQuery = appendPair(req.URL.RawQuery, f.Name, f.Value)
	}
}
