package redislimit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/redislimit"
)

// outcome is how one request fared with the limiter.
type outcome struct {
	slot crest.Slot
	err  error
	took time.Duration
}

func try(l *redislimit.Limiter, patience time.Duration) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	s, err := l.Slot(ctx, nil, 1)
	o := outcome{s, err, time.Since(start)}
	if s != nil {
		s.Sent()
	}
	return o
}

// journal keeps what OnFallback was told.
type journal struct {
	mu  sync.Mutex
	all []error
}

func (j *journal) tell(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, err)
}

func (j *journal) told() []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]error(nil), j.all...)
}

// failures are the ways in which Redis fails, and how it comes back.
var failures = map[string]struct{ fail, mend func(n *network) }{
	"stopped": {(*network).hang, (*network).goOn},
	"killed":  {(*network).kill, (*network).restart},
	"error":   {func(n *network) { n.redis.SetError("LOADING the data set") }, func(n *network) { n.redis.SetError("") }},
}

// modes are what each declares for requests during a failure; the limit is 10, the share of Local 2.
var modes = map[string]struct {
	options redislimit.Options
	check   func(t *testing.T, i int, o outcome)
}{
	"closed": {redislimit.Options{}, func(t *testing.T, _ int, o outcome) {
		require.ErrorIs(t, o.err, crest.ErrLimited)
		require.ErrorIs(t, o.err, redislimit.ErrUnavailable)
		require.NotErrorIs(t, o.err, context.DeadlineExceeded)
	}},
	"open": {redislimit.Options{Fallback: redislimit.Open}, func(t *testing.T, _ int, o outcome) {
		require.NoError(t, o.err)
	}},
	"local": {redislimit.Options{Fallback: redislimit.Local, Share: 2}, func(t *testing.T, i int, o outcome) {
		if i < 2 {
			require.NoError(t, o.err)
			return
		}
		require.ErrorIs(t, o.err, crest.ErrLimited)
		own, _ := errors.AsType[*crest.CallError](o.err)
		require.InDelta(t, time.Minute, own.Wait, float64(time.Second))
	}},
}

// TestModes: when Redis fails, each mode does as declared within the deadline; only the first request pays it, and
// when Redis is back it counts again, without anybody's help.
func TestModes(t *testing.T) {
	for how, failure := range failures {
		for name, mode := range modes {
			t.Run(how+", "+name, func(t *testing.T) {
				virtual(t, func(t *testing.T, net *network) {
					var j journal
					mode.options.OnFallback = j.tell
					l := net.limiter(10, time.Minute, mode.options)
					require.NoError(t, try(l, time.Second).err)
					synctest.Wait()

					failure.fail(net)
					for i := range 4 {
						o := try(l, time.Second)
						mode.check(t, i, o)
						if i == 0 {
							require.LessOrEqual(t, o.took, 100*time.Millisecond)
						} else {
							require.Zero(t, o.took)
						}
					}
					require.Len(t, j.told(), 1)
					require.ErrorIs(t, j.told()[0], redislimit.ErrUnavailable)

					time.Sleep(5 * time.Second)
					failure.mend(net)
					time.Sleep(time.Second)
					require.NoError(t, try(l, time.Second).err)
					require.Len(t, j.told(), 2)
					require.NoError(t, j.told()[1])
				})
			})
		}
	}
}

// While Redis is away a request a second tries it, and no more than that pay the deadline.
func TestFewPayTheDeadline(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(10, time.Minute, redislimit.Options{})
		net.hang()
		paid := 0
		for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
			o := try(l, time.Second)
			require.Error(t, o.err)
			require.LessOrEqual(t, o.took, 100*time.Millisecond)
			if o.took > 0 {
				paid++
			}
		}
		assert.LessOrEqual(t, paid, 24)
		net.goOn()
	})
}

// Those with less time than the deadline learn that Redis hangs as well.
func TestShortContextsOpenTheCircuit(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(10, time.Minute, redislimit.Options{})
		net.hang()
		o := try(l, 30*time.Millisecond)
		require.Error(t, o.err)
		require.Equal(t, 30*time.Millisecond, o.took)
		time.Sleep(100 * time.Millisecond)
		o = try(l, 30*time.Millisecond)
		require.ErrorIs(t, o.err, redislimit.ErrUnavailable)
		require.Zero(t, o.took)
		net.goOn()
	})
}

// What Redis grants when nobody waits any more is given back: an answer that is late, and commands that a stopped
// Redis finds when it goes on.
func TestLateGrantsAreGivenBack(t *testing.T) {
	for name, late := range map[string]func(t *testing.T, net *network, l *redislimit.Limiter){
		"slow": func(t *testing.T, net *network, l *redislimit.Limiter) {
			net.latency.Store(int64(150 * time.Millisecond))
			require.ErrorIs(t, try(l, time.Second).err, redislimit.ErrUnavailable)
			time.Sleep(time.Second)
			net.latency.Store(int64(0))
		},
		"stopped": func(t *testing.T, net *network, l *redislimit.Limiter) {
			net.hang()
			require.ErrorIs(t, try(l, time.Second).err, redislimit.ErrUnavailable)
			net.goOn()
			time.Sleep(time.Second)
		},
		"stopped for longer than the client tries": func(t *testing.T, net *network, l *redislimit.Limiter) {
			net.hang()
			require.ErrorIs(t, try(l, time.Second).err, redislimit.ErrUnavailable)
			time.Sleep(20 * time.Second)
			net.goOn()
			time.Sleep(time.Second)
		},
		"overtaken by its cancellation": func(t *testing.T, net *network, l *redislimit.Limiter) {
			net.latency.Store(int64(50 * time.Millisecond))
			time.AfterFunc(10*time.Millisecond, func() { net.latency.Store(0) })
			require.ErrorIs(t, try(l, 20*time.Millisecond).err, crest.ErrLimited)
			time.Sleep(time.Second)
		},
		"cancelled": func(t *testing.T, net *network, l *redislimit.Limiter) {
			net.latency.Store(int64(50 * time.Millisecond))
			require.ErrorIs(t, try(l, 20*time.Millisecond).err, crest.ErrLimited)
			time.Sleep(time.Second)
			net.latency.Store(int64(0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, net *network) {
				l := net.limiter(1, time.Hour, redislimit.Options{})
				take(t, l, 1).Cancel() // so that there are connections
				synctest.Wait()
				late(t, net, l)
				require.NoError(t, try(l, 2*time.Second).err)
			})
		})
	}
}

// When Redis answers again, requests that wait for the share of Local do not go on waiting for it.
func TestLocalReturnsToRedis(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(100, time.Hour, redislimit.Options{Fallback: redislimit.Local})
		net.kill()
		require.NoError(t, try(l, 2*time.Hour).err, "the share is 1")
		time.AfterFunc(10*time.Second, net.restart)
		o := try(l, 2*time.Hour)
		require.NoError(t, o.err)
		require.Less(t, o.took, 13*time.Second)
		require.Greater(t, o.took, 9*time.Second)
	})
}

func TestLocalRefusesMoreThanTheShare(t *testing.T) {
	virtual(t, func(t *testing.T, net *network) {
		l := net.limiter(100, time.Hour, redislimit.Options{Fallback: redislimit.Local, Share: 5})
		net.kill()
		_, err := l.Slot(context.Background(), nil, 6)
		require.ErrorIs(t, err, crest.ErrLimited)
		require.ErrorIs(t, err, redislimit.ErrUnavailable)
		require.ErrorContains(t, err, "the limit is 5")
	})
}
