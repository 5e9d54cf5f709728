package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"testing"
)

// Key names one contender doing one workload over one link.
type Key struct{ Link, Workload, Contender string }

// Cell is what is timed.
type Cell struct {
	Key

	call       func(context.Context) error
	sample     func(context.Context) (testing.BenchmarkResult, error) // in place of call, where one run is all
	base       bool                                                   // the times of its group are given in that of this cell
	goroutines int                                                    // that call at once; 0 and 1 are the benchmark's own
}

// Run is the benchmark of the cell.
func (c *Cell) Run(b *testing.B) {
	ctx := b.Context()
	b.ReportAllocs()
	if c.goroutines > 1 {
		c.runParallel(ctx, b)
		return
	}
	call := c.call
	if c.sample != nil {
		call = func(ctx context.Context) error { _, err := c.sample(ctx); return err }
	}
	for b.Loop() {
		if err := call(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// time runs the benchmark, or the one run that a sample is.
func (c *Cell) time(ctx context.Context) (testing.BenchmarkResult, error) {
	if c.sample != nil {
		return c.sample(ctx)
	}
	result := testing.Benchmark(c.Run)
	if result.N == 0 {
		return result, errors.New("the benchmark of the same name says why")
	}
	return result, nil
}

func (c *Cell) runParallel(ctx context.Context, b *testing.B) {
	b.SetParallelism(max(1, c.goroutines/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := c.call(ctx); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// Field is every contender on its links, and the sides of every comparison and
// of all that grows, ready to be timed.
type Field struct {
	Cells   []*Cell
	scale   Scale
	nothing http.RoundTripper // in place of empty, for tests
	cleanup []func()
}

// Scale says how large the large things are.
type Scale struct {
	File    int64 // bytes, both ways
	Waiters int
	Pages   int
	Rounds  int // of a pass, whose median counts
}

// Full is what is measured. Quick is for seeing whether everything runs.
var (
	Full  = Scale{File: 64 << 20, Waiters: 100_000, Pages: 1000, Rounds: 3}
	Quick = Scale{File: 1 << 20, Waiters: 1000, Pages: 10, Rounds: 1}
)

// NewField starts the loopback server, makes a client with a transport of its
// own for each contender and link, and makes each call once, so that
// connections are open and caches filled. The caller closes it.
func NewField(ctx context.Context, scale Scale) (*Field, error) {
	f := &Field{scale: scale}
	if err := f.fill(ctx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Field) fill(ctx context.Context) error {
	loopback, err := Loopback()
	if err != nil {
		return err
	}
	f.cleanup = append(f.cleanup, loopback.Close)
	for _, link := range []*Link{Memory(), loopback, loopback.own()} {
		for _, c := range Contenders() {
			if err := f.add(ctx, link, c); err != nil {
				return fmt.Errorf("%s over %s: %w", c.Name, link.Name, err)
			}
		}
	}
	for _, c := range Comparisons() {
		if err := f.compare(ctx, c); err != nil {
			return fmt.Errorf("comparison %s: %w", c.Name, err)
		}
	}
	for _, g := range Growths() {
		if err := f.grow(ctx, g); err != nil {
			return fmt.Errorf("growth of %s: %w", g.Name, err)
		}
	}
	return nil
}

func (f *Field) add(ctx context.Context, link *Link, c Contender) error {
	calls, err := f.open(link, c)
	if err != nil {
		return err
	}
	for _, w := range link.workloads() {
		call := w.Bind(calls, f.scale)
		if call == nil {
			continue
		}
		if err := call(ctx); err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		f.Cells = append(f.Cells, &Cell{
			Key: Key{link.Name, w.Name, c.Name}, call: call, base: c.Name == Baseline, goroutines: w.Goroutines,
		})
	}
	return nil
}

// open makes the calls of a contender; none where the link is not for it.
func (f *Field) open(link *Link, c Contender) (calls Calls, err error) {
	switch {
	case link.New == nil && c.Own == nil, link.server == nil && c.Engine:
		return calls, nil
	case link.New == nil:
		calls, err = c.Own(link.Base)
	default:
		transport := link.New()
		f.cleanup = append(f.cleanup, func() { closeIdle(transport) })
		calls, err = c.New(link.Base, transport)
	}
	if calls.Close != nil {
		f.cleanup = append(f.cleanup, calls.Close)
	}
	return calls, err
}

// Close ends all clients, connections and the server.
func (f *Field) Close() {
	for i := len(f.cleanup) - 1; i >= 0; i-- {
		f.cleanup[i]()
	}
	f.cleanup = nil
}
