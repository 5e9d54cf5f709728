package redislimit

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// bench runs the script alone, with a clock that the test sets.
type bench struct {
	t     *testing.T
	redis *miniredis.Miniredis
	log   *ledger
	now   int64 // microseconds
}

const (
	benchSpan  = int64(time.Second/time.Microsecond) + 1 // a second, and strictly later
	benchLease = int64(lease / time.Microsecond)
)

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	m := miniredis.RunT(t)
	m.ClockTTL(true)
	client := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	o := Options{Deadline: longestDeadline}.withDefaults()
	b := &bench{t: t, redis: m, log: newLedger(client, "key", n, time.Duration(benchSpan)*time.Microsecond, o)}
	b.set(1_790_000_000_000_000)
	return b
}

func (b *bench) set(now int64) {
	b.now = now
	b.redis.SetTime(time.UnixMicro(now))
}

func (b *bench) pass(d int64) { b.set(b.now + d) }

func (b *bench) take(id string, cost int) reply {
	b.t.Helper()
	r, err := b.log.call(context.Background(), nil, b.log.keys, b.log.args("take", id, cost, 0))
	require.NoError(b.t, err)
	return r
}

func (b *bench) note(what, id string, amount int64) {
	b.t.Helper()
	_, err := b.log.call(context.Background(), nil, b.log.keys, b.log.args("settle", what, id, amount))
	require.NoError(b.t, err)
}

func (b *bench) granted(id string, cost int) {
	b.t.Helper()
	require.True(b.t, b.take(id, cost).granted)
}

func (b *bench) denied(id string, cost int, wait int64) {
	b.t.Helper()
	r := b.take(id, cost)
	require.False(b.t, r.granted)
	require.Equal(b.t, wait, r.wait.Microseconds())
}

// units are those of one request in the model of the script.
type units struct {
	id    string
	cost  int
	stamp int64 // when sent
	lease int64 // when the lease ends; 0 if sent
	lost  bool  // nothing more will be heard of it
}

// counted is when the units count, or now if they are pending.
func (u units) counted(now int64) int64 {
	switch {
	case u.lease > now:
		return now
	case u.lease > 0:
		return u.lease
	}
	return u.stamp
}

// TestScriptMatchesTheModel: each answer of random takes, reports and losses is that of a list which is searched through.
func TestScriptMatchesTheModel(t *testing.T) {
	const n = 7
	b := newBench(t, n)
	r := rand.New(rand.NewPCG(1, 2))
	var all []units
	denials := 0
	for i := range 3000 {
		b.pass([]int64{0, 1, r.Int64N(benchSpan / 4), r.Int64N(benchSpan), benchLease * r.Int64N(2) / 2}[r.IntN(5)])
		if pick := pendingOf(all, b.now); len(pick) > 0 && r.IntN(2) == 0 {
			all = b.report(r, all, pick[r.IntN(len(pick))])
			continue
		}
		id, cost := strconv.Itoa(i), 1+r.IntN(3)
		want, wait := decide(all, b.now, n, cost)
		got := b.take(id, cost)
		require.Equal(t, want, got.granted, "step %d", i)
		if got.granted {
			all = append(all, units{id: id, cost: cost, lease: b.now + benchLease})
		} else {
			denials++
			require.Equal(t, wait, got.wait.Microseconds(), "step %d", i)
			require.Equal(t, slices.ContainsFunc(all, func(u units) bool { return u.lease > b.now }), got.pending, "step %d", i)
		}
	}
	require.Greater(t, denials, 100)
	require.Less(t, denials, 2000)
}

// report tells of one request, or of none: that one is lost, and runs out with its lease.
func (b *bench) report(r *rand.Rand, all []units, i int) []units {
	u := &all[i]
	switch r.IntN(5) {
	case 0:
		b.note(cancelled, u.id, int64(u.cost))
		return slices.Delete(all, i, i+1)
	case 1:
		b.note(renewed, u.id, int64(u.cost))
		u.lease = b.now + benchLease
	case 2:
		u.lost = true
	default:
		b.note(sent, u.id, int64(u.cost))
		u.stamp, u.lease = b.now, 0
	}
	return all
}

// pendingOf is those of which a process may still tell.
func pendingOf(all []units, now int64) (indices []int) {
	for i, u := range all {
		if u.lease > now && !u.lost {
			indices = append(indices, i)
		}
	}
	return indices
}

func decide(all []units, now int64, n, cost int) (granted bool, wait int64) {
	var times []int64
	for _, u := range all {
		if at := u.counted(now); at > now-benchSpan {
			times = append(times, slices.Repeat([]int64{at}, u.cost)...)
		}
	}
	over := len(times) + cost - n
	if over <= 0 {
		return true, 0
	}
	slices.Sort(times)
	return false, times[over-1] + benchSpan - now
}

func TestScript(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, b *bench){
		"strictly later": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.note(sent, "a", 3)
			b.pass(benchSpan - 1) // exactly a second
			b.denied("b", 1, 1)
			b.pass(1)
			b.granted("b", 3)
		},
		"pending counts as now": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.pass(benchSpan * 2)
			b.denied("b", 1, benchSpan)
			b.note(sent, "a", 3)
			b.denied("b", 1, benchSpan)
		},
		"a lost process counts as sending when its lease ends": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.pass(benchLease + benchSpan - 1)
			b.denied("b", 1, 1)
			b.pass(1)
			b.granted("b", 3)
		},
		"a renewed lease": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.pass(benchLease - 1)
			b.note(renewed, "a", 3)
			b.pass(benchLease - 1)
			b.denied("b", 1, benchSpan)
		},
		"given back": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.note(cancelled, "a", 3)
			b.granted("b", 3)
		},
		"asked twice, granted once": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.granted("a", 3)
			b.denied("b", 1, benchSpan)
		},
		"a Redis that forgot is told again": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.redis.FlushAll()
			b.note(sent, "a", 3)
			b.denied("b", 1, benchSpan)
		},
		"both keys expire": func(t *testing.T, b *bench) {
			b.granted("a", 3)
			b.note(paused, "", benchSpan)
			require.ElementsMatch(t, []string{"crest:limit:{key}", "crest:limit:{key}:said"}, b.redis.Keys())
			b.pass(benchLease + 4*benchSpan)
			require.Empty(t, b.redis.Keys())
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, newBench(t, 3)) })
	}
}

const hour = int64(time.Hour / time.Microsecond)

// SECURITY: a step of the clock neither refills (backwards) nor stalls.
func TestSteppedClock(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, b *bench){
		"back, sent": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.note(sent, "a", 3)
			b.pass(-hour)
			b.denied("b", 1, benchSpan)
			b.pass(benchSpan - 1)
			b.denied("b", 1, 1)
			b.pass(1)
			b.granted("b", 3)
		},
		"back, pending": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.pass(-hour)
			b.denied("b", 1, benchSpan)
			b.pass(benchLease + benchSpan - 1)
			b.denied("b", 1, 1)
			b.pass(1)
			b.granted("b", 3)
		},
		"back, paused": func(_ *testing.T, b *bench) {
			b.note(paused, "", 5*benchSpan)
			b.pass(-hour)
			b.denied("b", 1, 5*benchSpan)
			b.pass(5*benchSpan - 1)
			b.denied("b", 1, 1)
			b.pass(1)
			b.granted("b", 1)
		},
		"forward": func(_ *testing.T, b *bench) {
			b.granted("a", 3)
			b.pass(hour)
			b.granted("b", 3)
			b.denied("c", 1, benchSpan)
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, newBench(t, 3)) })
	}
}

// A server may only tighten, and those who waited follow one by one.
func TestPause(t *testing.T) {
	b := newBench(t, 3)
	b.note(paused, "", 4*benchSpan)
	b.note(paused, "", benchSpan)
	b.denied("a", 1, 4*benchSpan)
	b.pass(4 * benchSpan)
	r, err := b.log.call(context.Background(), nil, b.log.keys, b.log.args("take", "a", 1, 300))
	require.NoError(t, err)
	require.True(t, r.granted)
	b.denied("b", 1, 300)
	b.pass(benchSpan)
	b.granted("b", 1)
	b.granted("c", 1)
}
