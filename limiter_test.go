package crest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
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

// What is remembered of servers is bounded, whatever they call it: the one that was not heard of for the longest goes.
func TestQuotasAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1000, time.Minute)
		for i := range 100 {
			time.Sleep(time.Second) // virtual
			h := http.Header{"Ratelimit": {fmt.Sprintf(`"kept";r=900;t=60, "p%d";r=900;t=60`, i)}}
			l.observe(&http.Response{Header: h}, 1)
			require.LessOrEqual(t, len(l.quotas), maxQuotas)
		}
		require.True(t, slices.ContainsFunc(l.quotas, func(q *quota) bool { return q.id.policy == "kept" }))
		time.Sleep(2 * time.Hour) // virtual
		require.NoError(t, l.Wait(t.Context()))
		require.Nil(t, l.quotas, "a limiter that has heard nothing for long is as a new one")
	})
}

// A ring keeps as much of a policy as the policy counts, and no more.
func TestQuotaRing(t *testing.T) {
	q := quota{size: 3, window: 10}
	for now := range int64(50) {
		q.pass(now)
		q.count(now, 1+int(now%5))
		require.LessOrEqual(t, q.sent.n, 3)
	}
	require.Equal(t, 3, q.sent.since(39))
	require.Zero(t, q.sent.since(49))
	var none stamps
	none.drop(5)
	require.Zero(t, none.since(0))
	newest := q.sent.newest(2)
	require.Equal(t, int64(49), newest.oldest(2))
}
