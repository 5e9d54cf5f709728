package crest

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The bounds on cookies. The jar counts a domain as what its owner registered (example.co.uk), so that subdomains do not multiply it.
const (
	maxCookiesPerAnswer = 50
	maxCookiesPerDomain = 150
	maxCookies          = 3000
	maxCookieSize       = 4096 // bytes of name and value
	maxCookieAttribute  = 1024 // bytes of a Domain, Path or date; a longer one is as if it were not there
	maxCookieLife       = 400 * 24 * time.Hour
)

// readSetCookies reads Set-Cookie lines as user agents do (RFC 6265bis, section 5.6), and counts the lines that it refuses. net/http's
// reader drops names that are no tokens, values that a server ought not to have sent, and dates in any form but its own.
func readSetCookies(lines []string) (cookies []*http.Cookie, refused int) {
	for _, line := range lines {
		if c := parseSetCookie(line); c != nil {
			cookies = append(cookies, c)
		} else {
			refused++
		}
	}
	return cookies, refused
}

// parseSetCookie reads one line; nil is a line that sets nothing. A cookie without a name is refused: what it is sent as can be read as
// another cookie's name.
func parseSetCookie(line string) *http.Cookie {
	pair, attributes, more := strings.Cut(line, ";")
	name, value, named := strings.Cut(pair, "=")
	c := &http.Cookie{Name: trimBlank(name), Value: trimBlank(value), Raw: line}
	if !named || hasControl(line) || !sendable(c.Name, c.Value) {
		return nil
	}
	if n := len(c.Value); n >= 2 && c.Value[0] == '"' && c.Value[n-1] == '"' {
		c.Value, c.Quoted = c.Value[1:n-1], true
	}
	for more {
		var attribute string
		attribute, attributes, more = strings.Cut(attributes, ";")
		readAttribute(c, trimBlank(attribute))
	}
	return c
}

// readAttribute takes one attribute over; of several with one name the last counts.
func readAttribute(c *http.Cookie, text string) {
	name, value, _ := strings.Cut(text, "=")
	name, value = trimBlank(name), trimBlank(value)
	if len(value) > maxCookieAttribute {
		return
	}
	switch strings.ToLower(name) {
	case "domain":
		c.Domain = value
	case "path":
		c.Path = value
	case "expires":
		if at, ok := parseCookieDate(value); ok {
			c.Expires, c.RawExpires = at, value
		}
	case "max-age":
		if age, ok := parseMaxAge(value); ok {
			c.MaxAge = age
		}
	case "samesite":
		c.SameSite = parseSameSite(value)
	case "secure":
		c.Secure = true
	case "httponly":
		c.HttpOnly = true
	case "partitioned":
		c.Partitioned = true
	default:
		if text != "" {
			c.Unparsed = append(c.Unparsed, text)
		}
	}
}

// parseMaxAge reads seconds as http.Cookie holds them: negative deletes.
func parseMaxAge(text string) (seconds int, ok bool) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 32)
	switch {
	case text[0] == '-' || err == nil && n == 0:
		return -1, true
	case err != nil:
		return math.MaxInt32, true
	}
	return int(n), true
}

func parseSameSite(text string) http.SameSite {
	switch strings.ToLower(text) {
	case "strict":
		return http.SameSiteStrictMode
	case "lax":
		return http.SameSiteLaxMode
	case "none":
		return http.SameSiteNoneMode
	}
	return http.SameSiteDefaultMode
}

// cookiePair is a cookie as a Cookie header has it, with the quotes that it came with and otherwise unchanged, because to its server it is
// opaque. It is "" for one that would be read as something else.
func cookiePair(c *http.Cookie) string {
	value := c.Value
	if c.Quoted {
		value = `"` + value + `"`
	}
	if !sendable(c.Name, value) {
		return ""
	}
	return c.Name + "=" + value
}

// sendable reports whether a Cookie header can hold the pair so that it is read back as the same pair.
func sendable(name, value string) bool {
	return printableASCII(name) && name != "" && !strings.ContainsAny(name, `"\,;=`) &&
		!hasControl(value) && !strings.Contains(value, ";")
}

// hasControl reports whether text has a control character other than a tab.
func hasControl(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

func trimBlank(text string) string { return strings.Trim(text, " \t") }
