package crest

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Grant is a token and when it runs out.
type Grant struct {
	Token   Secret
	Expires time.Time // zero: it does not run out by itself
}

// When a token is fetched anew, and how long that may take.
const (
	refreshEarly   = 5 * time.Minute
	refreshTimeout = 30 * time.Second
)

// NewTokenSource makes a source that fetches a token when it has none, 5 minutes before it runs out (of one with a shorter life a
// fifth before), and after the server has refused it with a 401. However many calls wait for it, it fetches once, and all of them get the
// token or the error. A fetch may take 30 seconds, and ends when nobody waits for it any more. What it sends through a client with this source as
// credential needs an endpoint with WithoutHeader("Authorization").
func NewTokenSource(fetch func(ctx context.Context) (Grant, error)) TokenSource {
	return &fetchedTokens{fetch: fetch}
}

// refresher is a source that can be told that its token was refused.
type refresher interface{ refuse(token Secret) }

// fetchedTokens is a TokenSource that remembers.
type fetchedTokens struct {
	fetch func(ctx context.Context) (Grant, error)

	mu     sync.Mutex
	grant  Grant
	fresh  time.Time // until then the grant is handed out; zero for ever
	have   bool
	flight *fetching
}

// fetching is one fetch and those who wait for it.
type fetching struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	grant   Grant
	err     error
}

// Token returns the token, fetched if need be.
func (f *fetchedTokens) Token(ctx context.Context) (Secret, error) {
	f.mu.Lock()
	if f.have && (f.fresh.IsZero() || time.Now().Before(f.fresh)) {
		defer f.mu.Unlock()
		return f.grant.Token, nil
	}
	if f.fetch == nil {
		defer f.mu.Unlock()
		return Secret{}, fmt.Errorf("NewTokenSource(nil): give it a function")
	}
	if f.flight == nil {
		f.begin(ctx)
	}
	flight := f.flight
	flight.waiting++
	f.mu.Unlock()
	select {
	case <-flight.done:
		return flight.grant.Token, flight.err
	case <-ctx.Done():
		f.leave(flight)
		return Secret{}, context.Cause(ctx)
	}
}

// begin fetches in a goroutine of its own: who waits for it may leave, and the others still want the token.
func (f *fetchedTokens) begin(ctx context.Context) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	flight := &fetching{done: make(chan struct{}), cancel: cancel}
	f.flight = flight
	go func() {
		defer cancel()
		grant, err := f.guarded(own)
		f.mu.Lock()
		defer f.mu.Unlock()
		flight.grant, flight.err = grant, err
		if f.flight == flight {
			f.flight = nil
			f.keep(grant, err)
		}
		close(flight.done)
	}()
}

// guarded turns a panic of the caller's function into an error: nobody could recover it in this goroutine.
func (f *fetchedTokens) guarded(ctx context.Context) (grant Grant, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the function of NewTokenSource panicked: %v", v)
		}
	}()
	return f.fetch(ctx)
}

func (f *fetchedTokens) keep(grant Grant, err error) {
	if err != nil {
		return
	}
	f.grant, f.have, f.fresh = grant, true, time.Time{}
	if !grant.Expires.IsZero() {
		f.fresh = grant.Expires.Add(-min(refreshEarly, time.Until(grant.Expires)/5))
	}
}

// leave ends a fetch that nobody waits for.
func (f *fetchedTokens) leave(flight *fetching) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flight.waiting--; flight.waiting == 0 {
		flight.cancel()
		if f.flight == flight {
			f.flight = nil
		}
	}
}

// refuse forgets a token that the server does not take, unless another has come meanwhile.
func (f *fetchedTokens) refuse(token Secret) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.have && f.grant.Token.Reveal() == token.Reveal() {
		f.have = false
	}
}
