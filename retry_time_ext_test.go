package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// patient is a client in virtual time with the default rules.
func patient(t *testing.T, rt http.RoundTripper, opts ...crest.ClientOption) *crest.Client[*failure] {
	return newClient(t, "https://api.example.com", append([]crest.ClientOption{crest.WithRetry(crest.Retry{Max: 3}), crest.WithTransport(rt)}, opts...)...)
}

// With a Backoff of the caller's own the attempts come exactly when it says.
func TestRetryExactTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			backoff func(int, error) time.Duration
			want    []time.Duration
		}{
			"linear":   {linear(time.Second), []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
			"constant": {constant(7 * time.Millisecond), []time.Duration{7 * time.Millisecond, 7 * time.Millisecond, 7 * time.Millisecond}},
			"none":     {constant(0), []time.Duration{0, 0, 0}},
			"negative": {constant(-time.Hour), []time.Duration{0, 0, 0}},
			"by the failure": {func(n int, last error) time.Duration {
				if !errors.Is(last, crest.Status(503)) {
					return time.Hour
				}
				return time.Duration(n*n) * time.Minute
			}, []time.Duration{time.Minute, 4 * time.Minute, 9 * time.Minute}},
		} {
			server := play(gives(503))
			_, err := ping.Call(t.Context(), patient(t, server, crest.WithRetry(crest.Retry{Backoff: tt.backoff}),
				crest.WithTimeouts(crest.Timeouts{Total: crest.NoTimeout})), crest.Empty{})
			require.ErrorIs(t, err, crest.Status(503))
			require.Equal(t, tt.want, server.gaps(), name)
			require.Len(t, callError(t, err).Attempts, 4, name)
			answer, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, 4, answer.Attempts)
		}
	})
}

// Without one each wait is a random time below 50 ms, 100 ms, 200 ms; below 1 s, 2 s, 4 s where the server throttles or nobody listens.
func TestRetryDefaultBackoff(t *testing.T) {
	lost := func(err error) step { return breaks(&net.OpError{Op: "dial", Net: "tcp", Err: err}) }
	for name, tt := range map[string]struct {
		fails step
		base  time.Duration
	}{
		"500":                   {gives(500), 50 * time.Millisecond},
		"503":                   {gives(503), 50 * time.Millisecond},
		"EOF":                   {breaks(io.EOF), 50 * time.Millisecond},
		"429":                   {gives(429), time.Second},
		"refused":               {lost(io.EOF), time.Second},
		"temporary name":        {lost(&net.DNSError{IsTemporary: true}), time.Second},
		"Retry-After senseless": {gives(503, "Retry-After", "soon"), 50 * time.Millisecond},
		"500 with an old date":  {gives(500, "Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rounds = 300
				var sum [3]time.Duration
				var most [3]time.Duration
				for range rounds {
					server := play(tt.fails)
					_, err := ping.Call(t.Context(), patient(t, server, crest.WithRetry(crest.Retry{Budget: crest.NoBound})), crest.Empty{})
					require.Error(t, err)
					gaps := server.gaps()
					require.Len(t, gaps, 3)
					for i, gap := range gaps {
						require.Less(t, gap, tt.base<<i, "wait %d", i)
						sum[i] += gap
						most[i] = max(most[i], gap)
					}
				}
				for i := range sum { // full jitter: the whole range is used, and evenly
					require.InDelta(t, 0.5, float64(sum[i]/rounds)/float64(tt.base<<i), 0.1, "mean of wait %d", i)
					require.Greater(t, most[i], (tt.base<<i)*8/10, "longest of wait %d", i)
				}
			})
		})
	}
}

// The bound stops doubling at 20 s.
func TestRetryBackoffCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(gives(429))
		_, err := ping.Call(t.Context(), patient(t, server, crest.WithRetry(crest.Retry{Max: 300, Budget: crest.NoBound}),
			crest.WithTimeouts(crest.Timeouts{Total: crest.NoTimeout})), crest.Empty{})
		require.ErrorIs(t, err, crest.Status(429))
		gaps := server.gaps()
		require.Len(t, gaps, 300)
		most := time.Duration(0)
		for _, gap := range gaps {
			require.Less(t, gap, 20*time.Second, "the cap is before the jitter")
			most = max(most, gap)
		}
		require.Greater(t, most, 18*time.Second)
	})
}

// What the server asks for is waited, and up to a tenth more; a longer wait of the call's own stays longer.
func TestRetryAfterIsWaited(t *testing.T) {
	for name, tt := range map[string]struct {
		fails    step
		own      func(int, error) time.Duration
		min, max time.Duration
	}{
		"seconds on 429":      {gives(429, "Retry-After", "10"), nil, 10 * time.Second, 11 * time.Second},
		"seconds on 503":      {gives(503, "Retry-After", "10"), nil, 10 * time.Second, 11 * time.Second},
		"a date":              {func(req *http.Request) (*http.Response, error) { return dated(req, 20*time.Second) }, nil, 20 * time.Second, 22 * time.Second},
		"own Backoff shorter": {gives(503, "Retry-After", "10"), constant(time.Second), 10 * time.Second, 11 * time.Second},
		"own Backoff longer":  {gives(503, "Retry-After", "10"), constant(30 * time.Second), 30 * time.Second, 30 * time.Second},
		"exactly the bound":   {gives(503, "Retry-After", "60"), nil, time.Minute, 66 * time.Second},
		"0":                   {gives(500, "Retry-After", "0"), constant(time.Second), time.Second, time.Second},
		"negative":            {gives(503, "Retry-After", "-5"), constant(time.Second), time.Second, time.Second},
		"+5":                  {gives(503, "Retry-After", "+5"), constant(time.Second), time.Second, time.Second},
		"a fraction":          {gives(503, "Retry-After", "1.5"), constant(time.Second), 1500 * time.Millisecond, 1650 * time.Millisecond},
		"20 digits":           {gives(503, "Retry-After", "99999999999999999999"), constant(time.Second), time.Second, time.Second},
		"a list":              {gives(503, "Retry-After", "5, 6"), constant(time.Second), time.Second, time.Second},
		"empty":               {gives(503, "Retry-After", ""), constant(time.Second), time.Second, time.Second},
		"twice":               {gives(503, "Retry-After", "5", "Retry-After", "7"), constant(time.Second), time.Second, time.Second},
		"past":                {gives(503, "Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), constant(time.Second), time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				different := map[time.Duration]bool{}
				for range 20 {
					server := play(tt.fails, gives(204))
					_, err := ping.Call(t.Context(), patient(t, server, crest.WithRetry(crest.Retry{Backoff: tt.own})), crest.Empty{})
					require.NoError(t, err)
					gap := server.gaps()[0]
					require.GreaterOrEqual(t, gap, tt.min)
					require.LessOrEqual(t, gap, tt.max)
					different[gap] = true
				}
				require.Equal(t, tt.max > tt.min, len(different) > 1, "jitter keeps the clients of one server apart")
			})
		})
	}
}

// dated is a 503 that asks for a wait by a date, from a server whose clock is an hour slow.
func dated(req *http.Request, wait time.Duration) (*http.Response, error) {
	now := time.Now().Add(-time.Hour).Truncate(time.Second)
	return response(req, 503, "", "Date", now.UTC().Format(http.TimeFormat), "Retry-After", now.Add(wait).UTC().Format(http.TimeFormat)), nil
}

// A wait that is too long is not begun: the failure comes back at once and says why.
func TestRetryAfterTooLong(t *testing.T) {
	for name, tt := range map[string]struct {
		after    string
		rules    crest.Retry
		deadline time.Duration // 0 for none
		total    time.Duration
		text     string
		overdue  bool
	}{
		"beyond 60 s":         {after: "61", text: "the server asks for a wait of 1m1s, the bound MaxRetryAfter is 1m0s"},
		"years":               {after: "9999999999", text: "MaxRetryAfter"},
		"beyond its own":      {after: "6", rules: crest.Retry{MaxRetryAfter: 5 * time.Second}, text: "the bound MaxRetryAfter is 5s"},
		"allowed by a larger": {after: "3600", rules: crest.Retry{MaxRetryAfter: 2 * time.Hour}, total: 100 * time.Hour},
		"beyond the deadline": {after: "30", deadline: 20 * time.Second, text: "would outlast the call's time", overdue: true},
		"beyond Total":        {after: "30", total: 20 * time.Second, text: "would outlast the call's time", overdue: true},
		"own wait beyond it":  {rules: crest.Retry{Backoff: constant(21 * time.Second)}, deadline: 20 * time.Second, text: "the wait of 21s would outlast the call's time", overdue: true},
		"as long as it":       {rules: crest.Retry{Backoff: constant(20 * time.Second)}, deadline: 20 * time.Second, text: "the wait of 20s would outlast", overdue: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				headers := []string{}
				if tt.after != "" {
					headers = append(headers, "Retry-After", tt.after)
				}
				server := play(gives(503, headers...), gives(204))
				start := time.Now()
				_, err := ping.Call(ctx, patient(t, server, crest.WithRetry(tt.rules), crest.WithTimeouts(crest.Timeouts{Total: tt.total})), crest.Empty{})
				if tt.text == "" {
					require.NoError(t, err)
					require.GreaterOrEqual(t, time.Since(start), time.Hour)
					return
				}
				require.Zero(t, time.Since(start), "at once")
				require.Equal(t, 1, server.sent())
				fails(t, err, crest.ErrStatus, "", crest.SentYes)
				require.ErrorIs(t, err, crest.Status(503))
				require.ErrorContains(t, err, "(not tried again: the ")
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.overdue, errors.Is(err, context.DeadlineExceeded))
				require.Equal(t, tt.overdue, callError(t, err).Timeout())
				answer, ok := errors.AsType[*crest.Error](err)
				require.True(t, ok)
				require.Equal(t, tt.after != "", answer.RetryAfter > 0)
			})
		})
	}
}

var errShutdown = fmt.Errorf("the service shuts down: %w", errLeft)

// R48: a wait between attempts ends with the context, at once. What went wrong before it, the context's error and its
// cause are all findable, and no timer is left.
func TestR48CancelDuringBackoff(t *testing.T) {
	for name, fails := range map[string]step{"503": gives(503), "lost": breaks(io.EOF), "Retry-After": gives(429, "Retry-After", "50")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				server := play(fails)
				start := time.Now()
				time.AfterFunc(3*time.Second, func() { cancel(errShutdown) })
				_, err := ping.Call(ctx, patient(t, server, crest.WithRetry(crest.Retry{Backoff: constant(30 * time.Second)})), crest.Empty{})
				require.Equal(t, 3*time.Second, time.Since(start))
				require.Equal(t, 1, server.sent())
				gone(t, err, context.Canceled, errShutdown, errLeft)
				if name == "lost" {
					gone(t, err, crest.ErrTransport, io.EOF)
				} else {
					gone(t, err, crest.ErrStatus)
				}
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.Len(t, callError(t, err).Attempts, 1)
			})
		})
	}
}

// The same for a body that the caller reads: its way to the header is waited for, too.
func TestR48CancelDuringBackoffOfALiveBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(errShutdown) })
		start := time.Now()
		_, err := download.Call(ctx, patient(t, play(gives(503)), crest.WithRetry(crest.Retry{Backoff: constant(30 * time.Second)})), crest.Empty{})
		gone(t, err, context.Canceled, errShutdown, crest.Status(503))
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

// A deadline that ends between two attempts ends the call with the last failure.
func TestR48DeadlineBetweenAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errShutdown)
		defer cancel()
		server := play(gives(503))
		start := time.Now()
		_, err := ping.Call(ctx, patient(t, server, crest.WithRetry(crest.Retry{Backoff: constant(4 * time.Second)})), crest.Empty{})
		require.Equal(t, 8*time.Second, time.Since(start), "the third wait is not begun")
		require.Equal(t, 3, server.sent())
		gone(t, err, crest.Status(503), context.DeadlineExceeded)
		require.ErrorContains(t, err, "(3 attempts) (not tried again: the wait of 4s would outlast the call's time)")
	})
}

// A call that is cancelled while its last answer comes in would have been tried again: the context's error is findable.
func TestR48CancelDuringTheAttempt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	server := play(func(req *http.Request) (*http.Response, error) {
		cancel(errShutdown)
		return response(req, 503, ""), nil
	})
	_, err := ping.Call(ctx, retried(t, server), crest.Empty{})
	require.Equal(t, 1, server.sent())
	gone(t, err, crest.Status(503), context.Canceled, errShutdown)
}
