package bench

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// Figures are what the passes gave for one cell, one entry per pass.
type Figures struct {
	Ratios []float64 // time over that of the group's base in the same pass
	Allocs []float64 // per call
	Bytes  []float64 // allocated per call
}

// Report is the outcome of [Field.Measure].
type Report map[Key]*Figures

// Measure runs the passes. In each, the groups of a link and a workload come
// in random order, and so do the contenders within a group, in each of its
// rounds: what the machine does meanwhile hits all of them alike, and a ratio
// compares neighbours in time. Progress, if not nil, hears of each finished group.
//
// It calls [testing.Benchmark], which needs [testing.Init] outside of tests;
// how long a cell runs is the flag test.benchtime.
func (f *Field) Measure(ctx context.Context, passes int, progress func(pass int, group string)) (Report, error) {
	report := Report{}
	groups := f.groups()
	for pass := range passes {
		names := slices.Sorted(maps.Keys(groups))
		shuffle(names)
		for _, name := range names {
			if err := report.run(ctx, groups[name], max(1, f.scale.Rounds)); err != nil {
				return nil, fmt.Errorf("pass %d, %s: %w", pass+1, name, err)
			}
			if progress != nil {
				progress(pass+1, name)
			}
		}
	}
	return report, nil
}

func (f *Field) groups() map[string][]*Cell {
	groups := map[string][]*Cell{}
	for _, c := range f.Cells {
		name := c.Link + " " + c.Workload
		groups[name] = append(groups[name], c)
	}
	return groups
}

// run times the cells of one group, in rounds, each in another order. What
// counts for the pass is the median of the rounds: a machine that does something
// else for a moment spoils one round of one cell.
func (r Report) run(ctx context.Context, cells []*Cell, rounds int) error {
	pass := map[*Cell]*Figures{}
	for range rounds {
		shuffle(cells)
		for _, c := range cells {
			result, err := c.time(ctx)
			if err != nil {
				return fmt.Errorf("%s failed: %w", c.Contender, err)
			}
			if pass[c] == nil {
				pass[c] = &Figures{}
			}
			pass[c].add(result)
		}
	}
	var baseline float64
	for c, f := range pass {
		if c.base {
			baseline = median(f.Ratios)
		}
	}
	for c, f := range pass {
		figures := r.figures(c.Key)
		figures.Ratios = append(figures.Ratios, median(f.Ratios)/baseline)
		figures.Allocs = append(figures.Allocs, median(f.Allocs))
		figures.Bytes = append(figures.Bytes, median(f.Bytes))
	}
	return nil
}

// add notes a round; its time is a ratio to nothing yet.
func (f *Figures) add(result testing.BenchmarkResult) {
	n := float64(result.N)
	f.Ratios = append(f.Ratios, float64(result.T)/n)
	f.Allocs = append(f.Allocs, float64(result.MemAllocs)/n)
	f.Bytes = append(f.Bytes, float64(result.MemBytes)/n)
}

// at are the figures of a cell, without any if it was not measured.
func (r Report) at(key Key) *Figures {
	if f := r[key]; f != nil {
		return f
	}
	return &Figures{}
}

func (r Report) figures(key Key) *Figures {
	if r[key] == nil {
		r[key] = &Figures{}
	}
	return r[key]
}

func shuffle[T any](s []T) {
	rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// median returns the middle of the values, or the mean of the two middle ones.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
