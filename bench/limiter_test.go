package bench

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/crest-go/crest"
)

// nothing answers every request without a network.
type nothing struct{ requests int }

func (n *nothing) RoundTrip(req *http.Request) (*http.Response, error) {
	n.requests++
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// The limiter of golang.org/x/time/rate is one that crest takes: requests wait for it, costs are its WaitN, and what it refuses is not sent.
func TestTimeRateIsALimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := &nothing{}
		c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(wire),
			crest.WithLimiter(rate.NewLimiter(rate.Every(time.Second), 5)))
		require.NoError(t, err)
		ping := crest.Get[crest.Empty, crest.Empty]("/ping")
		start := time.Now()
		for _, cost := range []int{3, 2, 4} {
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithCost(cost))
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(start).Round(time.Millisecond))

		soon, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err = ping.Call(soon, c, crest.Empty{})
		require.ErrorIs(t, err, crest.ErrLimited)
		require.True(t, strings.Contains(err.Error(), "would exceed context deadline"), err)
		require.Equal(t, 3, wire.requests)
	})
}

// waiters are the limiters whose cost is compared, with a limit that is never reached.
func waiters() map[string]crest.Limiter {
	return map[string]crest.Limiter{
		"crest":     crest.NewLimiter(1_000_000, time.Nanosecond),
		"time/rate": rate.NewLimiter(1e12, 1_000_000),
	}
}

func BenchmarkLimiter(b *testing.B) {
	for name, l := range waiters() {
		b.Run(name+"/uncontended", func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Wait(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/256 goroutines", func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			b.SetParallelism(128) // times two processors
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if l.Wait(ctx) != nil {
						b.Error("refused")
						return
					}
				}
			})
		})
	}
}

// A slot that is taken and stamped, as a call does it.
func BenchmarkLimiterSlot(b *testing.B) {
	l := crest.NewLimiter(1_000_000, time.Nanosecond)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		slot, err := l.Slot(ctx, nil, 1)
		if err != nil {
			b.Fatal(err)
		}
		slot.Sent()
	}
}

// What a limiter adds to a call, without a network.
func BenchmarkLimitedCall(b *testing.B) {
	for name, opts := range map[string][]crest.ClientOption{"without": nil, "with": {crest.WithRateLimit(1_000_000, time.Nanosecond)}} {
		b.Run(name, func(b *testing.B) {
			c, err := crest.New[*crest.Problem]("https://api.example.com", append(opts, crest.WithTransport(&nothing{}))...)
			if err != nil {
				b.Fatal(err)
			}
			ping := crest.Get[crest.Empty, crest.Empty]("/ping")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ping.Call(b.Context(), c, crest.Empty{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
