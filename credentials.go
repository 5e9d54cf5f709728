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

// atRedirect are the credentials of the next request at the same origin: the path is the server's now, and so is the query, which
// gets the keys again that it lacks.
func (c *credentials) atRedirect(to *url.URL) {
	c.hiddenPath, c.clearPath = "", ""
	if moving, ok := c.ticket.(interface{ redirected() ticket }); ok {
		c.ticket = moving.redirected()
	}
	c.fields = slices.DeleteFunc(slices.Clone(c.fields), func(f bind.SecretPair) bool {
		return f.In == bind.Query && hasQuery([]byte(to.RawQuery), f.Name)
	})
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
