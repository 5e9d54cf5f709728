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

// The limiter of golang.org/x/time/rate is one that crest takes: requests wait for it, costs are its WaitN, and what it
// refuses is not sent.
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
