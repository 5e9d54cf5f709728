package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// result is what came of a part.
type result struct {
	took time.Duration
	seen []sighting // by the server

	mu       sync.Mutex
	failures []error // of calls
}

var errWrong = errors.New("what it claims did not happen: see WRONG above")

func (r *result) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, err)
}

func (r *result) served() int { return len(r.seen) - r.refused() }

func (r *result) refused() int {
	n := 0
	for _, s := range r.seen {
		if s.refused {
			n++
		}
	}
	return n
}

// refusesNothing says what contradicts the claim that the server refused nothing.
func (r *result) refusesNothing(s setting) []string {
	wrong := r.allSucceed(s)
	if n := r.refused(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("the server refused %d requests", n))
	}
	return wrong
}

// settles says what contradicts the claim that the server refused only what was on its way when the client learned the limit: one
// request of each goroutine at most, all within one window, and none afterwards.
func (r *result) settles(s setting) []string {
	wrong := r.allSucceed(s)
	var first time.Time
	late := 0
	for _, at := range r.seen {
		switch {
		case !at.refused:
		case first.IsZero():
			first = at.at
		case at.at.Sub(first) > s.per:
			late++
		}
	}
	switch n := r.refused(); {
	case n == 0:
		wrong = append(wrong, "the server refused nothing, so there was nothing to learn")
	case n > s.goroutines:
		wrong = append(wrong, fmt.Sprintf("the server refused %d requests, more than were on their way at once", n))
	}
	if late > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests were refused after the client had been told", late))
	}
	return wrong
}

// allSucceed says what contradicts the claim that each call was served once.
func (r *result) allSucceed(s setting) []string {
	var wrong []string
	if len(r.failures) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d calls failed, the first with: %v", len(r.failures), r.failures[0]))
	}
	if n := r.served(); n != s.calls-len(r.failures) {
		wrong = append(wrong, fmt.Sprintf("the server served %d requests of %d calls", n, s.calls))
	}
	return wrong
}

// judge prints the claim, or what contradicts it, and reports whether it holds.
func judge(out io.Writer, claim string, wrong []string) bool {
	if len(wrong) == 0 {
		printf(out, "   as claimed: %s\n", claim)
		return true
	}
	for _, w := range wrong {
		printf(out, "   WRONG: %s\n", w)
	}
	return false
}
