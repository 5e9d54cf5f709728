package crest

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// origin is (scheme, host, port) in one spelling: host in lower case, in ASCII, without a trailing dot,
// an IPv6 address in its short form, the port always there. Origins are compared for equality, never by suffix (RFC 6454, section 4).
type origin struct{ scheme, host, port string }

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func originOf(u *url.URL) origin {
	o := origin{strings.ToLower(u.Scheme), strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()}
	if o.port == "" {
		o.port = defaultPorts[o.scheme]
	}
	if strings.Contains(o.host, ":") {
		if addr, err := netip.ParseAddr(o.host); err == nil {
			o.host = addr.String() // RFC 5952
		}
	}
	return o
}

// loopback reports whether o is this machine, where plain http shows credentials to nobody.
func (o origin) loopback() bool {
	if o.host == "localhost" || strings.HasSuffix(o.host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	addr, err := netip.ParseAddr(o.host)
	return err == nil && addr.IsLoopback()
}

// plain reports whether what is sent to o can be read on the way.
func (o origin) plain() bool { return o.scheme != "https" && !o.loopback() }

// parseURL reads an absolute http or https URL, with the host in ASCII. It holds no credentials.
func parseURL(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("the URL is empty: give one such as https://api.example.com/v1")
	}
	if strings.ContainsAny(text, "\\\t\r\n") {
		return nil, errors.New("the URL holds a control character or a backslash")
	}
	if hostAndPort(text) {
		return nil, errNoScheme
	}
	u, err := url.Parse(fixEscapes(text))
	if err != nil {
		return nil, errors.New("the URL cannot be parsed: look at its host, its port and its percent signs") // net/url quotes the part, which may be a password
	}
	if err := checkParsed(u); err != nil {
		return nil, err
	}
	host, err := asciiHost(u)
	u.Host = strings.TrimSuffix(host, ":"+defaultPorts[u.Scheme]) // as browsers write Host
	return u, err
}

// hostAndPort tells "localhost:8080/x" from a URL: what net/url takes for a scheme, or refuses, is a host.
func hostAndPort(text string) bool {
	_, rest, ok := strings.Cut(text, ":")
	return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

var errNoScheme = errors.New("the URL has no scheme: begin it with https://")

func checkParsed(u *url.URL) error {
	switch {
	case u.Scheme == "":
		return errNoScheme
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("the scheme %q is neither http nor https", u.Scheme)
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("the URL has no host")
	case u.User != nil:
		return errors.New("the URL holds credentials: take them out (url.Parse, u.User) and give them with WithBasic")
	case !validPort(u.Port()):
		return errors.New("the port is not a number up to 65535")
	case strings.Contains(u.Hostname(), "%"):
		return errors.New("the host has an IPv6 zone, which is refused")
	}
	return nil
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n <= 65535
}

// asciiHost returns host and port as they go on the wire.
func asciiHost(u *url.URL) (string, error) {
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return u.Host, nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil && !printableASCII(host) {
		return "", fmt.Errorf("the host name %q is not valid", host)
	}
	if err != nil {
		ascii = strings.ToLower(strings.TrimSuffix(host, "."))
	}
	if err := checkHost(ascii); err != nil {
		return "", err
	}
	if port := u.Port(); port != "" {
		ascii += ":" + port
	}
	return ascii, nil
}

// checkHost refuses names that cannot be looked up, before a resolver is asked.
func checkHost(host string) error {
	for _, label := range strings.Split(host, ".") {
		if label == "" || label == "*" {
			return fmt.Errorf("the host name %q has an empty label or a wildcard", host)
		}
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return fmt.Errorf("the host %q is a number but no IP address: write it with four parts", host)
	}
	return nil
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// fixEscapes encodes a space and a percent sign that begins no escape, as browsers do. In a host, both stay an error.
func fixEscapes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch {
		case s[i] == ' ':
			b.WriteString("%20") // net/http would write it into the request line as it is
		case s[i] == '%' && (i+2 >= len(s) || !ishex(s[i+1]) || !ishex(s[i+2])):
			b.WriteString("%25")
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func ishex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
