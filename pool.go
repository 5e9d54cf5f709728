package crest

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Pool sets up the connections of crest's own transport. The zero value holds the defaults; a zero field leaves its default,
// or what an earlier [WithPool] said.
//
// MaxConns and MaxConnsPerHost bound the hops that are under way at a time. A hop is one request with its answer: each
// attempt is one, and each step of a redirect. It takes its place before the limiter's slot, first come first served, and has
// it until the body of its answer is closed, also over HTTP/2, where many hops share a connection. While a hop waits, its
// Attempt timeout stands still; it stops waiting when its context ends, with [ErrTransport] and nothing sent. A typed call has
// left its place when it returns. A body that the caller reads keeps it until Close: whoever sends a second request of the same
// client before that, in the same goroutine or in a middleware, needs room for two.
type Pool struct {
	// MaxConns is the most hops at a time to all hosts together. No bound by default.
	MaxConns int
	// MaxConnsPerHost is the most hops at a time to one host: scheme, name and port. No bound by default.
	MaxConnsPerHost int
	// MaxIdlePerHost is how many unused connections to one host are kept. 256 by default; 512 are kept in all, or as many as
	// MaxIdlePerHost says.
	MaxIdlePerHost int
	// IdleTimeout is how long an unused connection is kept. 90 s by default; [NoTimeout] keeps it as long as the server does.
	IdleTimeout time.Duration
	// CloseAfterUse keeps none: each request has its own connection and says Connection: close (RFC 9112, section 9.6).
	// Beside MaxIdlePerHost or IdleTimeout it is a mistake.
	CloseAfterUse bool
}

// The default bounds of connections that nobody uses.
const (
	defaultIdleTimeout = 90 * time.Second
	defaultIdleConns   = 512
	defaultIdlePerHost = 256
)

// WithPool sets up the connections of crest's own transport. Field by field, a later WithPool wins over an earlier one.
// Negative numbers, and WithPool beside [WithTransport], are errors of [New].
func WithPool(p Pool) ClientOption {
	return clientOption(func(s *settings) error {
		if err := p.check(); err != nil {
			return fmt.Errorf("WithPool: %w", err)
		}
		s.client.own.says("WithPool")
		s.client.own.pool = p.over(s.client.own.pool)
		return nil
	})
}

func (p Pool) check() error {
	var mistakes []error
	for _, f := range [...]struct {
		name string
		n    int
	}{{"MaxConns", p.MaxConns}, {"MaxConnsPerHost", p.MaxConnsPerHost}, {"MaxIdlePerHost", p.MaxIdlePerHost}} {
		if f.n < 0 {
			mistakes = append(mistakes, fmt.Errorf("%s is %d, and negative: give a positive number, or 0 for the default", f.name, f.n))
		}
	}
	if p.IdleTimeout < 0 && p.IdleTimeout != NoTimeout {
		mistakes = append(mistakes, fmt.Errorf("IdleTimeout is %v, and negative: give a positive duration, 0 for the default, or NoTimeout", p.IdleTimeout))
	}
	return errors.Join(mistakes...)
}

// over returns p on top of base, field by field.
func (p Pool) over(base Pool) Pool {
	return Pool{
		MaxConns: nearer(p.MaxConns, base.MaxConns), MaxConnsPerHost: nearer(p.MaxConnsPerHost, base.MaxConnsPerHost),
		MaxIdlePerHost: nearer(p.MaxIdlePerHost, base.MaxIdlePerHost), IdleTimeout: nearer(p.IdleTimeout, base.IdleTimeout),
		CloseAfterUse: nearer(p.CloseAfterUse, base.CloseAfterUse),
	}
}

// contradiction is a mistake of the options together.
func (p Pool) contradiction() error {
	if p.CloseAfterUse && (p.IdleTimeout != 0 || p.MaxIdlePerHost != 0) {
		return errors.New("WithPool: CloseAfterUse keeps no connection, IdleTimeout and MaxIdlePerHost are about those that are kept: leave one of them out")
	}
	return nil
}

// shape gives rt the bounds of idle connections. Those of hops lie around the exchange, in places.
func (p Pool) shape(rt *http.Transport) {
	rt.MaxIdleConnsPerHost = nearer(p.MaxIdlePerHost, defaultIdlePerHost)
	rt.MaxIdleConns = max(defaultIdleConns, rt.MaxIdleConnsPerHost)
	rt.IdleConnTimeout = max(nearer(p.IdleTimeout, defaultIdleTimeout), 0)
	rt.DisableKeepAlives = p.CloseAfterUse
}
