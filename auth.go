package crest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// TokenSource gives the credential for the Authorization header. It is asked before each attempt, before
// a slot is taken, and must be safe for concurrent use and return when ctx ends. An error ends the call with ErrCredentials.
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
// An empty scheme sends the credential alone. A nil source and an empty Secret are mistakes; another source that gives an empty one
// ends the call in [ErrCredentials].
func WithAuthorization(scheme string, src TokenSource) Option {
	return anyOption(func(s *settings) error {
		if isNil(src) {
			return errors.New("WithAuthorization: the source is nil: give NewSecret, NewToken or a TokenSource")
		}
		if secret, ok := src.(Secret); ok && secret.IsZero() {
			return errors.New("WithAuthorization: the Secret is empty: give a token, or leave the option out")
		}
		if f, ok := src.(*fetchedTokens); ok && f.fetch == nil {
			return errors.New("WithAuthorization: the source is NewTokenSource(nil): give it a function")
		}
		if scheme != "" && !bind.ValidToken(scheme) {
			return fmt.Errorf("WithAuthorization: %q is not an authentication scheme", scheme)
		}
		s.auth = &authorization{&bearer{scheme, src}, s.level}
		return nil
	})
}

// WithPlainCredentials allows credentials over http to hosts other than this machine,
// where everyone on the way can read them: those of the options, [Secret] fields, and Authorization however it is given. Cookies and other
// headers that are given as texts crest does not know for credentials.
func WithPlainCredentials() ClientOption {
	return clientOption(func(s *settings) error {
		s.client.plainCredentials = true
		return nil
	})
}

// Auth adds to a request what proves who sends it, such as a signature. It is called for each request at the
// client's own origin (and at that of [WithURL], when it is an option of the call), after everything else: URL, headers and
// the other credentials are final, and req.GetBody gives the body to be hashed. It is nil for none and for an io.Reader, which is sent
// from where it stands; bytes, models and functions have it. Each attempt, and each hop of a redirect within the origin, is authorized anew. req
// is a copy that no middleware sees. An error ends the call with ErrCredentials. It must be safe for concurrent use and not wait for long: the
// request has its slot already. What has to be fetched first is a [TokenSource].
type Auth interface {
	Authorize(req *http.Request) error
}

// AuthFunc is an [Auth] that is a function.
type AuthFunc func(req *http.Request) error

// Authorize calls f.
func (f AuthFunc) Authorize(req *http.Request) error { return f(req) }

// WithAuth has a add what proves who sends a request, such as a signature, for schemes that crest does not have. Of the options
// that name a credential for Authorization the nearest counts, and of two at one level the later one; [Auth] says when a is asked.
// nil is a mistake.
func WithAuth(a Auth) Option {
	return anyOption(func(s *settings) error {
		if isNil(a) {
			return errors.New("WithAuth: the Auth is nil")
		}
		s.auth = &authorization{signer{a}, s.level}
		return nil
	})
}

// WithBasic sends "Authorization: Basic …" (RFC 7617) in UTF-8. For another charset encode user and password before. Both may be
// empty; a colon in the user, or a control character in either, is an error of [New], of the declaration or of the call.
func WithBasic(user string, password Secret) Option {
	return anyOption(func(s *settings) error {
		if err := errors.Join(checkUser("WithBasic", user), checkPassword(password)); err != nil {
			return err
		}
		s.auth = &authorization{&fixedTicket{basic(user, password)}, s.level}
		return nil
	})
}

// checkUser refuses what would be read as the end of the name, or as none.
func checkUser(option, user string) error {
	switch {
	case strings.Contains(user, ":"):
		return fmt.Errorf("%s: the user holds a colon, which would end it", option)
	case strings.ContainsFunc(user, isControl):
		return fmt.Errorf("%s: the user holds a control character", option)
	}
	return nil
}

// checkPassword holds a password to RFC 7617, section 2.
func checkPassword(password Secret) error {
	if strings.ContainsFunc(password.Reveal(), isControl) {
		return errors.New("WithBasic: the password holds a control character, such as a newline at its end")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func basic(user string, password Secret) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password.Reveal()))
}

// authorization is where the credential of a call comes from, and the level that says so.
type authorization struct {
	scheme scheme
	level  level
}

// scheme is a way of authorization. It obtains a ticket for the requests of one attempt, before any slot is taken.
type scheme interface {
	obtain(ctx context.Context) (ticket, error)
}

// ticket authorizes the requests of one attempt.
type ticket interface {
	// authorize changes req, which is a copy.
	authorize(req *http.Request) error
	// refused returns a better ticket after a 401 to the call's newest request, or nil when there is none.
	refused(ctx context.Context, c *call, resp *http.Response) (ticket, error)
}

// signer is a caller's own scheme.
type signer struct{ auth Auth }

func (s signer) obtain(context.Context) (ticket, error) { return s, nil }

func (s signer) authorize(req *http.Request) error { return s.auth.Authorize(req) }

func (s signer) refused(context.Context, *call, *http.Response) (ticket, error) { return nil, nil }

// fixedTicket is a value of Authorization that never changes.
type fixedTicket struct{ value string }

func (t *fixedTicket) obtain(context.Context) (ticket, error) { return t, nil }

func (t *fixedTicket) authorize(req *http.Request) error {
	req.Header.Set("Authorization", t.value)
	return nil
}

func (t *fixedTicket) refused(context.Context, *call, *http.Response) (ticket, error) {
	return nil, nil
}

// bearer sends what a source gives.
type bearer struct {
	scheme string
	source TokenSource
}

func (b *bearer) obtain(ctx context.Context) (ticket, error) {
	secret, err := b.source.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("the token source failed: %w", err)
	}
	return b.ticket(secret)
}

func (b *bearer) ticket(secret Secret) (ticket, error) {
	value := secret.Reveal()
	if value == "" {
		return nil, errors.New("the token is empty")
	}
	if b.scheme != "" {
		value = b.scheme + " " + value
	}
	if bind.CheckHeader("Authorization", value) != nil {
		return nil, errors.New("the token holds a character that no header may have, such as a newline")
	}
	return &bearerTicket{fixedTicket{value}, b, secret}, nil
}

// bearerTicket is one token of a source.
type bearerTicket struct {
	fixedTicket
	bearer *bearer
	secret Secret
}

// refused asks the source for another token, once per call. A source that knows only this one has nothing better.
func (t *bearerTicket) refused(ctx context.Context, c *call, _ *http.Response) (ticket, error) {
	if c.renewed {
		return nil, nil
	}
	t.forget()
	if !c.repeatable() {
		return nil, nil
	}
	c.renewed = true
	secret, err := t.bearer.source.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("the token was refused, and the token source failed: %w", err)
	}
	if secret.Reveal() == t.secret.Reveal() {
		return nil, nil
	}
	return t.bearer.ticket(secret)
}

// forget tells the source that the server does not take the token.
func (t *bearerTicket) forget() {
	if r, ok := t.bearer.source.(refresher); ok {
		r.refuse(t.secret)
	}
}
