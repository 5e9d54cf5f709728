package resilience

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// A permit is held until the body is closed, not only until the header is there.
func TestBulkheadHoldsUntilTheBodyIsClosed(t *testing.T) {
	serve := func(_ int, w http.ResponseWriter, _ *http.Request) { slowFile(w, time.Second) }
	on(t, serve, func(t *testing.T, n *network, transport crest.ClientOption) {
		c := newClient(t, transport, crest.WithMiddleware(Bulkhead(bulkhead.New[any](1), time.Second)))
		stream, err := download.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)

		start := time.Now()
		_, err = get.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Minute))
		require.ErrorIs(t, err, bulkhead.ErrFull)
		require.ErrorIs(t, err, crest.ErrTransport)
		failed, _ := errors.AsType[*crest.CallError](err)
		require.Equal(t, crest.SentNo, failed.Sent)
		require.GreaterOrEqual(t, time.Since(start), time.Second, "it waited for its patience")
		require.Equal(t, 1, n.count())

		require.NoError(t, stream.Close())
		_, err = read.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		_, err = read.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err, "a typed call closes its body itself")
	})
}

// However a request ends, its permit comes back.
func TestBulkheadGivesPermitsBack(t *testing.T) {
	for name, tt := range map[string]struct {
		below roundTripFunc
		end   func(t *testing.T, transport http.RoundTripper)
	}{
		"no answer": {
			func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
			func(t *testing.T, transport http.RoundTripper) {
				_, err := transport.RoundTrip(&http.Request{})
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			},
		},
		"closed twice": {
			func(*http.Request) (*http.Response, error) { return &http.Response{Body: http.NoBody}, nil },
			func(t *testing.T, transport http.RoundTripper) {
				resp, err := transport.RoundTrip(&http.Request{})
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.NoError(t, resp.Body.Close())
			},
		},
		"a panic": {
			func(*http.Request) (*http.Response, error) { panic("broken") },
			func(t *testing.T, transport http.RoundTripper) {
				require.Panics(t, func() { _, _ = transport.RoundTrip(&http.Request{}) })
			},
		},
		"an upgrade": {
			func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusSwitchingProtocols, Body: http.NoBody}, nil
			},
			func(t *testing.T, transport http.RoundTripper) {
				resp, err := transport.RoundTrip(&http.Request{})
				require.NoError(t, err)
				require.Equal(t, http.NoBody, resp.Body, "the body is the connection, as it came")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bulkhead.New[any](1)
				transport := Bulkhead(b, 0)(tt.below)
				for range 2 {
					tt.end(t, transport)
				}
				require.True(t, b.TryAcquirePermit())
				require.False(t, b.TryAcquirePermit(), "one came back too often")
			})
		})
	}
}

// Who waits for a permit leaves when its call is cancelled.
func TestBulkheadWaitEndsWithItsCall(t *testing.T) {
	on(t, hang, func(t *testing.T, n *network, transport crest.ClientOption) {
		b := bulkhead.New[any](1)
		require.True(t, b.TryAcquirePermit())
		c := newClient(t, transport, crest.WithMiddleware(Bulkhead(b, time.Hour)))
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(enough) })
		start := time.Now()
		_, err := get.Call(ctx, c, crest.Empty{})
		require.ErrorIs(t, err, enough)
		require.Equal(t, time.Second, time.Since(start))
		require.Zero(t, n.count())
	})
}
