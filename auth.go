package crest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// TokenSource gives the credential for the Authorization header. It is asked before each attempt, before
// a slot is taken, and must be safe for concurrent use. An error ends the call with ErrCredentials.
// [Secret] and [*Token] are sources; golang.org/x/oauth2's become one with a method of three lines.
type TokenSource interface {
	Token(ctx context.Context) (Secret, error)
}

// Token is a credential that can change while the client runs. Use it by pointer:
//
//	tok := crest.NewToken("…")
//	c, err := crest.New[*Error](base, crest.WithBearer(tok))
//	tok.Set("…") // later calls carry this one
//
// It is safe for concurrent use. The zero value is an empty token, with which a call ends in ErrCredentials.
type Token struct {
	mu     sync.RWMutex
	secret Secret
}

// NewToken returns a Token that holds text.
func NewToken(text string) *Token { return &Token{secret: NewSecret(text)} }

// Set replaces the credential. Calls that have begun keep the one that they took.
func (t *Token) Set(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secret = NewSecret(text)
}

// Token returns the credential of this moment.
func (t *Token) Token(context.Context) (Secret, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.secret, nil
}

// String returns [redacted].
func (t *Token) String() string { return redacted }

// Format prints [redacted] under every verb.
func (t *Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// WithBearer sends "Authorization: Bearer …" (RFC 6750) with what src gives: a [Secret], a [*Token] or a
// [TokenSource]. The credential is attached below the middleware and goes to the client's own origin only; over plain
// http it is refused except to loopback, see [WithPlainCredentials].
func WithBearer(src TokenSource) Option { return WithAuthorization("Bearer", src) }

// WithAuthorization is [WithBearer] with another scheme: "OAuth", "Token", "Bot".
// An empty scheme sends the credential alone.
func WithAuthorization(scheme string, src TokenSource) Option {
	return anyOption(func(s *settings) error {
		if isNil(src) {
			return errors.New("WithAuthorization: the source is nil: give NewSecret, NewToken or a TokenSource")
		}
		if scheme != "" && !bind.ValidToken(scheme) {
			return fmt.Errorf("WithAuthorization: %q is not an authentication scheme", scheme)
		}
		s.auth = &authorization{scheme, src, s.level}
		return nil
	})
}

// WithPlainCredentials allows credentials over http to hosts other than this machine,
// where everyone on the way can read them.
func WithPlainCredentials() ClientOption {
	return clientOption(func(s *settings) error {
		s.client.plainCredentials = true
		return nil
	})
}

type authorization struct {
	scheme string
	source TokenSource
	level  level
}

// header obtains the credential and returns the value of Authorization.
func (a *authorization) header(ctx context.Context) (string, error) {
	secret, err := a.source.Token(ctx)
	if err != nil {
		return "", fmt.Errorf("the token source failed: %w", err)
	}
	value := secret.Reveal()
	if value == "" {
		return "", errors.New("the token is empty")
	}
	if a.scheme != "" {
		value = a.scheme + " " + value
	}
	if bind.CheckHeader("Authorization", value) != nil {
		return "", errors.New("the token holds a character that no header may have, such as a newline")
	}
	return value, nil
}

// credentials are what the authorize step attaches to the requests of one call.
type credentials struct {
	authorization string
	fields        []bind.SecretPair
	hiddenPath    string // the escaped path with [redacted] in it; "" if no path field is secret
	clearPath     string
}

// atRedirect are the credentials of the next request at the same origin: the path is the server's now, and so is the query, which
// gets the keys again that it lacks.
func (c *credentials) atRedirect(to *url.URL) {
	c.hiddenPath, c.clearPath = "", ""
	c.fields = slices.DeleteFunc(slices.Clone(c.fields), func(f bind.SecretPair) bool {
		return f.In == bind.Query && hasQuery([]byte(to.RawQuery), f.Name)
	})
}

func (c *credentials) none() bool {
	return c.authorization == "" && len(c.fields) == 0 && c.hiddenPath == ""
}

// errOrigin ends a call whose credentials would leave their origin.
var errOrigin = errors.New("the request left the client's origin (a middleware changed its host?): credentials stay at home")

// authorize returns the request under ctx, with its credentials, for the home origin alone. It works on a
// copy, so that no middleware gets to see them.
func (c *credentials) authorize(ctx context.Context, req *http.Request, home origin, plainAllowed bool) (*http.Request, error) {
	if c.none() {
		return req.WithContext(ctx), nil
	}
	target := originOf(req.URL)
	switch {
	case target != home:
		return nil, errOrigin
	case target.plain() && !plainAllowed:
		return nil, fmt.Errorf("credentials over plain http to %s would be readable on the way: use https or allow it with WithPlainCredentials", target.host)
	}
	out := req.Clone(ctx)
	if c.authorization != "" {
		out.Header.Set("Authorization", c.authorization)
	}
	if err := c.attachPath(out); err != nil {
		return nil, err
	}
	for _, f := range c.fields {
		attach(out, f)
	}
	return out, nil
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
