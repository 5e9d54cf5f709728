package crest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// WithProxy chooses the proxy of each request, hop by hop: choose returns its URL, or nil for none. [http.ProxyURL] is one
// for everything. Schemes are http, https and socks5 (socks5h is the same: the proxy looks names up). User and password
// in the URL go to the proxy alone and stand in no error. nil switches proxies off, those of the environment too. choose must be
// safe for concurrent use; its error ends the call in [KindProxy], and so does a URL that cannot be used. Connections are of the proxy
// and user that were chosen; those of 64 are kept.
//
// To an http or https proxy user and password go as Basic (RFC 7617), unasked. A 407 that asks for Digest (RFC 7616) is answered, once, and once more
// where the nonce has aged; from then on the client sends that proxy Digest, and Basic never again. Over plain http the
// answer is a second request, with a slot of its own, and takes a body that can be sent again (not an io.Reader: there
// the 407 is the answer, and the next call has the credentials). Middleware and histories do not see it.
//
// Without WithProxy the environment decides, as it was when [New] ran: HTTP_PROXY for http, HTTPS_PROXY for https, ALL_PROXY where
// one of them is missing, each in lower case as well, which wins. NO_PROXY lists exceptions: hosts with their subdomains, .host for
// the subdomains alone, IP addresses, CIDR ranges, each with a port or without, and * for everything. localhost and
// loopback addresses are never reached by a proxy, and HTTP_PROXY is ignored where REQUEST_METHOD is set: a CGI program would
// take it from a header of its own client (CVE-2016-5385).
//
// In plain http a proxy goes by the Host header, so one that is not the URL's is a [KindProxy] as well.
//
// A proxy that does not answer, or refuses, ends the call in [ErrTransport] with [KindProxy]; nothing was sent. A 407 of a proxy
// for plain http is the answer of the call, an [*Error]. A later WithProxy replaces an earlier one; beside [WithTransport] it is
// an error of New.
func WithProxy(choose func(*http.Request) (*url.URL, error)) ClientOption {
	return clientOption(func(s *settings) error {
		s.client.own.says("WithProxy")
		s.client.own.proxy, s.client.own.proxySaid = choose, true
		return nil
	})
}

// chooseProxy is the client's choice; nil for none.
func (o *ownTransport) chooseProxy() func(*http.Request) (*url.URL, error) {
	if o.proxySaid {
		return o.proxy
	}
	return environmentProxies()
}

// environmentProxies reads the environment now: net/http reads it once for the whole process.
func environmentProxies() func(*http.Request) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	if config.CGI {
		config.HTTPProxy, config.CGI = "", false
	}
	all := os.Getenv("all_proxy")
	if all == "" {
		all = os.Getenv("ALL_PROXY")
	}
	config.HTTPProxy = usableProxy("HTTP_PROXY", nearer(config.HTTPProxy, all))
	config.HTTPSProxy = usableProxy("HTTPS_PROXY", nearer(config.HTTPSProxy, all))
	if config.HTTPProxy == "" && config.HTTPSProxy == "" {
		return nil
	}
	choose := config.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) { return choose(req.URL) }
}

// brokenProxy is the scheme that stands for a value which is no URL. httpproxy would pass it over and connect directly.
const brokenProxy = "broken"

// usableProxy gives a value its scheme: "proxy:3128" is an http proxy.
func usableProxy(variable, value string) string {
	if value == "" {
		return ""
	}
	if !strings.Contains(value, "://") {
		value = "http://" + strings.TrimPrefix(value, "//")
	}
	u, err := url.Parse(value)
	if err != nil || !named(u) {
		return brokenProxy + "://" + variable
	}
	return u.String()
}

// proxies is how crest's own transport finds its proxies and reaches them.
type proxies struct {
	choose      func(*http.Request) (*url.URL, error)
	patience    time.Duration // for opening a tunnel; 0 is for ever
	tls         *tls.Config   // with a proxy itself
	tlsPatience time.Duration // for that handshake
	used        atomic.Bool   // any proxy was ever chosen

	mu         sync.Mutex
	accounts   map[string]*proxyAccount // by the proxy's URL
	transports transports
}

func newProxies(o *ownTransport, t Timeouts) *proxies {
	p := &proxies{choose: o.chooseProxy(), patience: t.Connect, tls: o.tlsConfig(), tlsPatience: t.TLS}
	p.transports.certified = len(p.tls.Certificates) > 0 || p.tls.GetClientCertificate != nil
	p.transports.more = func(abroad bool) *http.Transport {
		rt := newTransport(o, t, p)
		if abroad {
			rt.TLSClientConfig.Certificates, rt.TLSClientConfig.GetClientCertificate = nil, nil
		}
		return rt
	}
	p.transports.first = p.transports.more(false)
	return p
}

// proxy is what net/http asks.
func (p *proxies) proxy(req *http.Request) (*url.URL, error) {
	if w := wayOf(req.Context()); w != nil {
		return w.forNetHTTP()
	}
	return p.find(req)
}

func (p *proxies) find(req *http.Request) (*url.URL, error) {
	if p.choose == nil {
		return nil, nil
	}
	u, err := p.choose(req)
	if err != nil {
		return nil, &proxyMistake{err}
	}
	if u == nil {
		return nil, nil
	}
	err = checkProxyURL(u)
	if err == nil && misleads(u, req) {
		err = errProxyHost
	}
	if err != nil {
		return nil, &proxyMistake{err}
	}
	p.used.Store(true)
	return u, nil
}

var errProxyHost = errors.New("the request has a Host header of its own, and in plain http the proxy would go there: leave it out, or use https")

// misleads reports whether a proxy would go elsewhere than the URL says. In plain http it is asked for an absolute URL, which net/http makes
// of the Host header.
func misleads(proxy *url.URL, req *http.Request) bool {
	return req.URL.Scheme == "http" && strings.HasPrefix(proxy.Scheme, "http") && req.Host != "" &&
		originOf(&url.URL{Scheme: "http", Host: req.Host}) != originOf(req.URL)
}

func checkProxyURL(u *url.URL) error {
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	case brokenProxy:
		return fmt.Errorf("the proxy in the environment (%s or ALL_PROXY) is not a URL", u.Host)
	default:
		return fmt.Errorf("the scheme %q of the proxy is not http, https or socks5", u.Scheme)
	}
	if !named(u) {
		return errors.New("the URL of the proxy has no host, or a port that is none")
	}
	return nil
}

// named reports whether u says where the proxy is. "http:/proxy:3128" does not, nor does what becomes of it behind "http://".
func named(u *url.URL) bool {
	return u.Hostname() != "" && validPort(u.Port()) && !strings.HasSuffix(u.Host, ":")
}

// proxyMistake is a proxy that cannot be asked.
type proxyMistake struct{ err error }

func (e *proxyMistake) Error() string { return "no proxy to use: " + textOf(e.err) }
func (e *proxyMistake) Unwrap() error { return e.err }

// toProxy tells a failure on the way to a proxy from one behind it.
func toProxy(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "proxyconnect"
}

// socksRefusals are the answers of a SOCKS proxy that will be the same next time, as net/http words them (RFC 1928, RFC 1929).
var socksRefusals = []string{"no acceptable authentication methods", "username/password authentication failed", "connection not allowed by ruleset"}

// proxyUnusable reports whether a proxy was never asked, because it is a mistake or not the one it should be.
func proxyUnusable(err error) bool { return is[*proxyMistake](err) || tlsKind(err) == KindTLS }

// proxyForbids reports whether a SOCKS proxy refuses by its rules, and not because of trouble that passes.
func proxyForbids(err error) bool {
	return slices.ContainsFunc(socksRefusals, func(text string) bool { return strings.Contains(textOf(err), text) })
}

// dialer dials for the transport. As soon as a proxy was chosen, connections are watched until they are a tunnel: net/http
// lets a dial outlive its request, and bounds neither SOCKS nor, by less than a minute, CONNECT.
func (p *proxies) dialer(d *net.Dialer) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		measured, ctx := timed(ctx)
		conn, err := d.DialContext(ctx, network, addr)
		measured.end(err)
		if err == nil && wayOf(ctx).secure() {
			conn, err = p.handshake(ctx, conn, addr)
		}
		if err != nil || !p.used.Load() {
			return conn, err
		}
		return p.watch(conn), nil
	}
}

// handshake is TLS with an https proxy, for HTTP/1: net/http would offer HTTP/2 as well, and cannot speak it to a proxy.
func (p *proxies) handshake(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if p.tlsPatience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.tlsPatience)
		defer cancel()
	}
	config := p.tls.Clone()
	config.ServerName, config.NextProtos = nearer(config.ServerName, host), []string{"http/1.1"}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (p *proxies) watch(conn net.Conn) net.Conn {
	if p.patience > 0 {
		_ = conn.SetDeadline(time.Now().Add(p.patience))
	}
	return &tunnel{Conn: conn}
}

// tunnel is a connection that may begin with a handshake to a proxy: CONNECT or SOCKS. The first write that is no part of one
// ends its deadline. Until then, a lost connection is the proxy's.
type tunnel struct {
	net.Conn
	asked atomic.Bool // the proxy was
	open  atomic.Bool
}

func (t *tunnel) Write(b []byte) (int, error) {
	switch {
	case t.open.Load():
	case asksProxy(b):
		t.asked.Store(true)
	default:
		t.open.Store(true)
		_ = t.Conn.SetDeadline(time.Time{})
	}
	return t.Conn.Write(b)
}

// asksProxy tells the messages to a proxy from a request and from TLS: SOCKS begins with its version, 5, or with 1, that of its
// passwords (RFC 1928, section 3; RFC 1929, section 2).
func asksProxy(b []byte) bool {
	return len(b) > 0 && (b[0] == 5 || b[0] == 1) || strings.HasPrefix(string(b[:min(len(b), 8)]), "CONNECT ")
}

func (t *tunnel) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if err != nil && t.asked.Load() && !t.open.Load() {
		err = &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
	}
	return n, err
}
