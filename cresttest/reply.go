package cresttest

import (
	"context"
	"net/http"
)

// Reply is what a handler can say beside the model, and see beside the request's.
type Reply struct {
	// Status is sent in place of the one that the endpoint would send; 0 leaves it.
	Status int
	// Header is sent with the answer, unless the model has a field for the same header.
	Header http.Header
	// Request is what was sent. Its body was read.
	Request *http.Request
}

type replyKey struct{}

// ReplyOf gives the reply of a handler's context. It belongs to the handler's goroutine, until the handler returns or sends a first
// piece. Of another context it gives one that nobody sends.
func ReplyOf(ctx context.Context) *Reply {
	if r, ok := ctx.Value(replyKey{}).(*Reply); ok {
		return r
	}
	return &Reply{Header: http.Header{}}
}

// answer is the response as handlers write it: with the status of the reply, and broken off where a fault says so.
type answer struct {
	http.ResponseWriter
	reply  *Reply
	note   func(status int)
	status int // that was sent
	limit  int // of bytes of the body, after which it is broken off; 0 for none
	broken func()
	halted bool // by broken
	sent   int
	gone   bool // the client, before the body's end
}

// Unwrap lets net/http find the writer that can flush.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader sends the status.
func (a *answer) WriteHeader(status int) {
	if a.reply.Status != 0 && a.status == 0 {
		status = a.reply.Status
	}
	a.status = status
	a.note(status)
	if !a.bodied() {
		a.Header().Del("Content-Length") // the model's, which is not sent
		a.Header().Del("Content-Type")
	}
	a.ResponseWriter.WriteHeader(status)
}

// bodied reports whether an answer of the status has a body (RFC 9110, sections 15.3.5 and 15.4.5).
func (a *answer) bodied() bool {
	return a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// Write sends a piece of the body.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.bodied() {
		return len(p), nil
	}
	if a.limit > 0 && a.sent+len(p) >= a.limit {
		_, _ = a.ResponseWriter.Write(p[:a.limit-a.sent])
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		a.halted = true
		a.broken()
	}
	n, err := a.ResponseWriter.Write(p)
	a.sent += n
	a.gone = a.gone || err != nil
	return n, err
}

// finish sees that a body which was to be broken off was long enough for it.
func (a *answer) finish(s *Server) {
	if a.limit > 0 && !a.halted {
		s.t.Errorf("cresttest: a fault breaks off after %d bytes, and the answer has %d", a.limit, a.sent)
	}
}
