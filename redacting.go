package crest

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// Redaction hides, in what a middleware writes down of a request and its answer, what crest's own texts hide: for recordings,
// audit logs and the like. What it returns can be shown to whoever may read the logs.
//
// A middleware sees no credentials; what is left is hidden here: the values of a query and of headers, but for those on an
// allow-list; the fields of bodies that are a [Secret] in their model; what [WithRedact] names. The texts that stand in their place
// are [redacted].
//
// The zero value hides as for a request that is no call's, of a client without WithRedact. A Redaction is a value, valid as long as it is kept, and
// safe for concurrent use.
type Redaction struct {
	of func() redactedCall // a function, since fmt prints what a pointer leads to where it does not know the verb
}

// redactedCall is what decides.
type redactedCall struct {
	rules       *redaction
	call        *call // nil for a request that is no call's
	body        secretFields
	credentials credentials
}

// RedactionOf returns the rules for a request that a middleware has got, and for its answer. A request of [RoundTripper] has the rules of its client. A middleware that replaced the request's context
// leaves none to be found, and gets the zero value.
func RedactionOf(req *http.Request) Redaction {
	h := hopOf(req.Context())
	if h == nil {
		return Redaction{}
	}
	of := redactedCall{rules: h.settings.redact, call: h.call, body: *foreignSecrets, credentials: *h.credentials}
	if h.call != nil {
		of.body = *h.call.endpoint.sentSecrets()
		of.body.unnamed = of.body.unnamed || of.body.open && h.call.at.body.secret
	}
	return Redaction{func() redactedCall { return of }}
}

// foreignSecrets are the fields that no model declares as Secrets where a request of another library fetches a token, asks about it or gives it back (RFC 6749, RFC 7009,
// RFC 7521, RFC 7523, RFC 7591, RFC 7636, RFC 7662, RFC 8628, RFC 8693, OpenID Connect Core and CIBA).
var foreignSecrets = &secretFields{names: []string{
	"access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "assertion", "password", "code", "code_verifier", "device_code",
	"token", "subject_token", "actor_token", "registration_access_token", "auth_req_id",
}}

func (r Redaction) parts() redactedCall {
	if r.of == nil {
		return redactedCall{body: *foreignSecrets}
	}
	return r.of()
}

// URL returns u without userinfo and fragment and with the values of its query hidden, but for a short list (limit, offset, page,
// page_size, per_page, api-version) and the names in show. WithRedact hides what it names, whatever show says, and so does a Secret of that name. A relative u
// stays one; a nil u gives "".
func (r Redaction) URL(u *url.URL, show ...string) string {
	if u == nil {
		return ""
	}
	of := r.parts()
	return of.url(u, show)
}

func (of *redactedCall) url(u *url.URL, show []string) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host}
	text := ""
	if u.Host != "" {
		text = shown.String()
	}
	text += of.credentials.hide(u.EscapedPath())
	show = slices.DeleteFunc(slices.Clone(show), func(name string) bool { return of.credentials.has(bind.Query, name) })
	if query := of.rules.queryWith(u.RawQuery, show); query != "" {
		text += "?" + query
	}
	return text
}

// RequestHeader returns a copy of a request's header with the values hidden but for those that say what is wanted, and not who
// wants it: Accept, Content-Type, User-Agent, If-None-Match and their like.
func (r Redaction) RequestHeader(h http.Header) http.Header {
	of := r.parts()
	return shownHeader(h, func(name, value string) (string, bool) {
		return value, harmless[name] && !of.rules.named(name)
	})
}

// ResponseHeader returns a copy of an answer's header with the values hidden but for an allow-list (of the representation, caching,
// limits, notices, ids of requests) and the fields of the response model that are no Secret. URLs in Location, Content-Location and Link stand as [Redaction.URL] shows
// them, with the names of their queries in show. Headers that hold credentials in every API, such as Set-Cookie, are always hidden.
func (r Redaction) ResponseHeader(h http.Header, show ...string) http.Header {
	of := r.parts()
	return shownHeader(h, func(name, value string) (string, bool) {
		reads, secret := of.declares(name)
		switch {
		case secret, slices.Contains(hiddenHeaders, name), of.rules.named(name):
			return "", false
		case name == "Location", name == "Content-Location":
			return of.reference(value, show)
		case name == "Link":
			return of.links(value, show)
		}
		return value, shownAnswer[name] || slices.Contains(requestIDHeaders[:], name) || reads
	})
}

// shownAnswer are the headers of an answer that speak of it, and not of who asked.
var shownAnswer = map[string]bool{
	"Accept-Patch": true, "Accept-Post": true, "Accept-Ranges": true, "Age": true, "Allow": true, "Cache-Control": true, "Content-Disposition": true,
	"Content-Encoding": true, "Content-Language": true, "Content-Length": true, "Content-Range": true, "Content-Type": true, "Date": true,
	"Deprecation": true, "Etag": true, "Expires": true, "Last-Modified": true, "Ratelimit": true, "Ratelimit-Limit": true, "Ratelimit-Policy": true,
	"Ratelimit-Remaining": true, "Ratelimit-Reset": true, "Retry-After": true, "Server": true, "Sunset": true, "Vary": true, "Warning": true,
	"X-Ratelimit-Limit": true, "X-Ratelimit-Remaining": true, "X-Ratelimit-Reset": true, "X-Content-Type-Options": true,
}

// declares says whether the response model has a header, and whether that is a Secret there.
func (of *redactedCall) declares(name string) (reads, secret bool) {
	if of.call == nil || of.call.endpoint.result.model == nil {
		return false, false
	}
	return of.call.endpoint.result.model.bind.ReadsHeader(name)
}

func shownHeader(h http.Header, shows func(name, value string) (string, bool)) http.Header {
	if h == nil {
		return nil
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, value := range values {
			shown, ok := shows(http.CanonicalHeaderKey(name), value)
			if !ok {
				shown = redacted
			}
			out[name] = append(out[name], shown)
		}
	}
	return out
}

// reference shows a URL that may be relative.
func (of *redactedCall) reference(value string, show []string) (string, bool) {
	u, err := url.Parse(fixEscapes(strings.TrimSpace(value)))
	if err != nil || u.Opaque != "" || len(value) > maxLocation {
		return "", false
	}
	return of.url(u, show), true
}

// links shows the targets of a Link header and their relation types.
func (of *redactedCall) links(value string, show []string) (string, bool) {
	var shown []string
	for p := (linkParser{rest: value}); p.next(); {
		target, ok := of.reference(p.target, show)
		if !ok {
			return "", false
		}
		text := "<" + target + ">"
		if rel, given := p.first("rel"); given && !strings.ContainsAny(rel, "\"\\?") {
			text += `; rel="` + rel + `"`
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, ", "), len(shown) > 0
}

// RequestBody returns what may be shown of a request's body, which was not compressed, by its Content-Type: JSON and forms without the
// fields that are a Secret in the request model and those of WithRedact. ok is false for a body that must not be shown, since some of it is to be hidden and cannot be told apart: of
// other media types, cut, a Secret in a map, in an any, behind a marshaler of the model's own. Of a request that is no call's, the parameters by which OAuth 2 hands out tokens are
// hidden. The body itself is not changed; it is returned as it is where nothing in it is hidden.
func (r Redaction) RequestBody(body []byte, contentType string) (shown []byte, ok bool) {
	of := r.parts()
	return of.shownBody(body, contentType, &of.body)
}

// ResponseBody is [Redaction.RequestBody] for the body of an answer, by the response model and the error models that its status can have. A
// stream is shown if it is JSON.
func (r Redaction) ResponseBody(status int, body []byte, contentType string) (shown []byte, ok bool) {
	of := r.parts()
	if of.call == nil {
		return of.shownBody(body, contentType, &of.body)
	}
	found := of.call.readSecrets(status)
	return of.shownBody(body, contentType, found)
}

func (of *redactedCall) shownBody(body []byte, contentType string, secrets *secretFields) ([]byte, bool) {
	if len(body) == 0 {
		return body, true
	}
	if secrets.unnamed {
		return nil, false
	}
	rules := redaction{secrets: secrets.names}
	if of.rules != nil {
		rules.names, rules.all = of.rules.names, of.rules.all
	}
	mediaType, _ := splitMediaType(contentType)
	shown, ok := rules.body(body, mediaType)
	if ok && !bytes.Contains(shown, []byte(redacted)) {
		return body, true
	}
	return shown, ok
}
