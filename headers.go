package crest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// bindHeaders adds the headers and cookies of the options in the same way.
func (s *settings) bindHeaders(out *outgoing, parts *bind.Parts) {
	parts.Lines = slices.Grow(parts.Lines, len(s.headers)+automaticHeaders)
	if parts.Header == nil {
		parts.Header = make(http.Header, len(s.headers)+automaticHeaders)
	}
	out.header = parts.Header
	for i := range s.headers {
		f := &s.headers[i]
		if hasHeader(parts, f.name) && f.level < levelCall {
			continue
		}
		if f.level == levelCall {
			out.credentials.fields = dropSecrets(out.credentials.fields, bind.Header, f.name)
		}
		switch {
		case f.removed:
			out.header[f.name] = nil // stops what would be added later
			continue
		case f.secret:
			delete(out.header, f.name)
			out.credentials.fields = append(out.credentials.fields, bind.SecretPair{In: bind.Header, Name: f.name, Value: f.values[0]})
			continue
		}
		parts.SetHeader(f.name, f.values...)
	}
	s.bindCookies(out, parts)
}

func (s *settings) bindCookies(out *outgoing, parts *bind.Parts) {
	cookies := parts.Cookies
	for i := range s.cookies {
		f := &s.cookies[i]
		at := indexPair(cookies, f.name)
		if f.level == levelCall {
			out.credentials.fields = dropSecrets(out.credentials.fields, bind.Cookie, f.name)
		}
		switch {
		case f.level < levelCall && hasCookie(parts, f.name): // the model's own stays
		case f.removed:
			cookies = dropPair(cookies, f.name)
		case at >= 0:
			cookies[at].Value = f.values[0]
		default:
			cookies = append(cookies, bind.Pair{Name: f.name, Value: f.values[0]})
		}
	}
	out.setCookies(cookies)
}

// setCookies writes the Cookie header, after what WithHeader("Cookie", …) says; WithoutHeader("Cookie") means none at all.
func (o *outgoing) setCookies(cookies []bind.Pair) {
	lines, set := o.header["Cookie"]
	if set && len(lines) == 0 {
		o.credentials.fields = slices.DeleteFunc(o.credentials.fields, func(p bind.SecretPair) bool { return p.In == bind.Cookie })
		return
	}
	if len(cookies) == 0 {
		return
	}
	pairs := slices.Clone(lines)
	for _, p := range cookies {
		pairs = append(pairs, p.Name+"="+p.Value)
	}
	o.header["Cookie"] = []string{strings.Join(pairs, "; ")}
}

// userAgent names the library; an SDK puts its own product before it with WithHeader("User-Agent", …).
const userAgent = "crest/" + Version

// acceptEncoding are the content codings that crest decodes.
const acceptEncoding = "gzip, deflate"

// automaticHeaders is how many lines automatic is likely to add.
const automaticHeaders = 5

// automatic adds the headers that nobody has set or removed.
func (c *call) automatic(out *outgoing, parts *bind.Parts) error {
	h := out.header
	if host, ok := h["Host"]; ok {
		delete(h, "Host")
		if len(host) > 0 {
			if !validHost(host[0]) {
				return errors.New("the header Host is no host name with an optional port")
			}
			out.host = host[0]
		}
	}
	addHeader(parts, "User-Agent", userAgent)
	addHeader(parts, "Accept-Encoding", acceptEncoding)
	addHeader(parts, "Accept", c.endpoint.result.accept(c.settings))
	if c.wantsEvents() {
		addHeader(parts, "Cache-Control", "no-cache")
	}
	if out.body.contentType != "" {
		addHeader(parts, "Content-Type", out.body.contentType)
	}
	if err := out.body.named(h); err != nil {
		return err
	}
	if err := c.compress(out); err != nil {
		return err
	}
	if err := c.addKey(out, parts); err != nil {
		return err
	}
	if err := refuseTransportHeaders(h); err != nil {
		return err
	}
	c.settings.asksForUpgrade(h)
	return nil
}

// refuseTransportHeaders looks for the few names that are refused: ranging over a map takes several times as long.
func refuseTransportHeaders(h http.Header) error {
	for _, name := range bind.TransportHeaders {
		if _, set := h[name]; set {
			why, _ := bind.TransportHeader(name)
			return fmt.Errorf("the header %s cannot be set by hand: %s", name, why)
		}
	}
	return nil
}

// validHost is stricter than net/http, which sends an empty Host in place of one that it does not like.
func validHost(host string) bool {
	for i := range len(host) {
		c := host[i] | 0x20
		if (c < 'a' || c > 'z') && strings.IndexByte("0123456789.-_:[]", host[i]) < 0 {
			return false
		}
	}
	return host != ""
}

func addHeader(parts *bind.Parts, name, value string) {
	if _, ok := parts.Header[name]; !ok {
		parts.SetHeader(name, value)
	}
}
