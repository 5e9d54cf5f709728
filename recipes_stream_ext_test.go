package crest_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// What ends a loop that has to say something, and when: its own error alone where it was silent, anybody else's otherwise.
func TestRecipeLivelyStream(t *testing.T) {
	const d = 5 * time.Second
	broke := errors.New("broken by the test")
	for name, tt := range map[string]struct {
		says   []any
		work   time.Duration // on each event
		cancel time.Duration // of the caller; 0 for never
		got    int
		want   error
		after  time.Duration
	}{
		"speaks":            {says: []any{"data: a\n\n", 4 * time.Second, "data: b\n\n", 4 * time.Second}, got: 2, after: 8 * time.Second},
		"says nothing":      {says: []any{time.Hour}, want: errSilent, after: d},
		"says nothing more": {says: []any{time.Second, "data: a\n\n", time.Hour}, got: 1, want: errSilent, after: 6 * time.Second},
		"comments":          {says: []any{": a\n\n", 2 * time.Second, ": b\n\n", 2 * time.Second, ": c\n\n", 2 * time.Second, "data: late\n\n"}, want: errSilent, after: d},
		"slow work":         {says: []any{"data: a\n\n", "data: b\n\n", time.Second}, work: time.Minute, got: 2, after: 2*time.Minute + time.Second},
		"cancelled":         {says: []any{time.Hour}, cancel: time.Second, want: context.Canceled, after: time.Second},
		"broken":            {says: []any{"data: a\n\n", time.Second, broke}, got: 1, want: broke, after: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, "https://api.example.com", crest.WithTransport(play(live(tt.says...))), crest.WithTimeouts(crest.Timeouts{Idle: 3 * time.Hour}))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				begun, got, failed := time.Now(), 0, error(nil)
				for _, err := range lively(ctx, d, func(ctx context.Context) iter.Seq2[string, error] { return getEvents.Call(ctx, c, crest.Empty{}) }) {
					if failed = err; err == nil {
						got++
						time.Sleep(tt.work) // virtual
					}
				}
				require.Equal(t, tt.got, got)
				require.Equal(t, tt.after, time.Since(begun))
				if tt.want == nil {
					require.NoError(t, failed)
					return
				}
				require.ErrorIs(t, failed, tt.want)
				require.Equal(t, tt.want == context.Canceled, errors.Is(failed, context.Canceled))
				require.Equal(t, tt.want == errSilent, errors.Is(failed, errSilent))
			})
		})
	}
}

// A loop that is left leaves nothing behind.
func TestRecipeLivelyStreamLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTransport(play(live("data: a\n\n", time.Hour))))
		for range lively(t.Context(), time.Minute, func(ctx context.Context) iter.Seq2[string, error] { return getEvents.Call(ctx, c, crest.Empty{}) }) {
			break
		}
		begun := time.Now()
		synctest.Wait()
		require.Zero(t, time.Since(begun))
	})
}
