package bench

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/crest-go/crest"
)

// Comparison sets one thing that crest does beside another that it is measured by: a row of the table of
// limits and retries.
type Comparison struct {
	Name   string
	What   string // what is timed, for the reader of the table
	Over   string // what its time is given in
	Goal   string // for its time; may be empty
	Module string // of Over, if it is another than crest's

	goroutines int
	what, over maker
}

// maker makes one side of a comparison. What must be closed is left to the field.
type maker func(f *Field) (call func(context.Context) error, err error)

// What stands in the keys of their cells in place of a link, and of a contender.
const (
	comparisons = "limits"
	sideWhat    = "what"
	sideOver    = "over"
)

const (
	timeRate   = "golang.org/x/time/rate"
	timeModule = "golang.org/x/time"
)

// Comparisons lists all of them.
func Comparisons() []Comparison {
	const wait, get = "`Wait` of " + timeRate, "the same GET without a limit"
	return []Comparison{
		{
			Name: "Wait", What: "`Wait` of crest's limiter", Over: wait, Goal: "≤ 0.50", Module: timeModule,
			what: crestWait, over: rateWait,
		},
		{
			Name: "Wait256", What: "`Wait` of crest's limiter, 256 goroutines at once", Over: wait + ", 256 goroutines at once",
			Goal: "≤ 0.50", Module: timeModule, goroutines: 256, what: crestWait, over: rateWait,
		},
		{
			Name: "Slot", What: "`Slot`, then `Sent`: what a call does, which counts when it is written", Over: wait, Module: timeModule,
			what: crestSlot, over: rateWait,
		},
		{
			Name: "GETLimited", What: "GET with `WithRateLimit`", Over: get,
			what: memoryGet(crest.WithRateLimit(unreached, unreachedPer)), over: memoryGet(),
		},
		{
			Name: "GETTimeRate", What: "GET with `WithLimiter` and a limiter of " + timeRate, Over: get, Module: timeModule,
			what: memoryGet(crest.WithLimiter(newTimeRate())), over: memoryGet(),
		},
		{
			Name: "GETRetries", What: "GET that succeeds at once, retries on (the default)", Over: "the same GET, retries off",
			what: memoryGet(), over: memoryGet(neverAgain),
		},
		{
			Name: "GETRetried", What: "GET answered by 503, tried again without a pause, answered by 200",
			Over: "two GETs, retries off: one answered by 503, one by 200", what: oneCall(&failsFirst{}), over: twoCalls(&failsFirst{}),
		},
		logged("LogInfo", "GET with `WithLogger` at Info", dropAt(slog.LevelInfo)),
		logged("LogDebug", "GET with `WithLogger` at Debug", dropAt(slog.LevelDebug)),
		logged("LogWarn", "GET with `WithLogger` at Warn, which has nothing to say", dropAt(slog.LevelWarn)),
		logged("LogJSON", "GET with `WithLogger` at Info, written by `slog.JSONHandler` to `io.Discard`", slog.NewJSONHandler(io.Discard, nil)),
		{
			Name: "GETStats", What: "GET over loopback with `WithStats`", Over: "the same GET without it", Goal: "≤ 1.01",
			what: loopbackGet(crest.WithStats()), over: loopbackGet(),
		},
	}
}

// A limit that nothing here reaches, and whose window still holds tens of thousands of units.
const (
	unreached    = 100_000
	unreachedPer = time.Millisecond
)

func newTimeRate() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(unreached*float64(time.Second/unreachedPer)), unreached)
}

func crestWait(*Field) (func(context.Context) error, error) {
	return crest.NewLimiter(unreached, unreachedPer).Wait, nil
}

func rateWait(*Field) (func(context.Context) error, error) { return newTimeRate().Wait, nil }

func crestSlot(*Field) (func(context.Context) error, error) {
	l := crest.NewLimiter(unreached, unreachedPer)
	return func(ctx context.Context) error {
		slot, err := l.Slot(ctx, nil, 1)
		if err != nil {
			return err
		}
		slot.Sent()
		return nil
	}, nil
}

// memoryGet is the GET of the first table in memory, under other options.
func memoryGet(opts ...crest.ClientOption) maker {
	return func(f *Field) (func(context.Context) error, error) {
		calls, err := f.crest(memory{}, opts...)
		return bindGet(calls, f.scale), err
	}
}

// loopbackGet is the GET of the first table over a loopback socket, under other options.
func loopbackGet(opts ...crest.ClientOption) maker {
	return func(f *Field) (func(context.Context) error, error) {
		link, err := Loopback()
		if err != nil {
			return nil, err
		}
		transport := link.New()
		f.cleanup = append(f.cleanup, link.Close, func() { closeIdle(transport) })
		calls, err := f.crestAt(link.Base, transport, opts...)
		return bindGet(calls, f.scale), err
	}
}

var (
	neverAgain  = crest.WithRetry(crest.Retry{Max: -1})
	withoutWait = crest.WithRetry(crest.Retry{Backoff: func(int, error) time.Duration { return 0 }})
)

func oneCall(wire *failsFirst) maker {
	return func(f *Field) (func(context.Context) error, error) {
		calls, err := f.crest(wire, withoutWait)
		return bindGet(calls, f.scale), err
	}
}

func twoCalls(wire *failsFirst) maker {
	return func(f *Field) (func(context.Context) error, error) {
		calls, err := f.crest(wire, neverAgain)
		succeed := bindGet(calls, f.scale)
		return func(ctx context.Context) error {
			_, err := calls.Get(ctx, getInput)
			if failure, ok := errors.AsType[*APIError](err); !ok || failure.Status != wantBusy.Status {
				return errors.Join(err, errUnexpected)
			}
			return succeed(ctx)
		}, err
	}
}

// failsFirst answers every other request with 503, beginning with the first.
type failsFirst struct{ requests atomic.Int64 }

// RoundTrip implements [http.RoundTripper].
func (f *failsFirst) RoundTrip(req *http.Request) (*http.Response, error) {
	if f.requests.Add(1)%2 == 1 {
		return busyAnswer.reply(req), nil
	}
	return memory{}.RoundTrip(req)
}

// crest makes the calls of a client that ends with the field.
func (f *Field) crest(rt http.RoundTripper, opts ...crest.ClientOption) (Calls, error) {
	return f.crestAt(Memory().Base, rt, opts...)
}

func (f *Field) crestAt(base string, rt http.RoundTripper, opts ...crest.ClientOption) (Calls, error) {
	calls, err := crestCalls(base, append(opts, crest.WithTransport(rt))...)
	if calls.Close != nil {
		f.cleanup = append(f.cleanup, calls.Close)
	}
	return calls, err
}

// compare adds both sides of a comparison, each called once.
func (f *Field) compare(ctx context.Context, c Comparison) error {
	return errors.Join(f.addSide(ctx, c, sideOver, c.over), f.addSide(ctx, c, sideWhat, c.what))
}

func (f *Field) addSide(ctx context.Context, c Comparison, side string, newCall maker) error {
	return f.addCell(ctx, &Cell{Key: Key{comparisons, c.Name, side}, base: side == sideOver, goroutines: c.goroutines}, newCall)
}

// addCell makes the call of a cell, and it once.
func (f *Field) addCell(ctx context.Context, c *Cell, newCall maker) (err error) {
	if c.call, err = newCall(f); err != nil {
		return err
	}
	f.Cells = append(f.Cells, c)
	return c.call(ctx)
}
