package conformance

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/crest-go/crest"
	"golang.org/x/net/http/httpproxy"
)

// proxyRecorder is a proxy that keeps what it was asked for and goes no further: what a client takes for its proxy is read
// from the connection, not from its settings.
type proxyRecorder struct {
	addr string

	mu            sync.Mutex
	scheme        string // "" until somebody came
	user          *url.Userinfo
	authorization string
	line          string
}

func (r *row) recordProxy() *proxyRecorder {
	l := must1(net.Listen("tcp", "127.0.0.1:0"))
	p := &proxyRecorder{addr: l.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				p.record(conn)
			})
		}
	})
	r.after(func() { must(l.Close()); running.Wait() })
	return p
}

func (p *proxyRecorder) record(conn net.Conn) {
	in := bufio.NewReader(conn)
	first, err := in.Peek(1)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first[0] == 5 {
		p.scheme = "socks5"
		return
	}
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	p.scheme, p.line, p.authorization = "http", req.Method+" "+req.RequestURI, req.Header.Get("Proxy-Authorization")
	if name, password, ok := basic(p.authorization); ok && password == "" {
		p.user = url.User(name)
	} else if ok {
		p.user = url.UserPassword(name, password)
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

func basic(authorization string) (user, password string, ok bool) {
	return (&http.Request{Header: http.Header{"Authorization": {authorization}}}).BasicAuth()
}

// here puts the recorder where the host of a proxy stands, and returns that host.
func (p *proxyRecorder) here(value string) (moved, host string) {
	scheme, rest, ok := strings.Cut(value, "//")
	if !ok {
		scheme, rest = "", value
	} else {
		scheme += "//"
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	host = authority[strings.LastIndex(authority, "@")+1:]
	return scheme + strings.Replace(rest, host, p.addr, 1), host
}

// value is the proxy as the client used it: without a path, which no proxy has a use for.
func (p *proxyRecorder) value(host string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scheme == "" {
		return ""
	}
	u := url.URL{Scheme: p.scheme, Host: host, User: p.user}
	return u.String()
}

// samePlace compares proxies without their paths.
func samePlace(got string) check {
	return func(want any) error {
		u := must1(url.Parse(want.(string)))
		u.Path, u.RawQuery = "", ""
		if got != u.String() {
			return fmt.Errorf("%q instead of %q", got, u)
		}
		return nil
	}
}

// setenv sets variables for the row, and no other one that speaks of proxies.
func (r *row) setenv(env map[string]string) {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"} {
		before, was := os.LookupEnv(name)
		must(os.Unsetenv(name))
		r.after(func() {
			must(os.Unsetenv(name))
			if was {
				must(os.Setenv(name, before))
			}
		})
	}
	for name, value := range env {
		must(os.Setenv(name, value))
	}
}

// errDirect is the end of a request that is about to connect to its own server.
var errDirect = errors.New("the connection is direct")

// byProxy sends a request and reports whether it went by the recorder. A direct connection is not made.
func (r *row) byProxy(p *proxyRecorder, target string, opts ...crest.ClientOption) (bool, error) {
	opts = append(opts, crest.WithRetry(crest.Retry{Max: -1}), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (resp *http.Response, err error) {
			defer func() {
				if v := recover(); v == errDirect {
					resp, err = nil, errDirect
				} else if v != nil {
					panic(v)
				}
			}()
			trace := &httptrace.ClientTrace{GetConn: func(addr string) {
				if addr != p.addr {
					panic(errDirect)
				}
			}}
			return next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		})
	}))
	plan := &plan{method: "GET", clientOpts: opts}
	_, err := plan.do(r, plan.at(target))
	if errors.Is(err, errDirect) {
		return false, nil
	}
	return p.value("") != "", err
}

// prependScheme: a proxy variable without a scheme.
func prependScheme(r *row) (facts, error) {
	p := r.recordProxy()
	moved, host := p.here(r.in.text("in"))
	r.setenv(map[string]string{r.when.text("scheme") + "_proxy": moved})
	if ok, err := r.byProxy(p, "http://target.test/"); !ok {
		return nil, fmt.Errorf("the proxy was not asked: %w", err)
	}
	return facts{"value": samePlace(p.value(host))}, nil
}

// bypassProxy: whether a request goes without the proxy of the environment.
func bypassProxy(r *row) (facts, error) {
	p := r.recordProxy()
	exceptions, names := r.in.text("no_proxy"), r.when.texts("env")
	var opts []crest.ClientOption
	env := map[string]string{"http_proxy": "http://" + p.addr, "https_proxy": "http://" + p.addr}
	if argument := r.in.text("no_proxy_argument"); argument != "" { // a setting of one's own replaces the environment
		moved, _ := p.here(r.in.text("env_http_proxy"))
		own := (&httpproxy.Config{HTTPProxy: moved, NoProxy: argument}).ProxyFunc()
		opts = append(opts, crest.WithProxy(func(req *http.Request) (*url.URL, error) { return own(req.URL) }))
		exceptions = r.in.text("env_no_proxy")
	}
	if names == nil {
		names = []string{"no_proxy"}
	}
	var went bool
	for i, name := range names {
		env[name] = exceptions
		r.setenv(env)
		delete(env, name)
		ok, _ := r.byProxy(p, r.in.text("url"), opts...) // the recorder refuses, and file: is no URL of crest's
		if i > 0 && ok != went {
			return nil, fmt.Errorf("%s says something else than %s", name, names[0])
		}
		went = ok
	}
	return facts{"value": !went}, nil
}

// envProxy: which proxy a variable makes a client use, and with which credentials.
func envProxy(r *row) (facts, error) {
	p := r.recordProxy()
	values, ok := r.in.get("env").(map[string]any)
	if !ok { // the name of one variable
		values = map[string]any{r.in.text("env"): "socks5://proxy.com:9876"}
	}
	env, host := map[string]string{}, ""
	for name, value := range values {
		env[name], host = p.here(value.(string))
	}
	target := r.in.text("url")
	if target == "" {
		target = r.in.text("scheme") + "://target.test/"
	}
	r.setenv(env)
	if ok, err := r.byProxy(p, target); !ok {
		return nil, fmt.Errorf("the proxy was not asked: %w", err)
	}
	f := facts{"proxy": samePlace(p.value(host)), "auth": nil}
	if p.authorization != "" { // the value without its credentials, and those on their own
		f["auth"] = p.authorization
		p.user = nil
		f["proxy"] = samePlace(p.value(host))
	}
	return f, nil
}

// proxyAuthorization: the credentials of a proxy's URL.
func proxyAuthorization(r *row) (facts, error) {
	p := r.recordProxy()
	moved, _ := p.here(r.in.text("proxy"))
	if _, err := r.byProxy(p, "http://target.test/", crest.WithProxy(http.ProxyURL(must1(url.Parse(moved))))); err == nil {
		return nil, errors.New("the recorder was not asked")
	}
	return facts{"value": p.authorization}, nil
}

// rebuildProxies: whether the request to the server, and not the one to the proxy, holds the proxy's credentials. A request for
// plain http is both.
func rebuildProxies(r *row) (facts, error) {
	inner := r.recordTLS()
	p := r.recordTunnel(inner.addr())
	by := map[string]*url.URL{}
	for scheme, value := range asObject(r.in.get("proxies")) {
		moved, _ := (&proxyRecorder{addr: p.addr}).here(value.(string))
		by[scheme] = must1(url.Parse(moved))
	}
	plan := &plan{method: "GET", clientOpts: []crest.ClientOption{
		crest.WithTLS(inner.client()), crest.WithProxy(func(req *http.Request) (*url.URL, error) { return by[req.URL.Scheme], nil }),
	}}
	_, err := plan.do(r, plan.at(r.in.text("url")))
	if err != nil {
		return nil, err
	}
	wanted := "Basic " + base64.StdEncoding.EncodeToString([]byte("test:pass"))
	if got := p.header().Get("Proxy-Authorization"); got != wanted {
		return nil, fmt.Errorf("the proxy saw %q", got)
	}
	last := p.header()
	if h := inner.header(); h != nil {
		last = h
	}
	return facts{"in_origin_request": last.Get("Proxy-Authorization") != ""}, nil
}

// proxyExchange: calls whose proxy cannot be used.
func proxyExchange(r *row) (facts, error) {
	env := map[string]string{}
	for name, value := range asObject(r.in.get("env")) {
		env[name] = value.(string)
	}
	r.setenv(env)
	p := &plan{method: r.method()}
	target := r.in.text("url")
	if target == "" {
		_, target = r.in.text("server"), "http://target.test/" // no server is ever reached
	}
	if table := asObject(r.in.get("proxies")); table != nil {
		by := proxyTable{}
		for key, value := range table {
			by[key] = value.(string)
		}
		p.clientOpts = append(p.clientOpts, crest.WithProxy(by.choose))
	}
	p.clientOpts = append(p.clientOpts, crest.WithRetry(crest.Retry{Max: -1}))
	_, err := p.do(r, p.at(target))
	if call, ok := errors.AsType[*crest.CallError](err); ok && call.Sent != crest.SentNo {
		return nil, fmt.Errorf("something was sent: %w", err)
	}
	return nil, err
}

// proxyTable is a recipe: proxies by scheme and host, the nearest first.
type proxyTable map[string]string

func (table proxyTable) choose(req *http.Request) (*url.URL, error) {
	u := req.URL
	for _, key := range []string{u.Scheme + "://" + u.Hostname(), u.Scheme, "all://" + u.Hostname(), "all"} {
		if proxy, ok := table[strings.ToLower(key)]; ok {
			return url.Parse(proxy)
		}
	}
	return nil, nil
}

func selectProxy(r *row) (facts, error) {
	table := proxyTable{}
	for key, value := range asObject(r.in.get("proxies")) {
		table[key] = value.(string)
	}
	req := (&http.Request{URL: must1(url.Parse(r.in.text("url")))}).WithContext(context.Background())
	u, err := table.choose(req)
	if u == nil {
		return facts{"value": nil}, err
	}
	return facts{"value": u.String()}, err
}
