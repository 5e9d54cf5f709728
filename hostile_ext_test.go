package crest_test

import (
	"bufio"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Two clients that share two limiters in different orders do not wait for each other.
func TestLimitersInDifferentOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := crest.NewLimiter(1, time.Millisecond), crest.NewLimiter(1, time.Millisecond)
		tr := crest.WithTransport(fixed(204, ""))
		one := newClient(t, "https://api.example.com", tr, crest.WithLimiter(a), crest.WithLimiter(b))
		two := newClient(t, "https://api.example.com", tr, crest.WithLimiter(b), crest.WithLimiter(a))
		var running sync.WaitGroup
		for i := range 40 {
			running.Go(func() {
				_, err := ping.Call(t.Context(), []*crest.Client[*failure]{one, two}[i%2], crest.Empty{})
				assert.NoError(t, err)
			})
		}
		running.Wait()
	})
}

// A limiter that is reached twice, once through LimitBy, counts a request once.
func TestLimiterReachedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := crest.NewLimiter(1, time.Minute)
		by := crest.LimitBy(func(*http.Request) crest.Limiter { return one })
		endpoint := crest.Get[crest.Empty, crest.Empty]("/x", crest.WithLimiter(by))
		c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(204, "")), crest.WithLimiter(one), crest.WithLimiter(by))
		_, err := endpoint.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	})
}

// A pool and a limit that are both full, over connections that die: net/http's replays get their slots.
func TestPoolAndLimitWithReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &arrivals{}
		net := &pipes{serve: seen.stale}
		c, end := net.client(t, crest.WithRateLimit(5, time.Second), crest.WithTimeout(time.Hour))
		defer end()
		flood(t, c, 8, 5)
		require.LessOrEqual(t, seen.busiest(time.Second), 5)
	})
	base := serve(t, reply(204, ""))
	c := newClient(t, base, crest.WithPool(crest.Pool{MaxConns: 1}), crest.WithRateLimit(1, time.Millisecond))
	var running sync.WaitGroup
	for range 20 {
		running.Go(func() {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			assert.NoError(t, err)
		})
	}
	running.Wait()
}

// What a server writes is never read as net/http's own words: a POST that it saw is not sent again.
func TestServersTextSaysNothingOfSent(t *testing.T) {
	for _, text := range []string{"REFUSED_STREAM\r\n\r\n", "TLS handshake timeout\r\n\r\n", "tls: x\r\n\r\n", "HTTP/1.1 200 OK\r\nREFUSED_STREAM\r\n\r\n"} {
		var posts atomic.Int32
		base := listen(t, func(conn net.Conn, in *bufio.Reader) {
			if readRequest(in) != nil {
				posts.Add(1)
				_, _ = io.WriteString(conn, text)
			}
		})
		c := newClient(t, base, crest.WithRetry(crest.Retry{Max: 3, Backoff: func(int, error) time.Duration { return 0 }}))
		_, err := crest.Post[crest.Empty, crest.Empty]("/x").Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
		require.EqualValues(t, 1, posts.Load(), "%q", text)
	}
}

// hangingSeeker can seek and gives nothing until it is let go.
type hangingSeeker struct{ let chan struct{} }

func (h hangingSeeker) Read([]byte) (int, error) { <-h.let; return 0, io.EOF }

func (h hangingSeeker) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return 10, nil
	}
	return offset, nil
}

// A seekable body whose Read hangs keeps no retry beyond the call's time.
func TestTimeoutOfABodyThatHangs(t *testing.T) {
	type upload struct{ Body io.Reader }
	base := listen(t, func(_ net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) })
	hang := hangingSeeker{make(chan struct{})}
	defer close(hang.let)
	c := newClient(t, base, crest.WithTimeouts(crest.Timeouts{Total: 300 * time.Millisecond, Attempt: 50 * time.Millisecond}),
		crest.WithRetry(crest.Retry{Max: 3, Backoff: func(int, error) time.Duration { return 0 }}))
	returned := make(chan error, 1)
	go func() {
		_, err := crest.Put[upload, crest.Empty]("/x").Call(t.Context(), c, upload{hang})
		returned <- err
	}()
	select {
	case err := <-returned:
		require.ErrorIs(t, err, crest.KindTimeout)
	case <-time.After(10 * time.Second):
		t.Fatal("the call waits for its body")
	}
}

// crashing panics where the test says.
type crashing struct {
	in string
	*crest.RateLimiter
}

func (c crashing) Slot(ctx context.Context, req *http.Request, cost int) (crest.Slot, error) {
	if c.in == "limiter" && req.Header.Get("Crash") != "" {
		panic("limiter")
	}
	return c.RateLimiter.Slot(ctx, req, cost)
}

// A panic of the caller's own functions loses neither slot nor place: the next call finds both.
func TestPanicsLoseNothing(t *testing.T) {
	crash := func(in, here string, req *http.Request) {
		if in == here && req.Header.Get("Crash") != "" {
			panic(here)
		}
	}
	for _, in := range []string{"limiter", "signer", "transport", "middleware"} {
		t.Run(in, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, "https://api.example.com",
					crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
						crash(in, "transport", req)
						return response(req, 204, ""), nil
					})),
					crest.WithAuth(crest.AuthFunc(func(req *http.Request) error { crash(in, "signer", req); return nil })),
					crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
						return inMemory(func(req *http.Request) (*http.Response, error) {
							resp, err := next.RoundTrip(req)
							crash(in, "middleware", req)
							return resp, err
						})
					}),
					crest.WithRateLimit(1, time.Second), crest.WithLimiter(crashing{in, crest.NewLimiter(1, time.Second)}), crest.WithTimeout(crest.NoTimeout))
				require.PanicsWithValue(t, in, func() { _, _ = ping.Call(t.Context(), c, crest.Empty{}, crest.WithHeader("Crash", "1")) })
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				_, err := ping.Call(ctx, c, crest.Empty{})
				require.NoError(t, err)
			})
		})
	}
}

// What a middleware sends after the answer was handed over has no hold on the body that is being read.
func TestTimersOfABodyAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late sync.WaitGroup
		mirror := func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				late.Go(func() {
					time.Sleep(time.Second) // virtual
					_, _ = next.RoundTrip(req.Clone(req.Context()))
				})
				return next.RoundTrip(req)
			})
		}
		first := true
		tr := inMemory(func(req *http.Request) (*http.Response, error) {
			if !first {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			first = false
			resp := response(req, 200, "")
			r, w := io.Pipe()
			go func() {
				time.Sleep(10 * time.Second) // virtual
				_, _ = w.Write([]byte("late"))
				_ = w.Close()
			}()
			resp.Body, resp.ContentLength = r, -1
			return resp, nil
		})
		c := newClient(t, "https://api.example.com", crest.WithTransport(tr), crest.WithMiddleware(mirror),
			crest.WithTimeouts(crest.Timeouts{Attempt: 3 * time.Second, Header: 3 * time.Second}))
		body, err := download.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		got, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, "late", string(got))
		require.NoError(t, body.Close())
		late.Wait()
	})
}

// The longest wait that can be said is not taken for a short one.
func TestRetryAfterOfAnAge(t *testing.T) {
	sent := 0
	tr := inMemory(func(req *http.Request) (*http.Response, error) {
		sent++
		return response(req, 503, "", "Retry-After", strconv.FormatInt(math.MaxInt64/int64(time.Second), 10)), nil
	})
	c := newClient(t, "https://api.example.com", crest.WithTransport(tr), crest.WithRetry(crest.Retry{Max: 3, MaxRetryAfter: math.MaxInt64}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(503))
	require.ErrorContains(t, err, "would outlast the call's time")
	require.Equal(t, 1, sent)
}
