package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// arrivals are the moments at which requests reached a server.
type arrivals struct {
	mu  sync.Mutex
	all []time.Time
}

func (a *arrivals) note() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, time.Now())
}

func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all)
}

// busiest is the most that any closed window of the length per holds.
func (a *arrivals) busiest(per time.Duration) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.all, time.Time.Compare)
	most, first := 0, 0
	for i, at := range a.all {
		for at.Sub(a.all[first]) > per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// pipes is a network in memory, for virtual time: each connection is handed to serve after the time that a dial takes.
type pipes struct {
	dial    time.Duration
	serve   func(conn net.Conn, in *bufio.Reader)
	running sync.WaitGroup
}

func (p *pipes) connect(context.Context, string, string) (net.Conn, error) {
	time.Sleep(p.dial) // virtual
	client, server := net.Pipe()
	p.running.Go(func() {
		defer server.Close()
		p.serve(server, bufio.NewReader(server))
	})
	return client, nil
}

// client makes a client over the pipes. Its idle connections and the servers are ended by the function.
func (p *pipes) client(t *testing.T, opts ...crest.ClientOption) (*crest.Client[*failure], func()) {
	transport := &http.Transport{DialContext: p.connect, MaxIdleConnsPerHost: 1000}
	c := newClient(t, "http://api.example.com", append(opts, crest.WithTransport(transport), crest.WithTimeout(crest.NoTimeout))...)
	return c, func() {
		time.Sleep(p.dial) // a dial may be under way that nobody needs any more
		synctest.Wait()
		transport.CloseIdleConnections()
		p.running.Wait()
	}
}

// counting answers each request on a connection and notes its arrival as the first byte comes.
func (a *arrivals) serve(conn net.Conn, in *bufio.Reader) {
	for {
		if _, err := in.Peek(1); err != nil {
			return
		}
		a.note()
		if readRequest(in) == nil {
			return
		}
		_, _ = io.WriteString(conn, noContent)
	}
}

// flood makes calls from many goroutines, each of which starts a little later.
func flood(t *testing.T, c crest.Caller, goroutines, calls int) {
	t.Helper()
	var running sync.WaitGroup
	for i := range goroutines {
		running.Go(func() {
			time.Sleep(time.Duration(i) * 7 * time.Millisecond)
			for range calls {
				if _, err := ping.Call(t.Context(), c, crest.Empty{}); err != nil {
					t.Errorf("a call failed: %v", err)
				}
			}
		})
	}
	running.Wait()
}

// SECURITY 4.2, rule 1: connections that open slowly do not let two windows' worth out at once.
func TestPromise3SlowDials(t *testing.T) {
	for name, opts := range map[string][]crest.LimiterOption{"burst": nil, "smooth": {crest.Smooth()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := &arrivals{}
				net := &pipes{dial: 900 * time.Millisecond, serve: seen.serve}
				c, end := net.client(t, crest.WithRateLimit(10, time.Second, opts...))
				defer end()
				start := time.Now()
				flood(t, c, 64, 3)
				require.Equal(t, 192, seen.count())
				require.LessOrEqual(t, seen.busiest(time.Second), 10)
				require.Less(t, time.Since(start), 200*time.Second, "far too slow")
			})
		})
	}
}

// journal notes when each numbered request came by.
type journal struct {
	arrivals
	at map[string]time.Time
}

func (j *journal) note(number string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.at == nil {
		j.at = map[string]time.Time{}
	}
	j.at[number] = time.Now()
	j.all = append(j.all, j.at[number])
}

// stampJournal is a limiter that notes when slots are stamped, or a little earlier.
type stampJournal struct {
	*crest.RateLimiter
	stamped journal
}

func (l *stampJournal) Slot(ctx context.Context, req *http.Request, cost int) (crest.Slot, error) {
	slot, err := l.RateLimiter.Slot(ctx, req, cost)
	return &stampSlot{slot, l, req.Header.Get("X-Number")}, err
}

type stampSlot struct {
	crest.Slot
	limiter *stampJournal
	number  string
}

func (s *stampSlot) Sent() {
	s.limiter.stamped.note(s.number)
	s.Slot.Sent()
}

// FEATURES S2.7 and S2.8: 5 a second are 5 a second, counted by the server, and 15 calls take two seconds.
func TestFeatureFivePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen arrivals
		s := startInBubble(t, func(w http.ResponseWriter, _ *http.Request) {
			seen.note()
			w.WriteHeader(http.StatusNoContent)
		})
		c := s.client(t, crest.WithRateLimit(5, time.Second))
		start := time.Now()
		var running sync.WaitGroup
		for range 15 {
			running.Go(func() {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				assert.NoError(t, err)
			})
		}
		running.Wait()
		require.Equal(t, 15, seen.count())
		require.Equal(t, 5, seen.busiest(time.Second))
		require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
		require.Less(t, time.Since(start), 2*time.Second+time.Millisecond)
	})
}

// SECURITY 4.3, test 3: 64 goroutines over real sockets, counted by the server. Arrival is not sending: a request that a busy machine
// holds up comes closer to a later one, so the longest delay is measured and taken off the window.
func TestPromise3RealSocket(t *testing.T) {
	const n, per, goroutines, calls = 40, 600 * time.Millisecond, 64, 3
	start := time.Now()
	seen, limiter := &journal{}, &stampJournal{RateLimiter: crest.NewLimiter(n, per)}
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		seen.note(req.Header.Get("X-Number"))
		w.WriteHeader(http.StatusNoContent)
	})
	c := newClient(t, base, crest.WithLimiter(limiter))
	var running sync.WaitGroup
	for i := range goroutines {
		running.Go(func() {
			for k := range calls {
				_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithHeader("X-Number", strconv.Itoa(i*calls+k)))
				if err != nil {
					t.Errorf("a call failed: %v", err)
				}
			}
		})
	}
	running.Wait()
	require.Len(t, seen.at, goroutines*calls)
	var delay time.Duration
	for number, at := range seen.at {
		delay = max(delay, at.Sub(limiter.stamped.at[number]))
	}
	window := max(per-delay, 0)
	require.Greater(t, time.Since(start), goroutines*calls/n*per, "192 requests need four whole windows, however busy the machine is")
	require.LessOrEqual(t, seen.arrivals.busiest(window), n, "in %v", window)
}

// Requests of other libraries are counted as well, and their context ends with the body.
func TestLimiterForForeignRequests(t *testing.T) {
	l := &sendLog{}
	var during context.Context
	answer := io.NopCloser(bytes.NewReader([]byte("hello")))
	tr := inMemory(func(req *http.Request) (*http.Response, error) {
		during = req.Context()
		return &http.Response{StatusCode: 200, Body: answer}, nil
	})
	rt := crest.RoundTripper(newClient(t, "http://127.0.0.1", crest.WithTransport(tr), crest.WithLimiter(l)))
	for name, use := range map[string]func(io.ReadCloser){
		"read":   func(body io.ReadCloser) { _, _ = io.Copy(io.Discard, body) },
		"closed": func(body io.ReadCloser) { _ = body.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/x", nil)
			require.NoError(t, err)
			resp, err := rt.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, during.Err())
			use(resp.Body)
			require.Error(t, during.Err(), "each request leaves something behind in the caller's context")
		})
	}
	require.Equal(t, 2, l.sent)
}

// A connection that was switched to another protocol stays one that can be written.
func TestLimiterForSwitchedProtocols(t *testing.T) {
	base := listen(t, func(conn net.Conn, in *bufio.Reader) {
		readRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := in.ReadString('\n')
		_, _ = io.WriteString(conn, line)
		_, _ = in.ReadString('\n') // until the other side is done
	})
	rt := crest.RoundTripper(newClient(t, base, crest.WithRateLimit(1, time.Hour)))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
	require.NoError(t, err)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	conn, ok := resp.Body.(io.ReadWriteCloser)
	require.True(t, ok)
	_, err = io.WriteString(conn, "hello\n")
	require.NoError(t, err)
	require.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "hello\n", string(got))
	require.NoError(t, conn.Close())
}
