package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/internal/pipes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory runs test in virtual time, with a network of pipes.
func inMemory(t *testing.T, test func(t *testing.T, n network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var wire *pipes.Network
		transport := &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return wire.Dial(ctx, network, address)
		}}
		listen := func(context.Context) (net.Listener, error) {
			transport.CloseIdleConnections()
			wire = pipes.New() // each part has a server of its own
			return wire, nil
		}
		test(t, network{listen, []crest.ClientOption{crest.WithTransport(transport)}})
		transport.CloseIdleConnections()
		synctest.Wait()
	})
}

// The whole demonstration, as the command plays it.
func TestRun(t *testing.T) {
	inMemory(t, func(t *testing.T, n network) {
		var out bytes.Buffer
		start := time.Now()
		err := run(t.Context(), &out, n, demonstration)
		require.NoError(t, err, out.String())
		require.NotContains(t, out.String(), "WRONG")
		require.Equal(t, 2, strings.Count(out.String(), "as claimed: "))
		require.Less(t, time.Since(start), 15*time.Second, "nobody wants to wait longer")
	})
}

// The same on a socket, in real time. The margin is more than any machine holds a request up on its way.
func TestPlayOnASocket(t *testing.T) {
	s := setting{limit: 20, per: 200 * time.Millisecond, calls: 40, goroutines: 8, margin: 2 * time.Second}
	var out bytes.Buffer
	r, err := play(t.Context(), &out, loopback(), s, crest.WithRateLimit(s.limit, s.per, crest.Margin(s.margin)))
	require.NoError(t, err)
	require.Empty(t, r.refusesNothing(s), out.String())
}

// plain hides all of a limiter but Wait, so that it hears nothing of answers.
type plain struct{ crest.Limiter }

// A demonstration that could not fail would show nothing: each of these clients breaks a claim.
func TestVerdictsOnBrokenClients(t *testing.T) {
	s := demonstration
	once := crest.WithRetry(crest.Retry{Max: -1})
	for name, tt := range map[string]struct {
		opts  func() []crest.ClientOption
		claim func(*result, setting) []string
		says  string
	}{
		"no limiter": {
			func() []crest.ClientOption { return nil },
			(*result).refusesNothing, "the server refused",
		},
		"one request too many in a window": {
			func() []crest.ClientOption {
				return []crest.ClientOption{crest.WithRateLimit(s.limit+1, s.per, crest.Margin(s.margin))}
			},
			(*result).refusesNothing, "the server refused",
		},
		"a window too short": {
			func() []crest.ClientOption { return []crest.ClientOption{crest.WithRateLimit(s.limit, s.per*9/10)} },
			(*result).refusesNothing, "the server refused",
		},
		"one that does not learn": {
			func() []crest.ClientOption {
				return []crest.ClientOption{crest.WithLimiter(plain{crest.NewLimiter(2*s.limit, s.per)})}
			},
			(*result).settles, "were refused after the client had been told",
		},
		"one that does not try again": {
			func() []crest.ClientOption { return []crest.ClientOption{crest.WithRateLimit(2*s.limit, s.per), once} },
			(*result).settles, "calls failed, the first with: crest: GET /ping: 429 Too Many Requests",
		},
		"one that has nothing to learn": {
			func() []crest.ClientOption {
				return []crest.ClientOption{crest.WithRateLimit(s.limit, s.per, crest.Margin(s.margin))}
			},
			(*result).settles, "the server refused nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, n network) {
				var out bytes.Buffer
				r, err := play(t.Context(), &out, n, s, tt.opts()...)
				require.NoError(t, err)
				require.False(t, judge(&out, "all is well", tt.claim(r, s)))
				require.Contains(t, out.String(), tt.says)
			})
		})
	}
}

// What the verdicts say of results that no client here brings about.
func TestVerdicts(t *testing.T) {
	s := setting{limit: 2, per: time.Second, calls: 3, goroutines: 2}
	start := time.Now()
	served := sighting{at: start}
	refused := func(after time.Duration) sighting { return sighting{start.Add(after), true} }
	for name, tt := range map[string]struct {
		seen     []sighting
		failures []error
		claim    func(*result, setting) []string
		wrong    []string
	}{
		"as claimed":        {[]sighting{served, served, served}, nil, (*result).refusesNothing, nil},
		"a call not served": {[]sighting{served, served}, nil, (*result).refusesNothing, []string{"the server served 2 requests of 3 calls"}},
		"a call served twice": {
			[]sighting{served, served, served, served}, nil, (*result).refusesNothing, []string{"the server served 4 requests of 3 calls"},
		},
		"a call that failed": {
			[]sighting{served, served}, []error{errors.New("broken")}, (*result).refusesNothing, []string{"1 calls failed, the first with: broken"},
		},
		"settled": {[]sighting{served, served, refused(0), refused(time.Second), served}, nil, (*result).settles, nil},
		"refused too often": {
			[]sighting{served, served, refused(0), refused(0), refused(0), served}, nil, (*result).settles,
			[]string{"the server refused 3 requests, more than were on their way at once"},
		},
		"refused too late": {
			[]sighting{served, served, refused(0), refused(time.Second + 1), served}, nil, (*result).settles,
			[]string{"1 requests were refused after the client had been told"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &result{seen: tt.seen, failures: tt.failures}
			require.Equal(t, tt.wrong, tt.claim(r, s))
		})
	}
}

// The server is the judge, so it is held to its own rule: never more than limit in a closed window.
func TestAPICountsExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{limit: 2, per: time.Second}
		for _, step := range []struct {
			pause time.Duration
			ok    bool
			wait  time.Duration
		}{
			{0, true, 0},
			{400 * time.Millisecond, true, 0},
			{400 * time.Millisecond, false, 200 * time.Millisecond},
			{200 * time.Millisecond, false, 0}, // the window is closed: its end belongs to it
			{1, true, 0},
			{0, false, 400*time.Millisecond - 1},
			{time.Second, true, 0},
		} {
			time.Sleep(step.pause)
			wait, ok := a.admit()
			require.Equal(t, step.ok, ok)
			require.Equal(t, step.wait, wait)
		}
		require.Len(t, a.since(0), 7)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.Error(t, run(ctx, &out, loopback(), demonstration))
	require.NotContains(t, out.String(), "as claimed")
}
