package crest_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// A token that cannot be replaced in time is used for as long as it holds, and the issuer is left alone for a while.
func TestTokenSourceOutlivesAnOutage(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		takes time.Duration
	}{
		"error": {err: errors.New("the issuer is closed")},
		"hangs": {takes: time.Hour},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			i := &issuer{life: time.Hour}
			source := i.source()
			get := func() (string, error) {
				secret, err := source.Token(t.Context())
				return secret.Reveal(), err
			}
			begun := time.Now()
			at := func(d time.Duration) { time.Sleep(time.Until(begun.Add(d))) }
			good := func(fetched int) {
				t.Helper()
				token, err := get()
				require.NoError(t, err)
				require.Equal(t, []string{"t1", fmt.Sprint(fetched)}, []string{token, fmt.Sprint(i.fetched.Load())})
			}
			good(1)
			i.now(tt.err, tt.takes)
			at(55 * time.Minute)
			good(2)
			over := time.Now() // a fetch that hangs takes its 30 seconds
			good(2)
			at(over.Sub(begun) + 30*time.Second - 1)
			good(2)
			at(over.Sub(begun) + 30*time.Second)
			good(3)
			at(59*time.Minute + 20*time.Second)
			good(4)
			at(time.Hour + time.Second)
			_, err := get()
			require.Error(t, err, "it has run out")
			i.now(nil, 0)
			token, err := get()
			require.NoError(t, err)
			require.Equal(t, "t6", token)
		}))
	}
}

// One that the server refuses is not used again, however long it says that it holds.
func TestTokenSourceOutageAfter401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		cause := errors.New("the issuer is closed")
		c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(401, "")), crest.WithBearer(i.source()))
		i.now(nil, 0)
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(401))
		require.EqualValues(t, 2, i.fetched.Load())
		i.now(cause, 0)
		_, err = ping.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.ErrCredentials, "t2 was refused, and nothing has come in its place")
		require.ErrorIs(t, err, cause)
	})
}
