package crest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// outgoing is a request as it was bound: everything but its credentials.
type outgoing struct {
	method      string
	url         *url.URL
	host        string
	header      http.Header
	body        payload
	credentials credentials
	home        origin // where they may go
	challenges  int    // how many were answered
}

// bind turns model and options into a request.
func (c *call) bind(req reflect.Value) *CallError {
	own := c.firsts().bound.take()
	out := &own.out
	out.method, out.url = c.endpoint.method, &own.url
	text := urlTexts.Get().(*urlText)
	defer urlTexts.Put(text)
	parts := bind.Parts{Path: append(text.path[:0], c.core.prefix...), Query: text.query[:0], Lines: own.lines[:0]}
	if err := c.endpoint.request.Encode(req, &parts); err != nil {
		return fail(ErrRequest, "", nested(err))
	}
	if err := c.bindBody(req, out); err != nil {
		return fail(ErrRequest, "", nested(err))
	}
	c.metered(&out.body)
	if err := c.bindOptions(out, &parts); err != nil {
		return fail(ErrRequest, "", err)
	}
	text.keep(&parts)
	c.out = out
	return nil
}

// urlText is where a path and a query are written before they become one string, so that long ones cost no more allocations than short ones.
type urlText struct{ path, query []byte }

var urlTexts = sync.Pool{New: func() any { return &urlText{} }}

// maxURLText is the size of the buffers that are kept.
const maxURLText = 8 << 10

// keep takes the buffers back, as they have grown. Large ones, and one that holds a secret, are left to the garbage.
func (t *urlText) keep(parts *bind.Parts) {
	t.path, t.query = parts.Path, parts.Query
	if cap(t.path) > maxURLText || parts.ClearPath != nil {
		t.path = nil
	}
	if cap(t.query) > maxURLText {
		t.query = nil
	}
}

// away reports whether the call leaves the client's origin.
func (c *call) away() bool {
	return c.settings.url != nil && originOf(c.settings.url.u) != c.core.home
}

// bindOptions adds to what the model says: defaults, options, and the headers that nobody has set.
func (c *call) bindOptions(out *outgoing, parts *bind.Parts) error {
	away := c.away()
	if away {
		if out.body.secret {
			return errSecretAway
		}
		c.settings, parts.Cookies, parts.Secrets = c.bare(), nil, nil // what is left is the call's own
	}
	if t := c.settings.url; t != nil && t.complete {
		parts.Query = nil
	}
	if err := c.settings.bindDefaults(parts); err != nil {
		return err
	}
	c.settings.bindQuery(parts)
	if err := c.locate(out, parts, away); err != nil {
		return err
	}
	c.settings.bindHeaders(out, parts)
	c.settings = c.settings.settledBy(out)
	return c.automatic(out, parts)
}

var errSecretAway = errors.New("WithURL: the URL is of another origin, and the body holds a Secret, which stays at home: use a model without one")

// settledBy drops the credential of client or endpoint where the model brings its own Authorization.
func (s *settings) settledBy(out *outgoing) *settings {
	_, inHeader := out.header["Authorization"]
	asSecret := slices.ContainsFunc(out.credentials.fields, func(p bind.SecretPair) bool {
		return p.In == bind.Header && p.Name == "Authorization"
	})
	if s.auth == nil || !inHeader && !asSecret {
		return s
	}
	if s.auth.level == levelCall {
		delete(out.header, "Authorization")
		out.credentials.fields = dropSecrets(out.credentials.fields, bind.Header, "Authorization")
		return s
	}
	settled := *s
	settled.auth = nil
	return &settled
}

// bare are the settings of a call that leaves the client's origin: what client and endpoint would send by
// themselves stays at home, what the call says holds.
func (c *call) bare() *settings {
	s := *c.settings
	s.defaults, s.bare, s.compression = nil, true, nil
	s.headers, s.query, s.cookies = s.headers.of(levelCall), s.query.of(levelCall), s.cookies.of(levelCall)
	if s.auth != nil && s.auth.level < levelCall {
		s.auth = nil
	}
	if s.keyLevel < levelCall {
		s.key, s.keyStays = nil, s.key != nil
	}
	return &s
}

// of returns the fields that were given at one level.
func (fs fields) of(l level) fields {
	var out fields
	for _, f := range fs {
		if f.level == l {
			out = append(out, f)
		}
	}
	return out
}

// locate decides where the request goes: base and route, or the URL of WithURL.
func (c *call) locate(out *outgoing, parts *bind.Parts, away bool) error {
	out.credentials.fields, out.home = parts.Secrets, c.core.home
	u := out.url
	u.Scheme, u.Host = c.core.base.Scheme, c.core.base.Host
	end := len(parts.Path)
	parts.Path = append(parts.Path, parts.Query...)
	text := string(parts.Path) // one for both
	if err := setPath(u, text[:end]); err != nil {
		return err
	}
	if parts.ClearPath != nil {
		out.credentials.hiddenPath, out.credentials.clearPath = u.EscapedPath(), string(parts.ClearPath)
	}
	if c.settings.url != nil {
		return c.locateAt(*c.settings.url.u, out, parts, away)
	}
	u.RawQuery = text[end:]
	out.host = u.Host
	return c.staysHome(u)
}

// locateAt goes to the URL of WithURL. On the client's own origin it may repeat what is secret in the path or the query, as links from answers
// do: there that is hidden again.
func (c *call) locateAt(u url.URL, out *outgoing, parts *bind.Parts, away bool) error {
	if c.core.home.scheme == "https" && u.Scheme != "https" {
		return errors.New("WithURL: the URL is plain http and the client's base is https: the step down is refused")
	}
	if away {
		out.home = originOf(&u)
		out.credentials.hiddenPath, out.credentials.clearPath = "", ""
	} else if err := out.credentials.atRedirect(&u); err != nil {
		return err
	}
	u.RawQuery = joinQuery(u.RawQuery, string(parts.Query))
	out.url, out.host = &u, u.Host
	return nil
}

// staysHome is the last look at a URL that was built from values: whatever they were, the origin is the client's.
func (c *call) staysHome(u *url.URL) error {
	if u.Host != c.core.base.Host || u.Scheme != c.core.base.Scheme || u.User != nil || !strings.HasPrefix(u.EscapedPath(), c.core.prefix+"/") {
		return errors.New("the URL that was built leaves the client's base URL")
	}
	return nil
}

// setPath sets an escaped path so that it is sent exactly as it is.
func setPath(u *url.URL, escaped string) error {
	if !strings.Contains(escaped, "%") {
		u.Path, u.RawPath = escaped, ""
		if u.EscapedPath() == escaped {
			return nil
		}
	}
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return fmt.Errorf("the path is not escaped well: %w", err)
	}
	u.Path, u.RawPath = path, escaped
	return nil
}

// bindDefaults adds the tagged structs of WithDefaults below what the model says, the nearest first.
func (s *settings) bindDefaults(parts *bind.Parts) error {
	for i := len(s.defaults) - 1; i >= 0; i-- {
		if err := s.defaults[i].add(parts, s); err != nil {
			return err
		}
	}
	return nil
}

// bindQuery adds the query parameters of the options: those of the call replace the model's, others give way.
func (s *settings) bindQuery(parts *bind.Parts) {
	for i := range s.query {
		f := &s.query[i]
		present := hasQuery(parts.Query, f.name)
		linked := s.url.has(f.name) && (s.url.complete || f.level < levelCall)
		if linked && !f.secret || f.level < levelCall && (present || hasSecret(parts, bind.Query, f.name)) {
			continue
		}
		if present {
			parts.Query = dropQuery(parts.Query, f.name)
		}
		if f.level == levelCall {
			parts.Secrets = dropSecrets(parts.Secrets, bind.Query, f.name)
		}
		for _, v := range f.values {
			if f.secret {
				parts.Secrets = append(parts.Secrets, bind.SecretPair{In: bind.Query, Name: f.name, Value: v})
				continue
			}
			parts.Query = appendQuery(parts.Query, f.name, v)
		}
	}
}
