package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxyServer is a proxy of the tests: HTTP with CONNECT, or SOCKS5. It reaches any host at the places of the test.
type proxyServer struct {
	url    *url.URL
	reach  map[string]string // "api.test:443" → where it really is
	digest *digestServer     // demands Digest credentials, if it is there

	mu   sync.Mutex
	seen []proxied
	open sync.WaitGroup
}

// proxied is a request as the proxy saw it.
type proxied struct{ line, authorization, header string }

func (p *proxyServer) saw(s proxied) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, s)
}

// all are the requests so far.
func (p *proxyServer) all() []proxied {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *proxyServer) lines() []string {
	var lines []string
	for _, s := range p.all() {
		lines = append(lines, s.line)
	}
	return lines
}

// at is the URL of the proxy with credentials.
func (p *proxyServer) at(user, password string) *url.URL {
	u := *p.url
	u.User = url.UserPassword(user, password)
	return &u
}

func (p *proxyServer) dial(host string) (net.Conn, error) {
	if at, ok := p.reach[host]; ok {
		host = at
	}
	return new(net.Dialer).DialContext(context.Background(), "tcp", host)
}

// httpProxy starts an HTTP proxy, over TLS if it has a configuration. With a user it demands Basic credentials.
func httpProxy(t testing.TB, config *tls.Config, user, password string, reach map[string]string) *proxyServer {
	t.Helper()
	p := &proxyServer{reach: reach}
	forward := &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) { return p.dial(addr) }}
	wanted := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Proxy-Authorization")
		p.saw(proxied{r.Method + " " + r.RequestURI, authorization, fmt.Sprint(r.Header)})
		switch {
		case user != "" && authorization != wanted, p.digest != nil && !p.admits(w, r):
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method == http.MethodConnect:
			p.connect(w, r)
		default:
			out := r.Clone(r.Context())
			out.RequestURI = ""
			out.Header.Del("Proxy-Authorization")
			resp, err := forward.RoundTrip(out)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			defer resp.Body.Close()
			maps.Copy(w.Header(), resp.Header)
			w.WriteHeader(resp.StatusCode)
			_, _ = io.Copy(w, resp.Body)
		}
	}))
	server.Config.ErrorLog = quiet
	if config != nil {
		server.TLS, server.EnableHTTP2 = config, true // which nobody may speak to it
		server.StartTLS()
	} else {
		server.Start()
	}
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	p.url = u
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); forward.CloseIdleConnections(); p.open.Wait() })
	return p
}

// admits asks the digest server about a request.
func (p *proxyServer) admits(w http.ResponseWriter, r *http.Request) bool {
	var body []byte
	if r.Method != http.MethodConnect {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	challenge := p.digest.admit(r, r.Header.Get("Proxy-Authorization"), body)
	if challenge == "" {
		return true
	}
	w.Header().Set("Proxy-Authenticate", challenge)
	return false
}

func (p *proxyServer) connect(w http.ResponseWriter, r *http.Request) {
	to, err := p.dial(r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	p.open.Add(1) // before the connection leaves the server, whose Close waits for those that it has
	conn, in, err := w.(http.Hijacker).Hijack()
	if err != nil {
		p.open.Done()
		_ = to.Close()
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		defer p.open.Done()
		splice(conn, in, to)
	}()
}

// splice copies both ways until one side ends.
func splice(conn net.Conn, in io.Reader, to net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(to, in); _ = to.Close() })
	both.Go(func() { _, _ = io.Copy(conn, to); _ = conn.Close() })
	both.Wait()
}

// socksProxy starts a SOCKS5 proxy (RFC 1928), with user and password if there is a user (RFC 1929).
func socksProxy(t testing.TB, user, password string, reach map[string]string) *proxyServer {
	t.Helper()
	p := &proxyServer{reach: reach}
	p.url = &url.URL{Scheme: "socks5", Host: strings.TrimPrefix(listen(t, func(conn net.Conn, in *bufio.Reader) { p.socks(conn, in, user, password) }), "http://")}
	return p
}

func (p *proxyServer) socks(conn net.Conn, in *bufio.Reader, user, password string) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return make([]byte, n)
		}
		return b
	}
	read(int(read(2)[1]))
	saw := ""
	if user == "" {
		_, _ = conn.Write([]byte{5, 0})
	} else {
		_, _ = conn.Write([]byte{5, 2})
		name := string(read(int(read(2)[1])))
		saw = name + ":" + string(read(int(read(1)[0])))
		if saw != user+":"+password {
			p.saw(proxied{authorization: saw})
			_, _ = conn.Write([]byte{1, 1})
			return
		}
		_, _ = conn.Write([]byte{1, 0})
	}
	host := ""
	switch head := read(4); head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = net.IP(read(16)).String()
	}
	host = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(read(2)))))
	p.saw(proxied{line: "SOCKS " + host, authorization: saw})
	to, err := p.dial(host)
	if err != nil {
		_, _ = conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	splice(conn, in, to)
}

// noProxies clears the environment of the machine that runs the tests.
func noProxies(t testing.TB) {
	t.Helper()
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
		t.(*testing.T).Setenv(name, "")
		t.(*testing.T).Setenv(strings.ToUpper(name), "")
	}
	t.(*testing.T).Setenv("REQUEST_METHOD", "")
}

// eventually waits for something that happens in another goroutine.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond)
}
