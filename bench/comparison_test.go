package bench

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// comparisonCell is one side of a comparison, ready to be called.
func comparisonCell(t *testing.T, name, side string) *Cell {
	t.Helper()
	f := &Field{}
	t.Cleanup(f.Close)
	for _, c := range Comparisons() {
		if c.Name == name {
			require.NoError(t, f.compare(t.Context(), c))
		}
	}
	for _, cell := range f.Cells {
		if cell.Contender == side {
			return cell
		}
	}
	require.Fail(t, "no such comparison", name)
	return nil
}

func allocations(t *testing.T, c *Cell) float64 {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector empties pools as it likes")
	}
	return testing.AllocsPerRun(200, func() { require.NoError(t, c.call(t.Context())) })
}

// The limiter's goal is 0.
func TestLimiterAllocatesNothing(t *testing.T) {
	setBenchtime(t, "10000x")
	for _, name := range []string{"Wait", "Wait256", "Slot"} {
		t.Run(name, func(t *testing.T) {
			result := testing.Benchmark(comparisonCell(t, name, sideWhat).Run)
			require.Equal(t, 10_000, result.N)
			require.Zero(t, result.AllocsPerOp())
		})
	}
}

// What limits and retries may allocate beyond the same call without them.
func TestLimitsAndRetriesStayWithinTheirBudgets(t *testing.T) {
	budgets := map[string]float64{
		"GETLimited":  5, // a context of its own, to end a replay that gets no slot
		"GETTimeRate": 5,
		"GETRetries":  0,
		"GETStats":    0,
	}
	for name, budget := range budgets {
		t.Run(name, func(t *testing.T) {
			more := allocations(t, comparisonCell(t, name, sideWhat)) - allocations(t, comparisonCell(t, name, sideOver))
			require.LessOrEqual(t, more, budget)
		})
	}
}

// Another attempt may allocate this much beyond a call that succeeds at once: the request is bound once, and the
// failure is not the caller's.
func TestAnotherAttemptStaysWithinItsBudget(t *testing.T) {
	const budget = 50
	more := allocations(t, comparisonCell(t, "GETRetried", sideWhat)) - allocations(t, comparisonCell(t, "GETRetries", sideWhat))
	require.LessOrEqual(t, more, float64(budget))
}

// Both sides of the retry's comparison put the same on the wire: what is timed is how it is reached.
func TestRetriedIsTwoRequests(t *testing.T) {
	for name, newCall := range map[string]func(*failsFirst) maker{"one call": oneCall, "two calls": twoCalls} {
		t.Run(name, func(t *testing.T) {
			f, wire := &Field{}, &failsFirst{}
			t.Cleanup(f.Close)
			call, err := newCall(wire)(f)
			require.NoError(t, err)
			for n := int64(1); n <= 3; n++ {
				require.NoError(t, call(t.Context()))
				require.Equal(t, 2*n, wire.requests.Load())
			}
		})
	}
}

// A cell that many call is called by them at once, and reports what fails.
func TestParallelCell(t *testing.T) {
	setBenchtime(t, "1000x")
	var inside, most atomic.Int64
	c := &Cell{goroutines: 256, call: func(context.Context) error {
		now := inside.Add(1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		for range 1000 { // the others come in
			runtime.Gosched()
		}
		inside.Add(-1)
		return nil
	}}
	require.Equal(t, 1000, testing.Benchmark(c.Run).N)
	require.Greater(t, most.Load(), int64(128))

	c.call = func(context.Context) error { return errUnexpected }
	require.Zero(t, testing.Benchmark(c.Run).N)
}

func TestComparisonsInTheTable(t *testing.T) {
	report := Report{
		{comparisons, "Wait", sideWhat}: {Ratios: []float64{0.25, 0.35, 0.5}, Allocs: []float64{0, 0, 0}},
		{comparisons, "Wait", sideOver}: {Ratios: []float64{1, 1, 1}, Allocs: []float64{1, 1, 1}},
	}
	_, text, found := strings.Cut((&Measured{Report: report}).Markdown(), "## Limits, retries, logs")
	require.True(t, found)
	require.Contains(t, text, "| `Wait` of crest's limiter | `Wait` of golang.org/x/time/rate | 0.35 (0.25–0.50) | ≤ 0.50 | 0, 1 |")
	for _, c := range Comparisons() {
		require.Equal(t, 1, strings.Count(text, "| "+c.What+" | "+c.Over+" |"), c.Name)
	}
	require.Contains(t, modules(), timeModule)
}
