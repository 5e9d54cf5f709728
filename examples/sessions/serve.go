package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// site is a server and what it received. It is safe for concurrent use.
type site struct {
	url  string
	stop func()
	next http.Handler

	mu   sync.Mutex
	seen []sighting
}

// sighting is a request as a server received it.
type sighting struct {
	target string // method and request target, "GET /report"
	header http.Header
	text   []byte // all of it, but the body of a CONNECT
}

// serve starts a server on a free port of 127.0.0.1 that calls itself host; with an identity it speaks TLS.
func serve(ctx context.Context, host string, h http.Handler, id *identity) (*site, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no loopback port could be opened: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	s := &site{url: "http://" + net.JoinHostPort(host, port), next: h}
	if id != nil {
		s.url = "https://" + net.JoinHostPort(host, port)
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{id.certificate}})
	}
	// A client that finds the wrong key hangs up, which the server would log.
	ctx, cancel := context.WithCancel(ctx)
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	s.stop = func() { cancel(); _ = server.Close(); <-done }
	return s, nil
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	}
	text, err := httputil.DumpRequest(r, r.Method != http.MethodConnect)
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.seen = append(s.seen, sighting{r.Method + " " + r.RequestURI, r.Header.Clone(), text})
	s.mu.Unlock()
	s.next.ServeHTTP(w, r)
}

// reset returns the requests since the last reset.
func (s *site) reset() []sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// credentials are the headers that carry one, in the order in which they are shown.
var credentials = []string{"Authorization", "X-Api-Key", "Cookie", "Proxy-Authorization"}

// carried names the headers of the request that carry a credential, and says whether a secret is anywhere else in it.
func (r *sighting) carried() []string {
	found := []string{}
	rest := r.text
	for _, name := range credentials {
		for i, value := range r.header.Values(name) {
			if rest = bytes.Replace(rest, []byte(name+": "+value), nil, 1); i == 0 {
				found = append(found, name)
			}
		}
	}
	for _, secret := range []string{password, token, apiKey, proxyPassword, sessionPrefix} {
		if bytes.Contains(rest, []byte(secret)) {
			return append(found, "elsewhere in the request")
		}
	}
	return found
}
