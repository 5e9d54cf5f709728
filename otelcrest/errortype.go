package otelcrest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/crest-go/crest"
)

// errPanic stands for the error of what panicked.
var errPanic = errors.New("a transport or a middleware panicked")

// failed reports whether a request is an error by the conventions: without an answer, or with 4xx or 5xx.
func failed(resp *http.Response) bool { return resp == nil || resp.StatusCode >= 400 }

func statusText(resp *http.Response) string { return strconv.Itoa(resp.StatusCode) }

// errorType names an error by a word of which there are few.
func errorType(ctx context.Context, err error) string {
	if own, ok := errors.AsType[*crest.CallError](err); ok {
		if own.Kind != "" {
			return string(own.Kind)
		}
		return string(own.Step)
	}
	switch {
	case err == nil: // nor an answer
		return string(crest.KindProtocol)
	case errors.Is(err, errPanic):
		return "panic"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return string(crest.KindTimeout)
	case errors.Is(err, context.Canceled), ctx.Err() != nil:
		return "canceled"
	}
	return transportError(err)
}

func transportError(err error) string {
	if errors.Is(err, crest.KindRequestBody) {
		return string(crest.KindRequestBody)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && !dns.IsTimeout {
		return string(crest.KindDNS)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return string(crest.KindTLS)
	}
	if timed, ok := errors.AsType[net.Error](err); ok && timed.Timeout() {
		return string(crest.KindTimeout)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return string(crest.KindConnect)
	}
	if lost(err) {
		return string(crest.KindDisconnected)
	}
	return semconv.ErrorType(err).Value.AsString()
}

// lost reports whether the connection ended before the answer, as HTTP/1 finds it.
func lost(err error) bool {
	for _, sign := range [...]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}

// unsent reports whether crest refused the request before the wire: nothing can be measured of it.
func unsent(err error) bool {
	own, ok := errors.AsType[*crest.CallError](err)
	return ok && own.Sent == crest.SentNo && own.Step != crest.ErrTransport
}
