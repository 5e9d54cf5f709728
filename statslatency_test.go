package crest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLatencyBuckets(t *testing.T) {
	require.Equal(t, 100*time.Microsecond, latencyBound(0))
	require.Equal(t, 7*time.Minute, latencyBound(latencyBounds-1).Round(time.Minute))
	for i := range latencyBounds {
		bound := latencyBound(i)
		require.Equal(t, i, latencyBucket(bound), "a bound is in its own bucket")
		require.Equal(t, i+1, latencyBucket(bound+1))
		require.InEpsilon(t, 1e5*math.Pow(math.Sqrt2, float64(i)), float64(bound), 1e-5)
	}
	for want, d := range map[int]time.Duration{0: 0, latencyBounds: math.MaxInt64} {
		require.Equal(t, want, latencyBucket(d))
	}
	require.Zero(t, latencyBucket(-1))
}

func TestLatencyQuantile(t *testing.T) {
	require.Zero(t, Latency{}.Quantile(0.5))
	var l latencies
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(math.Exp(rand.Float64()*20) * 1000)
		l.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	s := l.snapshot()
	require.EqualValues(t, 10_000, s.Calls)
	require.Equal(t, all[len(all)-1], s.Max)
	for _, q := range []float64{0.5, 0.9, 0.99} {
		got, want := float64(s.Quantile(q)), float64(all[int(q*10_000)])
		require.True(t, got >= want/1.42 && got <= want*1.42, "%v: %v, not %v", q, got, want)
	}
	require.Equal(t, s.Max, s.Quantile(1))
	require.Equal(t, s.Max, s.Quantile(2))
	require.LessOrEqual(t, s.Quantile(-1), 100*time.Microsecond)
}

func TestLatencyOfOne(t *testing.T) {
	var l latencies
	l.add(10 * time.Hour)
	require.Equal(t, []LatencyBucket{{From: latencyBound(latencyBounds - 1), To: 10 * time.Hour, Calls: 1}}, l.snapshot().Buckets)
	require.Equal(t, 10*time.Hour, l.snapshot().Quantile(1))
}
