package fasthttptransport_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/fasthttptransport"
)

// TestMain holds every test to it that no goroutine outlives its call, or its connection.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// transport is what both net/http's and ours are.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}

// dial is how a test connects.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// makers make the transports that have to behave alike.
var makers = map[string]func(d dial) transport{
	"net/http": func(d dial) transport { return &http.Transport{DialContext: d, DisableCompression: true} },
	"fasthttp": func(d dial) transport { return &fasthttptransport.Transport{DialContext: d} },
}

// onBoth runs a test over both transports.
func onBoth(t *testing.T, d dial, test func(t *testing.T, rt transport)) {
	t.Helper()
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			rt := make(d)
			t.Cleanup(rt.CloseIdleConnections)
			test(t, rt)
		})
	}
}

// problem is the error model of the tests' client.
type problem struct {
	Message string `json:"message"`
}

func (p *problem) Error() string { return p.Message }

// client tries once and follows nothing.
func client(t *testing.T, base string, rt http.RoundTripper, opts ...crest.ClientOption) *crest.Client[*problem] {
	t.Helper()
	opts = append([]crest.ClientOption{
		crest.WithTransport(rt), crest.WithRetry(crest.Retry{Max: -1}), crest.WithRedirects(crest.Redirects{Max: -1}),
	}, opts...)
	c, err := crest.New[*problem](base, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// counting is a server that counts its connections.
type counting struct {
	*httptest.Server
	mu    sync.Mutex
	conns int
}

func serve(t *testing.T, h http.HandlerFunc) *counting {
	t.Helper()
	s := &counting{Server: httptest.NewUnstartedServer(h)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if state == http.StateNew {
			s.conns++
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *counting) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// listen starts a server that speaks bytes.
func listen(t *testing.T, serve func(conn net.Conn, in *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// canned answers each request with the same bytes, then closes.
func canned(t *testing.T, text string) string {
	t.Helper()
	return listen(t, func(conn net.Conn, in *bufio.Reader) {
		if req, err := http.ReadRequest(in); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, text)
		}
	})
}

// soon fails the test if f takes as long as no prompt end does.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it did not end when it was told to")
	}
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	return req
}

// silent swallows what net/http's server says about clients that do not like it.
var silent = log.New(io.Discard, "", 0)
