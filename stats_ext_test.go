package crest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// counted is a client that counts, over a transport that takes a second for each answer.
func counted(t *testing.T, rt http.RoundTripper, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	slow := inMemory(func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(time.Second):
			return rt.RoundTrip(req)
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	})
	return newClient(t, "https://api.example.com/v1", append([]crest.ClientOption{crest.WithStats(), crest.WithTransport(slow)}, opts...)...)
}

// only is the figures of the one endpoint that was called.
func only(t *testing.T, c crest.Caller) crest.EndpointStats {
	t.Helper()
	s := crest.StatsOf(c)
	require.True(t, s.On)
	require.Len(t, s.Endpoints, 1)
	return s.Endpoints[0]
}

// panicky is a middleware that panics.
func panicky(http.RoundTripper) http.RoundTripper {
	return inMemory(func(*http.Request) (*http.Response, error) { panic("SECRET of a middleware") })
}

type cancelledAfter struct{ after time.Duration }

func (c cancelledAfter) context(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	if c.after == 0 {
		cancel()
	}
	time.AfterFunc(max(c.after, time.Nanosecond), cancel)
	return ctx
}

func TestStatsOfCalls(t *testing.T) {
	type counts struct {
		calls, failed, attempts, retries int64
		statuses                         map[int]int64
		failures                         map[string]int64
		latency                          time.Duration
		text                             string // of the last error
	}
	again := crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return 2 * time.Second }})
	for name, tt := range map[string]struct {
		answers []string
		opts    []crest.ClientOption
		ctx     func(*testing.T) context.Context
		times   int
		want    counts
	}{
		"success": {answers: []string{"200 " + thingJSON}, times: 3, want: counts{
			calls: 3, attempts: 3, statuses: map[int]int64{200: 3}, latency: 3 * time.Second,
		}},
		"status": {answers: []string{`404 {"message":"none"}`}, want: counts{
			calls: 1, failed: 1, attempts: 1, statuses: map[int]int64{404: 1}, failures: map[string]int64{"status": 1}, latency: time.Second,
			text: "crest: GET /thing: 404 Not Found: none",
		}},
		"retry": {answers: []string{`503 {"message":"busy"}`, "refused", "200 " + thingJSON}, opts: []crest.ClientOption{again}, want: counts{
			calls: 1, attempts: 3, retries: 2, statuses: map[int]int64{0: 1, 200: 1, 503: 1}, latency: 7 * time.Second,
		}},
		"no answer": {answers: []string{"refused"}, want: counts{
			calls: 1, failed: 1, attempts: 1, statuses: map[int]int64{0: 1}, failures: map[string]int64{"transport": 1}, latency: time.Second,
			text: "crest: GET /thing: transport: refused by the test (the request may have been received)",
		}},
		"decode": {answers: []string{`200 {"id":"x"}`}, want: counts{
			calls: 1, failed: 1, attempts: 1, statuses: map[int]int64{200: 1}, failures: map[string]int64{"response/decode": 1}, latency: time.Second,
		}},
		"validation": {answers: []string{`200 {"id":7}`}, times: 2, want: counts{
			calls: 2, failed: 2, attempts: 2, statuses: map[int]int64{200: 2}, failures: map[string]int64{"response/validation": 2}, latency: 2 * time.Second,
		}},
		"timeout": {answers: []string{"200 {}"}, opts: []crest.ClientOption{crest.WithTimeout(time.Second / 2)}, want: counts{
			calls: 1, failed: 1, attempts: 1, statuses: map[int]int64{0: 1}, failures: map[string]int64{"transport/timeout(total)": 1}, latency: time.Second / 2,
		}},
		"cancelled": {answers: []string{"200 {}"}, ctx: cancelledAfter{time.Second / 4}.context, want: counts{
			calls: 1, failed: 1, attempts: 1, statuses: map[int]int64{0: 1}, failures: map[string]int64{"transport": 1}, latency: time.Second / 4,
		}},
		"cancelled before": {answers: []string{"200 {}"}, ctx: cancelledAfter{}.context, want: counts{
			calls: 1, failed: 1, failures: map[string]int64{"request": 1},
		}},
		"middleware panics": {answers: []string{"200 {}"}, opts: []crest.ClientOption{crest.WithMiddleware(panicky)}, want: counts{
			calls: 1, failed: 1, failures: map[string]int64{"panic": 1}, text: "crest: GET /thing: a function that the call was given panicked",
		}},
		"limiter refuses": {answers: []string{"200 " + thingJSON}, times: 2, opts: []crest.ClientOption{crest.WithRateLimit(1, time.Hour, crest.MaxQueue(0))}, want: counts{
			calls: 2, failed: 1, attempts: 1, statuses: map[int]int64{200: 1}, failures: map[string]int64{"limited": 1}, latency: time.Second,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := counted(t, answers(tt.answers...), tt.opts...)
				ctx := t.Context()
				if tt.ctx != nil {
					ctx = tt.ctx(t)
				}
				for range max(tt.times, 1) {
					func() {
						defer func() { _ = recover() }()
						_, _ = getThing.Call(ctx, c, crest.Empty{})
					}()
				}
				e := only(t, c)
				require.Equal(t, "GET /thing", e.Endpoint)
				require.Equal(t, tt.want.calls, e.Calls)
				require.Equal(t, tt.want.failed, e.Failed)
				require.Equal(t, tt.want.attempts, e.Attempts)
				require.Equal(t, tt.want.retries, e.Retries)
				require.Zero(t, e.UnderWay)
				require.Zero(t, e.Waiting)
				require.Equal(t, fmt.Sprint(tt.want.statuses), fmt.Sprint(e.Statuses))
				require.Equal(t, fmt.Sprint(tt.want.failures), fmt.Sprint(e.Failures))
				require.Equal(t, tt.want.latency, e.Latency.Sum)
				require.Len(t, crest.StatsOf(c).Errors, int(tt.want.failed))
				if tt.want.text != "" {
					require.Equal(t, tt.want.text, crest.StatsOf(c).Errors[0].Text)
				}
				require.NotContains(t, fmt.Sprint(crest.StatsOf(c)), "SECRET")
			})
		})
	}
}

// A call is under way, then waits for a slot, then goes; the limiter's own figures say the same.
func TestStatsOfWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := inMemory(func(req *http.Request) (*http.Response, error) {
			return response(req, 200, thingJSON, "Content-Type", "application/json"), nil
		})
		c := counted(t, rt, crest.WithRateLimit(2, time.Minute))
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() { _, _ = getThing.Call(t.Context(), c, crest.Empty{}) })
		}
		synctest.Wait()
		e := only(t, c)
		require.EqualValues(t, 3, e.UnderWay)
		require.EqualValues(t, 1, e.Waiting)
		require.Zero(t, e.Calls)
		limits := crest.StatsOf(c).Limiters
		require.Equal(t, []crest.LimiterStats{{Type: "*crest.RateLimiter", N: 2, Per: time.Minute, Waiting: 1}}, limits)

		calls.Wait()
		e = only(t, c)
		require.EqualValues(t, 3, e.Calls)
		require.Zero(t, e.UnderWay)
		require.Zero(t, e.Waiting)
		require.InDelta(t, time.Minute, e.SlotWait, float64(2*time.Second))
		require.Equal(t, e.Latency.Sum, e.SlotWait+3*time.Second)
		require.Equal(t, 1, crest.StatsOf(c).Limiters[0].Free, "two have left the window, one is in it")
		require.Zero(t, crest.StatsOf(c).Limiters[0].Waiting)
	})
}

// A limiter shows what it has learned, and that it was paused; looking changes nothing.
func TestStatsOfLearnedLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header := http.Header{"Ratelimit-Policy": {`"hour";q=50;w=3600`}, "Ratelimit": {`"hour";r=7;t=30`}}
		status := 200
		rt := inMemory(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header.Clone(), Body: io.NopCloser(strings.NewReader(thingJSON)), Request: req}, nil
		})
		limited := crest.Get[crest.Empty, crest.Empty]("/limited", crest.WithRateLimit(100, time.Minute))
		c := counted(t, rt, crest.WithLimiter(slowLimiter(0)))
		_, err := limited.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		now := time.Now()
		want := crest.LimiterStats{
			Endpoints: []string{"GET /limited"}, Type: "*crest.RateLimiter", N: 100, Per: time.Minute, Free: 7,
			Learned: []crest.QuotaStats{{Policy: "hour", Limit: 50, Window: time.Hour, Left: 7, Reset: now.Add(30 * time.Second)}},
		}
		for range 3 {
			s := crest.StatsOf(c)
			require.Len(t, s.Limiters, 2)
			require.Equal(t, crest.LimiterStats{Type: "crest_test.slowLimiter"}, s.Limiters[0], "nothing is known of another's limiter")
			require.Equal(t, want.Endpoints, s.Limiters[1].Endpoints)
			require.Equal(t, want.Free, s.Limiters[1].Free)
			require.Zero(t, s.Limiters[1].Paused)
			require.WithinDuration(t, want.Learned[0].Reset, s.Limiters[1].Learned[0].Reset, 0)
			s.Limiters[1].Learned[0].Reset = want.Learned[0].Reset
			require.Equal(t, want, s.Limiters[1])
		}
		status, header = 429, http.Header{"Retry-After": {"20"}}
		_, err = limited.Call(t.Context(), c, crest.Empty{})
		require.Error(t, err)
		paused := crest.StatsOf(c).Limiters[1]
		require.WithinDuration(t, time.Now().Add(20*time.Second), paused.Paused, 0)
		require.Zero(t, paused.Free)
		time.Sleep(time.Hour + time.Minute)
		over := crest.StatsOf(c).Limiters[1]
		require.Zero(t, over.Paused)
		require.Zero(t, over.Learned[0].Reset, "what was left is of a window that has ended")
		require.Equal(t, 50, over.Free, "the policy's own limit stays")
	})
}

// Bodies that the caller reads are open until they are closed, and tell how they ended.
func TestStatsOfOpenBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := inMemory(func(req *http.Request) (*http.Response, error) {
			return live("data: one\n\n", time.Minute, "data: two\n\n", errors.New("cut by the test"))(req)
		})
		c := counted(t, rt)
		begun := time.Now().Add(time.Second)
		got := 0
		for _, err := range getEvents.Call(t.Context(), c, crest.Empty{}) {
			s := crest.StatsOf(c)
			if err != nil {
				break
			}
			got++
			require.EqualValues(t, 1, s.Endpoints[0].Open)
			require.Equal(t, 1, s.OpenTotal)
			require.Equal(t, []crest.OpenBody{{Endpoint: "GET /events", Since: begun, Received: int64(11 * got)}}, sameClock(s.Open, begun))
		}
		require.Equal(t, 2, got)
		e := only(t, c)
		require.Zero(t, e.Open)
		require.Empty(t, crest.StatsOf(c).Open)
		require.EqualValues(t, 1, e.Calls)
		require.Zero(t, e.Failed, "the call was answered")
		require.EqualValues(t, 1, e.Broken)
		require.Equal(t, time.Second, e.Latency.Sum, "until the header")
		require.Contains(t, crest.StatsOf(c).Errors[0].Text, "cut by the test")
	})
}

// sameClock takes the monotonic reading away, where the moment is the same.
func sameClock(list []crest.OpenBody, at time.Time) []crest.OpenBody {
	for i := range list {
		if list[i].Since.Equal(at) {
			list[i].Since = at
		}
	}
	return list
}

// A stream without a body is closed before it could be read: it is not open for ever.
func TestStatsOfEmptyStream(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithStats(), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})))
	_, err := all(getEvents.Call(t.Context(), c, crest.Empty{}))
	require.NoError(t, err)
	require.EqualValues(t, 1, only(t, c).Calls)
	require.Zero(t, crest.StatsOf(c).OpenTotal)
}

func TestStatsOfOtherCalls(t *testing.T) {
	list := `[{"id":1,"name":"a"},{"id":2,"name":"b"}]`
	for name, call := range map[string]func(context.Context, *crest.Client[*failure]) error{
		"stream": func(ctx context.Context, c *crest.Client[*failure]) error {
			_, err := all(crest.NewStream[crest.Empty, thing](http.MethodGet, "/list", crest.WithAccept("application/json")).Call(ctx, c, crest.Empty{}))
			return err
		},
		"download": func(ctx context.Context, c *crest.Client[*failure]) error {
			_, err := crest.Download(ctx, c, crest.Get[crest.Empty, io.ReadCloser]("/list"), crest.Empty{}, new(bytes.Buffer))
			return err
		},
		"prepared": func(ctx context.Context, c *crest.Client[*failure]) error {
			p, err := crest.Get[crest.Empty, []thing]("/list").Prepare(ctx, c, crest.Empty{})
			if err == nil {
				require.Empty(t, crest.StatsOf(c).Endpoints, "what is not sent is no call")
				_, err = p.Send(ctx)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithStats(), crest.WithTransport(answers("200 "+list)))
			require.NoError(t, call(t.Context(), c))
			e := only(t, c)
			require.EqualValues(t, 1, e.Calls)
			require.Zero(t, e.Failed)
			require.Equal(t, map[int]int64{200: 1}, e.Statuses)
			require.Zero(t, crest.StatsOf(c).OpenTotal)
		})
	}
}

func TestStatsOfUpgrade(t *testing.T) {
	var far net.Conn
	c := newClient(t, "http://api.example.com", crest.WithStats(), pipe(0, &far))
	conn, err := crest.Get[crest.Empty, io.ReadCloser]("/echo", crest.WithUpgrade("line/1")).Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	go func() { _, _ = io.CopyN(far, far, 5) }()
	_, err = io.WriteString(conn.(io.Writer), "hello")
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 5))
	require.NoError(t, err)
	open := crest.StatsOf(c).Open
	require.Len(t, open, 1)
	require.True(t, open[0].Connection)
	require.EqualValues(t, 5, open[0].Received)
	require.EqualValues(t, 5, open[0].Sent)
	require.NoError(t, conn.Close())
	require.Empty(t, crest.StatsOf(c).Open)
}

// Other libraries' requests are no calls.
func TestStatsOfForeignRequests(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithStats(), crest.WithTransport(answers("200 {}")), crest.WithRateLimit(5, time.Hour))
	resp, err := (&http.Client{Transport: crest.RoundTripper(c)}).Get("https://api.example.com/x")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Empty(t, crest.StatsOf(c).Endpoints)
	require.Equal(t, 4, crest.StatsOf(c).Limiters[0].Free, "it has taken a slot all the same")
}

// A client without the option, and none at all, have no figures; a closed one keeps them.
func TestStatsOffAndClosed(t *testing.T) {
	rt := crest.WithTransport(answers("200 " + thingJSON))
	off := newClient(t, "https://api.example.com", rt)
	_, err := getThing.Call(t.Context(), off, crest.Empty{})
	require.NoError(t, err)
	var sdk struct{ *crest.Client[*failure] }
	for _, c := range []crest.Caller{off, sdk, &sdk, (*crest.Client[*failure])(nil), new(crest.Client[*failure])} {
		require.Equal(t, crest.Stats{}, crest.StatsOf(c))
	}
	on := newClient(t, "https://api.example.com/v1", rt, crest.WithStats())
	sdk.Client = on
	_, err = getThing.Call(t.Context(), sdk, crest.Empty{})
	require.NoError(t, err)
	require.NoError(t, on.Close())
	_, err = getThing.Call(t.Context(), sdk, crest.Empty{})
	require.ErrorIs(t, err, crest.ErrClosed)
	s := crest.StatsOf(sdk)
	require.True(t, s.Closed)
	require.Equal(t, "https://api.example.com", s.Origin)
	require.EqualValues(t, 1, s.Endpoints[0].Calls)
	require.Zero(t, s.Endpoints[0].Failed)
}

// What servers and middleware choose is bounded.
func TestStatsBounds(t *testing.T) {
	n := 0
	c := newClient(t, "https://api.example.com", crest.WithStats(), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		if n++; n%2 == 0 {
			return nil, &crest.CallError{Step: crest.ErrLimited, Kind: crest.Kind(fmt.Sprint("kind\n", n)), Err: errors.New("made up")}
		}
		return &http.Response{StatusCode: 400 + n, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})))
	for range 200 {
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.Error(t, err)
	}
	e := only(t, c)
	require.LessOrEqual(t, len(e.Statuses), 33)
	require.LessOrEqual(t, len(e.Failures), 33)
	require.Positive(t, e.Statuses[-1])
	require.EqualValues(t, 200, total(e.Statuses))
	require.EqualValues(t, 200, total(e.Failures))
	require.Len(t, crest.StatsOf(c).Errors, 32)
	require.NotContains(t, fmt.Sprint(e.Failures), "\n")

	for i := range 1100 {
		_, _ = crest.Get[crest.Empty, crest.Empty](fmt.Sprintf("/made/%d", i)).Call(t.Context(), c, crest.Empty{})
	}
	endpoints := crest.StatsOf(c).Endpoints
	require.Len(t, endpoints, 1001)
	var calls int64
	for _, e := range endpoints {
		calls += e.Calls
	}
	require.EqualValues(t, 1300, calls)
}

func total[K comparable](counts map[K]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Calls of the last minute stand in the second in which they ended.
func TestStatsSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := counted(t, answers("200 "+thingJSON))
		for range 3 {
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		want := make([]int64, 60)
		want[57], want[58], want[59] = 1, 1, 1
		require.Equal(t, want, only(t, c).Seconds)
		time.Sleep(10 * time.Second)
		require.Equal(t, append(want[10:], make([]int64, 10)...), only(t, c).Seconds)
		time.Sleep(time.Hour)
		require.Equal(t, make([]int64, 60), only(t, c).Seconds)
	})
}

// brokenModel is an error model whose text cannot be had.
type brokenModel struct{}

func (*brokenModel) Error() string { panic("SECRET of a model") }

// To keep the text of an error must not end the call.
func TestStatsOfErrorThatPanics(t *testing.T) {
	c, err := crest.New[*brokenModel]("https://api.example.com", once, crest.WithStats(), crest.WithTransport(answers(`404 {}`)))
	require.NoError(t, err)
	defer c.Close()
	require.NotPanics(t, func() { _, err = getThing.Call(t.Context(), c, crest.Empty{}) })
	require.ErrorIs(t, err, crest.ErrStatus)
	e := only(t, c)
	require.EqualValues(t, 1, e.Failed)
	require.Equal(t, "crest: GET /thing: 404 Not Found: the Error method of *crest_test.brokenModel panicked", crest.StatsOf(c).Errors[0].Text)
}

// Many at once, with readers beside them.
func TestStatsConcurrent(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithStats(), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		return response(req, 200, thingJSON, "Content-Type", "application/json"), nil
	})), crest.WithRateLimit(1000, time.Millisecond))
	open := crest.Get[crest.Empty, io.ReadCloser]("/open")
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 50 {
				_, _ = getThing.Call(t.Context(), c, crest.Empty{})
				if b, err := open.Call(t.Context(), c, crest.Empty{}); err == nil {
					_ = b.Close()
				}
				_ = crest.StatsOf(c)
			}
		})
	}
	calls.Wait()
	s := crest.StatsOf(c)
	require.Len(t, s.Endpoints, 2)
	for _, e := range s.Endpoints {
		require.EqualValues(t, 400, e.Calls)
		require.EqualValues(t, 400, e.Latency.Calls)
		require.Zero(t, e.UnderWay)
		require.Zero(t, e.Open)
	}
}

// The figures as JSON have the names that docs/observing.md tells.
func TestStatsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := counted(t, answers("200 "+thingJSON, `404 {"message":"none"}`))
		for range 2 {
			_, _ = getThing.Call(t.Context(), c, crest.Empty{})
		}
		text, err := json.Marshal(crest.StatsOf(c))
		require.NoError(t, err)
		var back crest.Stats
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, crest.StatsOf(c).Endpoints, back.Endpoints)
		require.Contains(t, string(text), `"statuses":{"200":1,"404":1},"failures":{"status":1}`)
		require.Contains(t, string(text), `"latency":{"calls":2,"sum":2000000000,"max":1000000000,"buckets":[{"from":819200000,"to":1158520832,"calls":2}]}`)
	})
}

// Counting takes no memory, and not counting none either: TestLogWithoutTakersIsCheap has the same for logs.
func TestStatsAllocateNothing(t *testing.T) {
	count := func(opts ...crest.ClientOption) float64 {
		c := newClient(t, "https://api.example.com", append(opts, crest.WithTransport(answers("200 "+thingJSON)))...)
		return testing.AllocsPerRun(500, func() { _, _ = getThing.Call(t.Context(), c, crest.Empty{}) })
	}
	if raceEnabled {
		t.Log("the race detector empties pools as it likes: the numbers are not those of the calls")
		return
	}
	limit := crest.WithRateLimit(1000, time.Nanosecond)
	require.Equal(t, count(), count(crest.WithStats()))
	require.Equal(t, count(limit), count(limit, crest.WithStats()))
}
