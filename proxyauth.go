package crest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// proxyAccount is a user at a proxy that has asked for Digest. From then on Basic, which everyone on the way can read, never goes there again.
type proxyAccount struct {
	digest *digest
	home   origin
}

// account finds the account of a proxy's URL; nil where there was no challenge yet.
func (p *proxies) account(u *url.URL) *proxyAccount {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.accounts) == 0 {
		return nil
	}
	return p.accounts[u.String()]
}

func (p *proxies) openAccount(u *url.URL) *proxyAccount {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := u.String()
	if known := p.accounts[name]; known != nil {
		return known
	}
	if p.accounts == nil || len(p.accounts) >= maxDigestSessions {
		p.accounts = map[string]*proxyAccount{}
	}
	password, _ := u.User.Password()
	a := &proxyAccount{newDigest(u.User.Username(), NewSecret(password)), originOf(u)}
	p.accounts[name] = a
	return a
}

// tunnelRefused is the 407 to a CONNECT, with what the proxy asks for.
type tunnelRefused struct {
	proxyError
	challenges []string
}

func (e *tunnelRefused) Unwrap() error { return e.proxyError }

// checkTunnel keeps the status of a proxy that will not connect.
func checkTunnel(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return &tunnelRefused{proxyError(resp.StatusCode), resp.Header["Proxy-Authenticate"]}
	}
	return proxyError(resp.StatusCode)
}

// challenges are what the proxy asks for in its answer to a request that went this way; none for the answer of the server.
func (w *proxyWay) challenges(resp *http.Response, err error) []string {
	if !w.asUser() {
		return nil
	}
	if refused, ok := errors.AsType[*tunnelRefused](err); ok {
		return refused.challenges
	}
	if err == nil && !w.tunnel && resp != nil && resp.StatusCode == http.StatusProxyAuthRequired {
		return resp.Header["Proxy-Authenticate"]
	}
	return nil
}

// next is the way with an answer to the proxy's challenges; nil where there is none. As to a server, a challenge is
// answered once, and once more when its nonce has aged.
func (w *proxyWay) next(challenges []string) *proxyWay {
	asked, _ := strongest(parseChallenges(challenges))
	if asked == nil && w.session == nil || w.answers == maxDigestAnswers {
		return nil
	}
	account := w.account
	if account == nil {
		account = w.proxies.openAccount(w.url)
	}
	s := account.digest.take(account.home, w.session, challenges)
	if s == nil {
		return nil
	}
	return &proxyWay{proxies: w.proxies, url: w.url, tunnel: w.tunnel, account: account, session: s, answers: w.answers + 1}
}

// answering is the flight that answers the proxy's challenge to f; nil where there is none, or where the body is gone. It takes a slot and a place
// of its own: over plain http the first request was one on the wire.
func (f *flight) answering(resp *http.Response, err error) *flight {
	challenges := f.way.challenges(resp, err)
	if len(challenges) == 0 {
		return nil
	}
	way := f.way.next(challenges)
	if way == nil {
		return nil
	}
	asked := f.onceMore()
	if asked == nil {
		return nil
	}
	if resp != nil {
		_ = resp.Body.Close() // not drained first: that may take time, and the connection is of another account or of an aged nonce
	}
	return &flight{hop: f.hop, asked: asked, way: way, kept: f.kept}
}

// onceMore is the request as it was; nil where its body cannot be had again.
func (f *flight) onceMore() *http.Request {
	req := *f.asked
	switch {
	case req.Body == nil, req.Body == http.NoBody:
	case req.GetBody != nil:
		body, err := req.GetBody()
		if err != nil {
			return nil
		}
		req.Body = body
	case f.kept.again():
		req.Body = f.kept
	default:
		return nil
	}
	return &req
}

// byProxy returns req, which is a copy, as its proxy wants it. What a middleware or another library put there for a proxy would go to the server
// through a tunnel. A body that can be had only once is kept for the case that the proxy refuses the tunnel.
func (f *flight) byProxy(req *http.Request) *http.Request {
	if f.hop.core.own != nil && len(req.Header["Proxy-Authorization"]) > 0 {
		req.Header = req.Header.Clone()
		req.Header.Del("Proxy-Authorization")
	}
	if f.way == nil {
		f.way = f.hop.core.proxies.way(req)
	}
	once := req.Body != nil && req.Body != http.NoBody && req.GetBody == nil
	if once && f.kept == nil && f.way.asUser() && f.way.tunnel {
		f.kept = &keptBody{body: req.Body}
		req.Body = f.kept
	}
	return f.way.begin(req)
}
