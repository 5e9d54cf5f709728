package crest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// proxyError is the status of a proxy that answered CONNECT with something else than 200.
type proxyError int

func (e proxyError) Error() string { return "the proxy answered " + statusText(int(e)) }

// Is makes the proxy's status findable.
func (e proxyError) Is(target error) bool {
	s, ok := target.(Status)
	return ok && s.matches(int(e))
}

// classify turns what a transport or a middleware returned into crest's error.
// The original error stays findable.
func (h *hop) classify(ctx context.Context, err error) *CallError {
	if own, ok := errors.AsType[*CallError](err); ok && own.hop == h {
		copied := *own
		copied.Sent, copied.hop = max(copied.Sent, h.mostSent()), nil // the hop holds the whole call
		return &copied
	}
	if errors.Is(err, errLostContext) || errors.Is(err, errNoRoundTripper) {
		return fail(ErrRequest, "", err)
	}
	failed := fail(ErrTransport, "", nested(plainCause(err)))
	if h.reached.Load() { // else it is a middleware's own error
		failed.Kind = transportKind(err)
		failed.Sent = h.mostSent()
	}
	if errors.Is(err, errNoResponse) {
		failed.Kind = KindProtocol
	}
	if ctx.Err() != nil {
		failed.endedBy(ctx)
	}
	return failed
}

// sentDespite says whether a request may have reached the server although the transport failed with err.
func sentDespite(err error) Sent {
	switch transportKind(err) {
	case KindDNS, KindConnect, KindProxy, KindPin, KindTimeoutConnect, KindTimeoutTLS:
		return SentNo
	case KindTLS:
		if handshakeFailed(err) {
			return SentNo
		}
	case KindDisconnected:
		if unprocessed(err) {
			return SentNo
		}
	}
	return SentMaybe
}

// unprocessed tells an HTTP/2 stream that the server says it did not look at: refused, or above the last one of
// a GOAWAY (RFC 9113, sections 6.8 and 8.7), or that never began. The whole beginning must be net/http's own: what a server wrote stands further behind.
func unprocessed(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if unprocessedText().MatchString(textOf(err)) {
			return true
		}
	}
	return false
}

var unprocessedText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(http2: Transport: cannot retry err \[)?(stream error: stream ID \d+; REFUSED_STREAM|` +
		`http2: Transport received Server's graceful shutdown GOAWAY|http2: client conn (not usable|could not be established)|net/http: cannot rewind body after connection loss)`)
})

// quotesServer finds the errors whose text is partly the server's: nothing else may be read out of them.
func quotesServer(err error) Kind {
	text := textOf(err)
	switch {
	case strings.Contains(text, "http2: server sent GOAWAY and closed the connection"):
		return KindDisconnected
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME"), strings.Contains(text, "malformed chunked"):
		return KindProtocol
	}
	return ""
}

// handshakeFailed tells a TLS failure that kept the server from seeing the request. With TLS 1.3 the alert about a client's
// certificate comes after the request has left, and the server has not looked at it; a bad record can come at any time.
func handshakeFailed(err error) bool {
	if is[*tls.CertificateVerificationError](err) || is[tls.RecordHeaderError](err) ||
		is[x509.HostnameError](err) || is[x509.UnknownAuthorityError](err) || is[x509.CertificateInvalidError](err) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && slices.ContainsFunc(handshakeAlerts, func(alert string) bool {
		return strings.HasSuffix(op.Err.Error(), alert)
	})
}

// handshakeAlerts are the alerts that only a handshake can end with, as crypto/tls words them (RFC 8446, section 6.2).
var handshakeAlerts = []string{
	"handshake failure", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
	"unknown certificate", "unknown certificate authority", "protocol version not supported", "insufficient security level",
	"unrecognized name", "certificate required", "no application protocol", "missing extension", "unsupported extension",
}

// plainCause maps what http.Client would: a plain-text answer to a TLS greeting is a wrong scheme.
func plainCause(err error) error {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(e.RecordHeader[:]) == "HTTP/" {
		return errors.Join(http.ErrSchemeMismatch, err)
	}
	return err
}

// transportKind is the one place that knows how net/http and its like name their failures.
func transportKind(err error) Kind {
	for _, classify := range [...]func(error) Kind{quotesServer, pinKind, bodyKind, proxyKind, dialKind, tlsKind, headerKind, lostKind, protocolKind} {
		if kind := classify(err); kind != "" {
			return kind
		}
	}
	return ""
}

func bodyKind(err error) Kind {
	if _, ok := errors.AsType[*requestBodyError](err); ok || strings.Contains(textOf(err), "http: ContentLength=") {
		return KindRequestBody
	}
	return ""
}

func proxyKind(err error) Kind {
	if is[proxyError](err) || is[*proxyMistake](err) {
		return KindProxy
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "proxyconnect" || strings.HasPrefix(e.Op, "socks")) {
		return KindProxy
	}
	return ""
}

func dialKind(err error) Kind {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return KindDNS
	}
	e, ok := errors.AsType[*net.OpError](err)
	switch {
	case !ok || e.Op != "dial":
		return ""
	case e.Timeout():
		return KindTimeoutConnect
	}
	return KindConnect
}

func tlsKind(err error) Kind {
	if strings.Contains(textOf(err), "TLS handshake timeout") {
		return KindTimeoutTLS
	}
	if is[*tls.CertificateVerificationError](err) || is[tls.RecordHeaderError](err) || is[tls.AlertError](err) ||
		is[x509.HostnameError](err) || is[x509.UnknownAuthorityError](err) || is[x509.CertificateInvalidError](err) {
		return KindTLS
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "remote error" || e.Op == "local error") {
		return KindTLS // an alert: crypto/tls wraps its own type in an OpError
	}
	if strings.Contains(textOf(err), "tls: ") {
		return KindTLS
	}
	return ""
}

func headerKind(err error) Kind {
	if strings.Contains(textOf(err), "timeout awaiting response headers") {
		return KindTimeoutHeader
	}
	return ""
}

func lostKind(err error) Kind {
	text := textOf(err)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNABORTED),
		strings.Contains(text, "server closed"), strings.Contains(text, "GOAWAY"), strings.Contains(text, "REFUSED_STREAM"),
		lostConn.MatchString(text), streamReset(text):
		return KindDisconnected
	}
	return ""
}

// lostConn is what the streams of an HTTP/2 connection end in when another one of them, or a ping, finds that it is gone. The last is
// for a body that is closed by then, of a stream that never began.
var lostConn = regexp.MustCompile(`http2: client conn(ection)? (lost|force closed|is closed|not usable|could not be established)|` +
	`net/http: cannot rewind body after connection loss`)

// streamReset tells that an HTTP/2 server gave up a stream (RFC 9113, section 6.4): to its request that is what a lost connection is in
// HTTP/1. PROTOCOL_ERROR is the server's complaint about the client.
func streamReset(text string) bool {
	return strings.Contains(text, "stream error: stream ID ") && strings.HasSuffix(text, "; received from peer") && !strings.Contains(text, "PROTOCOL_ERROR")
}

func protocolKind(err error) Kind {
	text := textOf(err)
	for _, sign := range [...]string{"malformed", "bad Content-Length", "Content-Length", "invalid", "headers exceeded", "PROTOCOL_ERROR", "unsupported", "unexpected", "too many 1xx",
		"http2: frame too large", "FRAME_SIZE_ERROR", "FLOW_CONTROL_ERROR", "COMPRESSION_ERROR"} {
		if strings.Contains(text, sign) {
			return KindProtocol
		}
	}
	return ""
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
