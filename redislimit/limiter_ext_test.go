package redislimit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/redislimit"
)

func take(t *testing.T, l *redislimit.Limiter, cost int) crest.Slot {
	t.Helper()
	s, err := l.Slot(context.Background(), nil, cost)
	require.NoError(t, err)
	return s
}

// refusal is what a request learns that cannot wait so long.
func refusal(t *testing.T, l *redislimit.Limiter, patience time.Duration, cost int) *crest.CallError {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	_, err := l.Slot(ctx, nil, cost)
	require.ErrorIs(t, err, crest.ErrLimited)
	require.Zero(t, time.Since(start), "it waited")
	own, ok := errors.AsType[*crest.CallError](err)
	require.True(t, ok)
	return own
}

// A wait that would outlast the deadline fails at once and says how long it would have been; that holds for those
// behind the first as well, as soon as the first knows.
func TestFailsFast(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(2, time.Minute, redislimit.Options{})
		take(t, l, 2).Sent()
		synctest.Wait()
		own := refusal(t, l, 59*time.Second, 1)
		require.InDelta(t, time.Minute, own.Wait, float64(time.Second))
		require.ErrorContains(t, own, "the limit of 2 in 1m0s makes it wait")

		var running sync.WaitGroup
		defer running.Wait()
		for range 3 {
			running.Go(func() { require.NoError(t, l.Wait(context.Background())) })
			synctest.Wait()
		}
		own = refusal(t, l, time.Minute, 1) // the fourth: a whole window later
		require.InDelta(t, 2*time.Minute, own.Wait, float64(time.Second))
	})
}

func TestFirstCome(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		net.latency.Store(int64(time.Millisecond))
		l := net.limiter(1, time.Second, redislimit.Options{})
		var mu sync.Mutex
		var order []int
		var running sync.WaitGroup
		for i := range 20 {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			running.Go(func() {
				if l.Wait(ctx) == nil {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, i)
				}
			})
			synctest.Wait()
			if i%3 == 1 {
				time.AfterFunc(1500*time.Millisecond, cancel)
			}
		}
		running.Wait()
		require.IsIncreasing(t, order)
		require.Len(t, order, 14) // seven were to leave, and one of them had gone by then
	})
}

// Who leaves the line learns why at once, and those behind move up.
func TestLeaving(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(3, time.Minute, redislimit.Options{})
		take(t, l, 2).Sent()
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(context.Background())
		var running sync.WaitGroup
		for range 2 {
			running.Go(func() {
				_, err := l.Slot(ctx, nil, 3)
				require.ErrorIs(t, err, crest.ErrLimited)
				require.ErrorContains(t, err, "gone home")
			})
			synctest.Wait()
		}
		start := time.Now()
		time.AfterFunc(time.Second, func() { cancel(errors.New("gone home")) })
		require.NoError(t, l.Wait(context.Background()))
		require.Equal(t, time.Second, time.Since(start))
		running.Wait()
	})
}

func TestTheLineIsBounded(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(1, time.Minute, redislimit.Options{MaxQueue: 3})
		take(t, l, 1).Sent()
		synctest.Wait()
		var running sync.WaitGroup
		defer running.Wait()
		for range 3 {
			running.Go(func() { require.NoError(t, l.Wait(context.Background())) })
			synctest.Wait()
		}
		require.ErrorContains(t, refusal(t, l, time.Hour, 1), "3 requests wait already")
	})
}

// A slot that is kept for longer than a lease is not taken for that of a dead process.
func TestASlotIsKeptWhileItsProcessLives(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		mine, other := net.limiter(1, time.Second, redislimit.Options{}), net.limiter(1, time.Second, redislimit.Options{})
		s := take(t, mine, 1)
		written := time.Now().Add(45 * time.Second)
		time.AfterFunc(45*time.Second, s.Sent)
		require.NoError(t, other.Wait(context.Background()))
		require.Greater(t, time.Since(written), time.Second)
		require.Less(t, time.Since(written), 3*time.Second)
	})
}

// A 429 that one process meets stops all, and a shorter one after it takes nothing back.
func TestRetryAfterStopsAllProcesses(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		value  string
		wait   time.Duration
	}{
		"429":           {http.StatusTooManyRequests, "30", 30 * time.Second},
		"503":           {http.StatusServiceUnavailable, "30", 30 * time.Second},
		"date":          {http.StatusTooManyRequests, "Sat, 01 Jan 2000 00:01:00 GMT", time.Minute},
		"capped":        {http.StatusTooManyRequests, "999999999", time.Hour},
		"no Retry":      {http.StatusTooManyRequests, "", time.Second},
		"nonsense":      {http.StatusTooManyRequests, "-5", time.Second},
		"not a refusal": {http.StatusOK, "30", 0},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, net *network) {
				mine, other := net.limiter(100, time.Second, redislimit.Options{}), net.limiter(100, time.Second, redislimit.Options{})
				s := take(t, mine, 1)
				s.Sent()
				answer := func(value string) {
					resp := &http.Response{StatusCode: test.status, Header: http.Header{}}
					resp.Header.Set("Date", "Sat, 01 Jan 2000 00:00:00 GMT")
					if value != "" {
						resp.Header.Set("Retry-After", value)
					}
					s.(crest.Feedback).Observe(resp)
					synctest.Wait()
				}
				start := time.Now()
				answer(test.value)
				answer("1") // takes nothing back
				require.NoError(t, other.Wait(context.Background()))
				require.InDelta(t, test.wait, time.Since(start), float64(100*time.Millisecond))
			})
		})
	}
}

func TestWhatNoWaitingHelps(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(5, time.Minute, redislimit.Options{})
		require.ErrorContains(t, refusal(t, l, time.Hour, 6), "the request costs 6, the limit is 5 in 1m0s: lower its WithCost")
		require.ErrorContains(t, refusal(t, l, time.Hour, 0), "the least is 1")
		require.ErrorContains(t, refusal(t, new(redislimit.Limiter), time.Hour, 1), "use redislimit.New")
		require.ErrorContains(t, refusal(t, nil, time.Hour, 1), "use redislimit.New")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		require.ErrorIs(t, l.Wait(ctx), context.Canceled)
	})
}

func TestMistakes(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	good := redislimit.Options{}
	for want, mistake := range map[string]struct {
		client redis.Scripter
		key    string
		n      int
		per    time.Duration
		o      redislimit.Options
	}{
		"the client is nil": {nil, "k", 1, time.Second, good},
		"the client is nil: make one with redis.NewClient": {(*redis.Client)(nil), "k", 1, time.Second, good},
		"the key is empty":                      {client, "", 1, time.Second, good},
		"the key begins with }":                 {client, "}", 1, time.Second, good},
		"n is 0, and must be from 1 to 100000":  {client, "k", 0, time.Second, good},
		"n is 100001":                           {client, "k", 100_001, time.Second, good},
		"per is 0s, and must be more than zero": {client, "k", 1, 0, good},
		"per is 10000h0m0s":                     {client, "k", 1, 10_000 * time.Hour, good},
		"options: Fallback is 3, and must be Closed, Open or Local": {client, "k", 1, time.Second, redislimit.Options{Fallback: 3}},
		"options: Share is 1, and is only for the mode Local":       {client, "k", 1, time.Second, redislimit.Options{Share: 1}},
		"options: Share is 2, and must be from 1 to n, which is 1":  {client, "k", 1, time.Second, redislimit.Options{Fallback: redislimit.Local, Share: 2}},
		"options: Deadline is -1ns, and must be from 0 to 3s":       {client, "k", 1, time.Second, redislimit.Options{Deadline: -1}},
		"options: Margin is -1ns":                                   {client, "k", 1, time.Second, redislimit.Options{Margin: -1}},
		"options: MaxQueue is -1, and must not be negative":         {client, "k", 1, time.Second, redislimit.Options{MaxQueue: -1}},
	} {
		t.Run(want, func(t *testing.T) {
			l, err := redislimit.New(mistake.client, mistake.key, mistake.n, mistake.per, mistake.o)
			require.ErrorContains(t, err, "redislimit: "+want)
			require.Nil(t, l)
		})
	}
}

// stubborn is a client that returns when it is closed, and not before.
type stubborn struct {
	redis.Scripter
	closed chan struct{}
	inside atomic.Int64
}

func (s *stubborn) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	s.inside.Add(1)
	<-s.closed
	c := redis.NewCmd(ctx)
	c.SetErr(redis.ErrClosed)
	return c
}

// A client that never returns costs a bounded number of goroutines, and none when it is closed.
func TestStuckCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &stubborn{closed: make(chan struct{})}
		l, err := redislimit.New(client, "key", 10, time.Minute, redislimit.Options{})
		require.NoError(t, err)
		for range 100 {
			o := try(l, time.Second)
			require.ErrorIs(t, o.err, redislimit.ErrUnavailable)
			require.LessOrEqual(t, o.took, 100*time.Millisecond)
			time.Sleep(2 * time.Second)
		}
		require.EqualValues(t, 16, client.inside.Load())
		require.ErrorContains(t, try(l, time.Second).err, "16 calls have not returned yet")
		close(client.closed)
		synctest.Wait()
	})
}

func TestKeysOfAClusterAreInOneSlot(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(1, time.Minute, redislimit.Options{})
		s := take(t, l, 1)
		s.Sent()
		s.(crest.Feedback).Observe(&http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"5"}}})
		synctest.Wait()
		require.Equal(t, []string{"crest:limit:{key}", "crest:limit:{key}:said"}, net.redis.Keys())
		for _, key := range net.redis.Keys() {
			require.Positive(t, net.redis.TTL(key), fmt.Sprint(key, " does not expire"))
		}
	})
}
