package crest_test

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// customer is one that wanted units of a limit: what it asked for and what became of it. Times count from the start.
type customer struct {
	cost                int
	arrived, deadline   time.Duration // 0 for no deadline
	cancelled           time.Duration // 0 for never
	keep                time.Duration // between grant and stamp
	unused              bool          // its slot is given back
	granted, left, sent time.Duration // -1 for not
	err                 error
}

// world runs customers against a limiter in virtual time.
type world struct {
	n       int
	per     time.Duration
	limiter *crest.RateLimiter
	start   time.Time
	all     []*customer
	grants  []*customer
	hear    func() []string // what the server says; nil for nothing
	mu      sync.Mutex
}

func newWorld(n int, per time.Duration, opts ...crest.LimiterOption) *world {
	return &world{n: n, per: per, limiter: crest.NewLimiter(n, per, opts...), start: time.Now()}
}

// admit lets a customer in now and returns when it waits, is served, or is gone.
func (w *world) admit(running *sync.WaitGroup, c *customer) {
	c.arrived, c.granted, c.left, c.sent = time.Since(w.start), -1, -1, -1
	w.all = append(w.all, c)
	running.Go(func() { w.serve(c) })
	synctest.Wait()
}

func (w *world) serve(c *customer) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if c.deadline > 0 {
		ctx, cancel = context.WithDeadline(ctx, w.start.Add(c.deadline))
		defer cancel()
	}
	if c.cancelled > 0 {
		defer time.AfterFunc(c.cancelled-c.arrived, cancel).Stop()
	}
	slot, err := w.limiter.Slot(ctx, nil, c.cost)
	if err != nil {
		c.left, c.err = time.Since(w.start), err
		return
	}
	w.mu.Lock()
	c.granted = time.Since(w.start)
	w.grants = append(w.grants, c)
	w.mu.Unlock()
	if c.keep > 0 {
		time.Sleep(c.keep) // virtual
	}
	c.sent = time.Since(w.start)
	if c.unused {
		slot.Cancel()
		return
	}
	slot.Sent()
	if w.hear != nil {
		slot.(crest.Feedback).Observe(response(nil, 429, "", w.hear()...))
	}
}

// busiest is the highest cost that any closed window of the length per holds. It is enough to look at those that end with a stamp.
func (w *world) busiest() int {
	var sent []*customer
	for _, c := range w.grants {
		if !c.unused {
			sent = append(sent, c)
		}
	}
	slices.SortFunc(sent, func(a, b *customer) int { return int(a.sent - b.sent) })
	most, sum, first := 0, 0, 0
	for _, c := range sent {
		for sum += c.cost; c.sent-sent[first].sent > w.per; first++ {
			sum -= sent[first].cost
		}
		most = max(most, sum)
	}
	return most
}

// release is a moment at which units are free again.
type release struct {
	at   time.Duration
	cost int
}

type releases []release

func (r releases) Len() int           { return len(r) }
func (r releases) Less(i, j int) bool { return r[i].at < r[j].at }
func (r releases) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *releases) Push(x any)        { *r = append(*r, x.(release)) }
func (r *releases) Pop() any {
	old := *r
	x := old[len(old)-1]
	*r = old[:len(old)-1]
	return x
}

// judge goes through the customers in the order of their arrival and says for each the first moment at which it may be served: not
// before it came, not before those ahead were served or had left, and not while it would make a window too full. Units are taken from the
// grant until just after per from the stamp.
func (w *world) judge(t *testing.T) {
	t.Helper()
	require.LessOrEqual(t, w.busiest(), w.n, "a window is too full")
	require.True(t, slices.IsSortedFunc(w.grants, func(a, b *customer) int { return int(a.granted - b.granted) }))
	var held releases
	taken, line := 0, time.Duration(0)
	for i, c := range w.all {
		legal := max(c.arrived, line)
		free := func() {
			taken -= heap.Pop(&held).(release).cost
		}
		for len(held) > 0 && held[0].at <= legal {
			free()
		}
		for taken+c.cost > w.n {
			legal = held[0].at
			free()
		}
		require.True(t, c.granted >= 0 || c.left >= 0, "customer %d is stuck", i)
		if c.granted < 0 {
			require.LessOrEqual(t, c.left, legal, "customer %d was sent away although it could have gone: %v", i, c.err)
			require.ErrorIs(t, c.err, crest.ErrLimited)
			w.judgeRefusal(t, c)
			// what was freed while looking ahead stays free for those behind only from its own time on
			line = max(line, c.left)
			held, taken = w.rewind(i, line)
			continue
		}
		require.Equal(t, legal, c.granted, "customer %d of cost %d, arrived %v", i, c.cost, c.arrived)
		line = c.granted
		at := c.sent
		if !c.unused {
			at += w.per + 1
		}
		heap.Push(&held, release{at, c.cost})
		taken += c.cost
	}
}

// rewind is what is held at a moment by the customers before i.
func (w *world) rewind(i int, now time.Duration) (held releases, taken int) {
	for _, c := range w.all[:i] {
		at := c.sent
		if !c.unused {
			at += w.per + 1
		}
		if c.granted >= 0 && at > now {
			held = append(held, release{at, c.cost})
			taken += c.cost
		}
	}
	heap.Init(&held)
	return held, taken
}

// judgeRefusal: who has neither deadline nor cancel is never sent away; who is sent away before its deadline is told a wait that reaches beyond it.
func (w *world) judgeRefusal(t *testing.T, c *customer) {
	t.Helper()
	failed := callError(t, c.err)
	switch {
	case errors.Is(c.err, context.Canceled):
		require.Equal(t, c.cancelled, c.left)
	case c.left == c.deadline:
	default:
		require.NotZero(t, c.deadline, "%v", c.err)
		require.GreaterOrEqual(t, c.left+failed.Wait, c.deadline, "%v", c.err)
	}
}

// crowd is a random mix of customers.
type crowd struct {
	n, count  int
	heavy     int // the highest cost
	keep      bool
	impatient bool // deadlines and cancels
	punctual  bool // deadlines alone
}

func (k crowd) run(t *testing.T, rnd *rand.Rand) {
	synctest.Test(t, func(t *testing.T) {
		per := time.Duration(1 + rnd.Int64N(int64(time.Second)))
		w := newWorld(k.n, per)
		var running sync.WaitGroup
		pause := 2 * int64(per) / int64(max(1, 2*k.n/(1+k.heavy))) // about as many come as the limit lets through
		for range k.count {
			c := &customer{cost: 1 + rnd.IntN(min(k.heavy, k.n))}
			now := time.Since(w.start)
			if k.keep {
				c.keep, c.unused = time.Duration(rnd.Int64N(int64(per)/2+1)), rnd.IntN(4) == 0
			}
			if (k.impatient || k.punctual) && rnd.IntN(3) == 0 {
				c.deadline = now + 1 + time.Duration(rnd.Int64N(2*int64(per)))
			}
			if k.impatient && rnd.IntN(3) == 0 {
				c.cancelled = now + 1 + time.Duration(rnd.Int64N(2*int64(per)))
			}
			w.admit(&running, c)
			if rnd.IntN(3) > 0 {
				time.Sleep(time.Duration(rnd.Int64N(pause + 1))) // virtual
			}
		}
		running.Wait()
		w.judge(t)
		for i, c := range w.all {
			if k.punctual && c.granted < 0 {
				require.Equal(t, c.arrived, c.left, "customer %d waited in vain: all was known when it came", i)
			}
		}
	})
}

// SECURITY 4.3, test 1: whatever comes, no window is too full, everybody is served in order at the first legal moment, and nobody is stuck.
func TestPromise3LimiterModel(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 100, 1000, 10_000} {
		for name, k := range map[string]crowd{
			"units":            {n: n, heavy: 1},
			"punctual":         {n: n, heavy: 1, punctual: true},
			"costs":            {n: n, heavy: 20},
			"slow dials":       {n: n, heavy: 1, keep: true},
			"impatient":        {n: n, heavy: 1, impatient: true},
			"all of it":        {n: n, heavy: 5, keep: true, impatient: true},
			"as heavy as can":  {n: n, heavy: n, impatient: true},
			"heavy, with keep": {n: n, heavy: n, keep: true, impatient: true},
		} {
			k.count = max(300, min(3*n/min(k.heavy, n), 25_000))
			rounds := max(1, 20_000/k.count/4)
			if n == 10_000 || testing.Short() {
				rounds = 1
			}
			t.Run(fmt.Sprintf("%d/%s", n, name), func(t *testing.T) {
				for round := range rounds {
					seed := uint64(n*1000 + round)
					k.run(t, rand.New(rand.NewPCG(seed, seed)))
				}
			})
		}
	}
}

// A queue that is never empty is served at exactly n per window: bursts of n, each just later than per after the one before.
func TestLimiterLongRunRate(t *testing.T) {
	for _, n := range []int{1, 7, 100, 10_000} {
		synctest.Test(t, func(t *testing.T) {
			const windows = 5
			w := newWorld(n, time.Second, crest.MaxQueue(windows*n))
			var running sync.WaitGroup
			for range windows * n {
				running.Go(func() { assert.NoError(t, w.limiter.Wait(t.Context())) })
			}
			running.Wait()
			require.Equal(t, (windows-1)*(time.Second+1), time.Since(w.start))
		})
	}
}

// SECURITY 4.3, test 2: those who leave make room, at once and without a trace.
func TestLimiterCancelStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, count = 10, 10_000
		rnd := rand.New(rand.NewPCG(1, 2))
		w := newWorld(n, time.Second)
		var running sync.WaitGroup
		for range count {
			c := &customer{cost: 1}
			if rnd.IntN(10) > 0 {
				c.cancelled = time.Duration(1 + rnd.Int64N(int64(30*time.Second)))
			}
			w.admit(&running, c)
		}
		running.Wait()
		w.judge(t)
		served := len(w.grants)
		require.Greater(t, served, count/10)
		require.LessOrEqual(t, time.Since(w.start), time.Duration(served/n+1)*(time.Second+1), "slots were lost")
	})
}

// A wait that cannot end in time is not begun, and the error says how long it would have been: exactly, for requests of cost 1.
func TestLimiterFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(3, time.Minute)
		var running sync.WaitGroup
		for range 10 { // 3 go at 0, the others in windows 1, 2 and 3
			w.admit(&running, &customer{cost: 1})
		}
		time.Sleep(time.Second)
		ask := func(left time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			return w.limiter.Wait(ctx)
		}
		failed := fails(t, ask(3*time.Minute-time.Second+3), crest.ErrLimited, "", crest.SentNo)
		require.Equal(t, 3*time.Minute-time.Second+3, failed.Wait, "the 11th goes with the 10th, in the window after three")
		require.Equal(t, time.Second, time.Since(w.start), "it did not wait")
		require.ErrorContains(t, failed, "crest: limited: the limit of 3 in 1m0s makes it wait 2m59.000000003s, and its time ends in 2m59.000000003s")
		require.NoError(t, ask(3*time.Minute-time.Second+4))
		require.Equal(t, 3*time.Minute+3, time.Since(w.start))
		running.Wait()
	})
}

// A head whose time turns out to be too late is not kept until its deadline.
func TestLimiterFailsAsSoonAsItKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, time.Second)
		slot, err := w.limiter.Slot(t.Context(), nil, 1)
		require.NoError(t, err)
		var running sync.WaitGroup
		late := &customer{cost: 1, deadline: 1500 * time.Millisecond} // if the first is stamped now, it can go at 1 s
		w.admit(&running, late)
		time.Sleep(600 * time.Millisecond)
		slot.Sent()
		running.Wait()
		require.Equal(t, 600*time.Millisecond, late.left)
		require.Equal(t, time.Second+1, callError(t, late.err).Wait)
	})
}

// A heavy waiter keeps light ones behind it; when it leaves, they go at once.
func TestLimiterHeavyHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10, time.Second)
		var running sync.WaitGroup
		first, heavy, light := &customer{cost: 5}, &customer{cost: 8, cancelled: 300 * time.Millisecond}, &customer{cost: 1}
		for _, c := range []*customer{first, heavy, light} {
			w.admit(&running, c)
		}
		running.Wait()
		require.Equal(t, 300*time.Millisecond, light.granted)
		require.Negative(t, heavy.granted)
	})
}
