package redislimit

import (
	"context"
	_ "embed"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed script.lua
var source string

var script = redis.NewScript(source)

// ledger is the log in Redis of what was granted and sent. What happened to granted units is noted here and
// written by one goroutine, which lives only while there is something to write: nobody waits for it. Notes
// that Redis would not take are kept for when it answers again.
type ledger struct {
	wire
	settings []any // n, span and lease, as the script wants them
	keys     []string

	mu      sync.Mutex
	notes   []note
	writing bool
}

// note is what became of a granted unit.
type note struct {
	what   string
	id     string
	amount int64 // units, or microseconds of a pause
}

const (
	sent      = "sent"
	cancelled = "cancel"
	renewed   = "renew"
	paused    = "pause"

	mostNotes = 10_000 // what is beyond runs out with its lease
	batch     = 200
)

type reply struct {
	granted bool
	wait    time.Duration
	pending bool // some units are granted and not sent yet, and may be given back
}

func newLedger(client redis.Scripter, key string, n int, span time.Duration, o Options) *ledger {
	g := &ledger{settings: []any{n, span.Microseconds(), lease.Microseconds()}}
	name := "crest:limit:{" + key + "}"
	g.keys = []string{name, name + ":said"}
	g.wire = wire{client: client, deadline: o.Deadline, stuck: make(chan struct{}, mostStuck), circuit: circuit{first: o.Deadline, tell: o.OnFallback}}
	return g
}

// take asks for units. late is told of an answer that came when take had returned. What could not be written during
// an outage goes first: else units that this process gave back would stand in its way.
func (g *ledger) take(ctx context.Context, late func(reply), id string, cost int, jitter int64) (reply, error) {
	if g.claim() {
		g.write(ctx)
	}
	return g.call(ctx, late, g.keys, g.args("take", id, cost, jitter))
}

func (g *ledger) args(command string, more ...any) []any {
	return append(append([]any{command}, g.settings...), more...)
}

func (g *ledger) add(n note) {
	g.mu.Lock()
	if len(g.notes) < mostNotes {
		g.notes = append(g.notes, n)
	}
	g.mu.Unlock()
	if g.claim() {
		go g.write(context.Background())
	}
}

// claim reports whether it is for the caller to write: there is something, nobody does, and Redis can be expected to
// take it.
func (g *ledger) claim() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.writing || len(g.notes) == 0 || g.skips() != nil {
		return false
	}
	g.writing = true
	return true
}

// write is for who has claimed it. What Redis does not confirm stays: to write it twice does no harm.
func (g *ledger) write(ctx context.Context) {
	for some := g.next(0); len(some) > 0; {
		args := g.args("settle")
		for _, n := range some {
			args = append(args, n.what, n.id, n.amount)
		}
		if _, err := g.call(ctx, nil, g.keys, args); err != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.writing = false
			return
		}
		some = g.next(len(some))
	}
}

// next forgets the notes that were written and returns more; where there are none the writing is over.
func (g *ledger) next(written int) []note {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notes = g.notes[written:]
	g.writing = len(g.notes) > 0
	return g.notes[:min(batch, len(g.notes))]
}
