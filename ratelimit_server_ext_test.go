package crest_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// countingServer is a server that allows n requests per window, counts exactly as they arrive, and says so in its answers.
type countingServer struct {
	n       int
	per     time.Duration
	sliding bool
	vague   bool          // what it says does not suffice
	skew    time.Duration // of its clock
	say     func(c *countingServer, h http.Header, now time.Time, left int, reset time.Duration)

	mu       sync.Mutex
	arrivals []time.Time // of those that were let through and still count
	opened   time.Time   // the fixed window's begin
	served   int
	refused  []time.Time
}

// answer counts a request that arrives now.
func (c *countingServer) answer() *http.Response {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	reset := c.forget(now)
	status := http.StatusNoContent
	if len(c.arrivals) < c.n {
		c.arrivals = append(c.arrivals, now)
		c.served++
	} else {
		status = http.StatusTooManyRequests
		c.refused = append(c.refused, now)
	}
	resp := response(nil, status, "")
	resp.Header.Set("Date", now.Add(c.skew).UTC().Format(http.TimeFormat))
	if status == http.StatusTooManyRequests {
		resp.Header.Set("Retry-After", wholeSeconds(reset))
	}
	c.say(c, resp.Header, now.Add(c.skew), c.n-len(c.arrivals), reset)
	return resp
}

// forget drops what counts no longer, and says how long it is until the next does.
func (c *countingServer) forget(now time.Time) (reset time.Duration) {
	if !c.sliding {
		if now.Sub(c.opened) >= c.per {
			c.opened, c.arrivals = now.Truncate(c.per), nil
		}
		return c.opened.Add(c.per).Sub(now)
	}
	for len(c.arrivals) > 0 && now.Sub(c.arrivals[0]) > c.per {
		c.arrivals = c.arrivals[1:]
	}
	if len(c.arrivals) == 0 {
		return c.per
	}
	return c.per - now.Sub(c.arrivals[0])
}

func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

func sayLimit(_ *countingServer, h http.Header, _ time.Time, left int, reset time.Duration) {
	h.Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%s`, left, wholeSeconds(reset)))
}

func sayPolicy(c *countingServer, h http.Header, now time.Time, left int, reset time.Duration) {
	sayLimit(c, h, now, left, reset)
	h.Set("RateLimit-Policy", fmt.Sprintf(`"default";q=%d;w=%s`, c.n, wholeSeconds(c.per)))
}

func sayX(prefix string, when func(now time.Time, reset time.Duration) string) func(*countingServer, http.Header, time.Time, int, time.Duration) {
	return func(c *countingServer, h http.Header, now time.Time, left int, reset time.Duration) {
		h.Set(prefix+"Limit", strconv.Itoa(c.n))
		h.Set(prefix+"Remaining", strconv.Itoa(left))
		h.Set(prefix+"Reset", when(now, reset))
	}
}

// wayVaries is by how much the way to the server can differ between two requests. A sliding window that is counted to the nanosecond is kept
// only by a limiter that knows: see [crest.Margin].
const wayVaries = 5 * time.Millisecond

// load sends as fast as the limiter lets it, from so many goroutines at once, for a while.
func (c *countingServer) load(t *testing.T, l *crest.RateLimiter, goroutines int, d time.Duration, seed uint64) {
	end := time.Now().Add(d)
	var running sync.WaitGroup
	for i := range goroutines {
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		running.Go(func() {
			for time.Now().Before(end) {
				slot, err := l.Slot(t.Context(), nil, 1)
				if err != nil {
					t.Error(err)
					return
				}
				slot.Sent()
				time.Sleep(time.Millisecond + time.Duration(rnd.Int64N(int64(wayVaries)))) // virtual: the way there
				resp := c.answer()
				time.Sleep(time.Millisecond + time.Duration(rnd.Int64N(int64(100*time.Millisecond)))) // and back, out of order
				slot.(crest.Feedback).Observe(resp)
			}
		})
	}
	running.Wait()
}

// SECURITY 4.2, rule 10: a client whose limit was guessed five times too high is refused at the start and then no more, and uses most
// of what the server allows.
func TestLearnSettlesAtTheServersLimit(t *testing.T) {
	epoch := func(now time.Time, reset time.Duration) string {
		return strconv.FormatInt(now.Add(reset+time.Second-1).Unix(), 10)
	}
	millis := func(now time.Time, reset time.Duration) string {
		return strconv.FormatInt(now.Add(reset).UnixMilli()+1, 10)
	}
	date := func(now time.Time, reset time.Duration) string {
		return now.Add(reset + time.Second - 1).UTC().Format(time.RFC3339)
	}
	after := func(_ time.Time, reset time.Duration) string { return wholeSeconds(reset) }
	for name, tt := range map[string]struct {
		server *countingServer
		opts   []crest.LimiterOption
	}{
		"policy, sliding":      {&countingServer{sliding: true, say: sayPolicy}, []crest.LimiterOption{crest.Margin(wayVaries)}},
		"policy, fixed":        {&countingServer{say: sayPolicy}, nil},
		"limit alone, fixed":   {&countingServer{say: sayLimit}, nil},
		"limit alone, sliding": {&countingServer{sliding: true, vague: true, say: sayLimit}, nil},
		"seconds":              {&countingServer{say: sayX("X-RateLimit-", after)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectSeconds)}},
		"another prefix":       {&countingServer{say: sayX("X-Rate-Limit-", after)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectSeconds)}},
		"epoch":                {&countingServer{say: sayX("X-RateLimit-", epoch)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectEpoch)}},
		"epoch, skewed":        {&countingServer{skew: -26 * time.Hour, say: sayX("X-RateLimit-", epoch)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectEpoch)}},
		"millis":               {&countingServer{skew: time.Hour, say: sayX("X-RateLimit-", millis)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectEpochMillis)}},
		"date":                 {&countingServer{skew: time.Hour, say: sayX("X-RateLimit-", date)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectDate)}},
		"guessed seconds":      {&countingServer{say: sayX("X-RateLimit-", after)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectGuess)}},
		"guessed epoch":        {&countingServer{skew: 26 * 365 * 24 * time.Hour, say: sayX("X-RateLimit-", epoch)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectGuess)}},
		"github":               {&countingServer{say: sayX("X-RateLimit-", epoch)}, []crest.LimiterOption{crest.XRateLimit(crest.DialectGitHub)}},
	} {
		for _, per := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second} {
			t.Run(fmt.Sprintf("%s/%v", name, per), func(t *testing.T) {
				for seed := range uint64(4) {
					tt.server.settles(t, per, seed, tt.opts)
				}
			})
		}
	}
}

// settles runs a fresh server of the same kind.
func (c *countingServer) settles(t *testing.T, per time.Duration, seed uint64, opts []crest.LimiterOption) {
	synctest.Test(t, func(t *testing.T) {
		const lasting = 30 // windows
		c := &countingServer{n: 20 * int(per/time.Second), per: per, sliding: c.sliding, vague: c.vague, skew: c.skew, say: c.say}
		time.Sleep(per / 3) // the client comes in the midst of a window
		start := time.Now()
		c.load(t, crest.NewLimiter(5*c.n, per, opts...), 64, lasting*per, seed)
		late := 0
		for _, at := range c.refused {
			if at.Sub(start) > 3*per {
				late++
			}
		}
		if c.vague { // one request in a hundred: what a sliding window frees at its reset cannot be read out of a number and a time
			require.LessOrEqual(t, 100*late, c.served, "refused although the limiter had time to learn")
		} else {
			require.Zero(t, late, "refused although the limiter had time to learn")
		}
		if 64 > c.n {
			require.NotEmpty(t, c.refused, "the limit was not too high")
		}
		require.GreaterOrEqual(t, float64(c.served)/lasting/float64(c.n), 0.7, "the server's limit is not used")
	})
}

// The same over real sockets: 64 goroutines, and of the windows that follow the first second hardly a request is refused. (How many
// are depends on how long the machine keeps requests on their way; without the limiter's ear it is four of five.)
func TestLearnSettlesOverSockets(t *testing.T) {
	seconds := func(_ time.Time, reset time.Duration) string { return strconv.FormatFloat(reset.Seconds(), 'f', 9, 64) }
	s := &countingServer{n: 20, per: 200 * time.Millisecond, say: sayX("X-RateLimit-", seconds)}
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		resp := s.answer()
		resp.Header.Del("Retry-After") // whole seconds would do the work alone
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
	})
	c := newClient(t, base, crest.WithRateLimit(100, s.per, crest.XRateLimit(crest.DialectSeconds)))
	start := time.Now()
	var running sync.WaitGroup
	for range 64 {
		running.Go(func() {
			for time.Since(start) < 3*time.Second {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				if err != nil && !errors.Is(err, crest.Status(429)) {
					t.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	late := 0
	for _, at := range s.refused {
		if at.Sub(start) > time.Second {
			late++
		}
	}
	t.Logf("%d served, %d refused, %d of them late", s.served, len(s.refused), late)
	require.Less(t, late, s.served/20)
	require.Greater(t, s.served, 5*s.n)
}
