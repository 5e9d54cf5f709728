package crest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// sendLog is a limiter that keeps account of its slots.
type sendLog struct {
	mu                sync.Mutex
	taken, sent, back int
	seen              []int
	refuse            int // the slot from which on none is given; 0 for never
}

var errNoMore = errors.New("no more slots")

func (l *sendLog) Wait(context.Context) error { panic("a SlotLimiter is not asked to Wait") }

func (l *sendLog) Slot(_ context.Context, _ *http.Request, cost int) (crest.Slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse > 0 && l.taken >= l.refuse-1 {
		return nil, errNoMore
	}
	l.taken += cost
	return &entry{l, cost}, nil
}

type entry struct {
	*sendLog
	cost int
}

func (e *entry) Sent() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent += e.cost
}

func (e *entry) Cancel() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.back += e.cost
}

func (e *entry) Observe(resp *http.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, resp.StatusCode)
}

// A slot is settled exactly once, whatever becomes of the request.
func TestLimiterSlotsAreSettled(t *testing.T) {
	refusedDial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	live := serve(t, replyJSON(200, thingJSON))
	for name, tt := range map[string]struct {
		base      string
		transport http.RoundTripper
		sent      int
		step      crest.Step
	}{
		"answered":                      {base: live, sent: 1},
		"nobody listens":                {base: "http://127.0.0.1:1", step: crest.ErrTransport},
		"no hooks, answered":            {transport: fixed(200, thingJSON, "Content-Type", "application/json"), sent: 1},
		"no hooks, lost":                {transport: failing{io.ErrUnexpectedEOF}, sent: 1, step: crest.ErrTransport},
		"no hooks, unknown":             {transport: failing{errors.New("what?")}, sent: 1, step: crest.ErrTransport},
		"no hooks, no connection":       {transport: failing{refusedDial}, step: crest.ErrTransport},
		"net/http refuses to send":      {base: "http://127.0.0.1:1", transport: &http.Transport{Proxy: noProxy}, step: crest.ErrTransport},
		"credentials may not be there":  {base: "https://api.example.com", transport: fixed(200, ""), step: crest.ErrCredentials},
		"the other limiter has no slot": {base: live, step: crest.ErrLimited},
	} {
		t.Run(name, func(t *testing.T) {
			l, own := &sendLog{}, &sendLog{}
			opts := []crest.ClientOption{crest.WithLimiter(l)}
			if tt.transport != nil {
				opts = append(opts, crest.WithTransport(tt.transport))
			}
			switch tt.step {
			case crest.ErrCredentials:
				opts = append(opts, crest.WithBearer(crest.NewSecret("x")), crest.WithMiddleware(astray))
			case crest.ErrLimited:
				l.refuse = 1
			}
			if tt.base == "" {
				tt.base = "https://api.example.com"
			}
			c := newClient(t, tt.base, opts...)
			get := crest.Get[crest.Empty, thing]("/thing", crest.WithLimiter(own), crest.WithCost(2))
			_, err := get.Call(t.Context(), c, crest.Empty{})
			if tt.step != "" {
				require.ErrorIs(t, err, tt.step)
			} else {
				require.NoError(t, err)
				require.Equal(t, []int{200}, own.seen)
			}
			require.Equal(t, 2, own.taken)
			require.Equal(t, 2*tt.sent, own.sent)
			require.Equal(t, 2, own.sent+own.back)
			require.Equal(t, l.taken, l.sent+l.back)
		})
	}
}

// failing is a transport that loses every request.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// noProxy breaks a request before any connection is asked for.
func noProxy(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy today") }

// astray sends a request to a foreign host.
func astray(next http.RoundTripper) http.RoundTripper {
	return inMemory(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Host = "evil.example"
		return next.RoundTrip(req)
	})
}

// Waiting for the endpoint's slot keeps none of the client's; one limiter at both levels counts once.
func TestLimiterLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, slow := crest.NewLimiter(2, time.Second), crest.NewLimiter(1, time.Hour)
		c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(204, "")), crest.WithLimiter(client))
		rare := crest.Get[crest.Empty, crest.Empty]("/rare", crest.WithLimiter(slow))
		var running sync.WaitGroup
		for range 3 {
			running.Go(func() {
				_, err := rare.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(crest.NoTimeout))
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		start := time.Now()
		for range 4 {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		require.Less(t, time.Since(start), 3*time.Second, "those who wait for the endpoint keep the client's slots")
		running.Wait()

		one := crest.NewLimiter(1, time.Second)
		c = newClient(t, "https://api.example.com", crest.WithTransport(fixed(204, "")), crest.WithLimiter(one), crest.WithLimiter(one))
		both := crest.Get[crest.Empty, crest.Empty]("/both", crest.WithLimiter(one))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err := both.Call(ctx, c, crest.Empty{})
		require.NoError(t, err)
	})
}

// WithCost of the call wins over the endpoint's; above the limit nothing is sent.
func TestLimiterCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithRateLimit(10, time.Second))
		search := crest.Get[crest.Empty, crest.Empty]("/search", crest.WithCost(6))
		start := time.Now()
		for _, opts := range [][]crest.CallOption{nil, {crest.WithCost(4)}, nil} {
			_, err := search.Call(t.Context(), c, crest.Empty{}, opts...)
			require.NoError(t, err)
		}
		require.Equal(t, time.Second+1, time.Since(start))
		require.Len(t, rec.all, 3)
		rec.last(t)
		_, err := search.Call(t.Context(), c, crest.Empty{}, crest.WithCost(11))
		fails(t, err, crest.ErrLimited, "", crest.SentNo)
		require.ErrorContains(t, err, "the request costs 11, the limit is 10 in 1s: lower its WithCost")
		rec.none(t)
	})
}

// FEATURES S2.16: a wait beyond the deadline fails at once, whichever deadline it is, and says the wait.
func TestPromise8ErrLimitedSaysTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithRateLimit(1, time.Hour))
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		rec.last(t)
		body := crest.Get[crest.Empty, io.ReadCloser]("/body", crest.WithTimeout(time.Minute))
		soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		for name, call := range map[string]func() error{
			"the context's": func() error { _, err := ping.Call(soon, c, crest.Empty{}); return err },
			"the timeout's": func() error {
				_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Minute))
				return err
			},
			"of a body that the caller reads": func() error { _, err := body.Call(t.Context(), c, crest.Empty{}); return err },
		} {
			failed := fails(t, call(), crest.ErrLimited, "", crest.SentNo)
			require.Equal(t, time.Hour+1, failed.Wait, name)
			require.Empty(t, failed.Attempts, name)
		}
		require.Zero(t, time.Since(start))
		rec.none(t)
	})
}

// A call that is cancelled in the queue ends at once with the context's error and cause.
func TestPromise8CancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithRateLimit(1, time.Hour), crest.WithTimeout(crest.NoTimeout))
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		rec.last(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		enough, start := errors.New("enough"), time.Now()
		time.AfterFunc(time.Minute, func() { cancel(enough) })
		_, err = ping.Call(ctx, c, crest.Empty{})
		fails(t, err, crest.ErrLimited, "", crest.SentNo)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, enough)
		require.Equal(t, time.Minute, time.Since(start))
		rec.none(t)
	})
}

// An attempt tells its wait apart from its duration.
func TestLimiterWaitOfAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := inMemory(func(req *http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Second) // virtual
			return response(req, 500, ""), nil
		})
		c := newClient(t, "https://api.example.com", crest.WithTransport(slow), crest.WithRateLimit(1, time.Minute))
		_, _ = ping.Call(t.Context(), c, crest.Empty{})
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		attempts := callError(t, err).Attempts
		require.Len(t, attempts, 1)
		require.Equal(t, time.Minute+1, attempts[0].Wait)
		require.Equal(t, 3*time.Second, attempts[0].Duration)
	})
}

// A 429 stops every waiter of the client, not the one that met it alone.
func TestLimiterListensToTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := 0
		tr := inMemory(func(req *http.Request) (*http.Response, error) {
			if answers++; answers == 1 {
				return response(req, 429, "", "Retry-After", "5"), nil
			}
			return response(req, 204, ""), nil
		})
		c := newClient(t, "https://api.example.com", crest.WithTransport(tr), crest.WithRateLimit(100, time.Second))
		start := time.Now()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(429))
		_, err = ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// Each host has its own limit, and its own pauses.
func TestLimitBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := map[string]*crest.RateLimiter{"a.example": crest.NewLimiter(1, time.Minute), "b.example": crest.NewLimiter(1, time.Hour), "n.example": nil}
		hosts := crest.LimitBy(func(req *http.Request) crest.Limiter {
			require.Empty(t, req.Header.Get("Authorization"), "a limiter sees no credentials")
			return limits[req.URL.Host]
		})
		tr := inMemory(func(req *http.Request) (*http.Response, error) { return response(req, 204, ""), nil })
		c := newClient(t, "https://a.example", crest.WithTransport(tr), crest.WithLimiter(hosts), crest.WithBearer(crest.NewSecret("x")))
		start := time.Now()
		for _, to := range []struct {
			url  string
			want time.Duration
		}{{"https://a.example/x", 0}, {"https://b.example/x", 0}, {"https://n.example/x", 0}, {"https://n.example/x", 0}, {"https://a.example/x", time.Minute + 1}, {"https://b.example/x", time.Hour + 1}} {
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(to.url), crest.WithTimeout(crest.NoTimeout))
			require.NoError(t, err)
			require.Equal(t, to.want, time.Since(start), to.url)
		}
	})
}

// Slots are not kept while a body is read: an open stream holds none.
func TestLimiterOpenStreamHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, strings.Repeat("x", 100))), crest.WithRateLimit(1, time.Second))
		body := crest.Get[crest.Empty, io.ReadCloser]("/body")
		first, err := body.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		second, err := body.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.NoError(t, first.Close())
		require.NoError(t, second.Close())
	})
}
