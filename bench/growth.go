package bench

import (
	"context"
	"errors"
	"testing"
)

// Growth says how a cost grows with a number: a row of the table of growth.
type Growth struct {
	Name string
	What string // what there is n of, for the reader of the table
	N    int

	one, many part // what 1 costs, and n

	// What one more of them costs beside what somebody else takes for it: (more − less) / (peerMore − peerLess).
	// More and less are many and one where they are not set. Without peerLess it is more / peerMore.
	Peer               string // who that is; empty: nobody
	Goal               float64
	more, less         part
	peerMore, peerLess part
}

// part is one side of a [Growth].
type part struct {
	newCall    maker
	sample     sampler // in place of newCall
	goroutines int
	each       bool // a call is one of the n, not all of them
}

// sampler makes a side whose single run says what each of its operations takes.
type sampler func(f *Field) func(context.Context) (testing.BenchmarkResult, error)

// What stands in the keys of their cells in place of a link, and of a contender.
const (
	growths      = "growth"
	sideOne      = "one"
	sideMany     = "many"
	sideMore     = "more"
	sideLess     = "less"
	sidePeerMore = "peer more"
	sidePeerLess = "peer less"
)

// Growths lists all of them.
func Growths() []Growth {
	return []Growth{
		queryFields(10), queryFields(50),
		headerFields(10), headerFields(50),
		validatedFields(10), validatedFields(50),
		callers(16), callers(256),
		waiting(), pages(),
	}
}

// sides are those that the growth has, by what stands in the key of the cell.
func (g Growth) sides() map[string]part {
	sides := map[string]part{
		sideOne: g.one, sideMany: g.many, sideMore: g.more, sideLess: g.less, sidePeerMore: g.peerMore, sidePeerLess: g.peerLess,
	}
	for name, p := range sides {
		if p.newCall == nil && p.sample == nil {
			delete(sides, name)
		}
	}
	return sides
}

// grow adds the sides of a growth, each called once.
func (f *Field) grow(ctx context.Context, g Growth) error {
	var failures []error
	for side, p := range g.sides() {
		c := &Cell{Key: Key{growths, g.Name, side}, base: side == sideOne, goroutines: p.goroutines}
		if p.sample == nil {
			failures = append(failures, f.addCell(ctx, c, p.newCall))
			continue
		}
		c.sample = p.sample(f)
		f.Cells = append(f.Cells, c)
	}
	return errors.Join(failures...)
}

// linear is the time of n over n times that of 1, in each pass.
func (r Report) linear(g Growth) []float64 {
	many := r[Key{growths, g.Name, sideMany}]
	if many == nil {
		return nil
	}
	operations := float64(g.N)
	if g.many.each || g.many.sample != nil {
		operations = 1
	}
	ratios := make([]float64, len(many.Ratios))
	for i, ratio := range many.Ratios {
		ratios[i] = ratio / operations
	}
	return ratios
}

// another is what one more costs over what the peer takes for it, in each pass.
func (r Report) another(g Growth) []float64 {
	more, less := r.either(g, sideMore, sideMany), r.either(g, sideLess, sideOne)
	peerMore, peerLess := r[Key{growths, g.Name, sidePeerMore}], r[Key{growths, g.Name, sidePeerLess}]
	if more == nil || less == nil || peerMore == nil {
		return nil
	}
	ratios := make([]float64, len(more.Ratios))
	for i := range ratios {
		ratios[i] = more.Ratios[i] / peerMore.Ratios[i]
		if peerLess != nil {
			ratios[i] = (more.Ratios[i] - less.Ratios[i]) / (peerMore.Ratios[i] - peerLess.Ratios[i])
		}
	}
	return ratios
}

func (r Report) either(g Growth, side, otherwise string) *Figures {
	if f := r[Key{growths, g.Name, side}]; f != nil {
		return f
	}
	return r[Key{growths, g.Name, otherwise}]
}
