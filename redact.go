package crest

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// redacted is what stands in place of a secret, everywhere.
const redacted = "[redacted]"

// quotedBytes is how much of what a server sent stands in a message.
const quotedBytes = 256

// shownQuery are the query keys whose values may be seen in errors: they steer, they do not identify.
var shownQuery = map[string]bool{
	"api-version": true, "limit": true, "offset": true, "page": true, "page_size": true, "per_page": true,
}

// redactURL returns u without userinfo and fragment and with the values of the query hidden.
func redactURL(u *url.URL) string { return (*redaction)(nil).url(u) }

// shownURL is redactURL by the rules of the call.
func (c *call) shownURL(u *url.URL) string {
	if c.settings == nil {
		return redactURL(u)
	}
	return c.settings.redact.url(u)
}

// excerpt quotes the beginning of what a server sent.
func excerpt(body []byte) string {
	cut := len(body) > quotedBytes
	if cut {
		body = body[:quotedBytes]
	}
	text := strconv.Quote(strings.ToValidUTF8(string(body), "\uFFFD"))
	if cut {
		text += "…"
	}
	return text
}

// quoteBody is how a body stands in a message, behind what is wrong with it. hidden is of one whose model has a Secret.
func (r *redaction) quoteBody(body []byte, contentType string, hidden bool) string {
	if len(body) == 0 {
		return ""
	}
	if hidden {
		return " (the body is not shown: its model has a Secret)"
	}
	mediaType, _ := splitMediaType(contentType)
	shown, ok := r.body(body, mediaType)
	if !ok {
		return " (the body is not shown: WithRedact hides it, or fields that cannot be found in it)"
	}
	return ": " + excerpt(shown)
}

// safeText returns s as it is when it is short and printable, else quoted and capped:
// an error model may hold whatever the server sent.
func safeText(s string) string {
	if len(s) <= quotedBytes && plain(s) {
		return s
	}
	return excerpt([]byte(s))
}

// messageBytes is how long the cause of an error may be in its message where a server can have had a hand in it.
const messageBytes = 4 * quotedBytes

// oneLine returns the text of a foreign error, such as net/http's, as one line of printable text: it may hold
// what a server sent (CVE-2026-42507).
func oneLine(text string) string {
	if len(text) <= messageBytes && plain(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case b.Len() >= messageBytes:
			return b.String() + "…"
		case r == '\n':
			b.WriteString("; ")
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// plain reports whether s can stand in a message unquoted.
func plain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}
