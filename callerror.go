package crest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Step names the part of a call that failed. The Err constants are its values:
// match them with [errors.Is]. Every failed call matches exactly one of them.
type Step string

// The steps of a call, in their order. What a caller may conclude stands beside each.
const (
	// ErrRequest: the request was wrong; nothing was sent.
	ErrRequest Step = "request"
	// ErrClosed: the client was closed; nothing was sent.
	ErrClosed Step = "closed"
	// ErrLimited: the limiter would not let it go in time; nothing was sent, unless [CallError.Sent] says more: then
	// net/http or a middleware wanted to send the request once more.
	ErrLimited Step = "limited"
	// ErrCredentials: no credentials could be had, or they may not go there; nothing was sent.
	ErrCredentials Step = "credentials"
	// ErrTransport: there is no answer. [CallError.Sent] says whether the server may have got the request.
	ErrTransport Step = "transport"
	// ErrStatus: the server answered, not with a declared success. [*Error] has the details.
	ErrStatus Step = "status"
	// ErrResponse: a success whose body is not what was declared.
	ErrResponse Step = "response"
)

// Error returns the name of the step.
func (s Step) Error() string { return "crest: " + string(s) }

// Kind says how a step failed. Kinds are errors so that [errors.Is] finds them:
//
//	if errors.Is(err, crest.KindTimeout) { … }   // any of the timeouts
//
// The empty Kind means that the step has no finer division.
type Kind string

// Kinds of [ErrTransport].
const (
	KindDNS          Kind = "DNS"          // the name could not be looked up
	KindConnect      Kind = "connect"      // no connection could be opened
	KindProxy        Kind = "proxy"        // the proxy could not be used, did not answer, or refused
	KindTLS          Kind = "TLS"          // the handshake failed, as by a certificate that does not hold
	KindPin          Kind = "pin"          // the server has none of the keys of [WithPins]: *[PinError]
	KindTimeout      Kind = "timeout"      // matches every timeout below
	KindDisconnected Kind = "disconnected" // the connection broke off
	KindProtocol     Kind = "protocol"     // what came is not HTTP, or not the protocol that was asked for
	KindRedirect     Kind = "redirect"     // a redirect that is not followed: [Redirects]
	KindRequestBody  Kind = "request body" // the source of the body failed; also of ErrRequest: it could not be opened

	KindTimeoutTotal   Kind = "timeout(total)"   // [Timeouts].Total
	KindTimeoutAttempt Kind = "timeout(attempt)" // [Timeouts].Attempt
	KindTimeoutConnect Kind = "timeout(connect)" // [Timeouts].Connect; also matches KindConnect
	KindTimeoutTLS     Kind = "timeout(TLS)"     // [Timeouts].TLS; also matches KindTLS
	KindTimeoutHeader  Kind = "timeout(header)"  // [Timeouts].Header
	KindTimeoutIdle    Kind = "timeout(idle)"    // [Timeouts].Idle
)

// Kinds of [ErrResponse].
const (
	KindContentType Kind = "content type" // a media type that the model's codecs do not read
	KindTooLarge    Kind = "too large"    // more than [Bounds] allow
	KindTruncated   Kind = "truncated"    // the body, or the stream, ended before its end
	KindEncoding    Kind = "encoding"     // a Content-Encoding or charset that cannot be read, or is broken
	KindDecode      Kind = "decode"       // the body is not the model
	KindValidation  Kind = "validation"   // the model broke its own rules; also of ErrRequest

	KindRoute Kind = "route" // of ErrRequest, on a server's side: the request is for another endpoint

	KindPageLoop  Kind = "page loop"  // a page leads to one that was there already
	KindPageLimit Kind = "page limit" // there are more pages or items than [Paging] allows
	KindPageLink  Kind = "page link"  // the next page is nowhere, or not where credentials may go

	KindRange    Kind = "range"    // of downloads: a part is not the one that was asked for, or of another version
	KindChecksum Kind = "checksum" // of downloads: the body is not what its checksum says
	KindOutput   Kind = "output"   // of downloads: writing failed; also of ErrRequest: the file could not be begun
)

// Error returns the name of the kind.
func (k Kind) Error() string { return "crest: " + string(k) }

// Is makes a particular timeout match [KindTimeout] and the phase that it belongs to.
func (k Kind) Is(target error) bool {
	t, ok := target.(Kind)
	if !ok || !strings.HasPrefix(string(k), "timeout(") {
		return false
	}
	switch t {
	case KindTimeout:
		return true
	case KindConnect:
		return k == KindTimeoutConnect
	case KindTLS:
		return k == KindTimeoutTLS
	}
	return false
}

// Sent says whether a failed request reached the server.
type Sent int

// Whether anything was sent.
const (
	SentNo    Sent = iota // the server has not seen the request
	SentMaybe             // it may have been received and acted upon
	SentYes               // the server answered it
)

// String returns "no", "maybe" or "yes".
func (s Sent) String() string {
	switch s {
	case SentMaybe:
		return "maybe"
	case SentYes:
		return "yes"
	}
	return "no"
}

// Attempt is one try of a call.
type Attempt struct {
	StatusCode int           // 0 when there was no answer
	Err        error         // why it failed; nil for an answer
	Duration   time.Duration // from taking the slot to the end of the answer
	Wait       time.Duration // spent waiting before it: for its turn after a failure, and for slots
	Timing     Timing        // what of Duration went where
}

// CallError is what every failed call returns: the facts that are the same for all steps.
//
//   - [errors.Is] with a [Step] (ErrRequest …), a [Kind] (KindTimeout …) or a [Status] finds what went wrong.
//   - [errors.As] finds [*Error] when the server answered with no declared success, the API's own error models,
//     and the standard library's error below ([*net.OpError], [*url.Error], x509's …).
//   - A cancelled call matches its context's error and cause in whatever step it was.
//
// A CallError is immutable and never holds a secret.
type CallError struct {
	Step      Step
	Kind      Kind          // "" where the step has no kinds
	Endpoint  string        // method and route, "GET /pets/{id}"
	URL       string        // redacted; "" before the URL was built
	RequestID string        // the server's name for the request, "" if it gave none
	Attempts  []Attempt     // oldest first; empty when nothing was tried
	History   []Hop         // of the last attempt: the answers that were followed, oldest first
	Sent      Sent          // whether the server may have seen the request
	Wait      time.Duration // for ErrLimited: how long the wait would have been, 0 if the limiter did not say
	Err       error         // the cause

	ctxErr  error // the context's error and cause, when it ended the call
	hop     *hop  // which hop made it, before the wire
	stopped error // why it was not tried again although it could pass
	told    bool  // nothing of it changes any more
}

// Error returns one line: "crest: GET /pets/{id}: 404 Not Found: no such pet".
func (e *CallError) Error() string {
	var b strings.Builder
	b.WriteString("crest: ")
	if e.Endpoint != "" { // a limiter that serves no call has none
		b.WriteString(e.Endpoint)
		b.WriteString(": ")
	}
	if e.Step == ErrStatus && e.Err != nil {
		b.WriteString(textOf(e.Err))
		b.WriteString(e.aftermath())
		return b.String()
	}
	b.WriteString(string(e.Step))
	if e.Kind != "" {
		b.WriteString(": ")
		b.WriteString(string(e.Kind))
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(oneLine(textOf(e.Err)))
	}
	b.WriteString(e.aftermath())
	return b.String()
}

// aftermath says what a reader most needs to know besides: what became of the request, and of further attempts.
func (e *CallError) aftermath() string {
	var text string
	if e.Step != ErrStatus && e.Step != ErrResponse && e.Sent == SentMaybe {
		text = " (the request may have been received)"
	}
	if len(e.Attempts) > 1 {
		text += fmt.Sprintf(" (%d attempts)", len(e.Attempts))
	}
	if e.stopped != nil {
		text += " (not tried again: " + oneLine(textOf(e.stopped)) + ")"
	}
	return text
}

// stop returns e with the reason why it is final although another attempt might have passed, and the context's error where that is
// the reason. It is a copy: e is in the caller's hands.
func (e *CallError) stop(why, ctxErr error) *CallError {
	final := *e
	final.stopped = why
	if own, ok := why.(*CallError); ok {
		final.stopped = own.Err
	}
	if final.ctxErr == nil {
		final.ctxErr = ctxErr
	}
	return &final
}

// Is reports whether target is the step or the kind of e.
func (e *CallError) Is(target error) bool {
	switch t := target.(type) {
	case Step:
		return e.Step == t
	case Kind:
		return e.Kind != "" && (e.Kind == t || e.Kind.Is(t))
	}
	return false
}

// Unwrap returns the cause and, for a cancelled call, the context's error and cause.
func (e *CallError) Unwrap() []error {
	errs := make([]error, 0, 2)
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.ctxErr != nil {
		errs = append(errs, e.ctxErr)
	}
	return errs
}

// Timeout reports whether time ran out, as [net.Error] does.
func (e *CallError) Timeout() bool {
	return e.Is(KindTimeout) || errors.Is(e.ctxErr, context.DeadlineExceeded)
}

// Temporary exists so that a CallError is a [net.Error]. It reports whether the call was a timeout.
func (e *CallError) Temporary() bool { return e.Timeout() }

// contextError returns what must be findable of a context that has ended: its error and its cause.
// The transport reports only the cause, so that errors.Is(err, context.Canceled) would be false.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := nested(context.Cause(ctx)); cause != nil && !errors.Is(cause, err) {
		return errors.Join(err, cause)
	}
	return err
}

// fail makes a CallError of a step; the call fills in the rest.
func fail(step Step, kind Kind, err error) *CallError {
	return &CallError{Step: step, Kind: kind, Err: err}
}

// failf is fail with a formatted cause.
func failf(step Step, kind Kind, format string, args ...any) *CallError {
	return fail(step, kind, fmt.Errorf(format, args...))
}
