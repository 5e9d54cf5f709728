package crest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Client sends the calls of one API. E is the API's error model: what a failed answer decodes into,
// found with [errors.As] in the error of a call. Embed a *Client in the SDK's own struct:
//
//	type Client struct{ *crest.Client[*Error] }
//
// A Client is made by [New], is immutable and safe for concurrent use. What changes at run time is a
// value that an option takes: [NewToken], [NewDefaults]. Calls are made by [Endpoint.Call].
// A nil Client, or a zero SDK struct, gives an error from each call.
type Client[E error] struct{ core *core }

// Caller is a [*Client], or a pointer to anything that embeds one, such as an SDK's client.
// It is sealed: the method comes with the embedded Client.
type Caller interface{ caller() *core }

// core is a client without its type parameter.
type core struct {
	base     *url.URL
	home     origin
	prefix   string // the escaped path of base, without a slash at its end
	settings *settings
	fallback ErrorModel        // E
	chain    http.RoundTripper // the client's middleware; nil without
	wire     http.RoundTripper
	own      *http.Transport // wire, when New made it; nil for the caller's
	proxies  *proxies        // of own
	places   *places         // nil without bounds
	plainOK  bool
	budget   *budget
	jar      http.CookieJar          // nil keeps no cookies
	netrc    map[string]*fixedTicket // by host
	closed   atomic.Bool

	observers      []observer
	stats          *statistics // nil without WithStats
	noticed        noticed
	closedTold     atomic.Bool
	cookiesTold    atomic.Int64 // when, in nanoseconds since 1970
	cookiesRefused atomic.Int64 // since then
}

// hooked reports whether the wire is net/http's own: what its hooks do not report has not happened.
func (c *core) hooked() bool {
	_, ok := c.wire.(*http.Transport)
	return ok
}

// clientSettings are the options that only a client has.
type clientSettings struct {
	transport        http.RoundTripper
	own              ownTransport
	jar              http.CookieJar
	netrc            map[string]*fixedTicket
	plainCredentials bool
	logger           *slog.Logger // nil without WithLogger
	notices          func(context.Context, Notice)
	stats            bool
}

// New makes a Client for the API at baseURL, such as "https://api.example.com/v1". Routes are appended to
// its path. It must be absolute, http or https, without credentials, query and fragment. E must be a concrete type,
// usually a pointer to a model with an Error method; [*Problem] serves APIs that follow RFC 9457. (To build one model on
// another that is named Error, give it a named field: embedded, the field Error would hide the method.)
// All mistakes in the options are reported together. Close the client when it is done.
func New[E error](baseURL string, opts ...ClientOption) (*Client[E], error) {
	s := &settings{level: levelClient, client: &clientSettings{}}
	fallback := As[E]()
	base, baseErr := parseBase(baseURL)
	err := errors.Join(baseErr, fallback.mistake(), applyAll(s, opts, ClientOption.applyClient))
	if err == nil {
		err = errors.Join(s.checkPlain(base), s.checkTransport())
	}
	if err != nil {
		return nil, fmt.Errorf("crest: New: %w", err)
	}
	return &Client[E]{newCore(base, s, fallback)}, nil
}

func newCore(base *url.URL, s *settings, fallback ErrorModel) *core {
	c := &core{
		base: base, home: originOf(base), prefix: strings.TrimRight(base.EscapedPath(), "/"),
		settings: s, fallback: fallback, plainOK: s.client.plainCredentials, budget: newBudget(s.retry.Budget), jar: s.client.jar, netrc: s.client.netrc,
	}
	c.wire = s.client.transport
	if c.wire == nil {
		c.proxies = newProxies(&s.client.own, s.timeouts.effective())
		c.own = c.proxies.transports.first
		c.wire, c.places = c.own, newPlaces(s.client.own.pool)
		s.client.own.warn(base)
	}
	if s.client.logger != nil {
		c.observers = append(c.observers, logging{s.client.logger})
	}
	if s.client.stats {
		c.stats = newStatistics()
	}
	if s.client.notices != nil {
		c.observers = append(c.observers, noticing(s.client.notices))
	}
	if len(s.middleware) > 0 {
		c.chain = compose(s.middleware, afterClient{})
	}
	return c
}

func parseBase(text string) (*url.URL, error) {
	u, err := parseURL(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the base URL: %w", err)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("the base URL has a query: give it with WithQuery")
	case u.Fragment != "":
		return nil, errors.New("the base URL has a fragment, which is never sent: take it out")
	}
	return u, nil
}

// checkPlain refuses at start what every call would refuse.
func (s *settings) checkPlain(base *url.URL) error {
	if s.client.plainCredentials || !originOf(base).plain() || !s.hasCredentials() {
		return nil
	}
	return errors.New("the base URL is plain http and the client has credentials, which everyone on the way could read: use https, or allow it with WithPlainCredentials")
}

// hasCredentials reports whether the options hold what proves who calls.
func (s *settings) hasCredentials() bool {
	named := s.headers.find("Authorization")
	given := named != nil && !named.removed && sayAnything(named.values)
	return s.auth != nil || given || s.secretDefaults() || s.headers.secret() || s.query.secret()
}

// checkTransport refuses settings of a transport that is not crest's own, and settings that contradict each other.
func (s *settings) checkTransport() error {
	if s.client.transport == nil {
		return s.client.own.contradictions()
	}
	var mistakes []error
	if s.timeouts.Connect != 0 || s.timeouts.TLS != 0 {
		mistakes = append(mistakes, errors.New("the fields Timeouts.Connect and Timeouts.TLS beside WithTransport, whose transport has its own: set them there (net.Dialer.Timeout, http.Transport.TLSHandshakeTimeout)"))
	}
	if said := s.client.own.said; len(said) > 0 {
		mistakes = append(mistakes, fmt.Errorf("%s beside WithTransport, whose transport has its own settings: set it up there, or leave WithTransport out", strings.Join(said, " and ")))
	}
	return errors.Join(mistakes...)
}

func (c *Client[E]) caller() *core {
	if c == nil {
		return nil
	}
	return c.core
}

// AsError finds the client's error model E in the error of a call. It is [errors.As] with the type filled in: false where
// an [ErrorMap] entry made another type. [*Error] is there for every failed answer.
func (c *Client[E]) AsError(err error) (E, bool) {
	return errors.AsType[E](err)
}

// Close gives the idle connections of the client's own transport back and makes later calls end in
// [ErrClosed]. Calls that are under way go on. A transport that was given with [WithTransport] stays open.
// Close may be called more than once, by any goroutine; it returns nil.
func (c *Client[E]) Close() error {
	core := c.caller()
	if core == nil {
		return nil
	}
	core.closed.Store(true)
	core.sweep()
	return nil
}

// sweep closes the idle connections of a closed client. Calls that were under way when it was closed
// bring theirs back later, so each of them sweeps at its end.
func (c *core) sweep() {
	if c.own != nil && c.closed.Load() {
		c.proxies.closeIdle()
		time.AfterFunc(sweepAgain, c.proxies.closeIdle)
	}
}

// sweepAgain is when a closed client looks again: an HTTP/2 stream whose answer came before its body was sent ends a little after its
// call, and its connection would be kept as long as unused ones are.
const sweepAgain = 100 * time.Millisecond

var errNoClient = errors.New("the client is nil or zero: make it with crest.New, or with that of its SDK")

// coreOf finds the client behind a Caller, for a call or, with nil, another request. A Caller that embeds a nil client gives an error, not a panic.
func coreOf(ctx context.Context, c Caller, of *call) (*core, *CallError) {
	found := behind(c)
	switch {
	case found == nil:
		return nil, fail(ErrRequest, "", errNoClient)
	case found.closed.Load():
		return nil, found.refusesClosed(ctx, of)
	}
	return found, nil
}

// refusesClosed is the error of a closed client.
func (c *core) refusesClosed(ctx context.Context, of *call) *CallError {
	c.calledClosed(ctx, of)
	return fail(ErrClosed, "", errors.New("the client was closed"))
}

// behind asks the Caller. A nil pointer to a struct that embeds a Client panics on the way to it.
func behind(c Caller) (found *core) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	if c == nil {
		return nil
	}
	return c.caller()
}

// WithTransport sends through rt instead of crest's own transport. rt must not change the requests that it gets, as [http.RoundTripper]
// says: the next attempt can have the same URL and headers. It belongs to the caller: Close leaves it
// open, and its settings are its own: [WithPool], [WithTLS], [WithoutTLSVerification], [WithPins] and [WithProxy] beside it are
// errors of [New], as [Timeouts.Connect] and [Timeouts.TLS] are, which belong to crest's own transport. nil is a mistake.
func WithTransport(rt http.RoundTripper) ClientOption {
	return clientOption(func(s *settings) error {
		if isNil(rt) {
			return errors.New("WithTransport: the transport is nil")
		}
		s.client.transport = rt
		return nil
	})
}
