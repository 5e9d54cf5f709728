package crest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// quick is how the tests on real sockets try again.
var quick = crest.WithRetry(crest.Retry{Max: 3, Backoff: constant(0), Budget: crest.NoBound})

// onWire is a client on crest's own kind of transport, which the test may change, and how often it was asked for a connection.
func onWire(t *testing.T, base string, change func(*http.Transport), opts ...crest.ClientOption) (*crest.Client[*failure], *atomic.Int32) {
	t.Helper()
	rt := crest.NewTransport()
	rt.Proxy = nil
	if change != nil {
		change(rt)
	}
	dials := new(atomic.Int32)
	dial := rt.DialContext
	rt.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx, network, addr)
	}
	t.Cleanup(rt.CloseIdleConnections)
	return newClient(t, base, append([]crest.ClientOption{quick, crest.WithTransport(rt)}, opts...)...), dials
}

// The rows about connecting. Every attempt dials once.
func TestR55ClassifierConnecting(t *testing.T) {
	dial := func(err error) func(*http.Transport) {
		return func(rt *http.Transport) {
			rt.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
			}
		}
	}
	through := func(address string) func(*http.Transport) {
		return func(rt *http.Transport) { rt.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address}) }
	}
	answering := func(status string) func(*http.Transport) {
		proxy := canned(t, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
		return through(strings.TrimPrefix(proxy, "http://"))
	}
	refused := deaf(t)
	for name, tt := range map[string]struct {
		base    string
		change  func(*http.Transport)
		kind    crest.Kind
		repeats bool
	}{
		"refused":           {"http://" + refused, nil, crest.KindConnect, true},
		"unreachable":       {"http://x.example", dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), crest.KindConnect, true},
		"reset in the dial": {"http://x.example", dial(os.NewSyscallError("connect", syscall.ECONNRESET)), crest.KindConnect, true},
		"dial timeout":      {"http://x.example", dial(os.ErrDeadlineExceeded), crest.KindTimeoutConnect, true},
		"descriptors":       {"http://x.example", dial(os.NewSyscallError("socket", syscall.EMFILE)), crest.KindConnect, true},
		"ports":             {"http://x.example", dial(os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)), crest.KindConnect, true},
		"temporary name":    {"http://x.example", dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), crest.KindDNS, true},
		"slow name server":  {"http://x.example", dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), crest.KindDNS, true},
		"unknown name":      {"http://x.example", dial(&net.DNSError{Err: "no such host", IsNotFound: true}), crest.KindDNS, false},
		"proxy is dead":     {"https://x.example", through(refused), crest.KindProxy, true},
		"proxy 502":         {"https://x.example", answering("502 Bad Gateway"), crest.KindProxy, true},
		"proxy 503":         {"https://x.example", answering("503 Service Unavailable"), crest.KindProxy, true},
		"proxy 504":         {"https://x.example", answering("504 Gateway Timeout"), crest.KindProxy, true},
		"proxy 407":         {"https://x.example", answering("407 Proxy Authentication Required"), crest.KindProxy, false},
		"proxy 403":         {"https://x.example", answering("403 Forbidden"), crest.KindProxy, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, dials := onWire(t, tt.base, tt.change)
			eachWay(t, func(t *testing.T, _ string, e *crest.Endpoint[crest.Empty, thing], _ bool) {
				dials.Store(0)
				_, err := e.Call(t.Context(), c, crest.Empty{})
				failed := fails(t, err, crest.ErrTransport, tt.kind, crest.SentNo)
				require.EqualValues(t, attempts(tt.repeats), dials.Load())
				require.Len(t, failed.Attempts, attempts(tt.repeats))
			})
		})
	}
}

// deaf is an address at which nobody listens.
func deaf(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// What TLS refuses is refused for good.
func TestR55ClassifierTLS(t *testing.T) {
	now := time.Now()
	secure := func(t *testing.T, own tls.Certificate, config *tls.Config) string {
		server := httptest.NewUnstartedServer(reply(200, thingJSON, "Content-Type", "application/json"))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		config.Certificates = []tls.Certificate{own}
		server.TLS = config
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.URL
	}
	good, pool := certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	expired, expiredPool := certificate(t, now.Add(-2*time.Hour), now.Add(-time.Hour))
	other, otherPool := certificate(t, now.Add(-time.Hour), now.Add(time.Hour), "other.example")
	trusting := func(rt *http.Transport) { rt.TLSClientConfig.RootCAs = pool }
	for name, tt := range map[string]struct {
		base   string
		change func(*http.Transport)
	}{
		"unknown authority":  {secure(t, good, &tls.Config{}), nil},
		"expired":            {secure(t, expired, &tls.Config{}), func(rt *http.Transport) { rt.TLSClientConfig.RootCAs = expiredPool }},
		"host name":          {secure(t, other, &tls.Config{}), func(rt *http.Transport) { rt.TLSClientConfig.RootCAs = otherPool }},
		"TLS version":        {secure(t, good, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}), trusting},
		"client certificate": {secure(t, good, &tls.Config{ClientAuth: tls.RequireAnyClientCert}), trusting},
		"scheme mismatch":    {strings.Replace(serve(t, reply(204, "")), "http://", "https://", 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, dials := onWire(t, tt.base, tt.change)
			for _, make := range []func(...crest.EndpointOption) *crest.Endpoint[crest.Empty, thing]{repeatable["GET"], others["POST"]} {
				dials.Store(0)
				_, err := make().Call(t.Context(), c, crest.Empty{})
				fails(t, err, crest.ErrTransport, crest.KindTLS, crest.SentNo)
				require.EqualValues(t, 1, dials.Load())
			}
		})
	}
}

// The rows about sending: the request has left, and no answer came.
func TestR55ClassifierSending(t *testing.T) {
	write := func(text string) func(net.Conn, *bufio.Reader) {
		return func(conn net.Conn, in *bufio.Reader) {
			if readRequest(in) != nil {
				_, _ = io.WriteString(conn, text)
			}
		}
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, tt := range map[string]struct {
		serve func(net.Conn, *bufio.Reader)
		kind  crest.Kind
		safe  bool
		opt   crest.Option
	}{
		"EOF": {write(""), crest.KindDisconnected, true, nil},
		"reset": {func(conn net.Conn, in *bufio.Reader) {
			_ = readRequest(in)
			_ = conn.(*net.TCPConn).SetLinger(0)
		}, crest.KindDisconnected, true, nil},
		"cut status line": {write("HTTP/1.1 200 O"), crest.KindDisconnected, true, nil},
		"cut header":      {write(head), crest.KindDisconnected, true, nil},
		"not HTTP":        {write("SSH-2.0-OpenSSH_9.9\r\n"), crest.KindProtocol, false, nil},
		"bad length":      {write("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), crest.KindProtocol, false, nil},
		"header cap":      {write("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 300<<10) + "\r\n\r\n"), crest.KindProtocol, false, nil},
		"1xx flood":       {write(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 20_000)), crest.KindProtocol, false, nil},
		"switched":        {write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), crest.KindProtocol, false, nil},
		"truncated":       {write(head + "Content-Length: 100\r\n\r\n{"), crest.KindTruncated, true, nil},
		"cut chunk":       {write(head + "Transfer-Encoding: chunked\r\n\r\nff\r\n{"), crest.KindTruncated, true, nil},
		"too large":       {write(head + "Content-Length: 100\r\n\r\n" + strings.Repeat("x", 100)), crest.KindTooLarge, false, crest.WithBounds(crest.Bounds{Body: 10})},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			base := listen(t, func(conn net.Conn, in *bufio.Reader) {
				requests.Add(1)
				tt.serve(conn, in)
			})
			c, _ := onWire(t, base, nil)
			eachWay(t, func(t *testing.T, way string, e *crest.Endpoint[crest.Empty, thing], safe bool) {
				if way == "HEAD" && (tt.kind == crest.KindTruncated || tt.kind == crest.KindTooLarge) {
					return // it has no body
				}
				if tt.opt != nil && way != "GET" && way != "POST" {
					return // the other ways are in the table without a network
				}
				requests.Store(0)
				var opts []crest.CallOption
				if tt.opt != nil {
					opts = append(opts, tt.opt)
				}
				_, err := e.Call(t.Context(), c, crest.Empty{}, opts...)
				require.Equal(t, tt.kind, callError(t, err).Kind, "%v", err)
				require.EqualValues(t, attempts(safe && tt.safe), requests.Load())
			})
		})
	}
}

// The same of a server that says nothing, in virtual time.
func TestR55ClassifierSilence(t *testing.T) {
	for kind, timeouts := range map[crest.Kind]crest.Timeouts{
		crest.KindTimeoutHeader:  {Header: time.Second},
		crest.KindTimeoutAttempt: {Attempt: time.Second},
	} {
		t.Run(string(kind), func(t *testing.T) {
			eachWay(t, func(t *testing.T, _ string, e *crest.Endpoint[crest.Empty, thing], safe bool) {
				synctest.Test(t, func(t *testing.T) {
					var requests atomic.Int32
					net := &pipes{serve: silent(func() { requests.Add(1) })}
					c, end := net.client(t, quick, crest.WithTimeouts(timeouts))
					defer end()
					_, err := e.Call(t.Context(), c, crest.Empty{})
					require.Equal(t, kind, callError(t, err).Kind, "%v", err)
					require.EqualValues(t, attempts(safe), requests.Load())
				})
			})
		})
	}
}

// What goes wrong in the caller's own reader is not tried again.
func TestR55ClassifierRequestBody(t *testing.T) {
	type upload struct{ Body func() (io.ReadCloser, error) }
	type seeked struct{ Body io.Reader }
	var requests atomic.Int32
	c, _ := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
	}), nil)
	own := errors.New("disk is gone")
	opened := 0
	_, err := crest.Put[upload, crest.Empty]("/x").Call(t.Context(), c, upload{func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(io.MultiReader(strings.NewReader("x"), failingReader{own})), nil
	}})
	fails(t, err, crest.ErrTransport, crest.KindRequestBody, crest.SentMaybe)
	require.ErrorIs(t, err, own)
	require.Equal(t, 1, opened)
	_, err = crest.Put[seeked, crest.Empty]("/x").Call(t.Context(), c, seeked{&seeking{strings.NewReader("abc"), 10}})
	fails(t, err, crest.ErrTransport, crest.KindRequestBody, crest.SentMaybe)
	require.Len(t, callError(t, err).Attempts, 1)
	require.LessOrEqual(t, requests.Load(), int32(2))
}
