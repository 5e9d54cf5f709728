package cresttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/crest-go/crest"
)

// TB is what a server needs of a test: a *testing.T, *testing.B or *testing.F, or a stand-in outside of tests. Errorf is called from
// the goroutines of handlers.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Server is a fake of one API. It is made by [NewServer], and closes itself at the end of the test. It is safe for concurrent use.
type Server struct {
	t       TB
	prefix  string
	http    *http.Server
	memory  *memory
	wire    *http.Transport
	running sync.WaitGroup // accept loops and handlers
	socket  func() string

	mu     sync.Mutex
	closed bool
	routes []*route // the most particular first
	calls  map[key][]*call
	faults []*planned
}

// Option is an option of [NewServer].
type Option func(s *Server)

// Prefix is the path of the API's base URL: "/v1" for a client of https://api.example.com/v1. Without it the base URL has none.
func Prefix(path string) Option {
	return func(s *Server) { s.prefix = "/" + strings.Trim(path, "/") }
}

// NewServer starts a server that lasts as long as the test. At the test's end its connections are closed, the contexts of its handlers
// end, and it waits for them: a handler that blocks looks at its context. Nothing listens on a socket before
// [Server.URL] is called.
func NewServer(t TB, opts ...Option) *Server {
	s := &Server{t: t, memory: newMemory(), calls: make(map[key][]*call)}
	for _, o := range opts {
		o(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:     s,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // what goes wrong is told to the test
	}
	s.wire = s.memory.transport()
	s.socket = sync.OnceValue(s.listen)
	s.serve(s.memory)
	t.Cleanup(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		cancel()
		_ = s.http.Close()
		s.wire.CloseIdleConnections()
		s.running.Wait()
	})
	return s
}

func (s *Server) serve(l net.Listener) {
	s.running.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.t.Errorf("cresttest: the server ended: %v", err)
		}
	})
}

// Transport leads to the server, whatever scheme and host a request names, for [crest.WithTransport]. Connections lie in memory and are
// used once each, and https has no TLS, so credentials go to an https base URL as they would to the API. A client with
// options for a transport of crest's own, such as WithTLS, needs [Server.URL].
func (s *Server) Transport() http.RoundTripper { return s.wire }

// URL is the server's base URL, prefix included, on a socket of this machine's loopback. It listens from the first call on. The URL is
// plain http, over which credentials go to the loopback without a word.
func (s *Server) URL() string { return s.socket() }

func (s *Server) listen() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Errorf("cresttest: no socket: %v", err)
		return ""
	}
	s.serve(l)
	return "http://" + l.Addr().String() + s.prefix
}

// ServeHTTP answers a request, for servers of the test's own, such as one with TLS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler) // closes the connection, and nothing is logged
	}
	defer s.running.Done()
	defer s.panicked(r)
	inner, ok := s.below(r)
	switch {
	case !ok:
		s.refuse(w, r, http.StatusNotFound, fmt.Sprintf("%s %s is not below the server's prefix %s", r.Method, r.URL.Path, s.prefix))
	case !s.route(w, inner):
		s.refuse(w, r, http.StatusNotFound, fmt.Sprintf("no endpoint takes %s %s: %s", r.Method, r.URL.Path, s.known()))
	}
}

// panicked tells the test what net/http would log.
func (s *Server) panicked(r *http.Request) {
	why := recover()
	if why == nil {
		return
	}
	if err, ok := why.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.t.Errorf("cresttest: the handler of %s %s panicked: %v\n%s", r.Method, r.URL.Path, why, debug.Stack())
	}
	panic(http.ErrAbortHandler) // closes the connection, and nothing is logged
}

// enter lets a handler run, unless the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

// below takes the prefix off a request's path.
func (s *Server) below(r *http.Request) (*http.Request, bool) {
	u := *r.URL
	var ok bool
	if u.Path, ok = strings.CutPrefix(u.Path, s.prefix); !ok || !strings.HasPrefix(u.Path, "/") {
		return r, false
	}
	u.RawPath = strings.TrimPrefix(u.RawPath, s.prefix)
	inner := r.WithContext(r.Context())
	inner.URL = &u
	return inner, true
}

// refuse fails the test and answers.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	s.t.Helper()
	s.t.Errorf("cresttest: %s", why)
	_, _ = io.CopyN(io.Discard, r.Body, drained) // else the client would see its request break off, and no answer
	http.Error(w, why, status)
}

// drained is how much is read of the body of a request that is refused.
const drained = 16 << 20

// known lists what the server answers, for messages.
func (s *Server) known() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.routes) == 0 {
		return "the server has no Handle"
	}
	names := make([]string, len(s.routes))
	for i, r := range s.routes {
		names[i] = r.name
	}
	return "it has " + strings.Join(names, ", ")
}

// route lets the first endpoint that takes the request answer it.
func (s *Server) route(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	routes := s.routes
	s.mu.Unlock()
	for _, one := range routes {
		if one.isTwins(routes, r) {
			continue
		}
		req, err := one.decode(r)
		if errors.Is(err, crest.KindRoute) {
			continue
		}
		s.exchange(w, r, one, req, err)
		return true
	}
	return false
}
