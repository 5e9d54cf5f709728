package bench

import (
	"fmt"
	"strings"
)

const growthTitle = `
## Costs that grow as they should

Time of n: over n times that of one, in the same pass (lowest–highest); up to 1.00 it grows no faster than the number. One more: what each further one takes, over what the other takes for it. Allocations and bytes: of one, and of n; of goroutines those of one call, and of those that wait the bytes are what each holds, its stack included. Fields are sent by a GET in memory that is answered by nothing.

| | n | time of n | one more | over | goal | allocations | bytes |
|--|--:|--:|--:|--|--:|--:|--:|
`

// growth writes a row for each of [Growths].
func (r Report) growth(b *strings.Builder) {
	b.WriteString(growthTitle)
	for _, g := range Growths() {
		one, many := r[Key{growths, g.Name, sideOne}], r[Key{growths, g.Name, sideMany}]
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s → %s | %s → %s |\n", g.What, thousands(float64(g.N)),
			spread(r.linear(g)), spread(r.another(g)), g.Peer, atMost(g.Goal, median(r.another(g))),
			one.allocs(), many.allocs(), one.bytes(), many.bytes())
	}
}

const startsTitle = `
## Once

What a program does once, measured in processes that have done nothing else. The goals of the first two were set as times, 12 and 120 µs; here they are over the 5.8 µs that the call took on that machine.

| | over | ratio | goal |
|--|--|--:|--:|
`

// starts writes a row for each of [Startings].
func (r Report) starts(b *strings.Builder) {
	b.WriteString(startsTitle)
	for _, s := range Startings() {
		f := r.at(Key{startings, s.Name, sideWhat})
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", s.What, s.Over, spread(f.Ratios), atMost(s.Goal, median(f.Ratios)))
	}
	if median(r.at(Key{startings, startDistinct, sideWhat}).Ratios) > 1 {
		b.WriteString(startsCause)
	}
}

// startsCause is what a profile of the declarations shows as long as they miss their goal.
const startsCause = `
10,000 endpoints with models of their own take that long because reflection reads each field of theirs for the first time, once for its place and once for its rules, and because the garbage collector marks what stays of them, 9 KB each. validator/v10 is shown no model whose rules are all compiled.
`

// atMost is a goal, and whether it was missed; nothing where there is none.
func atMost(goal, value float64) string {
	switch {
	case goal == 0:
		return ""
	case value > goal:
		return fmt.Sprintf("≤ %.2f, **missed**", goal)
	default:
		return fmt.Sprintf("≤ %.2f", goal)
	}
}

func (f *Figures) bytes() string {
	if f == nil {
		return "–"
	}
	return thousands(median(f.Bytes))
}

const sizesTitle = `
## Size

Programs of one operation with its answer and its error model ([bench/size](../bench/size)), built with ` + "`-trimpath -ldflags='-s -w'`" + `. Packages and modules are those outside the standard library that are linked.

| | MB | over net/http | packages | modules |
|--|--:|--:|--:|--:|
`

func (m *Measured) sizes(b *strings.Builder) {
	b.WriteString(sizesTitle)
	least := m.Sizes[Hellos()[0].Name].Bytes
	for _, h := range Hellos() {
		s := m.Sizes[h.Name]
		fmt.Fprintf(b, "| %s | %.1f | +%.1f | %d | %d |\n", h.Name, megabytes(s.Bytes), megabytes(s.Bytes-least), s.Packages, s.Modules)
	}
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }
