package crest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
)

var errUndeclaredStream = errors.New("the stream is nil or zero: declare it with crest.NewStream")

// declareStream compiles a declaration whose answers are read piece by piece.
func declareStream(method, route string, req, piece reflect.Type, opts []EndpointOption) (*endpoint, error) {
	return declareWith(method, route, req, opts, func(e *endpoint) []error {
		mistakes := e.compilePieces(piece)
		if e.method == http.MethodHead {
			mistakes = append(mistakes, errors.New("HEAD has no body to stream: use crest.Head"))
		}
		if e.settings.reconnect && !e.mayRepeat() {
			mistakes = append(mistakes, errNotRepeatable)
		}
		return mistakes
	})
}

// compilePieces makes the response a live body that holds pieces of type t.
func (e *endpoint) compilePieces(t reflect.Type) []error {
	piece, mistakes := compileResult(t)
	if piece != nil && piece.live() {
		mistakes = append(mistakes, errors.New("the pieces of a stream have no reader: use a model, string, []byte or any"))
	}
	e.result = &result{kind: liveResult, t: reflect.TypeFor[io.ReadCloser](), piece: piece}
	return mistakes
}

// mayRepeat reports whether the declaration alone lets the request be sent twice.
func (e *endpoint) mayRepeat() bool {
	if e.settings.idempotent != unsaid {
		return e.settings.idempotent == yes
	}
	return idempotentMethods[e.method] || e.settings.key != nil
}

var (
	errNotRepeatable = errors.New("WithReconnect sends the request again, which may do harm: use an idempotent method, WithIdempotent or WithIdempotencyKey")
	errKeyStaysHome  = errors.New("WithReconnect sends the request again, which may do harm: the idempotency key stays at the client's own origin")
)

// checkReconnect refuses what would be executed twice.
func (c *call) checkReconnect(ctx context.Context) *CallError {
	if !c.settings.reconnect || c.idempotent() {
		return nil
	}
	if c.settings.keyStays {
		return c.failed(ctx, fail(ErrRequest, "", errKeyStaysHome))
	}
	return c.failed(ctx, fail(ErrRequest, "", errNotRepeatable))
}

// WithDone declares the data that ends a stream, such as "[DONE]". It is not decoded, and nothing after it is read. A stream that has
// such markers and ends without one is [KindTruncated]: where servers have a way to say that all is there, its absence means
// that something is missing. The nearest level's markers hold.
func WithDone(markers ...string) Option {
	return anyOption(func(s *settings) error {
		if len(markers) == 0 {
			return errors.New("WithDone: no marker: name at least one, such as [DONE]")
		}
		for _, m := range markers {
			if m == "" {
				return errors.New("WithDone: a marker is empty: name the data that ends the stream, such as [DONE]")
			}
		}
		s.done = markers
		return nil
	})
}

// WithReconnect makes an event stream go on after its connection was lost, fell silent or was closed by the server: the request is sent
// again with the header Last-Event-ID, so that the server can go on behind the last event that the loop has got. One that gives its events no
// ids cannot know that, and where it begins anew the loop gets them a second time. Other formats have nothing to go on from and are left alone.
//
// As many failures in a row are mended as [Retry.Max] allows; an event, or 20 s of connection, ends the row. Before a reconnect passes the time
// that the stream asked for with a retry: field, between 100 ms and 5 minutes, or else [Retry.Backoff]'s. A marker of [WithDone] ends the
// stream, as the status 204 does (WHATWG HTML, section 9.2.3); a status that is no success, or data that is not what was declared, is an
// error as it is without the option. Each reconnect is a request like the first: it gets its own slot of the limiter, credentials, redirects and retries.
//
// A request that is not safe to repeat is refused: by the declaration, or with ErrRequest where the option came by client or call.
func WithReconnect() Option {
	return anyOption(func(s *settings) error {
		s.reconnect = true
		return nil
	})
}
