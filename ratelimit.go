package crest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"time"
)

// Limiter makes requests wait until they may be sent. [*RateLimiter] is one, and so is
// [golang.org/x/time/rate.Limiter]. It must be safe for concurrent use and return when ctx ends. An error
// ends the call with ErrLimited: nothing was sent. A limiter that knows how long the wait would have been
// returns a [*CallError] with the Step ErrLimited and the Wait.
//
// Of a plain Limiter nothing more is known: a request counts when Wait returns, and one that was not written
// is lost to the limit. A request of [WithCost] n calls WaitN(ctx, n) if there is such a method, else Wait n
// times. The better ones are [SlotLimiter] and [Feedback].
type Limiter interface {
	Wait(ctx context.Context) error
}

// SlotLimiter is a Limiter that counts requests when they are written and takes back what was not. Where a
// limiter has Slot, its Wait is not called.
type SlotLimiter interface {
	Limiter
	// Slot waits, as Wait does, until a request of that cost may go out. The cost is 1 or more. req is the request as
	// the middleware left it, without credentials; it must not be changed or kept. A nil Slot is none to keep.
	Slot(ctx context.Context, req *http.Request, cost int) (Slot, error)
}

// Slot is the permission for one request on the wire. Exactly one of Sent and Cancel is called, once. They
// may be called by another goroutine than the one that took the slot and should not block. A Slot that is a
// [Feedback] is told of the answer, if there is one: of a written request that was lost nothing more is
// heard. (How many requests are under way at once is not for a limiter but for a [Middleware], which sees the
// end of each.)
type Slot interface {
	// Sent says that the headers are being written now, or were at the latest.
	Sent()
	// Cancel says that nothing was written.
	Cancel()
}

// Feedback is what a [Slot], or a [Limiter] without slots, can be as well: it learns from answers.
type Feedback interface {
	// Observe is told of every answer as its header arrives, whatever its status. The body must not be touched.
	Observe(resp *http.Response)
}

// NewLimiter makes a limiter that lets n requests through in any window of the length per, all at once if
// they come so. It serves every client and endpoint that is given it with [WithLimiter]. A mistake, such as a
// per of zero, is an error of [New] or a panic of the endpoint that is given the limiter, and of each Wait.
func NewLimiter(n int, per time.Duration, opts ...LimiterOption) *RateLimiter {
	l := &RateLimiter{number: limitersMade.Add(1), n: n, per: per, maxQueue: maxWaiting, start: time.Now()}
	for _, o := range opts {
		if o != nil {
			o.applyLimiter(l)
		}
	}
	switch {
	case n < 1 || n > maxUnits:
		l.fault("n is %d, and must be from 1 to %d", n, maxUnits)
	case per <= 0:
		l.fault("per is %v, and must be more than zero", per)
	case l.margin < 0:
		l.fault("Margin is %v, and must not be negative", l.margin)
	case l.maxQueue < 0:
		l.fault("MaxQueue is %d, and must not be negative", l.maxQueue)
	default:
		l.span = min(int64(min(per, math.MaxInt64-l.margin-1)+l.margin)+1, maxSpan)
		l.gap = (l.span + int64(n) - 1) / int64(n)
	}
	return l
}

func (l *RateLimiter) fault(format string, args ...any) {
	if l.mistake == nil {
		l.mistake = fmt.Errorf(format, args...)
	}
}

// LimiterOption is an option of [NewLimiter] and [WithRateLimit]: [Smooth], [Margin], [MaxQueue] or [XRateLimit].
type LimiterOption interface{ applyLimiter(l *RateLimiter) }

type limiterOption func(l *RateLimiter)

func (o limiterOption) applyLimiter(l *RateLimiter) { o(l) }

// Smooth spaces requests evenly: one after another with per/n between them, and a request of cost c keeps the
// next away for c times that. Each waits until the one before is written, so a connection that opens slowly
// slows down all; without Smooth up to n connections open at once.
func Smooth() LimiterOption { return limiterOption(func(l *RateLimiter) { l.smooth = true }) }

// Margin lengthens per by d. The limiter sees when requests leave, the server when they arrive: what one
// request loses on the way and a later one does not brings them closer together, and if the delay varies by
// more than d, a server that counts strictly can find up to twice n in one of its windows. The default is 0;
// the spread of the network's delay is enough.
func Margin(d time.Duration) LimiterOption {
	return limiterOption(func(l *RateLimiter) { l.margin = d })
}

// MaxQueue bounds how many requests may wait; more end at once in [ErrLimited]. The default is 10 000; with 0
// nothing waits.
func MaxQueue(n int) LimiterOption { return limiterOption(func(l *RateLimiter) { l.maxQueue = n }) }

// WithRateLimit lets no more than n requests onto the wire in any window of the length per, in bursts of up
// to n: see [RateLimiter] for what is counted. A request that cannot go before its deadline fails at once
// with ErrLimited, and [CallError.Wait] says how long it would have waited. Each client that the option is
// given to has a limiter of its own; an endpoint's is shared by all clients that call it. Both hold where
// both are given.
func WithRateLimit(n int, per time.Duration, opts ...LimiterOption) SharedOption {
	return sharedOption(func(s *settings) error { return s.addLimiter("WithRateLimit", NewLimiter(n, per, opts...)) })
}

// WithLimiter makes every request wait for l before it is sent, whatever caused it: a call, or a middleware
// that sends twice. Given to a client it counts all of its requests, given to an endpoint those of the
// endpoint; both hold, and a limiter that is given to both counts a request once. Waiting happens below the
// middleware and ends with the call's context. nil is a mistake.
func WithLimiter(l Limiter) SharedOption {
	return sharedOption(func(s *settings) error { return s.addLimiter("WithLimiter", l) })
}

func (s *settings) addLimiter(option string, l Limiter) error {
	if isNil(l) {
		return fmt.Errorf("%s: the limiter is nil", option)
	}
	if own, ok := l.(*RateLimiter); ok {
		if err := own.usable(); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
	}
	s.limiters = joinLimiters(s.limiters, []Limiter{l})
	return nil
}

// joinLimiters puts those of a nearer level behind those of a farther one, each once: with two slots for one
// request, a limit of 1 would wait for itself.
func joinLimiters(far, near []Limiter) []Limiter {
	joined := far[:len(far):len(far)]
	for _, l := range near {
		if !hasLimiter(far, l) {
			joined = append(joined, l)
		}
	}
	return joined
}

func hasLimiter(list []Limiter, l Limiter) bool {
	if !reflect.ValueOf(l).Comparable() {
		return false
	}
	for _, have := range list {
		if reflect.ValueOf(have).Comparable() && have == l {
			return true
		}
	}
	return false
}

// NearOption is one that fits an endpoint and a call, but not a client.
type NearOption interface {
	EndpointOption
	CallOption
}

type nearOption func(s *settings) error

func (o nearOption) applyEndpoint(s *settings) error { return o(s) }
func (o nearOption) applyCall(s *settings) error     { return o(s) }

// WithCost says how many units of the limit a request takes, for APIs that weigh their operations. The
// default is 1. A cost above the limit ends the call at once with ErrLimited. A heavy request that waits
// makes the light ones behind it wait as well; else it might never go.
func WithCost(n int) NearOption {
	return nearOption(func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithCost: %d is not a cost: the least is 1", n)
		}
		s.cost = n
		return nil
	})
}

// LimitBy makes a limiter that asks choose for each request's own: one per host, tenant or path. nil means no
// limit. choose gets the request as the middleware left it, without credentials, and must be safe for
// concurrent use. What it keeps, it bounds. The result is for [WithLimiter]; its Wait fails, since it knows
// no request.
func LimitBy(choose func(req *http.Request) Limiter) SlotLimiter {
	if choose == nil {
		return (*limitBy)(nil)
	}
	return &limitBy{choose}
}

type limitBy struct {
	choose func(req *http.Request) Limiter
}

func (f *limitBy) Wait(context.Context) error {
	return refused(0, errors.New("LimitBy chooses by request: give it to WithLimiter"))
}

func (f *limitBy) Slot(ctx context.Context, req *http.Request, cost int) (Slot, error) {
	l := f.choose(req)
	if isNil(l) {
		return nil, nil
	}
	return slotOf(ctx, l, req, cost)
}
