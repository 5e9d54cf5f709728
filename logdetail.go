package crest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// LogDetail says what the records of attempts, at Debug, show beside their usual attributes. The zero value is nothing.
type LogDetail struct {
	// Body is how many bytes of a body are shown, of the request's and of the answer's: 0 for none. It is shown in one line and without the
	// fields that [WithRedact] names; as [redacted] where its model has a [Secret], or its fields cannot be told apart. What is
	// not held in memory (readers, files, streams) is not shown.
	Body int
	// Headers are the names of the headers that are shown, of the request and of the answer. Those that can only hold credentials, such as Cookie, cannot be
	// named, and those of [Secret] values are never there. Of a URL, as in Location, the origin is shown.
	Headers []string
}

// hiddenHeaders are credentials in every API.
var hiddenHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization", "Proxy-Authenticate", "Set-Cookie", "Www-Authenticate", "Authentication-Info"}

// urlHeaders hold URLs.
var urlHeaders = []string{"Content-Location", "Link", "Location", "Referer", "Refresh"}

// WithLogDetail lets [WithLogger] show bodies and headers, as data to find a mistake by: they can hold what identifies people. The nearest
// level that gives it counts, so that an endpoint can show less than its client, or more.
func WithLogDetail(d LogDetail) Option {
	d.Headers = slices.Clone(d.Headers)
	return anyOption(func(s *settings) error {
		if d.Body < 0 {
			return fmt.Errorf("WithLogDetail: the field Body is %d, and negative", d.Body)
		}
		for i, name := range d.Headers {
			d.Headers[i] = http.CanonicalHeaderKey(name)
			if name == "" {
				return errors.New("WithLogDetail: a name in Headers is empty")
			}
			if slices.Contains(hiddenHeaders, d.Headers[i]) {
				return fmt.Errorf("WithLogDetail: the header %s holds credentials and is never shown", d.Headers[i])
			}
		}
		s.detail = &d
		return nil
	})
}

// looksForSecrets reports whether somebody has to know if a body holds a Secret in clear.
func (c *call) looksForSecrets() bool {
	return c.shown || c.away() || c.core.observed() && c.settings.detail != nil && c.settings.detail.Body > 0 || c.watched() && c.endpoint.sentSecrets().open
}

// watched reports whether there is a middleware, which could ask for a [Redaction].
func (c *call) watched() bool {
	return c.core.chain != nil || c.endpoint.chain != nil || len(c.extra) > 0
}

// detail is what is shown of an attempt because of [LogDetail].
func (c *call) detail(e attemptEnded) []slog.Attr {
	d := c.settings.detail
	if d == nil {
		return nil
	}
	at := &c.at.body
	attrs := []slog.Attr{c.headersShown("request_header", c.at.header)}
	if !at.streamed {
		attrs = append(attrs, c.bodyShown("request_body", at.bytes, at.contentType, at.secret))
	}
	if answer, ok := answered(e); ok {
		header := answer.Header
		attrs = append(attrs, c.headersShown("response_header", header), c.bodyShown("response_body", answer.Body, header.Get("Content-Type"), answer.hidden))
	}
	return attrs
}

// answered is the answer of an attempt, in the form of a failed one.
func answered(e attemptEnded) (answer *Error, ok bool) {
	if e.err != nil {
		return errors.AsType[*Error](e.err)
	}
	if e.answer == nil {
		return nil, false
	}
	return &Error{Header: e.answer.resp.Header, Body: e.answer.body, hidden: e.answer.call.endpoint.result.secret()}, true
}

func (c *call) headersShown(key string, from http.Header) slog.Attr {
	var shown []any
	for _, name := range c.settings.detail.Headers {
		values := from[name]
		switch {
		case len(values) == 0:
		case c.settings.redact.hides(name):
			shown = append(shown, slog.String(name, redacted))
		default:
			shown = append(shown, slog.String(name, safeText(headerText(name, values))))
		}
	}
	if shown == nil {
		return slog.Attr{}
	}
	return slog.Group(key, shown...)
}

// headerText is the value of a header. Of a URL it is the origin alone: path and query can be as secret as those of a call.
func headerText(name string, values []string) string {
	if !slices.Contains(urlHeaders, name) {
		return strings.Join(values, ", ")
	}
	if u, err := url.Parse(values[0]); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host + "/" + redacted
	}
	return redacted
}

func (c *call) bodyShown(key string, body []byte, contentType string, secret bool) slog.Attr {
	limit := c.settings.detail.Body
	if limit == 0 || len(body) == 0 {
		return slog.Attr{}
	}
	mediaType, _ := splitMediaType(contentType)
	shown, ok := c.settings.redact.body(body, mediaType)
	if secret || !ok {
		return slog.String(key, redacted)
	}
	return slog.String(key, capped(shown, limit))
}

// capped is the beginning of a body as one line.
func capped(body []byte, limit int) string {
	more := ""
	if n := len(body); n > limit {
		body, more = body[:limit], fmt.Sprintf("… (%d bytes)", n)
	}
	text := strings.ToValidUTF8(string(body), "\uFFFD")
	if !plain(text) {
		text = strconv.Quote(text)
	}
	return text + more
}
