package crest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who leaves in the very moment in which it is served gives back what it got.
func TestLimiterLeavingAsServed(t *testing.T) {
	l := NewLimiter(3, time.Hour)
	takeAll := func() {
		_, err := l.take(t.Context(), 3, false)
		require.NoError(t, err)
	}
	takeAll()
	l.mu.Lock()
	w, err := l.join(t.Context(), l.now(), 2)
	l.mu.Unlock()
	require.NoError(t, err)
	l.giveBack(3)
	<-w.done
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.leave(ctx, w), context.Canceled)
	require.Zero(t, l.pending)
	takeAll()
}

// The ring keeps its order as it grows and turns, and never has more room than the limit asks for.
func TestStamps(t *testing.T) {
	const limit = 100
	var s stamps
	var want []int64
	for now := int64(1); now < 2000; now++ {
		span := now % 257
		s.expire(now - span)
		for len(want) > 0 && want[0] <= now-span {
			want = want[1:]
		}
		cost := min(int(now%7), limit-len(want))
		s.push(now, cost, limit)
		for range cost {
			want = append(want, now)
		}
		require.Equal(t, len(want), s.n)
		for k, at := range want {
			require.Equal(t, at, s.oldest(k+1))
		}
		require.LessOrEqual(t, len(s.at), limit)
	}
}
