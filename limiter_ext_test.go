package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestLimiterDeclarationMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		option crest.SharedOption
		want   string
	}{
		"n of zero":       {crest.WithRateLimit(0, time.Second), "WithRateLimit: n is 0, and must be from 1 to 1000000000"},
		"n too large":     {crest.WithRateLimit(1<<30, time.Second), "n is 1073741824"},
		"per of zero":     {crest.WithRateLimit(5, 0), "WithRateLimit: per is 0s, and must be more than zero"},
		"negative margin": {crest.WithRateLimit(5, 1, crest.Margin(-1)), "Margin is -1ns, and must not be negative"},
		"negative queue":  {crest.WithRateLimit(5, 1, crest.MaxQueue(-1)), "MaxQueue is -1, and must not be negative"},
		"NewLimiter":      {crest.WithLimiter(crest.NewLimiter(5, -1)), "WithLimiter: per is -1ns"},
		"zero value":      {crest.WithLimiter(new(crest.RateLimiter)), "the limiter was not made: use crest.NewLimiter(n, per)"},
		"nil":             {crest.WithLimiter(nil), "the limiter is nil"},
		"nil pointer":     {crest.WithLimiter((*crest.RateLimiter)(nil)), "the limiter is nil"},
		"nil function":    {crest.WithLimiter(crest.LimitBy(nil)), "the limiter is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://api.example.com", tt.option)
			require.ErrorContains(t, err, tt.want)
			require.Panics(t, func() { crest.Get[crest.Empty, crest.Empty]("/x", tt.option) })
		})
	}
	require.ErrorContains(t, declared(crest.WithCost(0)), "WithCost: 0 is not a cost: the least is 1")
}

// declared is what a declaration with the option panics with.
func declared(o crest.EndpointOption) (err error) {
	defer func() { err = fmt.Errorf("%v", recover()) }()
	crest.Get[crest.Empty, crest.Empty]("/x", o)
	return nil
}

// Without a client, mistakes come out of each Wait.
func TestLimiterUnusable(t *testing.T) {
	for name, l := range map[string]*crest.RateLimiter{"nil": nil, "zero": {}, "mistake": crest.NewLimiter(0, 0, nil)} {
		t.Run(name, func(t *testing.T) {
			fails(t, l.Wait(t.Context()), crest.ErrLimited, "", crest.SentNo)
			_, _ = l.Limit()
		})
	}
	fails(t, crest.LimitBy(nil).Wait(t.Context()), crest.ErrLimited, "", crest.SentNo)
	l := crest.NewLimiter(5, time.Second)
	for _, cost := range []int{-1, 0, 6} {
		_, err := l.Slot(t.Context(), nil, cost)
		fails(t, err, crest.ErrLimited, "", crest.SentNo)
	}
	n, per := l.Limit()
	require.Equal(t, 5, n)
	require.Equal(t, time.Second, per)
	ended, cancel := context.WithCancelCause(t.Context())
	own := errors.New("enough")
	cancel(own)
	require.ErrorIs(t, l.Wait(ended), own)
}

// The longest windows there are do not overflow.
func TestLimiterLongestWindow(t *testing.T) {
	l := crest.NewLimiter(1, 1<<63-1, crest.Margin(1<<63-1), crest.Smooth())
	require.NoError(t, l.Wait(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	require.Greater(t, callError(t, l.Wait(ctx)).Wait, 24*time.Hour)
}

func TestLimiterSmooth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10, time.Second, crest.Smooth())
		var running sync.WaitGroup
		for i := range 25 {
			w.admit(&running, &customer{cost: 1 + i%3})
		}
		running.Wait()
		require.LessOrEqual(t, w.busiest(), 10)
		for i, c := range w.all[1:] {
			gap, before := c.sent-w.all[i].sent, w.all[i]
			least := time.Duration(before.cost) * time.Second / 10
			require.GreaterOrEqual(t, gap, least)
			require.LessOrEqual(t, gap, least+200*time.Millisecond, "the window asks for little more than the spacing")
		}
	})
}

// One after another, even when connections open slowly.
func TestLimiterSmoothSpacesWhatIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10, time.Second, crest.Smooth())
		var running sync.WaitGroup
		for range 3 {
			w.admit(&running, &customer{cost: 1, keep: 900 * time.Millisecond})
		}
		running.Wait()
		for i, c := range w.all {
			require.Equal(t, time.Duration(i)*(100*time.Millisecond+1)+time.Duration(i+1)*900*time.Millisecond, c.sent)
		}
	})
}

func TestLimiterSmoothFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10, time.Second, crest.Smooth())
		var running sync.WaitGroup
		for range 6 {
			w.admit(&running, &customer{cost: 1})
		}
		late := &customer{cost: 1, deadline: 600 * time.Millisecond}
		w.admit(&running, late)
		require.Zero(t, late.left)
		require.Equal(t, 600*time.Millisecond+6, callError(t, late.err).Wait)
		running.Wait()
	})
}

func TestLimiterMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, time.Second, crest.Margin(50*time.Millisecond))
		require.NoError(t, w.limiter.Wait(t.Context()))
		require.NoError(t, w.limiter.Wait(t.Context()))
		require.Equal(t, 1050*time.Millisecond+1, time.Since(w.start))
	})
}

func TestLimiterQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, time.Second, crest.MaxQueue(2))
		var running sync.WaitGroup
		for range 4 {
			w.admit(&running, &customer{cost: 1})
		}
		require.Zero(t, w.all[3].left)
		failed := callError(t, w.all[3].err)
		require.ErrorContains(t, failed, "2 requests wait already")
		require.Equal(t, 3*time.Second+3, failed.Wait)
		running.Wait()
		require.Len(t, w.grants, 3)

		none := newWorld(1, time.Second, crest.MaxQueue(0))
		require.NoError(t, none.limiter.Wait(t.Context()))
		require.ErrorIs(t, none.limiter.Wait(t.Context()), crest.ErrLimited)
	})
}

// observed tells the limiter of an answer, as a client does.
func observed(t *testing.T, l *crest.RateLimiter, status int, headers ...string) {
	t.Helper()
	slot, err := l.Slot(t.Context(), nil, 1)
	require.NoError(t, err)
	slot.Sent()
	slot.(crest.Feedback).Observe(response(nil, status, "", headers...))
}

// Retry-After on 429 and 503 stops the limiter for everybody.
func TestLimiterPauses(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		after  []string
		want   time.Duration
	}{
		"429":            {429, []string{"Retry-After", "7"}, 7 * time.Second},
		"503":            {503, []string{"Retry-After", "7"}, 7 * time.Second},
		"date":           {429, []string{"Date", "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After", "Sun, 06 Nov 1994 08:49:39 GMT"}, 2 * time.Second},
		"capped":         {429, []string{"Retry-After", "9999999999"}, time.Hour},
		"zero":           {429, []string{"Retry-After", "0"}, 0},
		"none":           {429, nil, 0},
		"garbage":        {503, []string{"Retry-After", "soon"}, 0},
		"another status": {301, []string{"Retry-After", "7"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1000, time.Second)
				observed(t, w.limiter, tt.status, tt.after...)
				require.NoError(t, w.limiter.Wait(t.Context()))
				require.Equal(t, tt.want, time.Since(w.start))
			})
		})
	}
}

// A server may only tighten: a shorter Retry-After takes nothing back.
func TestLimiterPauseIsNotShortened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10, time.Second)
		first, err := w.limiter.Slot(t.Context(), nil, 1)
		require.NoError(t, err)
		observed(t, w.limiter, 429, "Retry-After", "60")
		first.Sent()
		first.(crest.Feedback).Observe(response(nil, 429, "", "Retry-After", "1"))
		require.NoError(t, w.limiter.Wait(t.Context()))
		require.Equal(t, time.Minute, time.Since(w.start))
	})
}

// What gathered during a pause is let go one by one, never slower than the limit; whose deadline lies within it learns so at once.
func TestLimiterAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		w := newWorld(n, time.Second)
		slot, err := w.limiter.Slot(t.Context(), nil, n)
		require.NoError(t, err)
		var running sync.WaitGroup
		for range n - 1 {
			w.admit(&running, &customer{cost: 1})
		}
		hurried := &customer{cost: 1, deadline: 20 * time.Second}
		w.admit(&running, hurried)
		time.Sleep(time.Second)
		slot.(crest.Feedback).Observe(response(nil, 429, "", "Retry-After", "30"))
		slot.Cancel()
		running.Wait()
		require.Equal(t, time.Second, hurried.left)
		require.Equal(t, 30*time.Second, callError(t, hurried.err).Wait)

		require.Equal(t, 31*time.Second, w.grants[0].granted)
		last, moments := w.grants[len(w.grants)-1].granted, map[time.Duration]bool{}
		for _, c := range w.grants {
			moments[c.granted] = true
		}
		require.Greater(t, len(moments), n/2, "they went in one moment")
		require.LessOrEqual(t, last, 32*time.Second, "slower than the limit")
		require.Len(t, w.grants, n-1)
	})
}

// Uncontended, a slot costs no memory.
func TestLimiterAllocations(t *testing.T) {
	l := crest.NewLimiter(10, time.Nanosecond)
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if l.Wait(ctx) != nil {
			panic("refused")
		}
	}), "Wait")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		slot, err := l.Slot(ctx, nil, 1)
		if err != nil {
			panic("refused")
		}
		slot.Sent()
	}), "Slot")

	slot, err := l.Slot(ctx, nil, 1)
	require.NoError(t, err)
	slot.Sent()
	slot.(crest.Feedback).Observe(response(nil, 200, "", "RateLimit", `"p";r=900000;t=60`, "RateLimit-Policy", `"p";q=50000;w=1`))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		slot, err := l.Slot(ctx, nil, 1)
		if err != nil {
			panic("refused")
		}
		slot.Sent()
		slot.(crest.Feedback).Observe(silence)
	}), "Slot, with what a server said")
}

// silence is an answer that says nothing.
var silence = response(nil, 200, "")

// plain is a limiter without slots that notes what it was asked for.
type plain struct {
	waits, many int
	statuses    []int
}

func (p *plain) Wait(context.Context) error {
	p.waits++
	return nil
}

func (p *plain) Observe(resp *http.Response) { p.statuses = append(p.statuses, resp.StatusCode) }

// weighing is one with WaitN, as golang.org/x/time/rate has it.
type weighing struct{ plain }

func (p *weighing) WaitN(_ context.Context, n int) error {
	p.many += n
	return nil
}

func TestLimiterWithoutSlots(t *testing.T) {
	simple, heavy := &plain{}, &weighing{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(204, "")), crest.WithLimiter(simple), crest.WithLimiter(heavy))
	_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithCost(3))
	require.NoError(t, err)
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 4, simple.waits)
	require.Equal(t, []int{204, 204}, simple.statuses)
	require.Equal(t, 1, heavy.waits)
	require.Equal(t, 3, heavy.many)
}
