package crest

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpguts"
)

// proxyWay is how one request goes: by which proxy, if any, and with which answer to it. It lies in the request's context: net/http
// asks for the proxy anew at each of its own replays, and credentials are for the one that was chosen.
type proxyWay struct {
	proxies *proxies
	url     *url.URL // of the proxy, as it was chosen; nil for none
	err     error
	tunnel  bool           // to the server: the proxy answers CONNECT, not the request
	account *proxyAccount  // nil before the proxy asked for Digest
	session *digestSession // the challenge that is answered; nil for one that was answered before
	answers int            // how many challenges the request has answered
}

type wayKey struct{}

// wayOf finds the way of a request in its context, or in that of a dial for it.
func wayOf(ctx context.Context) *proxyWay {
	w, _ := ctx.Value(wayKey{}).(*proxyWay)
	return w
}

// way chooses the proxy of a request. It is nil in a client that has none.
func (p *proxies) way(req *http.Request) *proxyWay {
	if p == nil || p.choose == nil {
		return nil
	}
	w := &proxyWay{proxies: p, tunnel: req.URL.Scheme != "http"}
	w.url, w.err = p.find(req)
	if w.asUser() {
		w.account = p.account(w.url)
	}
	return w
}

// asUser reports whether the way is by an HTTP proxy whose URL names a user.
func (w *proxyWay) asUser() bool {
	return w != nil && w.url != nil && w.url.User != nil && (w.url.Scheme == "http" || w.url.Scheme == "https")
}

// begin returns req, which is a copy, as it goes this way.
func (w *proxyWay) begin(req *http.Request) *http.Request {
	if w == nil {
		return req
	}
	req = req.WithContext(context.WithValue(req.Context(), wayKey{}, w))
	if w.account != nil && !w.tunnel {
		req.Header = req.Header.Clone()
		w.err = w.authorize(req)
	}
	return req
}

// authorize is for a proxy that reads the request itself. It changes the header of req in place.
func (w *proxyWay) authorize(req *http.Request) error {
	value, err := w.answer(absoluteURI(req), req)
	if value != "" {
		req.Header.Set("Proxy-Authorization", value)
	}
	return err
}

// replayed answers anew for a replay of net/http's own, which has the header of the first try: no nonce count is sent twice.
func (w *proxyWay) replayed(req *http.Request) {
	if w != nil && w.account != nil && !w.tunnel {
		_ = w.authorize(req) // what could be answered once can be answered again
	}
}

// answer is the value of Proxy-Authorization; "" where no challenge was met.
func (w *proxyWay) answer(uri string, req *http.Request) (string, error) {
	s := w.session
	if s == nil {
		s = w.account.digest.current(w.account.home)
	}
	if s == nil {
		return "", nil
	}
	value, err := s.authorization(w.account.digest, uri, req)
	if err != nil {
		return "", &proxyMistake{err}
	}
	return value, nil
}

// absoluteURI is the target of a request to a proxy, as net/http writes it (RFC 9112, section 3.2.2).
func absoluteURI(req *http.Request) string {
	host := nearer(req.Host, req.URL.Host)
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil {
		host = ascii
	}
	return req.URL.Scheme + "://" + host + req.URL.RequestURI()
}

// forNetHTTP is the proxy's URL as net/http gets it: without the user, of whom it would make Basic, where Digest is spoken; and as
// one of http where the dialer sees to TLS. The fragment is never sent and keeps their connections apart.
func (w *proxyWay) forNetHTTP() (*url.URL, error) {
	if w.err != nil || w.url == nil || w.account == nil && !w.secure() {
		return w.url, w.err
	}
	u := *w.url
	if w.account != nil {
		u.User = nil
	}
	if w.secure() {
		u.Scheme, u.Fragment = "http", "tls"
		u.Host = net.JoinHostPort(u.Hostname(), nearer(u.Port(), defaultPorts["https"]))
	}
	return &u, nil
}

// secure reports whether the proxy itself is reached over TLS.
func (w *proxyWay) secure() bool { return w != nil && w.url != nil && w.url.Scheme == "https" }

// connectHeader is what a CONNECT says.
func connectHeader(ctx context.Context, _ *url.URL, target string) (http.Header, error) {
	w := wayOf(ctx)
	if w == nil || w.account == nil {
		return nil, nil
	}
	value, err := w.answer(target, &http.Request{Method: http.MethodConnect})
	if value == "" {
		return nil, err
	}
	return http.Header{"Proxy-Authorization": {value}}, nil
}
