package crest

import (
	"context"
	"errors"
	"time"
)

// Limiter makes requests wait until they may be sent. [golang.org/x/time/rate.Limiter] is one.
// It must be safe for concurrent use and return when ctx ends. An error ends the call with ErrLimited:
// nothing was sent.
type Limiter interface {
	Wait(ctx context.Context) error
}

// WithLimiter makes every request wait for l before it is sent, whatever caused it: a call, or a middleware that
// sends twice. Given to a client it counts all of its requests, given to an endpoint those of the endpoint; both hold.
// Waiting happens below the middleware and ends with the call's context.
func WithLimiter(l Limiter) SharedOption {
	return sharedOption(func(s *settings) error {
		if isNil(l) {
			return errors.New("WithLimiter: the limiter is nil")
		}
		s.limiters = append(s.limiters[:len(s.limiters):len(s.limiters)], l)
		return nil
	})
}

// limit takes a slot of each limiter.
func (h *hop) limit(ctx context.Context) error {
	if len(h.settings.limiters) == 0 {
		return nil
	}
	start := time.Now()
	defer func() { h.waited.Add(int64(time.Since(start))) }()
	for _, l := range h.settings.limiters {
		if err := l.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}
