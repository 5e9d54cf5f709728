package bench

import (
	"context"
	"log/slog"

	"github.com/crest-go/crest"
)

// dropping is a handler that takes the records from its level on and drops
// them: what is left is what it costs to make them.
type dropping struct{ level slog.Level }

func dropAt(level slog.Level) slog.Handler { return dropping{level} }

func (d dropping) Enabled(_ context.Context, l slog.Level) bool { return l >= d.level }
func (d dropping) Handle(context.Context, slog.Record) error    { return nil }
func (d dropping) WithAttrs([]slog.Attr) slog.Handler           { return d }
func (d dropping) WithGroup(string) slog.Handler                { return d }

// logged sets a GET in memory with a logger beside one without.
func logged(name, what string, handler slog.Handler) Comparison {
	return Comparison{
		Name: name, What: what, Over: "the same GET without a logger",
		what: memoryGet(crest.WithLogger(slog.New(handler))), over: memoryGet(),
	}
}
