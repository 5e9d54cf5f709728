package crest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// An attempt's time begins with its slot: waiting for one does not eat it.
func TestTimeoutAttemptStartsAtTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := inMemory(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second) // virtual
			return response(req, 204, ""), req.Context().Err()
		})
		c := newClient(t, "https://api.example.com", crest.WithTransport(tr), crest.WithRateLimit(1, time.Minute), crest.WithTimeouts(crest.Timeouts{Attempt: 2 * time.Second}))
		start := time.Now()
		for range 3 {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		require.Equal(t, 2*(time.Minute+1)+3*time.Second, time.Since(start), "a transport without hooks is stamped when it returns")
	})
}

// Nor does waiting for the slot of a second request of the same attempt.
func TestTimeoutAttemptStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := inMemory(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second) // virtual
			return response(req, 204, ""), req.Context().Err()
		})
		twice := func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				if _, err := next.RoundTrip(req.Clone(req.Context())); err != nil {
					return nil, err
				}
				return next.RoundTrip(req)
			})
		}
		for attempt, want := range map[time.Duration]error{2*time.Second + 1: nil, 2*time.Second - 1: crest.KindTimeoutAttempt} {
			c := newClient(t, "https://api.example.com", crest.WithTransport(tr), crest.WithMiddleware(twice),
				crest.WithRateLimit(1, time.Minute), crest.WithTimeouts(crest.Timeouts{Attempt: attempt}))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, want, "%v", attempt)
		}
	})
}

// An attempt that takes too long is followed by another one where that is safe; each has the whole time.
func TestTimeoutAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTransport(waits{func() {}}), crest.WithTimeouts(crest.Timeouts{Attempt: 2 * time.Second}),
			crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return 5 * time.Second }}))
		start := time.Now()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		failed := fails(t, err, crest.ErrTransport, crest.KindTimeoutAttempt, crest.SentMaybe)
		require.ErrorIs(t, err, crest.KindTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, context.Canceled)
		require.True(t, failed.Timeout())
		require.Len(t, failed.Attempts, 3)
		require.Equal(t, 3*2*time.Second+2*5*time.Second, time.Since(start))
		require.ErrorContains(t, err, "the attempt took longer than its timeout of 2s")

		start = time.Now()
		_, err = crest.Post[crest.Empty, crest.Empty]("/x").Call(t.Context(), c, crest.Empty{})
		failed = fails(t, err, crest.ErrTransport, crest.KindTimeoutAttempt, crest.SentMaybe)
		require.Len(t, failed.Attempts, 1, "the server may have done it")
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}

// The attempt's time covers a typed body, and ends at the header of one that the caller reads.
func TestTimeoutAttemptAndBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(waits{func() {}}.bodies)),
			crest.WithTimeouts(crest.Timeouts{Attempt: 2 * time.Second, Idle: time.Hour, Total: 3 * time.Hour}))
		start := time.Now()
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindTimeoutAttempt, crest.SentYes)
		require.Equal(t, 2*time.Second, time.Since(start))

		start = time.Now()
		body, err := download.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		defer body.Close()
		_, err = io.ReadAll(body)
		fails(t, err, crest.ErrTransport, crest.KindTimeoutIdle, crest.SentYes)
		require.Equal(t, time.Hour, time.Since(start))
	})
}

// silent answers no request, and says when it has read one.
func silent(read func()) func(net.Conn, *bufio.Reader) {
	return func(_ net.Conn, in *bufio.Reader) {
		if readRequest(in) != nil {
			read()
		}
		_, _ = io.Copy(io.Discard, in)
	}
}

// Row 20: the wait for the header begins when the request is written, however long that took.
func TestTimeoutHeader(t *testing.T) {
	type upload struct{ Body io.Reader }
	slow := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			for range 10 {
				time.Sleep(time.Minute) // virtual
				_, _ = w.Write([]byte("x"))
			}
			_ = w.Close()
		}()
		return r
	}
	for name, tt := range map[string]struct {
		set, call crest.Timeouts
		want      time.Duration
	}{
		"default":            {want: time.Minute},
		"shorter":            {set: crest.Timeouts{Header: time.Second}, want: time.Second},
		"longer":             {set: crest.Timeouts{Header: time.Hour}, want: time.Hour},
		"the call's longer":  {set: crest.Timeouts{Header: time.Second}, call: crest.Timeouts{Header: time.Hour}, want: time.Hour},
		"none, then Attempt": {set: crest.Timeouts{Header: crest.NoTimeout, Attempt: 2 * time.Hour}, want: 2*time.Hour - 10*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				written := make(chan time.Time, 1)
				net := &pipes{serve: silent(func() { written <- time.Now() })}
				c, end := net.client(t, crest.WithTimeouts(tt.set), once, crest.WithTimeout(crest.NoTimeout))
				defer end()
				_, err := crest.Put[upload, crest.Empty]("/x").Call(t.Context(), c, upload{slow()}, crest.WithTimeouts(tt.call))
				kind := crest.KindTimeoutHeader
				if tt.set.Attempt != 0 {
					kind = crest.KindTimeoutAttempt
				}
				fails(t, err, crest.ErrTransport, kind, crest.SentMaybe)
				require.ErrorIs(t, err, crest.KindTimeout)
				require.Equal(t, tt.want, time.Since(<-written))
			})
		})
	}
}

// Requests of other libraries have the wait for the header as well, and nothing that ends their bodies.
func TestTimeoutHeaderOfForeignRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &pipes{serve: silent(func() {})}
		c, end := net.client(t, crest.WithTimeouts(crest.Timeouts{Header: time.Second}))
		defer end()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.example.com/x", nil)
		require.NoError(t, err)
		start := time.Now()
		_, err = crest.RoundTripper(c).RoundTrip(req)
		fails(t, err, crest.ErrTransport, crest.KindTimeoutHeader, crest.SentMaybe)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// S1.23: the silence inside a body is bounded at each level, and NoTimeout endures it.
func TestTimeoutIdleLevels(t *testing.T) {
	for name, tt := range map[string]struct {
		client, endpoint, call time.Duration
		want                   time.Duration // 0: the body arrives
	}{
		"client":                  {client: 15 * time.Second, want: 15 * time.Second},
		"endpoint over client":    {client: 15 * time.Second, endpoint: 10 * time.Second, want: 10 * time.Second},
		"call over both":          {client: 15 * time.Second, endpoint: 10 * time.Second, call: 5 * time.Second, want: 5 * time.Second},
		"none at the call":        {client: 15 * time.Second, call: crest.NoTimeout},
		"longer than the silence": {client: 15 * time.Second, endpoint: 21 * time.Second},
		"the default is longer":   {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := &pipes{serve: func(conn net.Conn, in *bufio.Reader) {
					for readRequest(in) != nil {
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"+thingJSON[:5])
						time.Sleep(20 * time.Second) // virtual
						_, _ = io.WriteString(conn, thingJSON[5:])
					}
				}}
				c, end := net.client(t, crest.WithTimeouts(crest.Timeouts{Idle: tt.client}), once)
				defer end()
				endpoint := crest.Get[crest.Empty, thing]("/thing", crest.WithTimeouts(crest.Timeouts{Idle: tt.endpoint}))
				start := time.Now()
				got, err := endpoint.Call(t.Context(), c, crest.Empty{}, crest.WithTimeouts(crest.Timeouts{Idle: tt.call}))
				if tt.want == 0 {
					require.NoError(t, err)
					require.Equal(t, "Rex", got.Name)
					return
				}
				fails(t, err, crest.ErrTransport, crest.KindTimeoutIdle, crest.SentYes)
				require.Equal(t, tt.want, time.Since(start))
			})
		})
	}
}

// blackHole is an address where connecting hangs: its queue of connections is full and nobody takes one out.
func blackHole(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a full backlog drops connections on linux alone")
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	bound, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: bound.(*syscall.SockaddrInet4).Port}
	for range 8 {
		conn, err := net.DialTimeout("tcp", address.String(), 100*time.Millisecond)
		if err != nil {
			return address.String()
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the backlog never filled")
	return ""
}

// Row 3 with crest's own transport: a connect timeout is a connect failure and a timeout, and nothing was sent.
func TestTimeoutConnect(t *testing.T) {
	c := newClient(t, "http://"+blackHole(t), crest.WithTimeouts(crest.Timeouts{Connect: 50 * time.Millisecond}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindTimeoutConnect, crest.SentNo)
	require.ErrorIs(t, err, crest.KindConnect)
	require.ErrorIs(t, err, crest.KindTimeout)
	require.NotErrorIs(t, err, crest.KindTLS)
}

// A handshake that nobody answers.
func TestTimeoutTLS(t *testing.T) {
	base := listen(t, func(_ net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) })
	c := newClient(t, strings.Replace(base, "http:", "https:", 1), crest.WithTimeouts(crest.Timeouts{TLS: 50 * time.Millisecond}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindTimeoutTLS, crest.SentNo)
	require.ErrorIs(t, err, crest.KindTLS)
	require.ErrorIs(t, err, crest.KindTimeout)
	require.NotErrorIs(t, err, crest.KindConnect)
}

// S3.36: a mistake names the field.
func TestTimeoutMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		t    crest.Timeouts
		want []string
	}{
		"negative":      {crest.Timeouts{Connect: -5}, []string{"WithTimeouts: Connect is -5ns, and negative"}},
		"all of them":   {crest.Timeouts{Total: -2, Idle: -3}, []string{"Total is -2ns", "Idle is -3ns"}},
		"not the last":  {crest.Timeouts{Header: -2, TLS: time.Second}, []string{"Header is -2ns"}},
		"just negative": {crest.Timeouts{Attempt: -time.Hour}, []string{"Attempt is -1h0m0s", "NoTimeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://api.example.com", crest.WithTimeouts(tt.t))
			for _, text := range tt.want {
				require.ErrorContains(t, err, text)
			}
		})
	}
	connect := crest.WithTimeouts(crest.Timeouts{Connect: time.Second})
	require.PanicsWithValue(t, "crest: GET /x: WithTimeouts: the fields Connect and TLS belong to the connections, which all calls share: give them to crest.New",
		func() { crest.Get[crest.Empty, crest.Empty]("/x", connect) })
	c := newClient(t, "https://api.example.com")
	_, err := ping.Call(t.Context(), c, crest.Empty{}, connect)
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	_, err = crest.New[*failure]("https://api.example.com", connect, crest.WithTransport(&recorder{}))
	require.ErrorContains(t, err, "Timeouts.Connect and Timeouts.TLS beside WithTransport")
}

// A timeout of crest's own does not hide that the caller has left meanwhile.
func TestTimeoutBesideACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errWhy) })
		c := newClient(t, "https://api.example.com", crest.WithTransport(waits{func() {}}), crest.WithTimeouts(crest.Timeouts{Attempt: 2 * time.Second}))
		_, err := ping.Call(ctx, c, crest.Empty{})
		fails(t, err, crest.ErrTransport, "", crest.SentMaybe)
		require.ErrorIs(t, err, errWhy)
		require.False(t, errors.Is(err, crest.KindTimeout))
	})
}

// A transport that goes on although Header has ended the attempt uses up its time all the same.
func TestTimeoutAttemptAfterHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTimeouts(crest.Timeouts{Header: 2 * time.Second, Attempt: 5 * time.Second}), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/thing" {
				httptrace.ContextClientTrace(req.Context()).WroteRequest(httptrace.WroteRequestInfo{})
				time.Sleep(4 * time.Second)
				return &http.Response{StatusCode: http.StatusSeeOther, Header: http.Header{"Location": {"/slow"}}}, nil
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		})))
		begun := time.Now()
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.KindTimeoutAttempt)
		require.Equal(t, 5*time.Second, time.Since(begun))
	})
}

// A timer can ring before the call that set it has gone on.
func TestTimeoutThatRingsAtOnce(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithTimeouts(crest.Timeouts{Header: time.Nanosecond}), crest.WithTransport(storedJSON(200, thingJSON)))
	for range 2000 {
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err) // the transport calls no hooks
	}
}

// detached is a context that outlives the one it was made of, as programs from before context.WithoutCancel write it: it shows a deadline that
// nobody keeps.
type detached struct{ context.Context }

func (detached) Done() <-chan struct{} { return nil }
func (detached) Err() error            { return nil }

// R48: Total holds where the caller's context has a deadline and never ends.
func TestTimeoutTotalOfADetachedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		cancel()
		c := newClient(t, "https://api.example.com", crest.WithTransport(waits{func() {}}), crest.WithTimeout(5*time.Second))
		begun := time.Now()
		_, err := ping.Call(detached{ctx}, c, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindTimeoutTotal, crest.SentMaybe)
		require.Equal(t, 5*time.Second, time.Since(begun))
	})
}
