package redislimit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest/redislimit"
)

// customer wants units of a limit that several processes share.
type customer struct {
	process   int
	arrives   time.Duration
	cost      int
	keeps     time.Duration // between grant and writing
	unused    bool          // gives its slot back
	patience  time.Duration // 0 for no deadline
	cancelled time.Duration // 0 for never

	written time.Time
	waited  time.Duration
	err     error
}

func (c *customer) visit(l *redislimit.Limiter) {
	time.Sleep(c.arrives)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if c.patience > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.patience)
		defer cancel()
	}
	if c.cancelled > 0 {
		defer time.AfterFunc(c.cancelled, cancel).Stop()
	}
	start := time.Now()
	slot, err := l.Slot(ctx, nil, c.cost)
	c.err, c.waited = err, time.Since(start)
	if err != nil {
		return
	}
	time.Sleep(c.keeps)
	if c.unused {
		slot.Cancel()
		return
	}
	c.written = time.Now()
	slot.Sent()
}

func crowd(r *rand.Rand, n int, per time.Duration, size int) []*customer {
	all := make([]*customer, size)
	for i := range all {
		c := &customer{process: r.IntN(4), arrives: rand64(r, 4*per), cost: 1}
		if r.IntN(4) == 0 {
			c.cost = 1 + r.IntN(n)
		}
		switch r.IntN(6) {
		case 0:
			c.keeps = rand64(r, per)
		case 1:
			c.keeps = rand64(r, 15*time.Second) // more than a lease
		}
		c.unused = r.IntN(8) == 0
		if r.IntN(5) == 0 {
			c.patience = rand64(r, 5*per)
		}
		if r.IntN(5) == 0 {
			c.cancelled = rand64(r, 5*per)
		}
		all[i] = c
	}
	return all
}

func rand64(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(1 + r.Int64N(int64(d)))
}

// heaviest is the highest cost that any closed window of the length per holds on the wire, however long its requests
// took from grant to writing.
func heaviest(all []*customer, per time.Duration) int {
	most := 0
	for _, last := range all {
		sum := 0
		for _, c := range all {
			if age := last.written.Sub(c.written); !c.written.IsZero() && age >= 0 && age <= per {
				sum += c.cost
			}
		}
		if !last.written.IsZero() {
			most = max(most, sum)
		}
	}
	return most
}

// TestNoWindowHoldsMore: random crowds in four processes, brute force over all windows.
func TestNoWindowHoldsMore(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			virtual(t, func(t *testing.T, net *network) {
				r := rand.New(rand.NewPCG(seed, 1))
				n := []int{1, 2, 5, 20}[r.IntN(4)]
				per := []time.Duration{50 * time.Millisecond, time.Second, time.Minute}[r.IntN(3)]
				net.latency.Store(int64(rand64(r, 5*time.Millisecond)))
				processes := make([]*redislimit.Limiter, 4)
				for i := range processes {
					processes[i] = net.limiter(n, per, redislimit.Options{})
				}
				all := crowd(r, n, per, 40)
				var running sync.WaitGroup
				for _, c := range all {
					running.Go(func() { c.visit(processes[c.process]) })
				}
				running.Wait()
				require.LessOrEqual(t, heaviest(all, per), n)
				for _, c := range all {
					if c.patience == 0 && c.cancelled == 0 {
						assert.NoError(t, c.err)
					}
					if c.patience > 0 {
						assert.LessOrEqual(t, c.waited, c.patience)
					}
				}
			})
		})
	}
}

// Where everybody sends at once the quota is used to the full: nothing is lost to the pending.
func TestTheQuotaIsUsed(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		const n, windows = 10, 5
		start := time.Now()
		var running sync.WaitGroup
		for range 4 {
			l := net.limiter(n, time.Second, redislimit.Options{})
			for range n * windows / 4 {
				running.Go(func() { (&customer{cost: 1}).visit(l) })
			}
		}
		running.Wait()
		require.GreaterOrEqual(t, time.Since(start), (windows-1)*time.Second)
		require.Less(t, time.Since(start), windows*time.Second)
	})
}
