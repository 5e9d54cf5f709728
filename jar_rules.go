package crest

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// place is where cookies come from or go to: what counts of a URL.
type place struct {
	host, path string // in the one spelling that the jar compares
	site       string // what the owner of the host registered
	ip, secure bool
}

// placeOf reads a URL; false is one that has no cookies.
func placeOf(u *url.URL) (place, bool) {
	if u == nil {
		return place{}, false
	}
	scheme := strings.ToLower(u.Scheme)
	p := place{path: u.EscapedPath(), secure: scheme == "https" || scheme == "wss"}
	if !p.secure && scheme != "http" && scheme != "ws" {
		return place{}, false
	}
	var ok bool
	if p.host, p.ip, ok = cookieHost(u.Hostname()); ok {
		p.site = siteOf(p.host, p.ip)
	}
	return p, ok
}

// cookieHost spells a host in the way in which hosts are compared: lower case, ASCII, no trailing dot. Two spellings of one host
// must not be two hosts, nor may one have other rules than the other (CVE-2014-3620, CVE-2022-27779 and CVE-2023-46218 in curl).
func cookieHost(host string) (spelled string, ip, ok bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), true, addr.Zone() == ""
	}
	spelled, err := asciiHost(&url.URL{Host: host})
	if err != nil || strings.Trim(spelled, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", false, false
	}
	return spelled, false, true
}

// siteOf is the domain that its owner registered, the host itself where there is none above it.
func siteOf(host string, ip bool) string {
	if ip {
		return host
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return site
}

// publicSuffix reports whether anyone can register names below domain. One label alone counts as such.
func publicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// scope says for which domain a Domain attribute asks, and whether for that host alone (RFC 6265bis, section 5.7).
func (p place) scope(attribute string) (domain string, hostOnly, ok bool) {
	if attribute == "" || len(attribute) > maxCookieAttribute || strings.HasSuffix(attribute, ".") {
		return p.host, true, true
	}
	domain, ip, ok := cookieHost(strings.TrimPrefix(attribute, "."))
	switch {
	case !ok:
		return "", false, false
	case domain == p.host && (ip || publicSuffix(domain)):
		return domain, true, true
	}
	return domain, false, !ip && !p.ip && !publicSuffix(domain) && domainMatches(p.host, domain)
}

// domainMatches reports whether host is domain or below it. Neither is an IP address.
func domainMatches(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// cookiePath is what a Path attribute means for a cookie from p: one that is no path stands for the folder of the request.
func (p place) cookiePath(attribute string) string {
	if strings.HasPrefix(attribute, "/") && len(attribute) <= maxCookieAttribute {
		return attribute
	}
	if end := strings.LastIndexByte(p.path, '/'); end > 0 && p.path[0] == '/' {
		return p.path[:end]
	}
	return "/"
}

// pathMatches reports whether a request for path is at or below the path of a cookie.
func pathMatches(path, cookie string) bool {
	if path == "" {
		path = "/"
	}
	rest, ok := strings.CutPrefix(path, cookie)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(cookie, "/"))
}

// accept makes of what a server at p sets what the jar keeps; false refuses it.
func (p place) accept(c *http.Cookie, now time.Time) (*kept, bool) {
	if c == nil || c.Secure && !p.secure {
		return nil, false
	}
	domain, hostOnly, ok := p.scope(c.Domain)
	k := newKept(c, domain, p.cookiePath(c.Path), now)
	k.hostOnly = hostOnly
	hostPrefix := c.Domain == "" && c.Path == "/"
	return k, ok && k.valid() && k.prefixHolds(hostPrefix)
}

// newKept takes over what is kept of a cookie. The texts are copied: they are pieces of a header line, which can be of any length.
func newKept(c *http.Cookie, domain, path string, now time.Time) *kept {
	return &kept{Cookie: &http.Cookie{
		Name: strings.Clone(c.Name), Value: strings.Clone(c.Value), Quoted: c.Quoted,
		Domain: strings.Clone(domain), Path: strings.Clone(path), Expires: deadline(c, now),
		Secure: c.Secure, HttpOnly: c.HttpOnly, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}}
}

// deadline is when a cookie ends, zero for one that ends with the session. Max-Age goes before Expires.
func deadline(c *http.Cookie, now time.Time) time.Time {
	latest := now.Add(maxCookieLife)
	switch {
	case c.MaxAge < 0:
		return time.Unix(0, 0).UTC()
	case c.MaxAge > 0 && c.MaxAge < int(maxCookieLife/time.Second):
		return now.Add(time.Duration(c.MaxAge) * time.Second).UTC()
	case c.MaxAge > 0 || c.Expires.After(latest):
		return latest.UTC()
	}
	return c.Expires.UTC()
}

// valid reports whether the cookie can be sent, and is of a size that is kept.
func (k *kept) valid() bool {
	return cookiePair(k.Cookie) != "" && len(k.Name)+len(k.Value) <= maxCookieSize &&
		printableASCII(strings.ReplaceAll(k.Path, " ", "")) // no request has another path
}

// prefixHolds reports whether the cookie is what its name promises. atHost says that it is for one host and all of its paths.
func (k *kept) prefixHolds(atHost bool) bool {
	switch name := strings.ToLower(k.Name); {
	case strings.HasPrefix(name, "__host-"):
		return k.Secure && atHost
	case strings.HasPrefix(name, "__secure-"):
		return k.Secure
	}
	return true
}

// sentTo reports whether the cookie goes to p.
func (k *kept) sentTo(p place) bool {
	if k.Secure && !p.secure || !pathMatches(p.path, k.Path) {
		return false
	}
	return k.shared || k.Domain == p.host || !k.hostOnly && !p.ip && domainMatches(p.host, k.Domain)
}

// shields reports whether a cookie that came over a plain connection would hide k, or put itself in its place
// (RFC 6265bis: leave secure cookies alone).
func (k *kept) shields(from *kept) bool {
	return k.Secure && k.Name == from.Name && pathMatches(from.Path, k.Path) &&
		(domainMatches(k.Domain, from.Domain) || domainMatches(from.Domain, k.Domain))
}

func (k *kept) expired(now time.Time) bool { return !k.Expires.IsZero() && !k.Expires.After(now) }
