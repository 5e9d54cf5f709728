package resilience

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func after(d time.Duration) crest.Option {
	return crest.WithMiddleware(Hedge(hedgepolicy.NewWithDelay[*http.Response](d)))
}

// slowFile sends the header, pauses, and then sends more than any buffer on the way holds.
func slowFile(w http.ResponseWriter, pause time.Duration) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	time.Sleep(pause) // virtual
	_, _ = io.WriteString(w, strings.Repeat("x", 512<<10))
}

// The winner's context outlives RoundTrip: its body arrives whole, long after the other request was cancelled.
func TestHedgeKeepsTheWinnersBody(t *testing.T) {
	for name, tt := range map[string]struct {
		header   []time.Duration // how long the first request, the second … waits for its header
		requests int
	}{
		"nothing to hedge":         {[]time.Duration{50 * time.Millisecond}, 1},
		"the hedge wins":           {[]time.Duration{time.Hour, 0}, 2},
		"the first wins after all": {[]time.Duration{150 * time.Millisecond, time.Hour}, 2},
	} {
		serve := func(number int, w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(tt.header[number-1]):
				slowFile(w, 10*time.Second)
			case <-r.Context().Done():
			}
		}
		t.Run(name, func(t *testing.T) {
			on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
				c := newClient(t, transport, crest.WithRateLimit(10, time.Second), after(100*time.Millisecond))
				body, err := read.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Len(t, body, 512<<10)
				require.Equal(t, tt.requests, n.count())
			})
		})
		t.Run(name+", streamed", func(t *testing.T) {
			on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
				c := newClient(t, transport, after(100*time.Millisecond))
				stream, err := download.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				time.Sleep(time.Minute) // virtual: the reader is slow as well
				body, err := io.ReadAll(stream)
				require.NoError(t, err)
				require.NoError(t, stream.Close())
				require.Len(t, body, 512<<10)
				require.Equal(t, tt.requests, n.count())
			})
		})
	}
}

// Each call is hedged, and the server never sees more than the limit.
func TestHedgesTakeSlots(t *testing.T) {
	serve := func(_ int, w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(200 * time.Millisecond):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}
	on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
		c := newClient(t, transport, crest.WithTimeout(crest.NoTimeout), crest.WithRateLimit(20, time.Second), after(50*time.Millisecond))
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				for range 10 {
					if _, err := get.Call(t.Context(), c, crest.Empty{}); err != nil {
						t.Errorf("a call failed: %v", err)
					}
				}
			})
		}
		running.Wait()
		require.Greater(t, n.count(), 60, "40 calls: nothing was hedged")
		require.LessOrEqual(t, n.busiest(time.Second), 20)
	})
}

// What is not safe to send twice is sent once, however slow its answer is.
func TestHedgeSendsOnlySafeRequestsTwice(t *testing.T) {
	slow := func(_ int, w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Second)
		w.WriteHeader(http.StatusNoContent)
	}
	for name, tt := range map[string]struct {
		call     func(ctx context.Context, c crest.Caller) error
		requests int
	}{
		"GET": {func(ctx context.Context, c crest.Caller) error {
			_, err := get.Call(ctx, c, crest.Empty{})
			return err
		}, 2},
		"HEAD": {func(ctx context.Context, c crest.Caller) error {
			_, err := crest.Head[crest.Empty, crest.Empty]("/things").Call(ctx, c, crest.Empty{})
			return err
		}, 2},
		"DELETE": {func(ctx context.Context, c crest.Caller) error {
			_, err := crest.Delete[crest.Empty, crest.Empty]("/things").Call(ctx, c, crest.Empty{})
			return err
		}, 1},
		"POST": {func(ctx context.Context, c crest.Caller) error {
			_, err := upload.Call(ctx, c, uploadRequest{func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a")), nil }})
			return err
		}, 1},
		"an upgrade": {func(ctx context.Context, c crest.Caller) error {
			_, err := get.Call(ctx, c, crest.Empty{}, crest.WithHeader("Upgrade", "websocket"))
			return err
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			on(t, slow, func(t *testing.T, n *network, transport crest.ClientOption) {
				require.NoError(t, tt.call(t.Context(), newClient(t, transport, after(100*time.Millisecond))))
				require.Equal(t, tt.requests, n.count())
			})
		})
	}
}

// A call that is cancelled ends both requests, and its error says what ended it.
func TestHedgeEndsWithItsCall(t *testing.T) {
	on(t, hang, func(t *testing.T, n *network, transport crest.ClientOption) {
		c := newClient(t, transport, after(100*time.Millisecond))
		start := time.Now()
		_, err := get.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Second))
		require.ErrorIs(t, err, crest.KindTimeout)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, 2, n.count())
		synctest.Wait()
	})
}
