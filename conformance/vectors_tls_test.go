package conformance

import (
	"cmp"
	"crypto/md5"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/crest-go/crest"
)

// tlsServer is a server with a certificate that httptest has signed itself.
type tlsServer struct {
	*httptest.Server
	connections atomic.Int32
	seen        headerKeeper
}

// headerKeeper keeps the header of the last request.
type headerKeeper struct {
	mu   sync.Mutex
	last http.Header
}

func (h *headerKeeper) saw(header http.Header) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = header
}

func (h *headerKeeper) header() http.Header {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

func (r *row) recordTLS() *tlsServer {
	s := &tlsServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { s.seen.saw(req.Header) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.StartTLS()
	r.after(s.Close)
	return s
}

func (s *tlsServer) addr() string        { return s.Listener.Addr().String() }
func (s *tlsServer) header() http.Header { return s.seen.header() }

// client trusts the server, which is called example.com as well.
func (s *tlsServer) client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{RootCAs: roots}
}

// tunnelProxy is a proxy whose tunnels all lead to one place, and which answers plain requests by itself.
type tunnelProxy struct {
	addr string
	headerKeeper
}

func (r *row) recordTunnel(to string) *tunnelProxy {
	p := &tunnelProxy{}
	var tunnels sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p.saw(req.Header)
		if req.Method != http.MethodConnect {
			return
		}
		out := must1(net.Dial("tcp", to))
		conn, in, err := w.(http.Hijacker).Hijack()
		must(err)
		must1(io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"))
		tunnels.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
		tunnels.Go(func() { _, _ = io.Copy(conn, out); _ = conn.Close() })
	}))
	p.addr = server.Listener.Addr().String()
	r.after(func() { server.Close(); tunnels.Wait() })
	return p
}

// tlsSteps: calls with different ideas of a server's certificate, each by a client of its own.
func tlsSteps(r *row) (facts, error) {
	if r.in.text("server") != "self-signed" || r.in.flag("same_client") && r.when.flag("same_client") {
		panic("no driver for such steps")
	}
	r.when.flag("same_client")
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // one warning for each client without verification
	defer slog.SetDefault(before)
	s := r.recordTLS()
	for _, entry := range asList(r.in.get("steps")) {
		step := asObject(entry)
		p := &plan{method: r.method(), clientOpts: []crest.ClientOption{crest.WithRetry(crest.Retry{Max: -1})}}
		if step["verify"] == false {
			p.clientOpts = append(p.clientOpts, crest.WithoutTLSVerification())
		}
		resp, err := p.do(r, s.URL)
		switch word, _ := step["error"].(string); {
		case word == "" && err != nil:
			return nil, err
		case word == "" && float64(resp.StatusCode) != step["status"]:
			return nil, fmt.Errorf("the status is %d", resp.StatusCode)
		case word != "" && (err == nil || !errorWords[word](err)):
			return nil, fmt.Errorf("the error is %v, not %s", err, word)
		}
	}
	return facts{"pools": s.connections.Load()}, nil
}

// newFingerprint: what is no SHA-256 is no pin.
func newFingerprint(r *row) (facts, error) {
	var sum []byte
	switch digest := r.in.text("digest"); digest {
	case "":
		sum = must1(hex.DecodeString(r.in.text("hex")))
	case "md5('foo')":
		own := md5.Sum([]byte("foo"))
		sum = own[:]
	case "sha1('foo')":
		own := sha1.Sum([]byte("foo"))
		sum = own[:]
	default:
		panic("no digest " + digest)
	}
	good := "sha256/" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	_, err := r.client("https://api.test", crest.WithPins(good, "sha256/"+base64.StdEncoding.EncodeToString(sum)))
	return nil, err
}

// pinMismatch makes a server without a pinned key: expected, got, host and port are fields.
func pinMismatch(r *row) (facts, error) {
	for _, key := range []string{"expected", "got", "host", "port"} {
		r.in.get(key) // stand for values that only a real handshake has
	}
	s := r.recordTLS()
	var pins []string
	for _, letter := range []string{"a", "b"} {
		pins = append(pins, "sha256/"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32))))
	}
	p := &plan{method: "GET", clientOpts: []crest.ClientOption{crest.WithTLS(s.client()), crest.WithPins(pins...)}}
	_, err := p.do(r, s.URL)
	mismatch, ok := errors.AsType[*crest.PinError](err)
	if !ok {
		return nil, err
	}
	kept := len(mismatch.Expected) == 2 && len(mismatch.Got) == 1 && net.JoinHostPort(mismatch.Host, mismatch.Port) == s.addr()
	return facts{"fields_kept": holds(kept && errors.Is(err, crest.KindPin), "%+v", mismatch)}, nil
}

// The rest of this file are recipes: files of certificates, and their names in the environment.

// tlsFromFiles reads roots and a client certificate from PEM files; "" is none. The errors name the file and what it was for.
func tlsFromFiles(roots, certificate, key string) (*tls.Config, error) {
	config := &tls.Config{}
	if roots != "" {
		text, err := os.ReadFile(roots)
		if err != nil {
			return nil, fmt.Errorf("the CA certificates: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("the CA certificates: %s holds none", roots)
		}
	}
	if certificate == "" {
		return config, nil
	}
	for _, file := range []struct{ what, path string }{{"certificate", certificate}, {"key", cmp.Or(key, certificate)}} {
		if _, err := os.Stat(file.path); err != nil {
			return nil, fmt.Errorf("the client's %s: %w", file.what, err)
		}
	}
	pair, err := tls.LoadX509KeyPair(certificate, cmp.Or(key, certificate))
	if err != nil {
		return nil, fmt.Errorf("the client's certificate %s: %w", certificate, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// exchangeTLS: files that are not there.
func exchangeTLS(r *row) (facts, error) {
	certificate, key := "", ""
	switch cert := r.in.get("cert").(type) {
	case string:
		certificate = cert
	case []any:
		certificate, key = cert[0].(string), cert[1].(string)
	}
	_, err := tlsFromFiles(r.in.text("verify"), certificate, key)
	if err == nil {
		return nil, errors.New("nothing was wrong with the files")
	}
	return facts{"message": check(func(want any) error {
		path := want.(string)[strings.LastIndex(want.(string), " ")+1:]
		for word, ours := range map[string]string{"CA certificate": "the CA certificates", "TLS certificate file": "the client's certificate", "key file": "the client's key"} {
			if strings.Contains(want.(string), word) {
				return contains(err.Error())([]any{path, ours})
			}
		}
		return fmt.Errorf("no such file: %v", want)
	})}, nil
}

// caBundle is the file of CA certificates that the environment names.
func caBundle() string { return cmp.Or(os.Getenv("REQUESTS_CA_BUNDLE"), os.Getenv("CURL_CA_BUNDLE")) }

func mergeEnvironment(r *row) (facts, error) {
	for _, name := range []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		before := os.Getenv(name)
		must(os.Unsetenv(name))
		r.after(func() { must(os.Setenv(name, before)) })
	}
	for name, value := range asObject(r.in.get("env")) {
		must(os.Setenv(name, value.(string)))
	}
	if path := caBundle(); path != "" && r.in.flag("verify") {
		return facts{"verify": path}, nil
	}
	return facts{"verify": r.in.flag("verify")}, nil
}
