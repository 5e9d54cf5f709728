package crest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Over a real socket: of what the server says is left, nothing more goes out until the reset, whoever asks.
func TestLearnOverASocket(t *testing.T) {
	var served, late atomic.Int64
	var mu sync.Mutex
	var end time.Time
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		n := served.Add(1)
		if end.IsZero() {
			end = time.Now().Add(time.Second)
		}
		if n > 5 && time.Now().Before(end) {
			late.Add(1)
		}
		w.Header().Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=1`, max(5-n, 0)))
		w.WriteHeader(http.StatusNoContent)
	})
	c := newClient(t, base, crest.WithRateLimit(1000, time.Second))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	var running sync.WaitGroup
	for range 6 {
		running.Go(func() {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	require.Equal(t, int64(7), served.Load())
	require.Zero(t, late.Load(), "more than was left")
}

// asker drives one limiter in virtual time.
type asker struct {
	t     *testing.T
	l     *crest.RateLimiter
	start time.Time
}

func asks(t *testing.T, n int, per time.Duration, opts ...crest.LimiterOption) asker {
	return asker{t, crest.NewLimiter(n, per, opts...), time.Now()}
}

// sent takes a slot that must be free within a while, and uses it.
func (a asker) sent(cost int) crest.Feedback {
	a.t.Helper()
	slot, err := a.l.Slot(a.t.Context(), nil, cost)
	require.NoError(a.t, err)
	slot.Sent()
	return slot.(crest.Feedback)
}

// told is a request and its answer.
func (a asker) told(headers ...string) {
	a.t.Helper()
	getsBack(a.sent(1), 200, headers...)
}

func getsBack(f crest.Feedback, status int, headers ...string) {
	f.Observe(response(nil, status, "", headers...))
}

// free says how many of cost 1 may go now, and sends them.
func (a asker) free() (n int) {
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Nanosecond)
	defer cancel()
	for a.l.Wait(ctx) == nil {
		n++
		require.Less(a.t, n, 10_000)
	}
	return n
}

// next says what time it is when the next one was let go.
func (a asker) next() time.Duration {
	a.t.Helper()
	require.NoError(a.t, a.l.Wait(a.t.Context()))
	return time.Since(a.start)
}

const limit, policy = "RateLimit", "RateLimit-Policy"

func TestLearnBudgets(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, a asker){
		"what is left, and no more until the reset": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=3;t=30`)
			require.Equal(t, 3, a.free())
			require.Equal(t, 30*time.Second, a.next())
		},
		"the lowest counts, whatever the order": func(t *testing.T, a asker) {
			first, second, third := a.sent(1), a.sent(1), a.sent(1)
			getsBack(second, 200, limit, `"p";r=4;t=30`)
			getsBack(third, 200, limit, `"p";r=3;t=30`)
			getsBack(first, 200, limit, `"p";r=5;t=30`)
			require.Equal(t, 3, a.free())
		},
		"what is under way counts": func(t *testing.T, a asker) {
			first, second := a.sent(1), a.sent(1)
			getsBack(first, 200, limit, `"p";r=3;t=30`)
			third, fourth := a.sent(1), a.sent(1)
			require.Zero(t, a.free())
			getsBack(second, 200, limit, `"p";r=4;t=30`) // it was counted before the first
			getsBack(third, 200, limit, `"p";r=2;t=30`)
			getsBack(fourth, 200, limit, `"p";r=1;t=30`)
			require.Equal(t, 1, a.free())
		},
		"a later window is a new budget": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=0;t=2`)
			require.Equal(t, 2*time.Second, a.next())
			a.told(limit, `"p";r=7;t=60`)
			time.Sleep(2 * time.Second) // virtual: they went one by one
			require.Equal(t, 7, a.free())
		},
		"an answer of the window before changes nothing": func(t *testing.T, a asker) {
			late := a.sent(1)
			a.told(limit, `"p";r=5;t=10`)
			time.Sleep(10 * time.Second) // virtual
			a.told(limit, `"p";r=8;t=60`)
			getsBack(late, 200, limit, `"p";r=6;t=1`)
			require.Zero(t, a.free()-6)
			time.Sleep(time.Second + 1) // virtual
			require.Equal(t, 2, a.free())
		},
		"all of several hold": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=5;t=10, "q";r=2;t=20, "p";r=3;t=10;pk=:YQ==:`)
			require.Equal(t, 2, a.free())
			require.Equal(t, 20*time.Second, a.next())
		},
		"a server that falls silent has said so much": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=3;t=30`)
			a.told()
			a.told()
			require.Equal(t, 1, a.free())
		},
		"a window that nothing is said of is forgotten": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=0;t=5`)
			time.Sleep(6 * time.Second) // virtual
			first := a.sent(1)
			require.Zero(t, a.free(), "until it is known, no more than there ever were")
			getsBack(first, 200)
			require.Equal(t, 98, a.free())
		},
		"it never raises": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=5000;t=30`, policy, `"p";q=6000;w=30`)
			require.Equal(t, 99, a.free())
			require.Equal(t, time.Minute+1, a.next())
		},
		"Retry-After wins over the reset beside it": func(t *testing.T, a asker) {
			getsBack(a.sent(1), 429, limit, `"p";r=0;t=50`, "Retry-After", "5")
			require.Equal(t, 5*time.Second, a.next())
		},
		"and leaves other quotas alone": func(t *testing.T, a asker) {
			getsBack(a.sent(1), 429, limit, `"p";r=0;t=50, "q";r=7;t=50`, "Retry-After", "5")
			time.Sleep(5 * time.Second) // virtual
			getsBack(a.sent(1), 200, limit, `"p";r=20;t=50`)
			require.Equal(t, 6, a.free())
		},
		"no longer than the cap": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=0;t=86400`)
			require.Equal(t, time.Hour, a.next())
		},
		"nothing is left, and nobody can make it": func(t *testing.T, a asker) {
			other := a.sent(1)
			a.told(limit, `"p";r=1;t=30`)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			failed := make(chan error)
			go func() { failed <- a.l.Wait(ctx) }()
			synctest.Wait()
			getsBack(other, 200, limit, `"p";r=0;t=30`)
			require.Equal(t, 30*time.Second, callError(t, <-failed).Wait)
			require.Equal(t, 30*time.Second, callError(t, a.l.Wait(ctx)).Wait)
			require.Zero(t, time.Since(a.start), "it was known at once")
		},
		"nor can those behind others": func(t *testing.T, a asker) {
			other := a.sent(1)
			a.told(limit, `"p";r=1;t=30`)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			first, second := make(chan error), make(chan error)
			go func() { first <- a.l.Wait(t.Context()) }()
			synctest.Wait()
			go func() { second <- a.l.Wait(ctx) }()
			synctest.Wait()
			require.Equal(t, 30*time.Second, callError(t, <-second).Wait, "one is left, and it is promised")
			getsBack(other, 200, limit, `"p";r=1;t=30`)
			require.NoError(t, <-first)
			require.Zero(t, time.Since(a.start))
		},
		"those that wait behind others learn it": func(t *testing.T, a asker) {
			other := a.sent(1)
			a.told(limit, `"p";r=3;t=30`)
			heavy, light := make(chan error), make(chan error)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			go func() {
				slot, err := a.l.Slot(t.Context(), nil, 3)
				if err == nil {
					slot.Cancel()
				}
				heavy <- err
			}()
			synctest.Wait()
			go func() { light <- a.l.Wait(ctx) }()
			synctest.Wait()
			getsBack(other, 200, limit, `"p";r=0;t=30`)
			require.Equal(t, 30*time.Second, callError(t, <-light).Wait)
			require.Zero(t, time.Since(a.start))
			require.NoError(t, <-heavy)
			require.Equal(t, 30*time.Second, time.Since(a.start))
		},
		"a heavy request goes when all is free": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=3;t=30`, policy, `"p";q=4;w=30`)
			a.sent(9)
			require.Equal(t, 30*time.Second+1, time.Since(a.start))
		},
		"lost answers are not waited for": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=5;t=10`)
			for range 5 {
				a.sent(1)
			}
			require.Zero(t, a.free())
			time.Sleep(11 * time.Second) // virtual
			a.told(limit, `"p";r=5;t=10`)
			require.Equal(t, 5, a.free())
		},
		"what is given back is free again": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=1;t=30`)
			slot, err := a.l.Slot(t.Context(), nil, 1)
			require.NoError(t, err)
			require.Zero(t, a.free())
			slot.Cancel()
			require.Equal(t, 1, a.free())
		},
		"what is malformed is as if it were not there": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=0;t=50,`, policy, `p;q=1;w=5 5`)
			require.Equal(t, 99, a.free())
		},
		"bytes are not requests": func(t *testing.T, a asker) {
			a.told(limit, `"p";r=0;t=50`)
			time.Sleep(50 * time.Second) // virtual
			a.told(limit, `"p";r=0;t=50`, policy, `"p";q=9000;w=60;qu="content-bytes"`)
			require.Equal(t, 98, a.free())
		},
		"X-RateLimit is not read unless its dialect is declared": func(t *testing.T, a asker) {
			a.told("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30")
			require.Equal(t, 99, a.free())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { do(t, asks(t, 100, time.Minute)) })
		})
	}
}

// A policy holds in every window, from its first mention to an hour after the last.
func TestLearnPolicies(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, a asker){
		"no window holds more": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=3;w=2`)
			require.Equal(t, 2, a.free(), "what was sent before it was said counts")
			require.Equal(t, 2*time.Second+1, a.next())
		},
		"nor does a longer one than the limit's own": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=150;w=600`)
			require.Equal(t, 99, a.free())
			time.Sleep(time.Minute + 1) // virtual
			require.Equal(t, 50, a.free())
			require.Equal(t, 10*time.Minute+1, a.next())
		},
		"one that allows more changes nothing": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=100;w=60, "q";q=1100;w=600`)
			for minute := range 5 {
				require.Equal(t, 100, a.free()+max(1-minute, 0), minute)
				time.Sleep(time.Minute + 1) // virtual
			}
		},
		"the latest counts": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=3;w=30`)
			a.told(policy, `"p";q=7;w=30`)
			require.Equal(t, 5, a.free())
		},
		"it is forgotten after an hour": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=3;w=30`)
			time.Sleep(time.Hour) // virtual
			require.Equal(t, 3, a.free())
			time.Sleep(30*time.Second + 1) // virtual
			require.Equal(t, 97, a.free())
		},
		"who cannot make it fails at once": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=1;w=30`)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			require.Equal(t, 30*time.Second+1, callError(t, a.l.Wait(ctx)).Wait)
		},
		"one of none is no policy": func(t *testing.T, a asker) {
			a.told(policy, `"p";q=0;w=30`)
			require.Equal(t, 99, a.free())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { do(t, asks(t, 100, time.Minute)) })
		})
	}
}

// In GitHub's dialect a 403 slows down as a 429 does.
func TestLearnGitHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := asks(t, 100, time.Minute, crest.XRateLimit(crest.DialectGitHub))
		getsBack(a.sent(1), 403, "Retry-After", "9")
		require.Equal(t, 9*time.Second, a.next())
		getsBack(a.sent(1), 403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(time.Now().Add(20*time.Second).Unix()), "X-RateLimit-Resource", "core")
		require.Equal(t, 29*time.Second, a.next())
		b := asks(t, 100, time.Minute)
		getsBack(b.sent(1), 403, "Retry-After", "9")
		require.Zero(t, b.next(), "elsewhere a 403 is a 403")
	})
}

func TestXRateLimitMistakes(t *testing.T) {
	for _, d := range []crest.Dialect{0, -1, 7} {
		_, err := crest.New[*failure]("https://api.example.com", crest.WithRateLimit(5, time.Second, crest.XRateLimit(d)))
		require.ErrorContains(t, err, "is no Dialect: take DialectSeconds or another")
	}
}

// What waited for the server's reset is let go one by one.
func TestLearnReleasesOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := asks(t, 100, time.Second)
		a.told(limit, `"p";r=0;t=10`, policy, `"p";q=50;w=10`)
		var mu sync.Mutex
		moments := map[time.Duration]bool{}
		var running sync.WaitGroup
		for range 49 {
			running.Go(func() {
				assert.NoError(t, a.l.Wait(t.Context()))
				mu.Lock()
				defer mu.Unlock()
				moments[time.Since(a.start)] = true
			})
		}
		running.Wait()
		require.Greater(t, len(moments), 5, "they went in one moment")
		for at := range moments {
			require.GreaterOrEqual(t, at, 10*time.Second)
			require.Less(t, at, 12*time.Second)
		}
	})
}
