package crest

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// ownTransport are the options of crest's own transport.
type ownTransport struct {
	said       []string // names of the options, each once
	pool       Pool
	tls        *tls.Config // nil without WithTLS
	unverified bool
	pins       []pin
	proxy      func(*http.Request) (*url.URL, error)
	proxySaid  bool // else the environment's proxies hold
}

func (o *ownTransport) says(option string) {
	if !slices.Contains(o.said, option) {
		o.said = append(o.said, option)
	}
}

// contradictions are mistakes of the options together.
func (o *ownTransport) contradictions() error {
	return errors.Join(o.pool.contradiction(), o.pinsNeedVerification())
}

// newTransport makes the transport of a client that was given none. Every bound is set here, but for the wait for the
// header, which an endpoint or a call can change: net/http's own defaults leave most of them open.
func newTransport(o *ownTransport, t Timeouts, proxies *proxies) *http.Transport {
	rt := &http.Transport{
		Proxy:                  proxies.proxy,
		DialContext:            proxies.dialer(&net.Dialer{Timeout: t.Connect, KeepAlive: 30 * time.Second}),
		TLSClientConfig:        o.tlsConfig(),
		TLSHandshakeTimeout:    t.TLS,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		GetProxyConnectHeader:  connectHeader,
		OnProxyConnectResponse: checkTunnel,
		DisableCompression:     true, // crest decompresses by itself, within bounds
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second, WriteByteTimeout: 10 * time.Second,
		},
	}
	o.pool.shape(rt)
	return rt
}
