package crest_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// lab is a small internet: every name leads to it, the ports 443 and 8443 speak TLS. It knows the address that each request was
// dialled for, whatever the request says of itself.
type lab struct {
	*http.Transport
	answers  map[string]http.HandlerFunc // by address and path, "a.example:443/start"
	fallback http.HandlerFunc            // of the other addresses: a thing

	mu     sync.Mutex
	dialed map[string]string // the client's end of a connection → address
	visits []visit
}

// visit is a request as it arrived.
type visit struct {
	*http.Request
	addr, body string
	text       string // as it was on the wire
}

var labCertificate = sync.OnceValues(func() (tls.Certificate, *http.Transport) {
	now := time.Now()
	cert, pool := certificate(&testing.T{}, now.Add(-time.Hour), now.Add(time.Hour), "a.example", "sub.a.example", "b.example")
	return cert, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true}
})

func newLab(t testing.TB, answers map[string]http.HandlerFunc) *lab {
	t.Helper()
	cert, transport := labCertificate()
	l := &lab{Transport: transport.Clone(), answers: answers, fallback: replyJSON(200, thingJSON), dialed: map[string]string{}}
	plain := httptest.NewServer(l)
	secure := httptest.NewUnstartedServer(l)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	secure.StartTLS()
	l.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		server := plain
		if _, port, _ := net.SplitHostPort(addr); strings.HasSuffix(port, "443") {
			server = secure
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.dialed[conn.LocalAddr().String()] = addr
		}
		return conn, err
	}
	t.Cleanup(func() {
		l.CloseIdleConnections()
		plain.Close()
		secure.Close()
	})
	return l
}

func (l *lab) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	text, _ := httputil.DumpRequest(req, true)
	body, _ := io.ReadAll(req.Body)
	l.mu.Lock()
	v := visit{req, l.dialed[req.RemoteAddr], string(body), string(text)}
	l.visits = append(l.visits, v)
	answer := l.answers[v.addr+req.URL.Path]
	l.mu.Unlock()
	if answer == nil {
		answer = l.fallback
	}
	answer(w, req)
}

// all returns the requests in the order in which they came.
func (l *lab) all() []visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.visits)
}

// at returns the requests that came to an address.
func (l *lab) at(addr string) []visit {
	var found []visit
	for _, v := range l.all() {
		if v.addr == addr {
			found = append(found, v)
		}
	}
	return found
}

// way are the addresses and paths of all requests, in their order.
func (l *lab) way() []string {
	var all []string
	for _, v := range l.all() {
		all = append(all, v.Method+" "+v.addr+v.URL.Path)
	}
	return all
}

// to answers with a redirect, and a body that is in the way.
func to(status int, location string) http.HandlerFunc {
	return reply(status, "moved", "Location", location)
}

// each is a transport that gives these answers, one after the other and the last for ever, and remembers what it was asked.
func each(answers ...func(*http.Request) *http.Response) *recorder {
	r := &recorder{}
	r.answer = func(req *http.Request) *http.Response {
		n := min(len(r.all), len(answers)) // the newest is among them
		return answers[n-1](req)
	}
	return r
}

// moved, and ended, are answers for each.
func moved(status int, location string) func(*http.Request) *http.Response {
	return func(req *http.Request) *http.Response { return response(req, status, "", "Location", location) }
}

func ended(status int) func(*http.Request) *http.Response {
	return func(req *http.Request) *http.Response {
		return response(req, status, thingJSON, "Content-Type", "application/json")
	}
}

// methods are those of all requests that a recorder got.
func (r *recorder) methods() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, s := range r.all {
		all = append(all, s.Method)
	}
	return all
}

// refusedRedirect checks an error that says that a redirect was not followed.
func refusedRedirect(t testing.TB, err error) *crest.CallError {
	t.Helper()
	return fails(t, err, crest.ErrTransport, crest.KindRedirect, crest.SentYes)
}

// follow is a call of getThing against these answers.
func follow(t *testing.T, r http.RoundTripper, opts ...crest.ClientOption) (*crest.Response[thing], error) {
	t.Helper()
	c := newClient(t, "https://a.example", append([]crest.ClientOption{crest.WithTransport(r)}, opts...)...)
	got, err := getThing.Do(t.Context(), c, crest.Empty{})
	if err == nil {
		require.Equal(t, "Rex", got.Model.Name)
	}
	return got, err
}
