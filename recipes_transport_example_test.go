package crest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/crest-go/crest"
)

// recipe: transport-by-name

// transportNamed makes the transport that a setting names.
func transportNamed(name string) (http.RoundTripper, error) {
	known := map[string]func() http.RoundTripper{
		"std": func() http.RoundTripper { return http.DefaultTransport.(*http.Transport).Clone() },
		"offline": func() http.RoundTripper {
			return roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("we are offline") })
		},
	}
	if make, ok := known[name]; ok {
		return make(), nil
	}
	return nil, fmt.Errorf("no transport is called %q: there are %q", name, slices.Sorted(maps.Keys(known)))
}

// roundTripFunc makes a function an http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// end of recipe

func Example_transportByName() {
	for _, name := range []string{"std", "offline", "notreal"} {
		// recipe: transport-by-name-use
		transport, err := transportNamed(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(transport))
		// end of recipe
		fmt.Println(name, c != nil, err)
	}
	// Output:
	// std true <nil>
	// offline true <nil>
	// no transport is called "notreal": there are ["offline" "std"]
}

// recipe: hooks

// ResponseHook looks at an answer and may return another one in its place; nil keeps it.
type ResponseHook func(*http.Response) *http.Response

// hooks runs them in their order. The body of an answer that is dropped is closed.
func hooks(list []ResponseHook) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			for _, hook := range list {
				other := hook(resp)
				if other == nil || other == resp {
					continue
				}
				if other.Body != resp.Body {
					_ = resp.Body.Close()
				}
				resp = other
			}
			return resp, nil
		})
	}
}

// Config of an SDK. Hooks replaces its default ones.
type Config struct{ Hooks []ResponseHook }

func (cfg Config) options() []crest.ClientOption {
	list := cfg.Hooks
	if len(list) == 0 {
		list = []ResponseHook{countAnswers}
	}
	return []crest.ClientOption{crest.WithMiddleware(hooks(list))}
}

// end of recipe

// countAnswers is the default hook of the example.
func countAnswers(resp *http.Response) *http.Response {
	fmt.Println("counted:", resp.StatusCode)
	return nil
}

func Example_responseHooks() {
	fallback := func(resp *http.Response) *http.Response {
		if resp.StatusCode != http.StatusNotImplemented {
			return nil
		}
		other := *resp
		other.StatusCode, other.Status = http.StatusOK, "200 OK"
		other.Body = io.NopCloser(strings.NewReader(`["from the fallback"]`))
		return &other
	}
	for _, cfg := range []Config{{}, {Hooks: []ResponseHook{fallback}}} {
		opts := append(cfg.options(), crest.WithTransport(answering(501, ``)))
		c, _ := crest.New[*crest.Problem]("https://api.example.com", opts...)
		books, err := crest.Get[crest.Empty, []string]("/books").Call(context.Background(), c, crest.Empty{})
		fmt.Println(books, err)
	}
	// Output:
	// counted: 501
	// [] crest: GET /books: 501 Not Implemented
	// [from the fallback] <nil>
}

// recipe: by-prefix

// byPrefix sends each request through the transport with the longest prefix of its URL. A prefix ends at a boundary:
// "https://example.com" takes neither https://example.com.evil.net nor https://example.com:8443.
type byPrefix struct{ mounted []mount }

type mount struct {
	prefix    string
	transport http.RoundTripper
}

// Mount adds a transport, or replaces the one with the same prefix. It is not for use while requests are sent.
func (p *byPrefix) Mount(prefix string, transport http.RoundTripper) {
	prefix = strings.ToLower(prefix)
	p.mounted = slices.DeleteFunc(p.mounted, func(m mount) bool { return m.prefix == prefix })
	p.mounted = append(p.mounted, mount{prefix, transport})
	slices.SortStableFunc(p.mounted, func(a, b mount) int { return len(b.prefix) - len(a.prefix) })
}

func (p *byPrefix) find(u *url.URL) (http.RoundTripper, bool) {
	text := strings.ToLower(u.Scheme + "://" + u.Host + u.EscapedPath())
	for _, m := range p.mounted {
		rest, ok := strings.CutPrefix(text, m.prefix)
		if ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(m.prefix, "/")) {
			return m.transport, true
		}
	}
	return nil, false
}

func (p *byPrefix) RoundTrip(req *http.Request) (*http.Response, error) {
	if transport, ok := p.find(req.URL); ok {
		return transport.RoundTrip(req)
	}
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, errors.New("no transport is mounted for " + req.URL.Host)
}

// CloseIdleConnections closes those of all mounted transports.
func (p *byPrefix) CloseIdleConnections() {
	for _, m := range p.mounted {
		if closer, ok := m.transport.(interface{ CloseIdleConnections() }); ok {
			closer.CloseIdleConnections()
		}
	}
}

// end of recipe

func Example_transportByPrefix() {
	named := func(name string) http.RoundTripper {
		return fakeServer(func(http.ResponseWriter, *http.Request) { fmt.Println(name) })
	}
	internet, intranet := named("internet"), named("intranet")
	// recipe: by-prefix-use
	transports := &byPrefix{}
	transports.Mount("https://", internet)
	transports.Mount("https://intranet.example.com", intranet)
	defer transports.CloseIdleConnections()

	c, err := crest.New[*crest.Problem]("https://intranet.example.com/v1", crest.WithTransport(transports))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	get := crest.Get[crest.Empty, crest.Empty]("/pets")
	_, _ = get.Call(context.Background(), c, crest.Empty{})
	_, _ = get.Call(context.Background(), c, crest.Empty{}, crest.WithURL("https://intranet.example.com.evil.net/"))
	// Output:
	// intranet
	// internet
}

// onSocket starts a server on a UNIX socket.
func onSocket(h http.HandlerFunc) (path string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "crest")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "api.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		return "", nil, err
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	server.Start()
	return path, func() { server.Close(); _ = os.RemoveAll(dir) }, nil
}

func Example_unixSocket() {
	path, stop, err := onSocket(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Host, r.URL.Path) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	// recipe: unix-socket
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}
	defer transport.CloseIdleConnections()
	c, err := crest.New[*crest.Problem]("http://localhost/v1", crest.WithTransport(transport)) // the host is only a name
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Get[crest.Empty, crest.Empty]("/containers").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// localhost /v1/containers
	// <nil>
}

func Example_resolver() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Host) }))
	defer server.Close()
	// recipe: resolver
	hosts := map[string]string{"api.example.com:80": server.Listener.Addr().String()}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if other, ok := hosts[address]; ok {
			address = other
		}
		return new(net.Dialer).DialContext(ctx, network, address) // Dialer has Resolver and LocalAddr as well
	}
	defer transport.CloseIdleConnections()
	c, err := crest.New[*crest.Problem]("http://api.example.com", crest.WithTransport(transport))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Get[crest.Empty, crest.Empty]("/pets").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// api.example.com
	// <nil>
}

// recipe: trace

// watch is a middleware that tells about the connection of each request: which one it got, and that it went back to the pool.
func watch(got func(net.Conn), back func(error)) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				GotConn:     func(info httptrace.GotConnInfo) { got(info.Conn) },
				PutIdleConn: back,
			})
			return next.RoundTrip(req.WithContext(ctx))
		})
	}
}

// end of recipe

func Example_connectionTrace() {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer server.Close()
	transport := server.Client().Transport
	idle := make(chan error, 1)
	// recipe: trace-use
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTransport(transport), crest.WithMiddleware(watch(
		func(conn net.Conn) {
			secure, ok := conn.(*tls.Conn)
			fmt.Println("TLS:", ok && secure.ConnectionState().HandshakeComplete, conn.RemoteAddr().Network())
		},
		func(err error) { idle <- err },
	)))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := crest.Get[crest.Empty, string]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(text, err)
	fmt.Println("went back:", <-idle)
	// Output:
	// TLS: true tcp
	// hello <nil>
	// went back: <nil>
}

// recipe: raw-head

// tee copies what a connection receives: heads and bodies as they came over the wire.
type tee struct {
	net.Conn
	seen *lockedBuffer
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.seen.Write(p[:n])
	return n, err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// end of recipe

func Example_rawHeaders() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-EMPTY"] = []string{""}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	// recipe: raw-head-use
	var seen lockedBuffer
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return tee{conn, &seen}, nil
	}
	defer transport.CloseIdleConnections()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTransport(transport))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err, strings.Contains(seen.String(), "\r\nX-EMPTY: \r\n"))
	// Output: <nil> true
}
