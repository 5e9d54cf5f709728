package crest

import (
	"context"
	"errors"
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
	refreshAgain   = 30 * time.Second // after a fetch that failed while the token still holds
)

// NewTokenSource makes a source that fetches a token when it has none, 5 minutes before it runs out (a fifth of its life before, if it lives
// for less than 25 minutes), and after the server has refused it with a 401. However many calls wait for it, it fetches once, and all of them
// get the token or the error; the next call after an error fetches again. While the old token has neither run out nor been refused, an error is
// none: the old one is handed out, and half a minute passes before the next fetch (a fifth of what the token has left, if that is less). Each call replaces a refused token once at most, a stream or download once for each of its requests. A fetch may take 30
// seconds, and ends when nobody waits for it any more; a panic in it is an error. What it sends through a client with this source as
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
	over    bool
	grant   Grant
	err     error
}

var (
	errNoFetch    = errors.New("NewTokenSource(nil): give it a function")
	errOwnToken   = errors.New("the function of NewTokenSource makes a call that needs its own token: give that endpoint WithoutHeader(\"Authorization\")")
	errEmptyGrant = errors.New("the function of NewTokenSource returned an empty token and no error")
	errFetchLeft  = errors.New("the function of NewTokenSource ended its goroutine (runtime.Goexit)")
	errFetchSlow  = fmt.Errorf("the function of NewTokenSource did not return within %v: %w", refreshTimeout, context.DeadlineExceeded)
)

// fetchKey marks the context of a fetch with the source that it is for.
type fetchKey struct{ source *fetchedTokens }

// Token returns the token, fetched if need be.
func (f *fetchedTokens) Token(ctx context.Context) (Secret, error) {
	switch {
	case f.fetch == nil:
		return Secret{}, errNoFetch
	case ctx.Value(fetchKey{f}) != nil:
		return Secret{}, errOwnToken // it would wait for itself
	}
	f.mu.Lock()
	if f.have && (f.fresh.IsZero() || time.Now().Before(f.fresh)) {
		defer f.mu.Unlock()
		return f.grant.Token, nil
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
	own := context.WithValue(context.WithoutCancel(ctx), fetchKey{f}, true)
	own, cancel := context.WithTimeoutCause(own, refreshTimeout, errFetchSlow)
	flight := &fetching{done: make(chan struct{}), cancel: cancel}
	f.flight = flight
	watch := context.AfterFunc(own, func() { f.land(flight, Grant{}, context.Cause(own)) }) // a function may not heed its context
	go func() {
		grant, err := Grant{}, errFetchLeft
		defer func() {
			watch()
			f.land(flight, grant, err)
		}()
		grant, err = f.guarded(own)
	}()
}

// land ends a fetch for all who wait for it.
func (f *fetchedTokens) land(flight *fetching, grant Grant, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flight.over {
		return
	}
	flight.over, flight.grant, flight.err = true, grant, err
	if f.flight == flight {
		f.flight = nil
		if err != nil && f.lives() {
			flight.grant, flight.err = f.grant, nil
		} else {
			f.keep(grant, err)
		}
	}
	close(flight.done)
	flight.cancel()
}

// guarded turns a panic of the caller's function into an error: nobody could recover it in this goroutine.
func (f *fetchedTokens) guarded(ctx context.Context) (grant Grant, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the function of NewTokenSource panicked: %v", v)
		}
	}()
	grant, err = f.fetch(ctx)
	if err == nil && grant.Token.IsZero() {
		err = errEmptyGrant
	}
	return grant, err
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

// lives reports whether the token that could not be replaced holds for a while yet. Then it goes on being handed out: a fifth of the time
// that it has left passes before the next fetch, half a minute at most.
func (f *fetchedTokens) lives() bool {
	left := time.Until(f.grant.Expires)
	if !f.have || left <= 0 {
		return false
	}
	f.fresh = time.Now().Add(min(refreshAgain, left/5))
	return true
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
