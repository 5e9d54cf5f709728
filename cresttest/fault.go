package cresttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	// Delay passes before anything is answered.
	Delay time.Duration
	// Status is answered in the handler's place, with Header and Body; 0 lets the handler answer. A Body that is a JSON object or array goes
	// out as application/json unless Header says otherwise.
	Status int
	Header http.Header
	Body   string
	// RetryAfter is sent as Retry-After, in seconds, rounded up. It needs a Status, such as 429.
	RetryAfter time.Duration
	// Cut closes the connection, Stall lets it fall silent until the client gives up: before anything was answered, or after the first After
	// bytes of the body.
	Cut, Stall bool
	After      int
}

// breaks reports whether the answer does not come to its end.
func (f *Fault) breaks() bool { return f.Cut || f.Stall }

// planned is a fault that waits for its requests.
type planned struct {
	Fault
	left int   // negative for all
	of   []key // endpoints; none for any
}

// Fail lets the next n requests fail, or all of them for a negative n: those of the endpoints, streams and pagers' endpoints that are
// named, of any without. Faults wait in line: a request meets the first that is left for its endpoint. Requests that fail are
// among the [Calls]; their handler is not run, unless the fault is a delay or breaks a body off. [Server.Heal] ends it.
func (s *Server) Fail(n int, f Fault, of ...fmt.Stringer) {
	s.t.Helper()
	if f.RetryAfter > 0 && f.Status == 0 || f.After > 0 && !f.breaks() || f.After < 0 || f.Cut && f.Stall {
		s.t.Errorf("cresttest: a Fault with RetryAfter needs a Status, one with After needs Cut or Stall, and one of the two: %+v", f)
	}
	p := &planned{Fault: f, left: n}
	for _, e := range of {
		p.of = append(p.of, keyOf(e))
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
func (s *Server) fault(of key) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.faults {
		if p.left == 0 || len(p.of) > 0 && !slices.Contains(p.of, of) {
			continue
		}
		p.left--
		return &p.Fault
	}
	return &Fault{}
}

// broken leaves the answer where it is.
func (f *Fault) broken(ctx context.Context) {
	if f.Stall {
		<-ctx.Done()
	}
	panic(http.ErrAbortHandler) // closes the connection, and nothing is logged
}

// happen reports whether the handler is to answer.
func (f *Fault) happen(w *answer, r *http.Request) bool {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if f.breaks() && f.After == 0 {
		f.broken(r.Context())
	}
	w.limit, w.broken = f.After, func() { f.broken(r.Context()) }
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
	_, typed := w.Header()["Content-Type"] // a nil one is none
	if body := strings.TrimSpace(f.Body); !typed && strings.IndexAny(body, "{[") == 0 && json.Valid([]byte(body)) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(f.Status)
	if f.Body != "" {
		_, _ = w.Write([]byte(f.Body))
	}
	return false
}
