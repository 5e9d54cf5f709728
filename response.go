package crest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Response is what [Endpoint.Do] returns: the model and everything else about the answer. Its methods only
// look; its maps and slices belong to the caller.
type Response[Res any] struct {
	Model         Res           // the response model
	StatusCode    int           // 200
	Status        string        // "200 OK", with the server's own phrase where it sent one
	Proto         string        // "HTTP/1.1", "HTTP/2.0"
	Header        http.Header   // of the answer
	Body          []byte        // decompressed, as it was decoded; nil when the caller reads it or the model is Empty
	Method        string        // of the request that was answered
	URL           *url.URL      // of that request, without credentials, with the fragment of [WithURL] or of the last Location that had one
	RequestHeader http.Header   // of that request, without credentials
	RequestID     string        // X-Request-Id or the like
	Attempts      []Attempt     // oldest first; the last is this answer
	History       []Hop         // the answers that led to this one, oldest first: redirects, and the 401 that it answers
	Received      time.Time     // when the header was there
	Elapsed       time.Duration // from sending to the end of the body (to its header when the caller reads it)
}

func newResponse[Res any](a *answer, model Res) *Response[Res] {
	u := *a.at.url
	status := a.resp.Status
	if status == "" {
		status = statusText(a.resp.StatusCode)
	}
	return &Response[Res]{
		Model: model, StatusCode: a.resp.StatusCode, Status: status, Proto: a.resp.Proto,
		Header: a.resp.Header, Body: a.body, Method: a.at.method, URL: &u, RequestHeader: visible(a.at.header),
		RequestID: requestID(a.resp.Header), Attempts: slices.Clone(a.call.attempts), History: a.call.history(), Received: a.received, Elapsed: a.elapsed,
	}
}

// Cookies returns what Set-Cookie brought.
func (r *Response[Res]) Cookies() []*http.Cookie {
	cookies, _ := readSetCookies(r.Header["Set-Cookie"])
	return cookies
}

// ContentType returns the media type in lower case, "application/octet-stream" when the answer names none
// that can be read (RFC 9110, section 8.3), and its charset parameter or "".
func (r *Response[Res]) ContentType() (mediaType, charset string) {
	mediaType, charset = splitMediaType(r.Header.Get("Content-Type"))
	if !strings.Contains(mediaType, "/") {
		mediaType = octets
	}
	return mediaType, charset
}

// Location returns the Location header, resolved against the URL of the request, or "" when there is none or
// it is longer than 8 KiB.
func (r *Response[Res]) Location() string {
	text := r.Header.Get("Location")
	if text == "" {
		return ""
	}
	return resolve(r.URL, text)
}

// RetryAfter returns how long the server asks to wait before the next request, 0 where it does not (RFC 9110, section 10.2.3): as an
// accepted operation does that is asked for again later.
func (r *Response[Res]) RetryAfter() time.Duration { return retryAfter(r.Header, r.Received) }

// Links returns the links of the Link headers by RFC 8288, targets resolved against the URL of the request.
// A link with several relation types appears once for each.
func (r *Response[Res]) Links() []Link { return parseLinks(r.Header["Link"], r.URL) }

// String returns the status, quoted and capped where the server's phrase is not plain.
func (r Response[Res]) String() string { return safeText(r.Status) }

// Format prints the status under every verb: headers and body can hold what no log may have.
func (r Response[Res]) Format(f fmt.State, verb rune) { formatError(f, verb, r.String()) }

// MarshalJSON writes the status alone, as a log of any value does: what is to be kept of an answer is in its Model, its Body, its Header.
func (r Response[Res]) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }

// resolve returns an absolute URL for a reference from an answer, or "" when it is none or longer
// than any honest one: resolving many dot segments takes quadratic time (GO-2026-6218).
func resolve(base *url.URL, reference string) string {
	if len(reference) > maxLink {
		return ""
	}
	ref, err := url.Parse(reference)
	if err != nil || base == nil {
		return ""
	}
	return base.ResolveReference(ref).String()
}
