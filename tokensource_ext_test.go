package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// issuer gives out t1, t2, t3 …, each good for as long as it says.
type issuer struct {
	life    time.Duration // 0: no end
	fetched atomic.Int32

	mu    sync.Mutex // a fetch that hangs may begin while the test goes on
	takes time.Duration
	err   error
}

// now answers from here on with err, after a while.
func (i *issuer) now(err error, takes time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err, i.takes = err, takes
}

func (i *issuer) mood() (time.Duration, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.takes, i.err
}

func (i *issuer) fetch(ctx context.Context) (crest.Grant, error) {
	n := i.fetched.Add(1)
	takes, failure := i.mood()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return crest.Grant{}, context.Cause(ctx)
	}
	if failure != nil {
		return crest.Grant{}, failure
	}
	g := crest.Grant{Token: crest.NewSecret(fmt.Sprint("t", n))}
	if i.life != 0 {
		g.Expires = time.Now().Add(i.life)
	}
	return g, nil
}

func (i *issuer) source() crest.TokenSource { return crest.NewTokenSource(i.fetch) }

func inBubble(test func(t *testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// When a token is fetched anew: 5 minutes before its end, or a fifth of its life.
func TestTokenSourceRefreshesEarly(t *testing.T) {
	for name, tt := range map[string]struct{ life, last time.Duration }{
		"an hour":       {time.Hour, 55 * time.Minute},
		"25 minutes":    {25 * time.Minute, 20 * time.Minute},
		"10 minutes":    {10 * time.Minute, 8 * time.Minute},
		"10 seconds":    {10 * time.Second, 8 * time.Second},
		"a day":         {24 * time.Hour, 24*time.Hour - 5*time.Minute},
		"without end":   {0, 10000 * time.Hour},
		"end in a past": {-time.Second, 0},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			i := &issuer{life: tt.life}
			source := i.source()
			get := func() string {
				secret, err := source.Token(t.Context())
				require.NoError(t, err)
				return secret.Reveal()
			}
			require.Equal(t, "t1", get())
			if tt.last > 0 {
				time.Sleep(tt.last - 1)
				require.Equal(t, "t1", get(), "still fresh")
			}
			if tt.life != 0 {
				time.Sleep(time.Nanosecond)
				require.Equal(t, "t2", get())
			}
		}))
	}
}

// However many wait, it is fetched once, and all get the same: the token, or the error. After an error the next one fetches again.
func TestTokenSourceFetchesOnce(t *testing.T) {
	for name, cause := range map[string]error{"token": nil, "error": errors.New("the issuer is closed")} {
		t.Run(name, inBubble(func(t *testing.T) {
			i := &issuer{takes: time.Second, err: cause}
			source := i.source()
			var running sync.WaitGroup
			for range 64 {
				running.Go(func() {
					secret, err := source.Token(t.Context())
					assert.Equal(t, cause, err)
					if cause == nil {
						assert.Equal(t, "t1", secret.Reveal())
					}
				})
			}
			running.Wait()
			require.EqualValues(t, 1, i.fetched.Load())
			i.now(nil, 0)
			secret, err := source.Token(t.Context())
			require.NoError(t, err)
			require.Equal(t, map[string]string{"token": "t1", "error": "t2"}[name], secret.Reveal())
		}))
	}
}

// R48: who is cancelled leaves at once; the others still get the token, and when nobody is left the fetch ends.
func TestTokenSourceWaitersLeave(t *testing.T) {
	t.Run("one of two", inBubble(func(t *testing.T) {
		i := &issuer{takes: 10 * time.Second}
		source := i.source()
		cause := errors.New("not wanted any more")
		first, cancel := context.WithCancelCause(t.Context())
		left := make(chan time.Duration)
		start := time.Now()
		go func() {
			_, err := source.Token(first)
			assert.ErrorIs(t, err, cause)
			left <- time.Since(start)
		}()
		synctest.Wait()
		go func() { time.Sleep(time.Second); cancel(cause) }()
		go func() {
			secret, err := source.Token(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, "t1", secret.Reveal())
			left <- time.Since(start)
		}()
		require.Equal(t, time.Second, <-left)
		require.Equal(t, 10*time.Second, <-left)
		require.EqualValues(t, 1, i.fetched.Load())
	}))
	t.Run("all", inBubble(func(t *testing.T) {
		ended := make(chan error, 1)
		fetched := 0
		source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
			if fetched++; fetched > 1 {
				return crest.Grant{Token: crest.NewSecret("second")}, nil
			}
			<-ctx.Done()
			ended <- ctx.Err()
			return crest.Grant{Token: crest.NewSecret("nobody's")}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := source.Token(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, <-ended, context.Canceled)
		secret, err := source.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "second", secret.Reveal(), "what came too late is nobody's")
	}))
}

// A fetch that was given up ends while the next one is under way already, which it leaves alone.
func TestTokenSourceAfterAnAbandonedFetch(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			i := &issuer{takes: time.Minute / 4}
			source := i.source()
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := source.Token(short)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			var running sync.WaitGroup
			running.Go(func() {
				time.Sleep(time.Second)
				_, err := source.Token(t.Context())
				assert.NoError(t, err)
			})
			_, err = source.Token(t.Context())
			require.NoError(t, err)
			running.Wait()
			require.EqualValues(t, 2, i.fetched.Load())
		})
	}
}

// What can be wrong with a fetch. None of it is remembered.
func TestTokenSourceFetchErrors(t *testing.T) {
	cause := errors.New("no")
	for name, tt := range map[string]struct {
		fetch func(ctx context.Context) (crest.Grant, error)
		want  string
		is    error
		after time.Duration
	}{
		"error": {func(context.Context) (crest.Grant, error) { return crest.Grant{}, cause }, "the token source failed: no", cause, 0},
		"panic": {func(context.Context) (crest.Grant, error) { panic("oh") }, "the function of NewTokenSource panicked: oh", nil, 0},
		"goexit": {func(context.Context) (crest.Grant, error) {
			runtime.Goexit()
			return crest.Grant{}, nil
		}, "ended its goroutine", nil, 0},
		"empty token": {func(context.Context) (crest.Grant, error) { return crest.Grant{}, nil }, "returned an empty token and no error", nil, 0},
		"too slow": {func(ctx context.Context) (crest.Grant, error) {
			<-ctx.Done()
			return crest.Grant{}, ctx.Err()
		}, "deadline exceeded", context.DeadlineExceeded, 30 * time.Second},
		"deaf": {func(context.Context) (crest.Grant, error) {
			time.Sleep(time.Hour)
			return crest.Grant{Token: crest.NewSecret("late")}, nil
		}, "did not return within 30s", context.DeadlineExceeded, 30 * time.Second},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			var mended atomic.Bool
			source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
				if !mended.Load() {
					return tt.fetch(ctx)
				}
				return crest.Grant{Token: crest.NewSecret("good")}, nil
			})
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithBearer(source))
			start := time.Now()
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrCredentials, "", crest.SentNo)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, tt.after, time.Since(start))
			require.Empty(t, failed.Attempts)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			rec.none(t)
			mended.Store(true)
			_, err = ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, "Bearer good", rec.last(t).Header.Get("Authorization"))
			time.Sleep(2 * time.Hour) // for the deaf one, whose token nobody gets
			_, err = ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, "Bearer good", rec.last(t).Header.Get("Authorization"))
		}))
	}
}

func TestTokenSourceWithoutFunction(t *testing.T) {
	_, err := crest.New[*failure]("https://api.example.com", crest.WithBearer(crest.NewTokenSource(nil)))
	require.ErrorContains(t, err, "NewTokenSource(nil): give it a function")
	_, err = crest.NewTokenSource(nil).Token(t.Context())
	require.ErrorContains(t, err, "NewTokenSource(nil): give it a function")
}

// A fetch that would wait for its own token says so at once.
func TestTokenSourceThatNeedsItself(t *testing.T) {
	var c *crest.Client[*failure]
	source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
		_, err := ping.Call(ctx, c, crest.Empty{})
		return crest.Grant{}, err
	})
	c = newClient(t, "https://api.example.com", crest.WithTransport(&recorder{}), crest.WithBearer(source))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrCredentials, "", crest.SentNo)
	require.ErrorContains(t, err, `give that endpoint WithoutHeader("Authorization")`)
}

// guarded is an API that takes one token.
type guarded struct {
	mu       sync.Mutex
	good     string
	requests int
	then     func(n int) int // the status of the n-th request with the right token; nil is 204
}

func (g *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests++
	switch {
	case req.Header.Get("Authorization") != "Bearer "+g.good:
		return response(req, 401, ""), nil
	case g.then != nil:
		return response(req, g.then(g.requests), ""), nil
	}
	return response(req, 204, ""), nil
}

// Row 37: all calls whose token is refused at the same time cause one fetch, and a 401 that comes late does not throw the new token away.
func TestRow37ManyRefusalsOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{takes: time.Second}
		api := &guarded{good: "t2"}
		n := atomic.Int32{}
		late := inMemory(func(req *http.Request) (*http.Response, error) {
			resp, err := api.RoundTrip(req)
			if resp.StatusCode == 401 {
				time.Sleep(time.Duration(n.Add(1)) * 100 * time.Millisecond) // some before the fetch begins, some after it has ended
			}
			return resp, err
		})
		c := newClient(t, "https://api.example.com", crest.WithTransport(late), crest.WithBearer(i.source()))
		var running sync.WaitGroup
		for range 64 {
			running.Go(func() {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				assert.NoError(t, err)
			})
		}
		running.Wait()
		require.EqualValues(t, 2, i.fetched.Load())
		require.Equal(t, 128, api.requests)
	})
}

// Row 37: a token that is refused is replaced once per call, whatever else happens to the call.
func TestRow37RefreshOnce(t *testing.T) {
	second := func(first int) func(int) int {
		return func(n int) int {
			if n <= first {
				return 503
			}
			return 204
		}
	}
	for name, tt := range map[string]struct {
		good              string
		then              func(n int) int
		status            int
		requests, fetched int
		attempts          int
	}{
		"good at once":           {"t1", nil, 204, 1, 1, 1},
		"good after the refresh": {"t2", nil, 204, 2, 2, 1},
		"refused as well":        {"t9", nil, 401, 2, 2, 1},
		"retry after it":         {"t2", second(2), 204, 3, 2, 2},
		"retry before it":        {"t1", second(1), 204, 2, 1, 2},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			i, api := &issuer{}, &guarded{good: tt.good, then: tt.then}
			c := newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(i.source()), crest.WithRetry(crest.Retry{Max: 3}))
			got, err := ping.Do(t.Context(), c, crest.Empty{})
			require.Equal(t, tt.requests, api.requests)
			require.EqualValues(t, tt.fetched, i.fetched.Load())
			if tt.status == 204 {
				require.NoError(t, err)
				require.Len(t, got.Attempts, tt.attempts)
				return
			}
			failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(401))
			require.Len(t, failed.Attempts, tt.attempts)
			require.Len(t, failed.History, 1)

			_, err = ping.Do(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, crest.Status(401))
			require.Equal(t, tt.requests+2, api.requests, "no loop in the next call either")
			require.EqualValues(t, tt.fetched+1, i.fetched.Load())
		}))
	}
	t.Run("refused again on a later attempt", inBubble(func(t *testing.T) {
		i := &issuer{}
		requests := 0
		c := newClient(t, "https://api.example.com", crest.WithBearer(i.source()), crest.WithRetry(crest.Retry{Max: 3}),
			crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
				status := []int{401, 503, 401, 204}[requests]
				requests++
				return response(req, status, ""), nil
			})))
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(401))
		require.Equal(t, 3, requests)
		require.EqualValues(t, 2, i.fetched.Load())
	}))
}

// A POST whose token was refused, and that is throttled with the next one, was executed by neither answer: it is tried again.
func TestThrottledAfterARefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, requests := &issuer{}, 0
		c := newClient(t, "https://api.example.com", crest.WithBearer(i.source()), crest.WithRetry(crest.Retry{Max: 1}), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			status := []int{401, 429, 204}[requests]
			requests++
			return response(req, status, "", "Retry-After", "3"), nil
		})))
		begin := time.Now()
		_, err := crest.Post[crest.Empty, crest.Empty]("/x").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, 3, requests)
		require.GreaterOrEqual(t, time.Since(begin), 3*time.Second)
	})
}

// A refresh that fails ends the call in ErrCredentials, with its cause; the request itself was sent.
func TestRow37RefreshFails(t *testing.T) {
	cause := errors.New("the issuer is closed")
	i := &issuer{}
	source := i.source()
	api := &guarded{good: "t9"}
	c := newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(source), crest.WithRetry(crest.Retry{Max: 3}))
	_, err := source.Token(t.Context())
	require.NoError(t, err)
	i.now(cause, 0)
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	failed := fails(t, err, crest.ErrCredentials, "", crest.SentYes)
	require.ErrorIs(t, err, cause)
	require.ErrorContains(t, err, "the token was refused, and the token source failed: the issuer is closed")
	require.Len(t, failed.Attempts, 1)
	require.Equal(t, 401, failed.Attempts[0].StatusCode)
	require.Equal(t, 1, api.requests)
}

// A body that is gone is not sent again. The source hears of the 401 all the same, so that the next call gets another token.
func TestRefusedWithABodyThatIsGone(t *testing.T) {
	i, api := &issuer{}, &guarded{good: "t2"}
	c := newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(i.source()))
	put := crest.Put[putAny[*strings.Reader], crest.Empty]("/things/{id}")
	gone := crest.Put[putAny[onlyReader], crest.Empty]("/things/{id}")
	_, err := gone.Call(t.Context(), c, putAny[onlyReader]{"x", onlyReader{strings.NewReader("body")}})
	require.ErrorIs(t, err, crest.Status(401))
	require.Equal(t, 1, api.requests)
	require.EqualValues(t, 1, i.fetched.Load(), "no token is fetched for nothing")
	_, err = put.Call(t.Context(), c, putAny[*strings.Reader]{"x", strings.NewReader("body")})
	require.NoError(t, err)
	require.Equal(t, 2, api.requests)
}

// A holder whose token was replaced meanwhile gives the new one; one that knows no other is not asked for ever.
func TestRefusedTokenHolder(t *testing.T) {
	token := crest.NewToken("old")
	api := &guarded{good: "new"}
	rotate := inMemory(func(req *http.Request) (*http.Response, error) {
		token.Set("new")
		return api.RoundTrip(req)
	})
	c := newClient(t, "https://api.example.com", crest.WithTransport(rotate), crest.WithBearer(token))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 2, api.requests)

	c = newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(crest.NewSecret("fixed")))
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(401))
	require.Equal(t, 3, api.requests)
}

// The refresh after a 401 waits for its slot like every request, and nobody holds it.
func TestRefreshUnderALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := 0
		api := inMemory(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			switch {
			case req.URL.Path == "/token":
				tokens++
				return response(req, 200, fmt.Sprintf(`{"access_token":"t%d"}`, tokens), "Content-Type", "application/json"), nil
			case req.Header.Get("Authorization") != "Bearer t2":
				return response(req, 401, "no"), nil
			}
			return response(req, 204, ""), nil
		})
		var c *crest.Client[*failure]
		source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
			got, err := getToken.Call(ctx, c, crest.Empty{})
			return crest.Grant{Token: crest.NewSecret(got.AccessToken)}, err
		})
		c = newClient(t, "https://api.example.com", crest.WithTransport(api), crest.WithBearer(source), crest.WithRateLimit(1, time.Second), crest.WithTimeout(time.Hour))
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				assert.NoError(t, err)
			})
		}
		running.Wait()
		require.Equal(t, 2, tokens)
	})
}
