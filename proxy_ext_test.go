package crest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// bothServers are a plain and a TLS server that are called api.test to their clients, who reach them through proxies only.
type bothServers struct {
	ca    *authority
	reach map[string]string
	seen  chan http.Header
}

func serveBoth(t testing.TB) *bothServers {
	t.Helper()
	s := &bothServers{ca: newAuthority(t, "servers"), seen: make(chan http.Header, 64)}
	h := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.seen <- r.Header
		w.WriteHeader(http.StatusNoContent)
	}
	plain, secure := serve(t, h), serveTLS(t, s.ca.serving(t), true, h)
	s.reach = map[string]string{"api.test:80": strings.TrimPrefix(plain, "http://"), "api.test:443": secure.Listener.Addr().String()}
	return s
}

func fixedProxy(u *url.URL) crest.ClientOption { return crest.WithProxy(http.ProxyURL(u)) }

// Every kind of proxy, to plain and to TLS servers, with and without credentials: they go to the proxy and no further (R2).
func TestWithProxy(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	const basic = "Basic dXNlcjpwYTo6c3M=" // user:pa::ss
	for name, tt := range map[string]struct {
		start func(t testing.TB, user, password string) *proxyServer
		lines map[string]string // by scheme
		basic string
	}{
		"http": {func(t testing.TB, user, password string) *proxyServer {
			return httpProxy(t, nil, user, password, s.reach)
		},
			map[string]string{"http": "GET http://api.test/ping", "https": "CONNECT api.test:443"}, basic},
		"https": {func(t testing.TB, user, password string) *proxyServer {
			return httpProxy(t, s.ca.serving(t), user, password, s.reach)
		},
			map[string]string{"http": "GET http://api.test/ping", "https": "CONNECT api.test:443"}, basic},
		"socks5": {func(t testing.TB, user, password string) *proxyServer { return socksProxy(t, user, password, s.reach) },
			map[string]string{"http": "SOCKS api.test:80", "https": "SOCKS api.test:443"}, "user:pa::ss"},
	} {
		for scheme, line := range tt.lines {
			t.Run(name+" to "+scheme, func(t *testing.T) {
				open := tt.start(t, "", "")
				c := newClient(t, scheme+"://api.test", crest.WithTLS(s.ca.trusting()), fixedProxy(open.url))
				for range 2 {
					_, err := ping.Call(t.Context(), c, crest.Empty{})
					require.NoError(t, err)
					<-s.seen
				}
				require.Contains(t, open.lines(), line)
				require.Empty(t, open.all()[0].authorization)
			})
			t.Run(name+" with credentials to "+scheme, func(t *testing.T) {
				p := tt.start(t, "user", "pa::ss")
				c := newClient(t, scheme+"://api.test", crest.WithTLS(s.ca.trusting()), fixedProxy(p.at("user", "pa::ss")))
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Equal(t, tt.basic, p.all()[0].authorization)
				require.Equal(t, line, p.all()[0].line)
				header := <-s.seen
				require.Empty(t, header.Values("Proxy-Authorization"))
				require.NotContains(t, fmt.Sprint(header), "dXNl")
			})
		}
	}
}

// What a client carries for the server goes through the tunnel, where a proxy cannot read it.
func TestProxySeesNoCredentialsThroughTheTunnel(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	p := httpProxy(t, nil, "", "", s.reach)
	c := newClient(t, "https://api.test", crest.WithTLS(s.ca.trusting()), fixedProxy(p.url), crest.WithBearer(crest.NewSecret("m4rker")))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "Bearer m4rker", (<-s.seen).Get("Authorization"))
	require.NotContains(t, fmt.Sprint(p.all()), "m4rker")
}

// S4.26: headers for a proxy are those of the transport, and go to the proxy alone.
func TestProxyConnectHeader(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	p := httpProxy(t, nil, "", "", s.reach)
	own := &http.Transport{
		Proxy: http.ProxyURL(p.url), TLSClientConfig: s.ca.trusting(),
		ProxyConnectHeader: http.Header{"X-For-The-Proxy": {"m4rker"}},
	}
	defer own.CloseIdleConnections()
	_, err := ping.Call(t.Context(), newClient(t, "https://api.test", crest.WithTransport(own)), crest.Empty{})
	require.NoError(t, err)
	require.Contains(t, p.all()[0].header, "m4rker")
	require.Empty(t, (<-s.seen).Get("X-For-The-Proxy"))
}

// The function is asked for each hop, and nil is none: for a hop, or with WithProxy(nil) for the client.
func TestWithProxyChooses(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	p := httpProxy(t, nil, "", "", s.reach)
	direct := serve(t, reply(204, ""))
	c := newClient(t, "http://api.test", crest.WithProxy(func(req *http.Request) (*url.URL, error) {
		if req.URL.Hostname() == "127.0.0.1" {
			return nil, nil
		}
		return p.url, nil
	}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(direct))
	require.NoError(t, err)
	require.Equal(t, []string{"GET http://api.test/ping"}, p.lines())

	t.Setenv("HTTP_PROXY", p.url.String())
	_, err = ping.Call(t.Context(), newClient(t, "http://api.invalid", crest.WithProxy(nil)), crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindDNS, crest.SentNo)
	_, err = ping.Call(t.Context(), newClient(t, "http://api.test", fixedProxy(p.url), crest.WithProxy(nil), fixedProxy(p.url)), crest.Empty{})
	require.NoError(t, err, "the last one holds")
}

// Rows 8 and 48, and what a proxy can be guilty of besides. Nothing was sent, no error shows the password, and what another
// try cannot mend is not tried again.
func TestProxyFailures(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	wrong := newAuthority(t, "nobody's")
	saying := func(text string) *url.URL {
		return hostOf(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
			if first, _ := in.Peek(1); len(first) == 1 && first[0] == 'C' {
				_, _ = in.ReadString('\n')
			}
			_, _ = io.WriteString(conn, text)
		}))
	}
	dead := saying("")
	dead.Host = nobodyAt(t)
	socks := func(u *url.URL) *url.URL { return &url.URL{Scheme: "socks5", Host: u.Host} }
	for name, tt := range map[string]struct {
		proxy    *url.URL
		attempts int
		check    func(err error) bool
	}{
		"row 8 407":           {httpProxy(t, nil, "user", "other", s.reach).url, 1, status(407)},
		"row 8 502":           {httpProxy(t, nil, "", "", map[string]string{"api.test:443": nobodyAt(t)}).url, 3, status(502)},
		"403":                 {saying("HTTP/1.1 403 Forbidden\r\n\r\n"), 1, status(403)},
		"503":                 {saying("HTTP/1.1 503 Busy\r\n\r\n"), 3, status(503)},
		"row 48 dead":         {dead, 3, nil},
		"hangs up":            {saying(""), 3, nil},
		"cut":                 {saying("HTTP/1.1 200 O"), 3, nil},
		"unknown":             {&url.URL{Scheme: "http", Host: "proxy.invalid:3128"}, 3, nil},
		"wrong certificate":   {httpProxy(t, wrong.serving(t), "", "", s.reach).url, 1, isA[x509.UnknownAuthorityError]},
		"wrong host":          {httpProxy(t, &tls.Config{Certificates: []tls.Certificate{s.ca.issue(t, nil, "other.test")}}, "", "", s.reach).url, 1, isA[x509.HostnameError]},
		"https to plain":      {&url.URL{Scheme: "https", Host: httpProxy(t, nil, "", "", s.reach).url.Host}, 1, nil},
		"SOCKS dead":          {socks(dead), 3, nil},
		"SOCKS hangs up":      {socks(saying("")), 3, nil},
		"SOCKS wrong":         {socksProxy(t, "user", "other", s.reach).url, 1, nil},
		"SOCKS no host":       {socksProxy(t, "", "", map[string]string{"api.test:443": nobodyAt(t)}).url, 3, nil},
		"no such scheme":      {&url.URL{Scheme: "socks4", Host: "127.0.0.1:1"}, 1, nil},
		"no host":             {&url.URL{Scheme: "http", Host: ":8080"}, 1, nil},
		"no host, but a path": {&url.URL{Scheme: "http", Path: "/127.0.0.1:1"}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			u := *tt.proxy
			u.User = url.UserPassword("user", "m4rker")
			c := newClient(t, "https://api.test", crest.WithTLS(s.ca.trusting()), fixedProxy(&u), crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait}))
			_, err := everyMethod["POST"].Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			require.Len(t, failed.Attempts, tt.attempts, "%v", err)
			if tt.check != nil {
				require.True(t, tt.check(err), "%v", err)
			}
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				require.NotContains(t, fmt.Sprintf(verb, err), "m4rker")
				require.NotContains(t, fmt.Sprintf(verb, failed), "m4rker")
			}
		})
	}
	require.Empty(t, s.seen)
}

// A function that fails ends the call, with its error inside; what net/url writes of a URL stays out.
func TestProxyFunctionFails(t *testing.T) {
	for name, tt := range map[string]error{"own": errRefused, "net/url": &url.Error{Op: "parse", URL: "http://user:m4rker@x", Err: errRefused}} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "http://api.test", crest.WithRetry(crest.Retry{Max: 3}), crest.WithProxy(func(*http.Request) (*url.URL, error) { return nil, tt }))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			require.ErrorIs(t, err, errRefused)
			require.Len(t, failed.Attempts, 1)
			require.NotContains(t, err.Error(), "m4rker")
		})
	}
}

// Row 8: the 407 of a proxy for plain http is an answer.
func TestProxyAnswersPlainHTTP(t *testing.T) {
	noProxies(t)
	p := httpProxy(t, nil, "user", "other", nil)
	_, err := ping.Call(t.Context(), newClient(t, "http://api.test", fixedProxy(p.url)), crest.Empty{})
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorIs(t, err, crest.Status(407))
}

// A proxy that never answers: net/http lets the dial outlive the call, for a minute with CONNECT and for ever with SOCKS. It ends
// with Timeouts.Connect, and with it the connection.
func TestProxySilence(t *testing.T) {
	noProxies(t)
	for _, scheme := range []string{"http", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			asked, hungUp := make(chan struct{}, 2), make(chan struct{}, 2)
			u := hostOf(t, listen(t, func(_ net.Conn, in *bufio.Reader) {
				_, _ = in.ReadByte()
				asked <- struct{}{}
				_, _ = io.Copy(io.Discard, in)
				hungUp <- struct{}{}
			}))
			u.Scheme = scheme
			c := newClient(t, "https://api.test", fixedProxy(u), crest.WithTimeouts(crest.Timeouts{Connect: 200 * time.Millisecond}))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			<-asked
			<-hungUp

			leavesWhen(t, c, asked)
			<-hungUp // although nobody waits for it any more
		})
	}
}

// leavesWhen makes a call that is cancelled when the proxy was asked.
func leavesWhen(t *testing.T, c *crest.Client[*failure], asked chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		<-asked
		cancel(errWhy)
	})
	_, err := ping.Call(ctx, c, crest.Empty{})
	waiting.Wait()
	fails(t, err, crest.ErrTransport, "", crest.SentNo)
	require.ErrorIs(t, err, errWhy)
}

func status(code int) func(error) bool {
	return func(err error) bool { return errors.Is(err, crest.Status(code)) }
}

// hostOf is the URL of a server without its path.
func hostOf(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// nobodyAt is an address where nobody listens.
func nobodyAt(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// R2: two hops of one client, one by a proxy and one without: the password stays at the proxy.
func TestR2ProxyPasswordStaysThere(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	var leaked atomic.Bool
	direct := serve(t, func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Proxy-Authorization") != "")
		w.WriteHeader(http.StatusNoContent)
	})
	p := httpProxy(t, nil, "user", "m4rker", s.reach)
	t.Setenv("HTTP_PROXY", p.at("user", "m4rker").String())
	c := newClient(t, "http://api.test")
	for range 2 {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Empty(t, (<-s.seen).Values("Proxy-Authorization"))
		_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(direct))
		require.NoError(t, err)
	}
	require.False(t, leaked.Load())
	require.Len(t, p.all(), 2, "127.0.0.1 is never behind a proxy of the environment")
}

// R2, S3.12: the proxy is chosen for each step of a redirect, and its password does not follow.
func TestR2RedirectsAndProxies(t *testing.T) {
	noProxies(t)
	direct := make(chan http.Header, 1)
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) { direct <- r.Header })
	proxied := make(chan http.Header, 1)
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		proxied <- r.Header
		http.Redirect(w, r, elsewhere, http.StatusFound)
	})
	p := httpProxy(t, nil, "user", "m4rker", map[string]string{"api.test:80": strings.TrimPrefix(first, "http://")})
	t.Setenv("HTTP_PROXY", p.at("user", "m4rker").String())
	_, err := ping.Call(t.Context(), newClient(t, "http://api.test"), crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, []string{"GET http://api.test/ping"}, p.lines(), "127.0.0.1 is reached directly")
	for _, header := range []http.Header{<-proxied, <-direct} {
		require.Empty(t, header.Values("Proxy-Authorization"))
	}
}

// R11, R13: an HTTP proxy goes by the Host header where the request is plain, so that one must not lead elsewhere than the URL, least of all
// with credentials.
func TestR11HostHeaderAndProxies(t *testing.T) {
	noProxies(t)
	type request struct {
		Host string `header:"Host"`
	}
	get := crest.Get[request, crest.Empty]("/ping")
	for name, tt := range map[string]struct {
		base, host string
		direct, ok bool
	}{
		"its own":            {"http://api.test", "API.test:80", false, true},
		"another":            {"http://api.test", "evil.test", false, false},
		"another port":       {"http://api.test", "api.test:8080", false, false},
		"through a tunnel":   {"https://api.test", "other.test", false, true},
		"without a proxy":    {"", "other.test", true, true},
		"none, as by itself": {"http://api.test", "api.test", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveBoth(t)
			s.reach["evil.test:80"], s.reach["API.test:80"] = s.reach["api.test:80"], s.reach["api.test:80"]
			p := httpProxy(t, nil, "", "", s.reach)
			proxy := fixedProxy(p.url)
			if tt.direct {
				proxy, tt.base = crest.WithProxy(nil), "http://"+s.reach["api.test:80"]
			}
			c := newClient(t, tt.base, proxy, crest.WithTLS(s.ca.trusting()), crest.WithPlainCredentials(), crest.WithBearer(crest.NewSecret("m4rker")))
			_, err := get.Call(t.Context(), c, request{tt.host})
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, "Bearer m4rker", (<-s.seen).Get("Authorization"))
				return
			}
			fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			require.ErrorContains(t, err, "Host header")
			require.Empty(t, p.all())
		})
	}
}
