// Package resilience is the code of the recipe "Circuit breaking, bulkheads and hedging" in docs/recipes.md: policies of
// failsafe-go as [crest.Middleware]. It is for copying and changing.
package resilience

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"

	"github.com/crest-go/crest"
)

// recipe: breaker

// Breaker asks b before each attempt. While b is open the attempt fails with circuitbreaker.ErrOpen. No answer, and a status of 500
// or more, are failures. What says nothing about the server is not counted.
func Breaker(b circuitbreaker.CircuitBreaker[any]) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (resp *http.Response, err error) {
			if !b.TryAcquirePermit() {
				return nil, refuse(req, circuitbreaker.ErrOpen)
			}
			defer func() { // also when what lies below panics: a trial that never ends would keep b half-open
				switch {
				case resp != nil && resp.StatusCode < http.StatusInternalServerError:
					b.RecordSuccess()
				case resp != nil || !blameless(req, err):
					b.RecordFailure()
				case b.IsHalfOpen(): // a trial that says nothing has shown no recovery
					b.RecordFailure()
				}
			}()
			return next.RoundTrip(req)
		})
	}
}

// blameless tells errors that are not the server's: the caller has cancelled, or crest did not let the request out. A deadline is
// the server's failure. The context is asked, since an error may hold only its cause.
func blameless(req *http.Request, err error) bool {
	return req.Context().Err() == context.Canceled || errors.Is(err, crest.ErrLimited) || errors.Is(err, crest.ErrCredentials)
}

// refuse closes the body of a request that is not sent, as an http.RoundTripper must.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}

// roundTripFunc makes a function an http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// end of recipe

// recipe: bulkhead

// Bulkhead lets as many attempts be under way as b has permits, each until its body is closed. One more waits for patience at most, then it fails
// with bulkhead.ErrFull.
func Bulkhead(b bulkhead.Bulkhead[any], patience time.Duration) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if err := b.AcquirePermitWithMaxWait(req.Context(), patience); err != nil {
				return nil, refuse(req, err)
			}
			release, held := sync.OnceFunc(b.ReleasePermit), false
			defer func() {
				if !held {
					release()
				}
			}()
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode == http.StatusSwitchingProtocols { // then the body is the connection
				return resp, err
			}
			resp.Body, held = &permitBody{resp.Body, release}, true
			return resp, nil
		})
	}
}

// permitBody gives its permit back when it is closed.
type permitBody struct {
	io.ReadCloser
	release func()
}

func (b *permitBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// end of recipe

// recipe: hedge

// Hedge sends a request once more while the first has no answer; whose header comes first wins, and the other is cancelled. Only requests that
// are safe and have no body are sent twice.
func Hedge(policy hedgepolicy.HedgePolicy[*http.Response]) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		hedged := failsafehttp.NewRoundTripper(next, policy)
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			safe := req.Method == http.MethodGet || req.Method == http.MethodHead
			if !safe || (req.Body != nil && req.Body != http.NoBody) || req.Header.Get("Upgrade") != "" {
				return next.RoundTrip(req)
			}
			return hedged.RoundTrip(req)
		})
	}
}

// end of recipe
