package crest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Whatever servers say, whoever comes and goes: no window holds more than n, they are served in order, and nobody is stuck.
func TestPromise3LimiterModelWithServers(t *testing.T) {
	words := []func(rnd *rand.Rand) []string{
		func(*rand.Rand) []string { return nil },
		func(rnd *rand.Rand) []string {
			return []string{limit, fmt.Sprintf(`"p%d";r=%d;t=%d`, rnd.IntN(12), rnd.IntN(50), rnd.IntN(5))}
		},
		func(rnd *rand.Rand) []string {
			return []string{policy, fmt.Sprintf(`"p%d";q=%d;w=%d;pk=:YQ==:`, rnd.IntN(3), rnd.IntN(50), rnd.IntN(5))}
		},
		func(rnd *rand.Rand) []string { return []string{"Retry-After", fmt.Sprintf("0.%d", rnd.IntN(9))} },
	}
	for _, n := range []int{1, 3, 10, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd, server := rand.New(rand.NewPCG(uint64(n), 5)), rand.New(rand.NewPCG(uint64(n), 6))
				w := newWorld(n, time.Second, crest.MaxQueue(1000))
				w.hear = func() []string {
					w.mu.Lock()
					defer w.mu.Unlock()
					return words[server.IntN(len(words))](server)
				}
				var running sync.WaitGroup
				for range 500 {
					now := time.Since(w.start)
					c := &customer{cost: 1 + rnd.IntN(min(n, 3)), keep: time.Duration(rnd.Int64N(int64(time.Second / 10))), unused: rnd.IntN(5) == 0}
					if rnd.IntN(5) == 0 {
						c.cancelled = now + time.Duration(rnd.Int64N(int64(3*time.Second)))
					}
					w.admit(&running, c)
					time.Sleep(time.Duration(rnd.Int64N(int64(2*time.Second) / int64(n)))) // virtual
				}
				running.Wait()
				require.LessOrEqual(t, w.busiest(), n)
				require.Greater(t, len(w.grants), 250)
				last := time.Duration(0)
				for _, c := range w.all {
					require.True(t, c.granted >= last || c.granted < 0 && errors.Is(c.err, crest.ErrLimited), "out of order, or stuck")
					last = max(last, c.granted)
				}
			})
		})
	}
}
