package bind

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// ValidToken reports whether s is a token (RFC 9110, section 5.6.2), which
// methods, header names and cookie names must be. The empty string is none.
func ValidToken(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// CheckHeader says why name and value can't be a header field: a name that is
// no token, a control character in the value, white space around it. The error
// names the header and never holds the value (R20).
func CheckHeader(name, value string) error {
	if !ValidToken(name) {
		return fmt.Errorf("header name %q is not a token: use letters, digits and -", name)
	}
	if problem := headerProblem(value); problem != "" {
		return fmt.Errorf("the value of header %s %s", name, problem)
	}
	return nil
}

// TransportHeader reports whether a request header, named in any case, is
// refused because the transport writes it, and why: set by hand it would
// contradict the body's framing (RFC 9112, section 6.3) or hand a proxy's
// password to the server (RFC 9110, section 11.7.2). It is safe for concurrent use.
func TransportHeader(name string) (why string, refused bool) {
	why, refused = transportHeaders[http.CanonicalHeaderKey(name)]
	return why, refused
}

var transportHeaders = map[string]string{
	"Content-Length":      "crest writes it from the body",
	"Transfer-Encoding":   "crest writes it from the body",
	"Proxy-Authorization": "it belongs to the proxy's hop alone",
}

// TransportHeaders are the names that [TransportHeader] refuses, in their canonical form.
var TransportHeaders = slices.Sorted(maps.Keys(transportHeaders))

func headerProblem(value string) string {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7F {
			return "holds a control character, which could start another header: take it out or encode it"
		}
	}
	if value != "" && (isBlank(value[0]) || isBlank(value[len(value)-1])) {
		return "begins or ends with white space, which the server would not see: trim it"
	}
	return ""
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// CheckCookie says why name and value can't be a cookie of RFC 6265, section
// 4.1.1: a name that is no token, or a value with anything but cookie-octets
// (a pair of double quotes around them is fine). Spaces, commas, semicolons and
// backslashes are refused, where net/http would quote or drop them silently.
// The error never holds the value.
func CheckCookie(name, value string) error {
	if !ValidToken(name) {
		return fmt.Errorf("cookie name %q is not a token: use letters, digits, - and _", name)
	}
	if problem := cookieProblem(value); problem != "" {
		return errors.New("the value of cookie " + name + " " + problem)
	}
	return nil
}

func cookieProblem(value string) string {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7F || strings.IndexByte(`",;\`, c) >= 0 {
			return "holds a character that a cookie can't carry (space, control, quote, comma, semicolon, backslash or non-ASCII): encode it, or use style=form"
		}
	}
	return ""
}
