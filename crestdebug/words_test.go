package crestdebug

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func plain(text string) string { return strings.ReplaceAll(text, thin, " ") }

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 900: "0 s", 1500: "1.5 µs", 999_949: "1 000 µs", time.Millisecond: "1 ms", 9949 * time.Microsecond: "9.9 ms", 9950 * time.Microsecond: "10 ms",
		90 * time.Second: "1.5 min", 36 * time.Hour: "1.5 d", -time.Second: "0 s",
	} {
		require.Equal(t, want, plain(span(d)))
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567", -1000: "-1 000", -100: "-100"} {
		require.Equal(t, want, plain(count(n)))
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1 023 B", 1024: "1 KiB", 1 << 30: "1 GiB", 5000 << 40: "5 000 TiB"} {
		require.Equal(t, want, plain(size(n)))
	}
	for want, n := range map[string][2]int64{"0": {0, 9}, "3": {3, 0}, "1 (<1 %)": {1, 900}, "899 (>99 %)": {899, 900}, "9 (100 %)": {9, 9}, "1 (33 %)": {1, 3}} {
		require.Equal(t, want, plain(share(n[0], n[1])))
	}
	for v, want := range map[float64]string{0: "0 /s", 0.5: "30 /min", 1: "1 /s", 123.4: "123 /s"} {
		require.Equal(t, want, plain(rateText(v)))
	}
}

// A young client's rate is that of the time it has been there.
func TestRates(t *testing.T) {
	seconds := make([]int64, 60)
	seconds[57], seconds[58], seconds[59] = 10, 20, 99
	require.Equal(t, 30.0/59, perSecond(seconds, time.Hour))
	require.Equal(t, 15.0, perSecond(seconds, 2*time.Second))
	require.Equal(t, 30.0, perSecond(seconds, 0))
	require.Zero(t, perSecond(nil, time.Hour))
}

// Whatever was measured is drawn inside the drawing.
func TestDrawingsKeepInside(t *testing.T) {
	for _, l := range []crest.Latency{
		{},
		{Calls: 1, Max: 5, Buckets: []crest.LatencyBucket{{To: 100 * time.Microsecond, Calls: 1}}},
		{Calls: 5, Max: time.Hour, Buckets: []crest.LatencyBucket{{From: 419430400 * time.Microsecond, To: time.Hour, Calls: 5}}},
		{Calls: 6, Max: time.Hour, Buckets: []crest.LatencyBucket{{To: 100 * time.Microsecond, Calls: 1}, {From: 419430400 * time.Microsecond, To: time.Hour, Calls: 5}}},
		{Calls: 9, Max: time.Second, Buckets: []crest.LatencyBucket{{From: 819200 * time.Microsecond, To: 1158520832, Calls: 9}}},
	} {
		s := scaleOf([]crest.EndpointStats{{Latency: l}})
		require.GreaterOrEqual(t, s.to-s.from, leastSteps)
		h := histogramOf(l, s)
		require.Len(t, h.Bars, len(l.Buckets))
		for _, b := range h.Bars {
			require.GreaterOrEqual(t, coordinate(t, b.X), 0.0)
			require.LessOrEqual(t, coordinate(t, b.X)+coordinate(t, b.Width), histogramWidth+0.1)
			require.LessOrEqual(t, coordinate(t, b.Y)+coordinate(t, b.Height), histogramHeight+0.1)
			require.Positive(t, coordinate(t, b.Width))
		}
		for _, tick := range h.Ticks {
			x := coordinate(t, tick.X)
			require.True(t, x >= 0 && x <= histogramWidth)
		}
		for _, m := range h.Marks {
			require.True(t, coordinate(t, m.X) >= 0 && coordinate(t, m.X) <= histogramWidth)
		}
	}
}

func TestRetriesInWords(t *testing.T) {
	require.Equal(t, "2 attempts, 1 retry", operationOf(crest.EndpointStats{Attempts: 2, Retries: 1}, 0, scale{0, 12}).Attempts)
	require.Equal(t, "9 attempts, 4 retries", operationOf(crest.EndpointStats{Attempts: 9, Retries: 4}, 0, scale{0, 12}).Attempts)
}

// The labels of the axis stand apart, whatever part of it is drawn.
func TestTicksStandApart(t *testing.T) {
	for from := -1; from <= 44-leastSteps; from++ {
		for to := from + leastSteps; to <= 44; to++ {
			before := -histogramWidth
			list := scale{from, to}.ticks()
			require.NotEmpty(t, list, "%d to %d", from, to)
			for _, tick := range list {
				left, right := extent(t, tick)
				require.GreaterOrEqual(t, left, before+3, "%d to %d: %s", from, to, tick.Label)
				before = right
			}
		}
	}
	require.Equal(t, []string{"1 s", "10 s", "100 s"}, labels(scale{26, 42}.ticks()))
}

// extent is where a label lies, in a font of 9 units.
func extent(t *testing.T, of tick) (left, right int) {
	x, width := int(coordinate(t, of.X)), 0
	for _, letter := range of.Label {
		width += map[rune]int{'m': 9, '\u202f': 2}[letter]
		if letter != 'm' && letter != '\u202f' {
			width += 6
		}
	}
	return x - width*map[string]int{"start": 0, "middle": 1, "end": 2}[of.Anchor]/2, x + width*map[string]int{"start": 2, "middle": 1, "end": 0}[of.Anchor]/2
}

func labels(list []tick) (all []string) {
	for _, one := range list {
		all = append(all, strings.ReplaceAll(one.Label, thin, " "))
	}
	return all
}

func coordinate(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return v
}
