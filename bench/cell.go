package bench

import (
	"context"
	"fmt"
	"testing"
)

// Key names one contender doing one workload over one link.
type Key struct{ Link, Workload, Contender string }

// Cell is what is timed.
type Cell struct {
	Key

	call func(context.Context) error
}

// Run is the benchmark of the cell.
func (c *Cell) Run(b *testing.B) {
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := c.call(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// Field is every contender, ready on both links.
type Field struct {
	Cells   []*Cell
	cleanup []func()
}

// NewField starts the loopback server, makes a client with a transport of its
// own for each contender and link, and makes each call once, so that
// connections are open and caches filled. The caller closes it.
func NewField(ctx context.Context) (*Field, error) {
	f := &Field{}
	loopback, err := Loopback()
	if err != nil {
		return nil, err
	}
	f.cleanup = append(f.cleanup, loopback.Close)
	for _, link := range []*Link{Memory(), loopback} {
		for _, c := range Contenders() {
			if err := f.add(ctx, link, c); err != nil {
				f.Close()
				return nil, fmt.Errorf("%s over %s: %w", c.Name, link.Name, err)
			}
		}
	}
	return f, nil
}

func (f *Field) add(ctx context.Context, link *Link, c Contender) error {
	transport := link.New()
	f.cleanup = append(f.cleanup, func() { closeIdle(transport) })
	calls, err := c.New(link.Base, transport)
	if err != nil {
		return err
	}
	if calls.Close != nil {
		f.cleanup = append(f.cleanup, calls.Close)
	}
	for _, w := range Workloads() {
		call := w.Bind(calls)
		if call == nil {
			continue
		}
		if err := call(ctx); err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		f.Cells = append(f.Cells, &Cell{Key{link.Name, w.Name, c.Name}, call})
	}
	return nil
}

// Close ends all clients, connections and the server.
func (f *Field) Close() {
	for i := len(f.cleanup) - 1; i >= 0; i-- {
		f.cleanup[i]()
	}
	f.cleanup = nil
}
