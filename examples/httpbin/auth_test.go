package httpbin_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// credentialRoute is one of httpbin's, which want the user and the password of their own path.
type credentialRoute struct {
	QOP       string `path:"qop"`
	User      string `path:"user"`
	Password  string `path:"password"`
	Algorithm string `path:"algorithm"`
}

var (
	digestAuth = crest.Get[credentialRoute, map[string]any]("/digest-auth/{qop}/{user}/{password}/{algorithm}")
	basicAuth  = crest.Get[struct {
		User     string `path:"user"`
		Password string `path:"password"`
	}, map[string]any]("/basic-auth/{user}/{password}")
)

// httpbin's Digest was written by somebody else: it has the last word.
func TestDigestAuth(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			c := newClient(t, crest.WithDigest("me", crest.NewSecret("s3cret")))
			right := credentialRoute{"auth", "me", "s3cret", algorithm}
			for range 3 {
				got, err := digestAuth.Do(t.Context(), c, right)
				require.NoError(t, err)
				require.Equal(t, map[string]any{"authorized": true, "user": "me"}, pick(got.Model, "authorized", "user"))
			}
			var running sync.WaitGroup
			for range 16 {
				running.Go(func() {
					_, err := digestAuth.Call(t.Context(), c, right)
					assert.NoError(t, err)
				})
			}
			running.Wait()
			_, err := digestAuth.Call(t.Context(), c, credentialRoute{"auth", "me", "another", algorithm})
			require.ErrorIs(t, err, crest.Status(401))
			require.False(t, strings.Contains(err.Error(), "s3cret"))
		})
	}
}

func TestBasicAuth(t *testing.T) {
	c := newClient(t, crest.WithBasic("me", crest.NewSecret("s3cret")))
	got, err := basicAuth.Call(t.Context(), c, struct {
		User     string `path:"user"`
		Password string `path:"password"`
	}{"me", "s3cret"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"authorized": true, "user": "me"}, pick(got, "authorized", "user"))
}

func pick(from map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		out[name] = from[name]
	}
	return out
}
