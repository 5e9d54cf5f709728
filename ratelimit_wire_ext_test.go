package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

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

// stale serves connections whose second request is read and never answered, as by a server that closes idle connections.
func (a *arrivals) stale(conn net.Conn, in *bufio.Reader) {
	for i := range 2 {
		if _, err := in.Peek(1); err != nil {
			return
		}
		a.note()
		if readRequest(in) == nil {
			return
		}
		if i == 0 {
			_, _ = io.WriteString(conn, noContent)
		}
	}
}

// SECURITY 4.3, test 4: what net/http sends again by itself on a stale connection waits for its own slot.
func TestPromise3Replays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale}
		c, end := net.client(t, crest.WithRateLimit(5, time.Second))
		defer end()
		flood(t, c, 8, 20)
		require.Greater(t, seen.count(), 200, "net/http replayed nothing: the test shows nothing")
		require.LessOrEqual(t, seen.busiest(time.Second), 5)
	})
}

// A middleware that sends twice at once, as hedging does, over stale connections.
func TestPromise3MiddlewareThatSendsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale, dial: 300 * time.Millisecond}
		hedge := func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					if resp, err := next.RoundTrip(req.Clone(req.Context())); err == nil {
						_ = resp.Body.Close()
					}
				}()
				resp, err := next.RoundTrip(req)
				<-done
				return resp, err
			})
		}
		c, end := net.client(t, crest.WithRateLimit(5, time.Second), crest.WithMiddleware(hedge))
		defer end()
		flood(t, c, 8, 10)
		require.Greater(t, seen.count(), 160)
		require.LessOrEqual(t, seen.busiest(time.Second), 5)
	})
}

// A replay whose slot is refused does not reach the wire, on no connection, and the error does not claim that nothing was sent.
func TestPromise3RefusedReplay(t *testing.T) {
	const idle = 3
	for range 10 {
		seen, connections := &arrivals{}, &arrivals{}
		var primed sync.WaitGroup
		primed.Add(idle)
		base := listen(t, func(conn net.Conn, in *bufio.Reader) {
			connections.note()
			if readRequest(in) == nil {
				return
			}
			seen.note()
			primed.Done()
			primed.Wait() // so that each call has a connection of its own
			_, _ = io.WriteString(conn, noContent)
			if _, err := in.Peek(1); err == nil {
				seen.note()
			}
		})
		limiter := &ledger{refuse: idle + 2}
		transport := &http.Transport{MaxIdleConnsPerHost: idle, DialContext: hesitating}
		c := newClient(t, base, crest.WithLimiter(limiter), crest.WithTransport(transport))
		var running sync.WaitGroup
		for range idle {
			running.Go(func() {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			})
		}
		running.Wait()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		failed := fails(t, err, crest.ErrLimited, "", crest.SentMaybe)
		require.ErrorIs(t, err, errNoMore)
		require.ErrorContains(t, err, "limited: no more slots (the request may have been received)")
		require.Len(t, failed.Attempts, 1)
		transport.CloseIdleConnections()
		require.Equal(t, idle+1, limiter.sent)
		require.Zero(t, limiter.back)
		require.Equal(t, idle, connections.count(), "it was tried on further connections")
		require.Equal(t, idle+1, seen.count(), "the replay was sent without a slot")
	}
}

// hesitating dials connections that let others run before they close, as TLS does: what is being written meanwhile gets out.
func hesitating(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return hesitant{conn}, err
}

type hesitant struct{ net.Conn }

func (h hesitant) Close() error {
	for range 1000 {
		runtime.Gosched()
	}
	return h.Conn.Close()
}

// The replay's wait ends with the call's context.
func TestPromise8CancelledReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale}
		c, end := net.client(t, crest.WithRateLimit(2, time.Hour))
		defer end()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		_, err = ping.Call(ctx, c, crest.Empty{})
		fails(t, err, crest.ErrLimited, "", crest.SentMaybe)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Minute, time.Since(start))
		require.Equal(t, 2, seen.count())
	})
}

// refusingStreams is an HTTP/2 server that refuses the first streams of each connection and answers the others. Whatever the method,
// net/http sends a refused one again.
func refusingStreams(t *testing.T, refuse int, seen *arrivals) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.EnableHTTP2 = true
	server.StartTLS()
	config := &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2"}}
	server.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { serveStreams(conn, refuse, seen) })
			// the client keeps its end open for a stream that was cancelled
			t.Cleanup(func() { _ = conn.Close() })
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(func() { _ = l.Close() })
	return "https://" + l.Addr().String()
}

func serveStreams(conn net.Conn, refuse int, seen *arrivals) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings()
	var head bytes.Buffer
	_ = hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "204"})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		headers, ok := frame.(*http2.HeadersFrame)
		if !ok {
			continue
		}
		seen.note()
		if seen.count() <= refuse {
			_ = framer.WriteRSTStream(headers.StreamID, http2.ErrCodeRefusedStream)
			continue
		}
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: headers.StreamID, BlockFragment: head.Bytes(), EndStream: true, EndHeaders: true})
	}
}

func TestPromise3ReplaysOfHTTP2(t *testing.T) {
	post := crest.Post[crest.Empty, crest.Empty]("/x")
	for name, tt := range map[string]struct {
		slots int
		step  crest.Step
	}{
		"each has its slot":     {slots: 2},
		"there is none for two": {slots: 1, step: crest.ErrLimited},
	} {
		t.Run(name, func(t *testing.T) {
			seen, limiter := &arrivals{}, &ledger{refuse: tt.slots + 1}
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
			base := refusingStreams(t, 1, seen)
			t.Cleanup(transport.CloseIdleConnections)
			c := newClient(t, base, crest.WithTransport(transport), crest.WithLimiter(limiter))
			_, err := post.Call(t.Context(), c, crest.Empty{})
			if tt.step == "" {
				require.NoError(t, err)
			} else {
				fails(t, err, tt.step, "", crest.SentMaybe)
			}
			require.Equal(t, tt.slots, seen.count())
			require.Equal(t, tt.slots, limiter.sent)
			require.Zero(t, limiter.back)
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

// SECURITY 4.3, test 3: 64 goroutines over real sockets, counted by the server. Arrival is not sending: a request that a busy machine
// holds up comes closer to a later one, so the longest delay is measured and taken off the window.
func TestPromise3RealSocket(t *testing.T) {
	const n, per, goroutines, calls = 40, 300 * time.Millisecond, 64, 3
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
	if delay >= per {
		t.Skipf("the machine is too busy: a request took %v to the server", delay)
	}
	window := per - delay
	require.LessOrEqual(t, seen.arrivals.busiest(window), n, "in %v", window)
}

// Requests of other libraries are counted as well, and their context ends with the body.
func TestLimiterForForeignRequests(t *testing.T) {
	l := &ledger{}
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
