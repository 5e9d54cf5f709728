package bench

import (
	"fmt"
	"slices"
	"strings"
)

const comparisonsTitle = `
## Limits, retries, logs

What they add: no network where none is named, the same limit of %s in %v on both sides, which nothing here reaches; a GET is the one in memory above.

Each row is one comparison, timed in the same passes. Time: median of the ratio of the first column to the second within a pass (lowest–highest); below 1 the first is faster, 1.03 is 3 %% more. Allocations: per call, of the first and of the second.

`

// comparisons writes a row for each of [Comparisons].
func (r Report) comparisons(b *strings.Builder) {
	fmt.Fprintf(b, comparisonsTitle, thousands(unreached), unreachedPer)
	b.WriteString("| | compared with | time | goal | allocations |\n|--|--|--:|--:|--:|\n")
	for _, c := range Comparisons() {
		what, over := r[Key{comparisons, c.Name, sideWhat}], r[Key{comparisons, c.Name, sideOver}]
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s, %s |\n", c.What, c.Over, what.ratio(), c.marked(what), what.allocs(), over.allocs())
	}
}

// marked is the goal, and whether it was missed.
func (c Comparison) marked(what *Figures) string {
	var most float64
	if _, err := fmt.Sscanf(c.Goal, "≤ %g", &most); err != nil || what == nil || median(what.Ratios) <= most {
		return c.Goal
	}
	return c.Goal + ", **missed**"
}

// ratio is the time alone, as the table of contenders has it.
func (f *Figures) ratio() string {
	if f == nil {
		return "–"
	}
	return spread(f.Ratios)
}

// spread is the median of some values with their range.
func spread(values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(values), slices.Min(values), slices.Max(values))
}

func (f *Figures) allocs() string {
	if f == nil {
		return "–"
	}
	return thousands(median(f.Allocs))
}
