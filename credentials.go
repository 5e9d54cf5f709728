package crest

import (
	"context"
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
	if moving, ok := c.ticket.(interface{ redirected() ticket }); ok {
		c.ticket = moving.redirected()
	}
	to.RawQuery = c.withoutKeys(to.RawQuery)
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

// shownBy reports whether a URL of another origin repeats a credential.
func (c *credentials) shownBy(to *url.URL) bool {
	values, _ := url.ParseQuery(to.RawQuery)
	return c.hide(to.EscapedPath()) != to.EscapedPath() || slices.ContainsFunc(c.fields, func(f bind.SecretPair) bool {
		return f.In == bind.Query && slices.Contains(values[f.Name], f.Value)
	})
}

// withoutKeys returns a query without the parameters that are credentials.
func (c *credentials) withoutKeys(query string) string {
	for _, f := range c.fields {
		if f.In == bind.Query && hasQuery([]byte(query), f.Name) {
			query = string(dropQuery([]byte(query), f.Name))
		}
	}
	return query
}

// hide puts [redacted] in place of the segments of an escaped path that are secret in the request's own.
func (c *credentials) hide(path string) string {
	hidden, clear := strings.Split(c.hiddenPath, "/"), strings.Split(c.clearPath, "/")
	if c.hiddenPath == "" || len(hidden) != len(clear) {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if at := slices.Index(clear, segment); at >= 0 && hidden[at] != segment {
			segments[i] = hidden[at]
		}
	}
	return strings.Join(segments, "/")
}

func (c *credentials) none() bool {
	return c.ticket == nil && len(c.fields) == 0 && c.hiddenPath == ""
}

// errOrigin ends a call whose credentials would leave their origin.
var errOrigin = errors.New("the request left the client's origin (a middleware changed its host?): credentials stay at home")

// authorize returns the request under ctx, with the cookies of the jar and its credentials, those for the home origin alone. It works on a
// copy, so that no middleware gets to see them.
func (h *hop) authorize(ctx context.Context, req *http.Request) (*http.Request, error) {
	c := &h.credentials
	if c.none() {
		return h.withNetrc(h.withJar(req.WithContext(ctx)))
	}
	target := originOf(req.URL)
	switch {
	case target != h.home:
		return nil, errOrigin
	case target.plain() && !h.core.plainOK:
		return nil, errPlain(target)
	}
	out := h.withJar(req.Clone(ctx))
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
