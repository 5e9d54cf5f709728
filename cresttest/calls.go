package cresttest

import (
	"fmt"
	"net/http"
	"net/url"
)

// Call is one request that an endpoint got.
type Call[Req any] struct {
	Req    Req         // as it was decoded; a reader in it is the one that the handler was given
	Header http.Header // as it was sent
	URL    *url.URL    // below the server's prefix
	Status int         // that was answered; 0 while it is not, and where it never was
}

// Calls are the requests of an endpoint so far, in the order of their coming: each attempt, redirect and page is one, those that met a
// fault too, but not those that were refused.
func Calls[Req any](s *Server, of interface {
	fmt.Stringer
	DecodeRequest(*http.Request) (Req, error)
}) []Call[Req] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call[Req]
	for _, c := range s.calls[keyOf(of)] {
		req, _ := c.req.(Req)
		calls = append(calls, Call[Req]{req, c.header, c.url, c.status})
	}
	return calls
}

// call is a Call without its type.
type call struct {
	req    any
	header http.Header
	url    *url.URL
	status int
}

func (s *Server) record(r *route, from *http.Request, req any) *call {
	c := &call{req: req, header: from.Header.Clone(), url: from.URL}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[r.key] = append(s.calls[r.key], c)
	return c
}

// answered notes the status, before the client can see it.
func (s *Server) answered(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.status = status
}
