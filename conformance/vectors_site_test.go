package conformance

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// site stands for every host that a row names, in plain and with TLS. Its answers are given one after the other; then it is 200.
type site struct {
	plain, secure *httptest.Server
	answers       []siteAnswer

	mu   sync.Mutex
	seen []siteRequest
}

type siteAnswer struct {
	status   int
	location string
	cookies  []string
	body     string
}

// siteRequest is a request as it was received.
type siteRequest struct {
	line, method, url string
	header            http.Header
	body              string
}

func (r *row) site(answers ...siteAnswer) *site {
	s := &site{answers: answers}
	s.plain = httptest.NewServer(s)
	s.secure = httptest.NewTLSServer(s)
	r.after(s.plain.Close)
	r.after(s.secure.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body := must1(io.ReadAll(req.Body))
	scheme := "http://"
	if req.TLS != nil {
		scheme = "https://"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.seen)
	s.seen = append(s.seen, siteRequest{
		req.Method + " " + req.RequestURI + " " + req.Proto, req.Method, scheme + req.Host + req.RequestURI, req.Header, string(body),
	})
	a := siteAnswer{status: http.StatusOK}
	if n < len(s.answers) {
		a = s.answers[n]
	}
	if a.location != "" {
		w.Header().Set("Location", strings.ReplaceAll(a.location, "{host}", req.Host))
	}
	for _, cookie := range a.cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// requests are those that have come.
func (s *site) requests() []siteRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *site) count() int { return len(s.requests()) }

// transport leads every name to the site; the ports of TLS are 443 and those that end so.
func (s *site) transport(r *row) http.RoundTripper {
	trusted := s.secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	rt := &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{RootCAs: trusted, ServerName: "example.com"}, // what httptest's certificate is for
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			server := s.plain
			if strings.HasSuffix(addr, "443") || strings.HasSuffix(addr, ":4321") {
				server = s.secure
			}
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	r.after(rt.CloseIdleConnections)
	return rt
}
