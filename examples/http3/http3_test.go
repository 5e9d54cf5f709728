package http3

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificate is one that signed itself, for this machine.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serve starts a server of HTTP/3 and returns its URL and the roots that it is known by.
func serve(t *testing.T, h http.HandlerFunc) (string, *x509.CertPool) {
	t.Helper()
	own, roots := certificate(t)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http3.Server{Handler: h, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{own}})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(socket) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = socket.Close()
		<-done
	})
	return "https://" + socket.LocalAddr().String(), roots
}

func client(t *testing.T, base string, roots *x509.CertPool, opts ...crest.ClientOption) *crest.Client[*crest.Problem] {
	t.Helper()
	// recipe: http3-use
	transport := Transport(&tls.Config{RootCAs: roots})
	t.Cleanup(func() { _ = transport.Close() })
	opts = append(opts, crest.WithTransport(transport))
	c, err := crest.New[*crest.Problem](base, opts...)
	// end of recipe
	require.NoError(t, err)
	return c
}

type pet struct {
	Name string `json:"name" validate:"required"`
}

// TestHTTP3 calls endpoints over QUIC: JSON in both directions, headers, a missing pet, one connection for all.
func TestHTTP3(t *testing.T) {
	var mu sync.Mutex
	peers := map[string]bool{}
	base, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		peers[r.RemoteAddr] = true
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Proto", r.Proto)
		switch r.URL.Path {
		case "/pets":
			_, _ = io.Copy(w, r.Body)
		case "/pets/1":
			_, _ = io.WriteString(w, `{"name":"Rex"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	c := client(t, base, roots)
	type byID struct {
		ID int `path:"id"`
	}
	type answer struct {
		Proto string `header:"X-Proto"`
		Body  pet
	}
	getPet := crest.Get[byID, answer]("/pets/{id}")
	got, err := getPet.Call(t.Context(), c, byID{1})
	require.NoError(t, err)
	require.Equal(t, answer{"HTTP/3.0", pet{"Rex"}}, got)
	_, err = getPet.Call(t.Context(), c, byID{2})
	require.ErrorIs(t, err, crest.Status(http.StatusNotFound))
	created, err := crest.Post[pet, pet]("/pets").Call(t.Context(), c, pet{"Tom"})
	require.NoError(t, err)
	require.Equal(t, "Tom", created.Name)
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, peers, 1)
}

// TestHTTP3Streams echoes a body that nobody holds in memory, and decompresses nothing that was not asked for.
func TestHTTP3Streams(t *testing.T) {
	base, roots := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	text := strings.Repeat("0123456789abcdef", 1<<15)
	upload := crest.Post[struct{ Body io.Reader }, io.ReadCloser]("/echo")
	body, err := upload.Call(t.Context(), client(t, base, roots), struct{ Body io.Reader }{struct{ io.Reader }{strings.NewReader(text)}})
	require.NoError(t, err)
	defer body.Close()
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	require.True(t, text == string(got))
}

// TestHTTP3Cancel ends a call with its context, while the header and while the body is waited for; the server's handler ends too.
func TestHTTP3Cancel(t *testing.T) {
	arrived, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	base, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	for _, path := range []string{"/header", "/body"} {
		t.Run(path, func(t *testing.T) {
			cause := errors.New("the user left")
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { <-arrived; cancel(cause) }()
			_, err := crest.Get[crest.Empty, []byte](path).Call(ctx, client(t, base, roots), crest.Empty{})
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, cause)
			<-ended
		})
	}
}

// TestHTTP3Limiter stamps slots when the request is written, not when RoundTrip returns: quic-go calls the hooks of httptrace. The server
// answers only after the hook, and counts no more than the limit in a window.
func TestHTTP3Limiter(t *testing.T) {
	const limit, window, calls = 3, 200 * time.Millisecond, 8
	wrote := make(chan struct{}, calls)
	var mu sync.Mutex
	var arrivals, begun []time.Time
	base, roots := serve(t, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		arrivals = append(arrivals, time.Now())
		mu.Unlock()
		<-wrote
	})
	watch := func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				GetConn: func(string) { // after the slot was taken, and before it is stamped
					mu.Lock()
					defer mu.Unlock()
					begun = append(begun, time.Now())
				},
				WroteHeaders: func() { wrote <- struct{}{} },
			})))
		})
	}
	c := client(t, base, roots, crest.WithRateLimit(limit, window), crest.WithMiddleware(watch))
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if _, err := crest.Get[crest.Empty, crest.Empty]("/").Call(t.Context(), c, crest.Empty{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, arrivals, calls)
	for i := limit; i < calls; i++ { // a server reads late, never early
		require.GreaterOrEqual(t, arrivals[i].Sub(begun[i-limit]), window)
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestHTTP3HeaderTimeout works for the same reason.
func TestHTTP3HeaderTimeout(t *testing.T) {
	base, roots := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := client(t, base, roots, crest.WithTimeouts(crest.Timeouts{Header: 50 * time.Millisecond}), crest.WithRetry(crest.Retry{Max: -1}))
	_, err := crest.Get[crest.Empty, crest.Empty]("/").Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.KindTimeoutHeader)
}

// TestHTTP3UnknownServer sends nothing to a server whose certificate nobody vouches for.
func TestHTTP3UnknownServer(t *testing.T) {
	base, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	_, err := crest.Get[crest.Empty, crest.Empty]("/").Call(t.Context(), client(t, base, x509.NewCertPool()), crest.Empty{})
	require.ErrorIs(t, err, crest.ErrTransport)
	require.ErrorIs(t, err, crest.KindTLS)
	failed, ok := errors.AsType[*crest.CallError](err)
	require.True(t, ok)
	require.Equal(t, crest.SentNo, failed.Sent)
}
