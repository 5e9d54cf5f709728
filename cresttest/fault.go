package cresttest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	// Delay passes before anything is answered.
	Delay time.Duration
	// Status is answered in the handler's place, with Header and Body; 0 lets the handler answer.
	Status int
	Header http.Header
	Body   string
	// RetryAfter is sent as Retry-After, in seconds, rounded up. It needs a Status, such as 429.
	RetryAfter time.Duration
	// Cut closes the connection: before anything was answered, or after CutAfter bytes of the body. What is read until
	// there is real, so a client sees that the body is truncated.
	Cut      bool
	CutAfter int
}

// planned is a fault that waits for its requests.
type planned struct {
	Fault
	left int      // negative for all
	of   []string // endpoints; none for any
}

// Fail lets the next n requests fail, or all of them for a negative n: those of the endpoints, streams and pagers' endpoints that are
// named, of any without. Faults wait in line: a request meets the first that is left for its endpoint. Requests that fail are
// among the [Calls]; their handler is not run, unless the fault is a delay or cuts a body. [Server.Heal] ends it.
func (s *Server) Fail(n int, f Fault, of ...fmt.Stringer) {
	s.t.Helper()
	if f.RetryAfter > 0 && f.Status == 0 || f.CutAfter > 0 && !f.Cut || f.CutAfter < 0 {
		s.t.Errorf("cresttest: a Fault with RetryAfter needs a Status, and one with CutAfter needs Cut: %+v", f)
	}
	p := &planned{Fault: f, left: n}
	for _, e := range of {
		p.of = append(p.of, e.String())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, p)
}

// Heal takes back all faults that are left.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault takes the one that a request of an endpoint meets.
func (s *Server) fault(name string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.faults {
		if p.left == 0 || len(p.of) > 0 && !slices.Contains(p.of, name) {
			continue
		}
		p.left--
		return &p.Fault
	}
	return &Fault{}
}

// happen reports whether the handler is to answer.
func (f *Fault) happen(_ *Server, w *answer, r *http.Request) bool {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if f.Cut && f.CutAfter == 0 {
		panic(http.ErrAbortHandler)
	}
	w.cut = f.CutAfter
	if f.Status == 0 {
		return true
	}
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.RetryAfter > 0 {
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	w.WriteHeader(f.Status)
	if f.Body != "" {
		_, _ = w.Write([]byte(f.Body))
	}
	return false
}
