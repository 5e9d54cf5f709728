package crest

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// WithCookieJar keeps cookies between calls: what an answer sets, that of a redirect too, goes out with the requests
// that it is for. Without a jar no cookie is kept. The jar's cookies are attached below the middleware, beside those of the call, which win
// over a cookie of the same name; WithoutHeader("Cookie") sends none. A call that [WithURL] leads to another origin neither sends nor keeps
// any. The jar belongs to the caller; a [Jar], and net/http/cookiejar's, is safe for concurrent use. nil is a mistake.
func WithCookieJar(jar http.CookieJar) ClientOption {
	return clientOption(func(s *settings) error {
		if isNil(jar) {
			return errors.New("WithCookieJar: the jar is nil: leave the option out to keep no cookies")
		}
		s.client.jar = jar
		return nil
	})
}

// jar is where the cookies of a hop are kept, nil for nowhere.
func (h *hop) jar() http.CookieJar {
	if h.settings.bare {
		return nil
	}
	return h.core.jar
}

// withJar returns req with the cookies that the jar has for its URL.
func (h *hop) withJar(req *http.Request) *http.Request {
	jar := h.jar()
	if jar == nil {
		return req
	}
	own, set := req.Header["Cookie"]
	if set && len(own) == 0 {
		return req // the call wants none at all
	}
	pairs := slices.Clone(own)
	for _, cookie := range jar.Cookies(h.cookieURL(req)) {
		if pair := cookiePair(cookie); pair != "" && !sendsCookie(own, cookie.Name) && !h.credentials.hasCookie(cookie.Name) {
			pairs = append(pairs, pair)
		}
	}
	if len(pairs) == len(own) {
		return req
	}
	req = req.Clone(req.Context())
	req.Header["Cookie"] = []string{strings.Join(pairs, "; ")}
	return req
}

// sendsCookie reports whether one of the lines of a Cookie header has a cookie of that name.
func sendsCookie(lines []string, name string) bool {
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if have, _, _ := strings.Cut(strings.TrimSpace(pair), "="); have == name {
				return true
			}
		}
	}
	return false
}

// hasCookie reports whether a cookie of that name will be attached.
func (c *credentials) hasCookie(name string) bool {
	return slices.ContainsFunc(c.fields, func(f bind.SecretPair) bool { return f.In == bind.Cookie && f.Name == name })
}

// keepCookies stores what an answer sets.
func (h *hop) keepCookies(req *http.Request, resp *http.Response) {
	if jar := h.jar(); jar != nil && len(resp.Header["Set-Cookie"]) > 0 {
		cookies, refused := readSetCookies(resp.Header["Set-Cookie"])
		h.refusedCookies(req.URL.Host, refused)
		jar.SetCookies(h.cookieURL(req), cookies)
	}
}

// cookieURL is where the cookies of a request come from and go to: paths divide cookies, so it has the one that is sent.
func (h *hop) cookieURL(req *http.Request) *url.URL {
	if h.credentials.hiddenPath == "" {
		return req.URL
	}
	u := *req.URL
	_ = setPath(&u, h.credentials.clearPath) // which is well escaped: it was set before
	return &u
}
