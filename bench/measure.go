package bench

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
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
// in random order, and so do the contenders within a group: what the machine
// does meanwhile hits all of them alike, and a ratio compares neighbours in
// time. Progress, if not nil, hears of each finished group.
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
			if err := report.run(ctx, groups[name]); err != nil {
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

// run times the cells of one group once each.
func (r Report) run(ctx context.Context, cells []*Cell) error {
	shuffle(cells)
	times := map[Key]float64{}
	var baseline float64
	for _, c := range cells {
		result, err := c.time(ctx)
		if err != nil {
			return fmt.Errorf("%s failed: %w", c.Contender, err)
		}
		perCall := float64(result.T) / float64(result.N)
		times[c.Key] = perCall
		if c.base {
			baseline = perCall
		}
		figures := r.figures(c.Key)
		figures.Allocs = append(figures.Allocs, float64(result.MemAllocs)/float64(result.N))
		figures.Bytes = append(figures.Bytes, float64(result.MemBytes)/float64(result.N))
	}
	for key, perCall := range times {
		figures := r.figures(key)
		figures.Ratios = append(figures.Ratios, perCall/baseline)
	}
	return nil
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
