package redislimit_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest/redislimit"
)

// askers are 8 goroutines that ask for slots until stop is called.
type askers struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	since   time.Time // who asked before does not count
	let     int
	refused int
	slowest time.Duration
}

func ask(l *redislimit.Limiter) *askers {
	ctx, stop := context.WithCancel(context.Background())
	c := &askers{stop: stop}
	for range 8 {
		c.running.Go(func() {
			for ctx.Err() == nil {
				c.note(time.Now(), try(l, time.Minute))
				time.Sleep(5 * time.Millisecond) // what a request takes
			}
		})
	}
	return c
}

func (c *askers) note(asked time.Time, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.Before(c.since) {
		return
	}
	if o.err == nil {
		c.let++
	} else {
		c.refused++
	}
	c.slowest = max(c.slowest, o.took)
}

// heard is how many have been let go or refused.
func (c *askers) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.let + c.refused
}

// reset returns what was counted, and begins anew.
func (c *askers) reset() (let, refused int, slowest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	let, refused, slowest = c.let, c.refused, c.slowest
	c.since, c.let, c.refused, c.slowest = time.Now(), 0, 0, 0
	return let, refused, slowest
}

// TestRealFailures stops and kills a Redis process under a crowd. go-redis alone would hold each request for 10 s on a
// stopped one; the bound here is a third of that, for machines with other work, where TestModes is exact in virtual
// time. The limit is too high to be met, so whoever is refused or waits does so because of Redis.
func TestRealFailures(t *testing.T) {
	const n = 50_000
	const bound = 3 * time.Second
	for how, failure := range map[string]struct{ fail, mend func(s server) }{
		"stopped": {server.hang, server.goOn},
		"killed":  {server.kill, server.start},
	} {
		for name, mode := range map[string]struct {
			options     redislimit.Options
			let, refuse bool
		}{
			"closed": {redislimit.Options{}, false, true},
			"open":   {redislimit.Options{Fallback: redislimit.Open}, true, false},
			"local":  {redislimit.Options{Fallback: redislimit.Local, Share: n}, true, false},
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				t.Parallel()
				s := startServer(t)
				var j journal
				mode.options.OnFallback = j.tell
				l, err := redislimit.New(newClient(t, s.addr()), "key", n, time.Hour, mode.options)
				require.NoError(t, err)
				c := ask(l)
				defer c.running.Wait()
				defer c.stop()
				answering := func() bool { told := j.told(); return len(told) == 0 || told[len(told)-1] == nil }
				require.Eventually(t, func() bool { return c.heard() >= 100 }, time.Minute, time.Millisecond)

				failure.fail(s)
				require.Eventually(t, func() bool { return !answering() }, bound, time.Millisecond)
				c.reset()
				require.Eventually(t, func() bool { return c.heard() >= 1000 }, time.Minute, time.Millisecond, "long enough for several probes")
				let, refused, slowest := c.reset()
				require.Equal(t, mode.let, let > 0, "let go: %d", let)
				require.Equal(t, mode.refuse, refused > 0, "refused: %d", refused)
				require.Less(t, slowest, bound)

				failure.mend(s)
				require.Eventually(t, answering, time.Minute, 10*time.Millisecond)
				c.reset()
				require.Eventually(t, func() bool { let, _, _ := c.reset(); return let > 0 }, time.Minute, 50*time.Millisecond)
			})
		}
	}
}

// A Redis that lost its scripts is given them again.
func TestScriptFlush(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := newClient(t, s.addr())
	l, err := redislimit.New(client, "key", 3, time.Hour, redislimit.Options{Deadline: 3 * time.Second})
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, client.ScriptFlush(context.Background()).Err())
		require.NoError(t, try(l, time.Minute).err)
	}
	require.Error(t, try(l, time.Second).err)
}

// A real server keeps the same log as the embedded one: costs, what is given back, what is left of a window.
func TestRealServerCounts(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	o := redislimit.Options{Deadline: 3 * time.Second}
	mine, err := redislimit.New(newClient(t, s.addr()), "key", 5, time.Hour, o)
	require.NoError(t, err)
	client := newClient(t, s.addr())
	other, err := redislimit.New(client, "key", 5, time.Hour, o)
	require.NoError(t, err)
	take(t, mine, 3).Sent()
	take(t, other, 2).Cancel()
	take(t, mine, 2).Sent() // waits until the other's are given back
	ctx := context.Background()
	require.Eventually(t, func() bool { // both reports have arrived
		n, err := client.ZCount(ctx, "crest:limit:{key}", "-inf", "(4e15").Result()
		return err == nil && n == 5
	}, 20*time.Second, 10*time.Millisecond)
	require.ErrorContains(t, try(other, time.Minute).err, "the limit of 5 in 1h0m0s makes it wait 59m5")
	left, err := client.PTTL(ctx, "crest:limit:{key}").Result()
	require.NoError(t, err)
	require.Greater(t, left, 59*time.Minute)
	require.Less(t, left, 62*time.Minute)
}
