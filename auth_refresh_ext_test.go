package crest_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// issued is the answer of a token endpoint.
type issued struct {
	AccessToken string        `json:"access_token"`
	ExpiresIn   time.Duration `json:"expires_in"`
}

// getToken is on the origin of the API, under its limit, and needs no token itself.
var getToken = crest.Post[crest.Empty, issued]("/token", crest.WithoutHeader("Authorization"))

// refreshing is a token source that asks the API's own token endpoint, through the same client.
type refreshing struct {
	client *crest.Client[*failure]

	mu    sync.Mutex
	token string
	until time.Time
}

func (r *refreshing) Token(ctx context.Context) (crest.Secret, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return crest.NewSecret(r.token), nil
	}
	g, err := getToken.Call(ctx, r.client, crest.Empty{})
	if err != nil {
		return crest.Secret{}, err
	}
	r.token, r.until = g.AccessToken, time.Now().Add(g.ExpiresIn*time.Second)
	return crest.NewSecret(r.token), nil
}

// With one slot in all and a token that has to be fetched under the same limit, everybody gets through: a credential is
// obtained before a slot is taken, so nobody who waits for the token holds the slot that it needs.
func TestPromise3RefreshGetsItsSlot(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *crest.Client[*failure]) error{
		"call": func(ctx context.Context, c *crest.Client[*failure]) error {
			_, err := getThing.Call(ctx, c, crest.Empty{})
			return err
		},
		"foreign": func(ctx context.Context, c *crest.Client[*failure]) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/thing", nil)
			if err != nil {
				return err
			}
			resp, err := crest.RoundTripper(c).RoundTrip(req)
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { refreshUnderLimit(t, call) })
		})
	}
}

func refreshUnderLimit(t *testing.T, call func(ctx context.Context, c *crest.Client[*failure]) error) {
	tokens, things := 0, 0
	api := inMemory(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/token" {
			assert.Empty(t, req.Header.Get("Authorization"))
			tokens++
			return response(req, 200, `{"access_token":"t","expires_in":3}`, "Content-Type", "application/json"), nil
		}
		assert.Equal(t, "Bearer t", req.Header.Get("Authorization"))
		things++
		return response(req, 200, thingJSON, "Content-Type", "application/json"), nil
	})
	source := &refreshing{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(source), crest.WithRateLimit(1, time.Second), crest.WithTimeout(time.Hour))
	source.client = c
	start := time.Now()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() { assert.NoError(t, call(t.Context(), c)) })
	}
	running.Wait()
	require.Equal(t, 8, things)
	require.Equal(t, 1, tokens)
	require.Equal(t, 8*(time.Second+1), time.Since(start), "nine requests, one a second")

	require.NoError(t, call(t.Context(), c), "and once more, with a token that has run out")
	require.Equal(t, 2, tokens)
}

// A 401 is one, whatever becomes of its body: the token is replaced, and the call goes on.
func TestRefreshAfterABrokenBody(t *testing.T) {
	for name, tt := range map[string]struct {
		refusal step
		takes   time.Duration
	}{
		"cut off": {brokenOff, 0},
		"silent":  {silentBody, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refused := func(req *http.Request) (*http.Response, error) {
					resp, err := tt.refusal(req)
					resp.StatusCode = 401
					return resp, err
				}
				api := play(refused, givesBody(200, thingJSON, "Content-Type", "application/json"))
				i := &issuer{}
				c := newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(i.source()))
				start := time.Now()
				got, err := getThing.Do(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Equal(t, 401, got.History[0].StatusCode)
				require.NotEqual(t, api.all[0].Header.Get("Authorization"), api.all[1].Header.Get("Authorization"))
				require.Equal(t, tt.takes, time.Since(start))
			})
		})
	}
}
