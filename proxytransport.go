package crest

import (
	"net/http"
	"net/url"
)

// transports are those of a client's own for TLS servers, one for each proxy with its user and one for none: net/http finds its HTTP/2 connections
// by the server's address alone, and would send by the tunnel of one proxy, or directly, what is for another.
type transports struct {
	first *http.Transport // of whatever was chosen first, and of plain http
	owner string
	made  map[string]*http.Transport // of the others
	more  func(abroad bool) *http.Transport

	certified bool // the client has certificates, which show themselves to its own origin alone
}

// maxProxyTransports bounds the proxies that a client keeps connections for. A function that makes up a user for each request has no end of them.
const maxProxyTransports = 64

// transport is the one for a proxy; nil is none. What is abroad has connections of its own, without the client's certificates.
func (p *proxies) transport(proxy *url.URL, abroad bool) *http.Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := "direct"
	if proxy != nil {
		name = proxy.String()
	}
	t := &p.transports
	if abroad {
		name = "abroad " + name
	} else if t.owner == "" {
		t.owner = name
	}
	if t.owner == name {
		return t.first
	}
	if t.made[name] == nil {
		t.make(name, abroad)
	}
	return t.made[name]
}

func (t *transports) make(name string, abroad bool) {
	if len(t.made) >= maxProxyTransports {
		t.closeIdle()
		t.made = nil
	}
	if t.made == nil {
		t.made = map[string]*http.Transport{}
	}
	t.made[name] = t.more(abroad)
}

func (t *transports) closeIdle() {
	for _, rt := range t.made {
		rt.CloseIdleConnections()
	}
}

// closeIdle closes the connections of a client that nobody uses.
func (p *proxies) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transports.first.CloseIdleConnections()
	p.transports.closeIdle()
}

// wire is what carries the request.
func (f *flight) wire() http.RoundTripper {
	c := f.hop.core
	if c.wire != http.RoundTripper(c.own) {
		return c.wire
	}
	abroad := c.proxies.transports.certified && originOf(f.sent.URL) != c.home
	switch tunnelled := f.way != nil && f.way.tunnel; {
	case tunnelled:
		return c.proxies.transport(f.way.url, abroad)
	case abroad:
		return c.proxies.transport(nil, true)
	}
	return c.wire
}
