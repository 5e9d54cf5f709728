package validate

import (
	"strings"
	"time"
)

// forms are rules about what a text looks like. Each says yes at most where the
// engine does; email and url know only the usual forms.
var forms = map[string]func(text, param string) bool{
	"alpha":         func(s, _ string) bool { return all(s, isLetter) },
	"alphanum":      func(s, _ string) bool { return all(s, isLetterOrDigit) },
	"number":        func(s, _ string) bool { return all(s, isDigit) },
	"numeric":       func(s, _ string) bool { return isNumeric(s) },
	"hexadecimal":   func(s, _ string) bool { return all(without0x(s), isHex) },
	"lowercase":     func(s, _ string) bool { return s != "" && s == strings.ToLower(s) },
	"uppercase":     func(s, _ string) bool { return s != "" && s == strings.ToUpper(s) },
	"contains":      strings.Contains,
	"startswith":    strings.HasPrefix,
	"endswith":      strings.HasSuffix,
	"datetime":      func(s, layout string) bool { _, err := time.Parse(layout, s); return err == nil },
	"uuid":          func(s, _ string) bool { return isUUID(s) },
	"uuid_rfc4122":  func(s, _ string) bool { return isUUID(s) },
	"uuid4":         func(s, _ string) bool { return isUUID4(s) && s == strings.ToLower(s) },
	"uuid4_rfc4122": func(s, _ string) bool { return isUUID4(s) },
	"email":         func(s, _ string) bool { return isUsualEmail(s) },
	"url":           func(s, _ string) bool { return isUsualURL(s) },
	"http_url":      func(s, _ string) bool { return isUsualURL(s) },
}

func isLetter(c byte) bool        { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool         { return '0' <= c && c <= '9' }
func isLetterOrDigit(c byte) bool { return isLetter(c) || isDigit(c) }
func isHex(c byte) bool           { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// all reports whether s has bytes and each of them is in a class.
func all(s string, in func(byte) bool) bool {
	for i := range len(s) {
		if !in(s[i]) {
			return false
		}
	}
	return s != ""
}

func without0x(s string) string {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		return s[2:]
	}
	return s
}

func isNumeric(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole, fraction, hasFraction := strings.Cut(s, ".")
	return all(whole, isDigit) && (!hasFraction || all(fraction, isDigit))
}

// isUUID wants 8-4-4-4-12 hexadecimal digits.
func isUUID(s string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		if s[i] != '-' && !isHex(s[i]) || (s[i] == '-') != (form[i] == '-') {
			return false
		}
	}
	return true
}

func isUUID4(s string) bool {
	return isUUID(s) && s[14] == '4' && strings.IndexByte("89abAB", s[19]) >= 0
}

// isUsualEmail wants words with dots between them, @, and a domain name with a dot.
func isUsualEmail(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	at := strings.LastIndexByte(domain, '.')
	if !found || at < 0 || !all(domain[at+1:], isLetter) {
		return false
	}
	return allParts(local, func(word string) bool { return all(word, isWord) }) && allParts(domain[:at], isLabel)
}

// allParts reports whether each of the parts between dots is in order.
func allParts(s string, ok func(part string) bool) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !ok(part) {
			return false
		}
	}
	return true
}

// isWord knows the characters of an atom (RFC 5322, section 3.2.3).
func isWord(c byte) bool {
	return isLetterOrDigit(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isLabel(s string) bool {
	return all(s, isLabelByte) && s[0] != '-' && s[len(s)-1] != '-'
}

func isLabelByte(c byte) bool { return isLetterOrDigit(c) || c == '-' }

// isUsualURL wants http or https, a host of letters, digits, dots and hyphens,
// perhaps a port, and then visible ASCII with whole escapes.
func isUsualURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, port, hasPort := strings.Cut(rest[:end], ":")
	return ok && allParts(host, isLabel) && (!hasPort || all(port, isDigit)) && isVisible(rest[end:])
}

func isVisible(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ', c >= 0x7f:
			return false
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return false
		}
	}
	return true
}
