package bench

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/crest-go/crest"
)

// callers is the GET of the first table in memory. A call is one of the n.
func callers(n int) Growth {
	get := part{newCall: memoryGet(), each: true}
	many := get
	many.goroutines = n
	return Growth{Name: fmt.Sprintf("Callers%d", n), What: "goroutines that call at once, time per call", N: n, one: get, many: many}
}

// waiting is for a limiter that lets one through and then nobody: many join the
// queue, and all leave it. The one is one of a hundredth of them.
func waiting() Growth {
	return Growth{
		Name: "Waiters", What: "goroutines that wait for a limiter and give up, beside one of 1,000 of them", N: Full.Waiters,
		one: part{sample: waiters(newSlowLimiter, 100)}, many: part{sample: waiters(newSlowLimiter, 1)},
		Peer: timeRate, peerMore: part{sample: waiters(newSlowRate, 1)},
	}
}

func newSlowLimiter(n int) crest.Limiter {
	return crest.NewLimiter(1, time.Hour, crest.MaxQueue(n))
}

func newSlowRate(int) crest.Limiter { return rate.NewLimiter(rate.Every(time.Hour), 1) }

// waiters times how a fraction of the field's waiters join and leave. The
// bytes are those that are held while they wait, stacks included.
func waiters(newLimiter func(n int) crest.Limiter, fraction int) sampler {
	return func(f *Field) func(context.Context) (testing.BenchmarkResult, error) {
		n := f.scale.Waiters / fraction
		return func(ctx context.Context) (testing.BenchmarkResult, error) {
			l := newLimiter(n)
			if err := l.Wait(ctx); err != nil { // the only slot
				return testing.BenchmarkResult{}, err
			}
			return joinAndLeave(ctx, l, n)
		}
	}
}

func joinAndLeave(ctx context.Context, l crest.Limiter, n int) (result testing.BenchmarkResult, err error) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	var all sync.WaitGroup
	var joined, passed atomic.Int64
	runtime.GC()
	before := held()
	start := time.Now()
	for range n {
		all.Go(func() {
			joined.Add(1)
			if l.Wait(ctx) == nil {
				passed.Add(1)
			}
		})
	}
	for joined.Load() < int64(n) {
		runtime.Gosched()
	}
	joining, during := time.Since(start), held()
	start = time.Now()
	leave()
	all.Wait()
	if passed.Load() > 0 {
		return result, errUnexpected
	}
	return testing.BenchmarkResult{
		N: n, T: joining + time.Since(start), MemBytes: during.bytes - min(during.bytes, before.bytes), MemAllocs: during.mallocs - before.mallocs,
	}, nil
}

// inUse is what a program holds, and how much it has ever allocated.
type inUse struct{ bytes, mallocs uint64 }

func held() inUse {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return inUse{m.HeapAlloc + m.StackInuse, m.Mallocs}
}
