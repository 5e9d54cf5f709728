package crest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// Redirects says how redirects are followed. The zero value is the default; each zero field inherits from the farther
// level.
//
// By default up to 10 are followed: 303 turns every method but HEAD into GET, 301 and 302 turn POST into GET, 307
// and 308 keep method and body, as browsers do (Fetch, section 4.4). A step from https to http is refused. Across origins (scheme, host,
// port) everything is left behind that could identify the caller, for the rest of the chain: Authorization, cookies of the
// call, [Secret] fields, keys, and every header that is not one of those that describe a representation. A body is sent again within its
// origin alone. Endpoints with the method HEAD follow only if [WithRedirects] is given. A status that [WithSuccess] lists is an answer
// and is not followed.
type Redirects struct {
	// Max is how many are followed: 10. Negative is none: a 3xx is then an [*Error], or the answer where it is declared.
	Max int
	// Method is the method of the next request, for a status and the method so far; "" leaves it to the default rule. A
	// change drops the body.
	Method func(status int, method string) string
	// Target reads where an answer leads, "" for nowhere; nil reads Location of a 301, 302, 303, 307 or 308.
	Target func(resp *http.Response) string
	// Keep opens a header for another origin: it is asked for each one that would be left behind.
	Keep func(from, to *url.URL, header string) bool
	// Check is asked before each one is followed, with the hops so far. Its error ends the call.
	Check func(to *url.URL, history []Hop) error
	// SameOrigin refuses redirects to another origin.
	SameOrigin bool
	// Downgrade allows the step from https to http. Nothing that could identify the caller goes along.
	Downgrade bool
}

// Hop is a request on the way with its answer, which was not the last: a redirect, or a challenge that was answered.
type Hop struct {
	Method     string
	URL        string // redacted
	StatusCode int
	Header     http.Header // of the answer
}

// String returns "302 GET https://api.example.com/old".
func (h Hop) String() string { return fmt.Sprintf("%d %s %s", h.StatusCode, h.Method, h.URL) }

// Format prints what String returns under every verb: the header can hold what no log may have.
func (h Hop) Format(f fmt.State, verb rune) { formatError(f, verb, h.String()) }

// MarshalJSON writes what String returns.
func (h Hop) MarshalJSON() ([]byte, error) { return json.Marshal(h.String()) }

const (
	defaultRedirects = 10
	maxLocation      = 8 << 10
)

// RequestsRedirects are the rules of Python's requests: 30, also 302 turns every method but HEAD into GET, Authorization is
// kept from http to https on one host with the default ports, and https to http is followed.
func RequestsRedirects() Redirects {
	return Redirects{
		Max: 30, Downgrade: true,
		Method: func(status int, method string) string {
			if status == http.StatusFound && method != http.MethodHead {
				return http.MethodGet
			}
			return fetchMethod(status, method)
		},
		Keep: func(from, to *url.URL, header string) bool {
			a, b := originOf(from), originOf(to)
			return header == "Authorization" && a == origin{"http", b.host, "80"} && b == origin{"https", a.host, "443"}
		},
	}
}

// AiohttpRedirects are the rules of Python's aiohttp: the default ones, but that the tenth redirect is an error already.
func AiohttpRedirects() Redirects { return Redirects{Max: defaultRedirects - 1} }

// WithRedirects changes how redirects are followed, field by field. SameOrigin and Downgrade of a farther level
// cannot be taken back.
func WithRedirects(r Redirects) Option {
	return anyOption(func(s *settings) error {
		s.redirects = r.over(s.redirects)
		s.redirectsSet = true
		return nil
	})
}

// over returns r on top of base, field by field. What a farther level refuses or allows stays so.
func (r Redirects) over(base Redirects) Redirects {
	r.Max = nearer(r.Max, base.Max)
	if r.Method == nil {
		r.Method = base.Method
	}
	if r.Target == nil {
		r.Target = base.Target
	}
	if r.Keep == nil {
		r.Keep = base.Keep
	}
	if r.Check == nil {
		r.Check = base.Check
	}
	r.SameOrigin = r.SameOrigin || base.SameOrigin
	r.Downgrade = r.Downgrade || base.Downgrade
	return r
}

// fetchMethod is the default rule.
func fetchMethod(status int, method string) string {
	switch {
	case status == http.StatusSeeOther && method != http.MethodHead,
		(status == http.StatusMovedPermanently || status == http.StatusFound) && method == http.MethodPost:
		return http.MethodGet
	}
	return method
}

// location is the default target.
func location(resp *http.Response) string {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location")
	}
	return ""
}

// follow answers where resp leads: to the next request, or nowhere (nil), or to an error.
func (c *call) follow(resp *http.Response) (*outgoing, *CallError) {
	rules := &c.settings.redirects
	target := c.target(resp)
	if target == "" {
		return nil, nil
	}
	limit := nearer(rules.Max, defaultRedirects)
	if len(c.redirects) >= limit {
		return nil, refusal("more than %d redirects (Redirects.Max)", limit)
	}
	u, err := redirectURL(c.at.url, target)
	if err == nil {
		err = rules.check(c.at.url, u, slices.Clip(c.redirects))
	}
	if err != nil {
		return nil, fail(ErrTransport, KindRedirect, nested(err))
	}
	next, err := c.at.redirected(resp.StatusCode, u, rules)
	if err != nil {
		return nil, fail(ErrTransport, KindRedirect, err)
	}
	next.hidePath(c.at, target)
	c.redirects, c.challenge = append(c.redirects, Hop{c.at.method, c.shownURL(c.at.url), resp.StatusCode, resp.Header}), nil
	return next, nil
}

func refusal(format string, args ...any) *CallError {
	return failf(ErrTransport, KindRedirect, format, args...)
}

// target is where an answer leads by the call's rules, "" for nowhere.
func (c *call) target(resp *http.Response) string {
	rules := &c.settings.redirects
	switch {
	case rules.Max < 0, c.settings.upgrade != "", c.at.method == http.MethodHead && !c.settings.redirectsSet, c.settings.success.lists(resp.StatusCode):
		return ""
	case rules.Target != nil:
		return rules.Target(resp)
	}
	return location(resp)
}

// redirectURL resolves a Location and holds it to the rules for every URL from outside. Its length is bounded before it is parsed:
// resolving many dot segments takes quadratic time (GO-2026-6218).
func redirectURL(from *url.URL, location string) (*url.URL, error) {
	if len(location) > maxLocation {
		return nil, fmt.Errorf("the Location has %d bytes, the bound is %d", len(location), maxLocation)
	}
	if strings.ContainsAny(location, "\\\t\r\n") {
		return nil, errors.New("the Location holds a control character or a backslash")
	}
	ref, err := url.Parse(fixEscapes(strings.TrimSpace(location)))
	if err != nil {
		return nil, errors.New("the Location cannot be parsed")
	}
	if ref.Scheme != "" && ref.Host == "" {
		return nil, errors.New("the Location has a scheme and no host")
	}
	base := *from
	base.User = nil
	to := base.ResolveReference(ref)
	if to.Fragment == "" {
		to.Fragment, to.RawFragment = from.Fragment, from.RawFragment
	}
	u, err := parseURL(to.String())
	if err != nil {
		return nil, fmt.Errorf("the Location: %w", err)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = cleanQuery(u.RawQuery)
	return u, nil
}

// check holds a redirect to the policy.
func (r *Redirects) check(from, to *url.URL, history []Hop) error {
	a, b := originOf(from), originOf(to)
	switch {
	case a.scheme == "https" && b.scheme != "https" && !r.Downgrade:
		return errors.New("the redirect steps down from https to http (Redirects.Downgrade allows it)")
	case a != b && r.SameOrigin:
		return errors.New("the redirect leads to another origin, which Redirects.SameOrigin refuses")
	case r.Check != nil:
		return r.Check(to, history)
	}
	return nil
}

// redirected is the request that follows o.
func (o *outgoing) redirected(status int, to *url.URL, rules *Redirects) (*outgoing, error) {
	next := *o
	next.url, next.challenges = to, 0
	next.header = o.header.Clone()
	next.method = fetchMethod(status, o.method)
	if rules.Method != nil {
		next.method = cmp.Or(rules.Method(status, o.method), next.method)
	}
	crossing := originOf(to) != originOf(o.url)
	switch {
	case next.method != o.method:
		next.dropBody()
	case o.body.declared && o.body.length != 0 && crossing:
		return nil, errors.New("the redirect would send the body to another origin")
	case !o.body.again():
		return nil, fmt.Errorf("the redirect would send the body once more: %w", errBodyUsed)
	}
	if !crossing {
		return &next, next.credentials.atRedirect(to)
	}
	if o.credentials.shownBy(to) {
		return nil, errors.New("the redirect would take a credential of the path or the query to another origin")
	}
	next.leave(o.url, rules)
	return &next, nil
}

// hidePath keeps a path hidden that a relative Location continues: from shows it with [redacted] in place of its secrets.
func (o *outgoing) hidePath(from *outgoing, location string) {
	if from.credentials.hiddenPath == "" || o.home != from.home {
		return
	}
	seen := *from.url
	if setPath(&seen, from.credentials.clearPath) != nil {
		return
	}
	if u, err := redirectURL(&seen, location); err == nil && u.EscapedPath() != o.url.EscapedPath() {
		o.credentials.hiddenPath, o.credentials.clearPath = o.url.EscapedPath(), u.EscapedPath()
	}
}

// dropBody leaves a request without a body, and without what describes one (RFC 9110, section 15.4).
func (o *outgoing) dropBody() {
	o.body = payload{open: noBody}
	for name := range o.header {
		if strings.HasPrefix(name, "Content-") || name == "Expect" || name == "Trailer" {
			delete(o.header, name)
		}
	}
}

// harmless are the headers that go to any origin: they say what is wanted, not who wants it.
var harmless = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Accept-Charset": true, "User-Agent": true,
	"Range": true, "If-Match": true, "If-None-Match": true, "If-Modified-Since": true, "If-Unmodified-Since": true, "If-Range": true,
	"Last-Event-Id": true, // it comes from there
	"Cache-Control": true, "Pragma": true, "Prefer": true, "Content-Type": true, "Content-Encoding": true, "Content-Language": true,
	"Traceparent": true, "Tracestate": true,
}

// leave drops what stays at the origin that a request came from. It never comes back.
func (o *outgoing) leave(from *url.URL, rules *Redirects) {
	kept := credentials{}
	if rules.keeps(from, o.url, "Authorization") {
		kept.ticket = redirected(o.credentials.ticket)
	}
	for _, f := range o.credentials.fields {
		if f.In == bind.Header && rules.keeps(from, o.url, f.Name) || f.In == bind.Cookie && rules.keeps(from, o.url, "Cookie") {
			kept.fields = append(kept.fields, f)
		}
	}
	o.credentials, o.home, o.host = kept, originOf(o.url), o.url.Host
	for name, values := range o.header {
		if len(values) > 0 && !harmless[name] && !rules.keeps(from, o.url, name) {
			delete(o.header, name)
		}
	}
}

// keeps asks whether a header may go along. Down from https to http none may, whatever Keep says.
func (r *Redirects) keeps(from, to *url.URL, header string) bool {
	return r.Keep != nil && (from.Scheme != "https" || to.Scheme == "https") && r.Keep(from, to, header)
}

// lists reports whether a status stands in WithSuccess by itself.
func (s statuses) lists(code int) bool {
	for _, listed := range s {
		if listed == code {
			return true
		}
	}
	return false
}
