package crest_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Promise 3 with retries: every attempt takes a slot, so that no window holds more than it may, though half of the answers
// are failures. 20 callers, 200 calls, 10 slots a second.
func TestPromise3RetriesTakeSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		var mu sync.Mutex
		n := 0
		server := inMemory(func(req *http.Request) (*http.Response, error) {
			seen.note()
			mu.Lock()
			defer mu.Unlock()
			if n++; n%2 == 0 {
				return response(req, 503, ""), nil
			}
			return response(req, 204, ""), nil
		})
		limiter := crest.NewLimiter(10, time.Second)
		c := newClient(t, "https://api.example.com", crest.WithTransport(server), crest.WithLimiter(limiter),
			crest.WithRetry(crest.Retry{Max: 50, Budget: crest.NoBound}))
		errs := make([]error, 20)
		var running sync.WaitGroup
		for g := range errs {
			running.Go(func() {
				for range 10 {
					if _, err := ping.Call(t.Context(), c, crest.Empty{}); err != nil {
						errs[g] = err
					}
				}
			})
		}
		running.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Greater(t, seen.count(), 300, "half of them fail")
		require.LessOrEqual(t, seen.busiest(time.Second), 10)
	})
}

// slots is a limiter that allows so many requests, and counts those that asked.
type slots struct{ left, asked int }

func (s *slots) Wait(context.Context) error {
	s.asked++
	if s.left--; s.left < 0 {
		return errors.New("no slots today")
	}
	return nil
}

// A retry that gets no slot returns the failure before it: that is the news. The limiter's reason is in the text.
func TestRetryLimitedReturnsTheFailureBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		slots, sent int
		text        string
	}{
		"the first":  {1, 1, "crest: GET /ping: 503 Service Unavailable (not tried again: no slots today)"},
		"the second": {2, 2, "crest: GET /ping: 503 Service Unavailable (2 attempts) (not tried again: no slots today)"},
	} {
		t.Run(name, func(t *testing.T) {
			server, limiter := play(gives(503, "X-Request-Id", "r1")), &slots{left: tt.slots}
			_, err := ping.Call(t.Context(), retried(t, server, crest.WithLimiter(limiter)), crest.Empty{})
			failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.EqualError(t, err, tt.text)
			require.ErrorIs(t, err, crest.Status(503))
			require.Len(t, failed.Attempts, tt.sent)
			require.Equal(t, tt.sent, server.sent())
			require.Equal(t, tt.slots+1, limiter.asked)
			answer, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, tt.sent, answer.Attempts)
		})
	}
}

// So does one for which no credential can be had.
func TestRetryWithoutCredentialsReturnsTheFailureBefore(t *testing.T) {
	asked := 0
	server := play(gives(503))
	c := retried(t, server, crest.WithBearer(tokenFunc(func(context.Context) (crest.Secret, error) {
		if asked++; asked > 2 {
			return crest.Secret{}, errors.New("the login is down")
		}
		return crest.NewSecret("s3cr3t"), nil
	})))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.EqualError(t, err, "crest: GET /ping: 503 Service Unavailable (2 attempts) (not tried again: the token source failed: the login is down)")
}

// A call that is cancelled while its retry waits for a slot ends at once, with all of it findable.
func TestR48CancelWhileARetryWaitsForItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		server := play(gives(503))
		c := retried(t, server, crest.WithRateLimit(1, time.Minute))
		start := time.Now()
		time.AfterFunc(7*time.Second, func() { cancel(errShutdown) })
		_, err := ping.Call(ctx, c, crest.Empty{})
		require.Equal(t, 7*time.Second, time.Since(start))
		require.Equal(t, 1, server.sent())
		gone(t, err, crest.Status(503), context.Canceled, errShutdown)
	})
}

// What a server asks for by Retry-After on a 429 pauses the limiter for everybody, and the retry besides.
func TestRetryAfterAndTheLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(gives(429, "Retry-After", "30"), gives(204))
		c := newClient(t, "https://api.example.com", crest.WithTransport(server), crest.WithRateLimit(100, time.Second), crest.WithRetry(crest.Retry{Max: 3}))
		var running sync.WaitGroup
		running.Go(func() {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		})
		synctest.Wait()
		for range 5 {
			running.Go(func() {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			})
		}
		running.Wait()
		gaps := server.gaps()
		require.GreaterOrEqual(t, gaps[0], 30*time.Second)
		require.Less(t, gaps[0]+gaps[1]+gaps[2]+gaps[3]+gaps[4]+gaps[5], 40*time.Second)
	})
}

// The failure that comes back keeps the server's name for its request.
func TestRetryLimitedKeepsTheRequestID(t *testing.T) {
	c := retried(t, play(gives(503, "X-Request-Id", "r1")), crest.WithLimiter(&slots{left: 1}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorContains(t, err, "not tried again: no slot")
	require.Equal(t, "r1", callError(t, err).RequestID)
}

// And where it was led.
func TestRetryLimitedKeepsTheHistory(t *testing.T) {
	c := retried(t, play(gives(302, "Location", "/elsewhere"), gives(503)), crest.WithLimiter(&slots{left: 2}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorContains(t, err, "not tried again: no slot")
	require.Len(t, callError(t, err).History, 1)
	require.Equal(t, "https://api.example.com/elsewhere", callError(t, err).URL)
}

// Row 40: a slot that would come after the deadline is not waited for. The error is a deadline's, too.
func TestRetryLimitedBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(gives(503))
		c := retried(t, server, crest.WithRateLimit(1, time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := ping.Call(ctx, c, crest.Empty{})
		require.Zero(t, time.Since(start))
		gone(t, err, crest.Status(503), context.DeadlineExceeded)
	})
}
