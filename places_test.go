package crest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func hostNamed(name string) origin { return origin{"https", name, "443"} }

// Who comes first goes first; who cannot go holds nobody up that could.
func TestPlacesOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(Pool{MaxConns: 2, MaxConnsPerHost: 1})
		var let []string
		come := func(name, host string) context.CancelFunc {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if p.enter(ctx, hostNamed(host)) == nil {
					let = append(let, name)
				}
			}()
			synctest.Wait()
			return cancel
		}
		leave := func(host string) {
			p.leave(hostNamed(host))
			synctest.Wait()
		}
		defer come("a1", "a")()
		defer come("a2", "a")() // its host is full
		defer come("b1", "b")()
		defer come("c1", "c")() // all is full
		gone := come("b2", "b")
		defer come("b3", "b")()
		require.Equal(t, []string{"a1", "b1"}, let)
		gone()
		synctest.Wait()
		leave("b")
		require.Equal(t, []string{"a1", "b1", "c1"}, let, "the oldest whose host has room")
		leave("a")
		require.Equal(t, []string{"a1", "b1", "c1", "a2"}, let)
		leave("a")
		require.Equal(t, []string{"a1", "b1", "c1", "a2", "b3"}, let, "who left the line is passed over")
		leave("b")
		leave("c")
		require.Zero(t, p.taken)
		require.Empty(t, p.lines, "a host that nobody uses is forgotten")
	})
}

// A cancelled waiter leaves at once, with the context's own cause.
func TestPlacesCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(Pool{MaxConns: 1})
		require.NoError(t, p.enter(t.Context(), hostNamed("a")))
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		start := time.Now()
		require.ErrorIs(t, p.enter(ctx, hostNamed("a")), cause)
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, p.enter(ctx, hostNamed("a")), cause, "and does not even begin to wait")
		p.leave(hostNamed("a"))
		require.Zero(t, p.taken)
		require.Empty(t, p.lines)
	})
}

// A model of the queue: random arrivals, cancels and departures. Never more than the bounds; whoever goes is the oldest
// that may; nobody waits who could go; nothing is lost.
func TestPlacesModel(t *testing.T) {
	for _, bounds := range []Pool{{MaxConns: 1}, {MaxConns: 3}, {MaxConnsPerHost: 1}, {MaxConnsPerHost: 2}, {MaxConns: 3, MaxConnsPerHost: 2}, {MaxConns: 2, MaxConnsPerHost: 5}} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprintf("%d of %d, seed %d", bounds.MaxConns, bounds.MaxConnsPerHost, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { playPlaces(t, bounds, rand.New(rand.NewPCG(seed, 1))) })
			})
		}
	}
}

// guest is a hop of the model.
type guest struct {
	host   origin
	cancel context.CancelFunc
	in     bool
	out    bool // cancelled
}

func playPlaces(t *testing.T, bounds Pool, random *rand.Rand) {
	p := newPlaces(bounds)
	var waiting, inside []*guest
	for range 300 {
		switch n := random.IntN(4); {
		case n == 0 && len(inside) > 0:
			i := random.IntN(len(inside))
			p.leave(inside[i].host)
			inside = slices.Delete(inside, i, i+1)
		case n == 1 && len(waiting) > 0:
			waiting[random.IntN(len(waiting))].cancel()
		default:
			g := &guest{host: hostNamed(string(rune('a' + random.IntN(3))))}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			g.cancel = cancel
			go func() {
				err := p.enter(ctx, g.host)
				g.in, g.out = err == nil, err != nil
			}()
			waiting = append(waiting, g)
		}
		synctest.Wait()
		waiting, inside = expectPlaces(t, bounds, waiting, inside)
		require.Equal(t, len(inside), p.taken)
	}
	for _, g := range waiting {
		g.cancel()
	}
	synctest.Wait()
	for _, g := range inside {
		p.leave(g.host)
	}
	for _, g := range waiting {
		require.True(t, g.out)
	}
	require.Zero(t, p.taken)
	require.Empty(t, p.lines)
}

// expectPlaces walks the line as the model would: from its head, everybody that there is room for.
func expectPlaces(t *testing.T, bounds Pool, waiting, inside []*guest) (still, now []*guest) {
	taken := map[origin]int{}
	for _, g := range inside {
		taken[g.host]++
	}
	for _, g := range waiting {
		may := (bounds.MaxConns == 0 || len(inside) < bounds.MaxConns) && (bounds.MaxConnsPerHost == 0 || taken[g.host] < bounds.MaxConnsPerHost)
		switch {
		case g.out:
		case may:
			require.True(t, g.in, "somebody waits for whom there is room")
			inside = append(inside, g)
			taken[g.host]++
		default:
			require.False(t, g.in, "somebody was let in before one who came earlier, or above the bounds")
			still = append(still, g)
		}
	}
	return still, inside
}

// Who is let in while he leaves gives his place to the next one.
func TestPlacesLetInWhileLeaving(t *testing.T) {
	p := newPlaces(Pool{MaxConns: 1})
	require.NoError(t, p.enter(t.Context(), hostNamed("a")))
	first, second := p.join(hostNamed("a")), p.join(hostNamed("b"))
	p.leave(hostNamed("a"))
	<-first.let
	p.quit(first) // its context ended, too
	<-second.let
	require.Equal(t, 1, p.taken)
	p.leave(hostNamed("b"))
	require.Zero(t, p.taken)
	require.Empty(t, p.lines)
}

// At the same moment: the place is free and the context ends. The place is not lost.
func TestPlacesRace(t *testing.T) {
	p := newPlaces(Pool{MaxConns: 1})
	for range 2000 {
		require.NoError(t, p.enter(t.Context(), hostNamed("a")))
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan error)
		go func() { entered <- p.enter(ctx, hostNamed("a")) }()
		go cancel()
		p.leave(hostNamed("a"))
		if <-entered == nil {
			p.leave(hostNamed("a"))
		}
	}
	require.Zero(t, p.taken)
	require.Empty(t, p.lines)
}
