package crest

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"slices"
)

// repeat says whether a failure may be followed by another attempt.
type repeat int

const (
	repeatNever repeat = iota
	repeatAsked        // where Retry.If says so; as repeatSafe then
	repeatSafe         // where a second execution does no harm
	repeatAny          // the server has done nothing
)

// repeat is the one place that decides about another attempt. unsent says that this one never reached the server.
func (r *Retry) repeat(failure *CallError, unsent bool) repeat {
	verdict := r.classify(failure, unsent)
	if verdict == repeatAsked {
		verdict = repeatNever
		if r.If != nil && r.If(failure) {
			verdict = repeatSafe
		}
	}
	switch {
	case verdict == repeatAny && slices.ContainsFunc(failure.History, mayHaveActed):
		return repeatSafe
	case verdict == repeatSafe && unsent:
		return repeatAny
	}
	return verdict
}

// mayHaveActed reports whether a server may have executed the request that it answered so. It has not where it asks for credentials, nor
// where it wants the same method elsewhere (RFC 9110, sections 15.5.2, 15.4.8 and 15.4.9).
func mayHaveActed(answer Hop) bool {
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return false
	}
	return true
}

// classify is the table: from the step, kind and status of a failure to the verdict. What is not in it is not tried again.
func (r *Retry) classify(failure *CallError, unsent bool) repeat {
	switch failure.Step {
	case ErrStatus:
		answer, _ := errors.AsType[*Error](failure)
		return r.afterStatus(answer)
	case ErrTransport:
		return afterLoss(failure, unsent)
	case ErrResponse:
		if failure.Kind == KindTruncated {
			return repeatSafe
		}
	}
	return repeatNever
}

func (r *Retry) afterStatus(answer *Error) repeat {
	switch {
	case answer == nil:
		return repeatNever
	case !slices.Contains(r.statuses(), answer.StatusCode):
		return repeatAsked
	case answer.StatusCode == http.StatusTooManyRequests:
		return repeatAny
	}
	return repeatSafe
}

// afterLoss is the verdict where there is no answer.
func afterLoss(failure *CallError, unsent bool) repeat {
	switch failure.Kind {
	case KindConnect:
		if errors.Is(failure, fs.ErrPermission) { // a firewall's, or a guard's that the caller put into the dialer
			return repeatNever
		}
		return repeatSafe
	case KindTimeoutConnect, KindTimeoutTLS, KindDisconnected, KindTimeoutHeader, KindTimeoutAttempt, KindTimeoutIdle:
		return repeatSafe
	case KindDNS:
		if e, ok := errors.AsType[*net.DNSError](failure); ok && e.IsNotFound {
			return repeatAsked
		}
		return repeatSafe
	case KindProxy:
		return afterProxy(failure)
	case "": // a middleware's own error, or what no transport of net/http says
		if unsent {
			return repeatAsked
		}
		return repeatSafe
	}
	return repeatNever
}

// afterProxy looks at how a proxy refused: a gateway's trouble passes, its rules do not.
func afterProxy(failure *CallError) repeat {
	e, refused := errors.AsType[proxyError](failure)
	passes := e == http.StatusBadGateway || e == http.StatusServiceUnavailable || e == http.StatusGatewayTimeout
	switch {
	case proxyUnusable(failure.Err):
		return repeatNever
	case refused && !passes, proxyForbids(failure.Err):
		return repeatAsked
	}
	return repeatSafe
}

// neverTried tells a failure that came before the attempt: it says nothing of the server.
func neverTried(failure *CallError) bool {
	switch failure.Step {
	case ErrRequest, ErrClosed, ErrLimited, ErrCredentials:
		return failure.Sent == SentNo
	}
	return false
}

// throttled reports whether the server asks for fewer requests.
func throttled(failure *CallError) bool {
	answer, ok := errors.AsType[*Error](failure)
	return ok && failure.Step == ErrStatus && (answer.StatusCode == http.StatusTooManyRequests ||
		answer.StatusCode == http.StatusServiceUnavailable && answer.RetryAfter > 0)
}

// unconnected reports whether no connection could be made.
func unconnected(failure *CallError) bool {
	switch failure.Kind {
	case KindDNS, KindConnect, KindTimeoutConnect, KindTimeoutTLS, KindProxy:
		return true
	}
	return false
}

// idempotentMethods are those of RFC 9110, section 9.2.2, and QUERY.
var idempotentMethods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodOptions: true, http.MethodTrace: true,
	http.MethodPut: true, http.MethodDelete: true, "QUERY": true,
}

// idempotent reports whether the call may be executed twice. What the endpoint says wins over its method, a key over both.
func (c *call) idempotent() bool {
	_, key := c.out.key(c.settings.keyNames())
	switch {
	case key != "":
		return true
	case c.settings.idempotent != unsaid:
		return c.settings.idempotent == yes
	}
	return idempotentMethods[c.out.method]
}

// saying is what an option says, if it was given.
type saying uint8

const (
	unsaid saying = iota
	yes
	no
)

// WithIdempotent says that executing a call twice does no harm, whatever its method: it is tried again as a GET is. See [Retry].
func WithIdempotent() Option { return idempotent(yes) }

// WithoutIdempotent says the opposite: a call is tried again only when the server has provably not executed it.
func WithoutIdempotent() Option { return idempotent(no) }

func idempotent(is saying) Option {
	return anyOption(func(s *settings) error {
		s.idempotent = is
		return nil
	})
}
