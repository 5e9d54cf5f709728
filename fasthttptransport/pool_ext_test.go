package fasthttptransport_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/fasthttptransport"
)

// TestConnectionsAreKept counts connections: one serves all calls whose answers were read, whatever they were.
func TestConnectionsAreKept(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		method  string
		body    func() io.Reader
		read    bool
		want    int
	}{
		"read":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, "GET", nil, true, 1},
		"empty":    {func(http.ResponseWriter, *http.Request) {}, "GET", nil, false, 1},
		"204":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "DELETE", nil, false, 1},
		"HEAD":     {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9") }, "HEAD", nil, false, 1},
		"chunked":  {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); _, _ = io.WriteString(w, "ok") }, "GET", nil, true, 1},
		"uploaded": {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, "POST", func() io.Reader { return onlyReader(long) }, true, 1},
		"error":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) }, "GET", nil, true, 1},
		"unread":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }, "GET", nil, false, 5},
		"closed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, "ok")
		}, "GET", nil, true, 5},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(t *testing.T, rt transport) {
				server := serve(t, tt.handler)
				for range 5 {
					var body io.Reader
					if tt.body != nil {
						body = tt.body()
					}
					resp, err := rt.RoundTrip(newRequest(t, tt.method, server.URL, body))
					require.NoError(t, err)
					if tt.read {
						_, err = io.ReadAll(resp.Body)
						require.NoError(t, err)
					}
					require.NoError(t, resp.Body.Close())
					_, err = resp.Body.Read(make([]byte, 1))
					require.Error(t, err)
				}
				require.Equal(t, tt.want, server.connections())
			})
		})
	}
}

// bubble is a network in memory whose connections are counted.
type bubble struct {
	serve func(number int, conn net.Conn, in *bufio.Reader)
	mu    sync.Mutex
	conns int
}

func (b *bubble) dial(context.Context, string, string) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns++
	number := b.conns
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		b.serve(number, far, bufio.NewReader(far))
	}()
	return near, nil
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// polite answers every request.
func polite(conn net.Conn, in *bufio.Reader) {
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(conn, okAnswer)
	}
}

// TestStaleConnections sends a request that must not be repeated, after the server has done something to the idle connection. It goes
// over a new one.
func TestStaleConnections(t *testing.T) {
	for name, after := range map[string]func(conn net.Conn){
		"closed": func(net.Conn) {},
		"spoken to": func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
		},
		"poisoned": func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			wait(conn)
		},
		"poisoned, bit": func(conn net.Conn) { _, _ = io.WriteString(conn, "H"); wait(conn) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bubble{serve: func(number int, conn net.Conn, in *bufio.Reader) {
					if number > 1 {
						polite(conn, in)
						return
					}
					_, _ = http.ReadRequest(in)
					_, _ = io.WriteString(conn, okAnswer)
					after(conn)
				}}
				rt := &fasthttptransport.Transport{DialContext: b.dial}
				defer rt.CloseIdleConnections()
				c := client(t, "http://api.example.com", rt)
				for range 2 {
					got, err := crest.Post[crest.Empty, []byte]("/x").Call(t.Context(), c, crest.Empty{})
					require.NoError(t, err)
					require.Equal(t, "ok", string(got))
					synctest.Wait()
				}
				require.Equal(t, 2, b.conns)
			})
		})
	}
}

// TestMoreThanTheAnswer does not keep a connection on which more came than the answer, together with it.
func TestMoreThanTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{serve: func(_ int, conn net.Conn, in *bufio.Reader) {
			_, _ = http.ReadRequest(in)
			_, _ = io.WriteString(conn, okAnswer+"HTTP/1.1 200 OK\r\n")
			if _, err := http.ReadRequest(in); err == nil {
				_, _ = io.WriteString(conn, "Content-Length: 4\r\n\r\nevil")
			}
		}}
		rt := &fasthttptransport.Transport{DialContext: b.dial}
		defer rt.CloseIdleConnections()
		for range 2 {
			got, err := get.Call(t.Context(), client(t, "http://api.example.com", rt), crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, "ok", string(got))
		}
	})
}

// TestDeadAmongLiving takes a living connection when the one that was used last has died.
func TestDeadAmongLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		die := make(chan struct{})
		b := &bubble{serve: func(number int, conn net.Conn, in *bufio.Reader) {
			if number == 2 {
				go func() { <-die; conn.Close() }()
			}
			polite(conn, in)
		}}
		rt := &fasthttptransport.Transport{DialContext: b.dial}
		defer rt.CloseIdleConnections()
		ask := func() *http.Response {
			resp, err := rt.RoundTrip(newRequest(t, "POST", "http://api.example.com", nil))
			require.NoError(t, err)
			return resp
		}
		for _, resp := range []*http.Response{ask(), ask()} {
			_, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
		}
		close(die)
		synctest.Wait()
		require.NoError(t, ask().Body.Close())
		require.Equal(t, 2, b.conns)
	})
}

// TestNoHiddenReplay sees one request for one call, whatever its method, when a kept connection is lost under it.
func TestNoHiddenReplay(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "POST"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got atomic.Int32
				b := &bubble{serve: func(_ int, conn net.Conn, in *bufio.Reader) {
					for {
						if _, err := http.ReadRequest(in); err != nil {
							return
						}
						if got.Add(1) == 2 {
							return // without an answer
						}
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
				}}
				rt := &fasthttptransport.Transport{DialContext: b.dial}
				defer rt.CloseIdleConnections()
				resp, err := rt.RoundTrip(newRequest(t, method, "http://api.example.com/", nil))
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				_, err = rt.RoundTrip(newRequest(t, method, "http://api.example.com/", nil))
				require.ErrorIs(t, err, io.EOF)
				require.EqualValues(t, 2, got.Load())
				require.Equal(t, 1, b.conns)
			})
		})
	}
}

// TestIdleConnectionsEnd closes what is idle for too long, and forgets hosts that nothing is kept for.
func TestIdleConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int32
		b := &bubble{serve: func(_ int, conn net.Conn, in *bufio.Reader) {
			open.Add(1)
			defer open.Add(-1)
			polite(conn, in)
		}}
		rt := &fasthttptransport.Transport{DialContext: b.dial, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2}
		ask := func(host string, n int) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					resp, err := rt.RoundTrip(newRequest(t, "GET", "http://"+host, nil))
					if err == nil {
						synctest.Wait() // so that all are under way at once
						_, err = io.Copy(io.Discard, resp.Body)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		ask("a.example.com", 1)
		ask("b.example.com", 1)
		synctest.Wait()
		require.EqualValues(t, 2, open.Load())
		require.Equal(t, 2, rt.Hosts())
		time.Sleep(59 * time.Second)
		ask("b.example.com", 1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, open.Load())
		require.Equal(t, 1, rt.Hosts())
		require.Equal(t, 2, b.conns)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, open.Load())
		require.Zero(t, rt.Hosts())
	})
}

// TestIdleConnectionsAreBounded keeps as many as it may.
func TestIdleConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int32
		b := &bubble{serve: func(_ int, conn net.Conn, in *bufio.Reader) {
			open.Add(1)
			defer open.Add(-1)
			polite(conn, in)
		}}
		rt := &fasthttptransport.Transport{DialContext: b.dial, MaxIdleConnsPerHost: 2}
		var bodies []io.ReadCloser
		for range 5 {
			resp, err := rt.RoundTrip(newRequest(t, "GET", "http://a.example.com", nil))
			require.NoError(t, err)
			bodies = append(bodies, resp.Body)
		}
		require.EqualValues(t, 5, open.Load())
		for _, body := range bodies {
			_, err := io.ReadAll(body)
			require.NoError(t, err)
		}
		synctest.Wait()
		require.EqualValues(t, 2, open.Load())
		rt.CloseIdleConnections()
		synctest.Wait()
		require.Zero(t, open.Load())
		require.Zero(t, rt.Hosts())
	})
}

// TestHooks calls those of httptrace in net/http's order, so that a limiter stamps its slot when the request is written.
func TestHooks(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	for name, body := range map[string]string{"without a body": "", "with a body": "hello"} {
		t.Run(name, func(t *testing.T) {
			got := map[string][]string{}
			onBoth(t, nil, func(t *testing.T, rt transport) {
				for range 2 {
					var reader io.Reader
					if body != "" {
						reader = onlyReader(body)
					}
					said := make(chan string, 32)
					req := newRequest(t, "POST", server.URL, reader)
					req = req.WithContext(httptrace.WithClientTrace(req.Context(), hooks(said)))
					resp, err := rt.RoundTrip(req)
					require.NoError(t, err)
					_, err = io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					for done := false; !done; {
						var line string
						select {
						case line = <-said:
						case <-time.After(5 * time.Second):
							t.Fatal("no connection was kept")
						}
						got[fmt.Sprintf("%T", rt)] = append(got[fmt.Sprintf("%T", rt)], line)
						done = line == "PutIdleConn <nil>"
					}
				}
			})
			require.Equal(t, got["*http.Transport"], got["*fasthttptransport.Transport"])
		})
	}
}

func hooks(said chan<- string) *httptrace.ClientTrace {
	say := func(format string, a ...any) { said <- fmt.Sprintf(format, a...) }
	return &httptrace.ClientTrace{
		GetConn:      func(hostPort string) { say("GetConn %s", hostPort) },
		ConnectStart: func(network, addr string) { say("ConnectStart %s %s", network, addr) },
		ConnectDone:  func(network, addr string, err error) { say("ConnectDone %s %s %v", network, addr, err) },
		GotConn:      func(info httptrace.GotConnInfo) { say("GotConn %v %v %v", info.Conn != nil, info.Reused, info.WasIdle) },
		WroteHeaders: func() { say("WroteHeaders") },
		WroteRequest: func(info httptrace.WroteRequestInfo) { say("WroteRequest %v", info.Err) },
		PutIdleConn:  func(err error) { say("PutIdleConn %v", err) },
	}
}

// TestStamps holds a server's window with a slow dial: two requests that are granted together must not be written together with
// the two of the next window. Slots of a transport that calls hooks are stamped at the write.
func TestStamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var arrivals []time.Time
		b := &bubble{serve: func(number int, conn net.Conn, in *bufio.Reader) {
			for {
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				mu.Lock()
				arrivals = append(arrivals, time.Now())
				mu.Unlock()
				time.Sleep(400 * time.Millisecond) // a slow answer: a stamp at RoundTrip's return would add it to the pace
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}}
		slow := func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(700 * time.Millisecond)
			return b.dial(ctx, network, address)
		}
		rt := &fasthttptransport.Transport{DialContext: slow}
		defer rt.CloseIdleConnections()
		c := client(t, "http://api.example.com", rt, crest.WithRateLimit(1, time.Second))
		for range 3 {
			_, err := get.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		for i := 1; i < len(arrivals); i++ {
			require.Equal(t, time.Second, arrivals[i].Sub(arrivals[i-1]).Round(time.Millisecond))
		}
	})
}

// TestManyAtOnce mixes calls that end well with calls that are cancelled anywhere: every answer is the call's own, every connection that is kept
// is fit for the next one.
func TestManyAtOnce(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Path, body)
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, strings.Repeat("x", 10<<10))
	})
	onBoth(t, nil, func(t *testing.T, rt transport) {
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for i := range 50 {
					if err := oneOfMany(t.Context(), rt, server.URL, fmt.Sprintf("/%d/%d", worker, i), i); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

func oneOfMany(ctx context.Context, rt transport, base, path string, i int) error {
	if i%3 == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(i*20)*time.Microsecond)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, "POST", base+path, onlyReader("for "+path))
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err == nil {
		defer resp.Body.Close()
		var body []byte
		if body, err = io.ReadAll(resp.Body); err == nil {
			if want := path + " for " + path + "xxx"; !strings.HasPrefix(string(body), want) {
				return fmt.Errorf("%s got the answer %.40q", path, body)
			}
			return nil
		}
	}
	if i%3 == 0 && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// TestCloseWhileReading ends a Read that waits.
func TestCloseWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{serve: func(_ int, conn net.Conn, in *bufio.Reader) {
			_, _ = http.ReadRequest(in)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
			wait(conn)
		}}
		rt := &fasthttptransport.Transport{DialContext: b.dial}
		resp, err := rt.RoundTrip(newRequest(t, "GET", "http://api.example.com", nil))
		require.NoError(t, err)
		failed := make(chan error)
		go func() {
			_, err := resp.Body.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		require.NoError(t, resp.Body.Close())
		require.Error(t, <-failed)
		require.NoError(t, resp.Body.Close())
		require.Zero(t, rt.Hosts())
	})
}

// FuzzAnswer feeds bytes of a server: no panic, no hang, no connection left behind.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		okAnswer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n", "HTTP/1.1 103 x\r\n\r\n" + okAnswer,
		"HTTP/1.1 101 x\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nto the end", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		b := &bubble{serve: func(_ int, conn net.Conn, in *bufio.Reader) {
			_, _ = http.ReadRequest(in)
			_, _ = conn.Write(wire)
		}}
		rt := &fasthttptransport.Transport{DialContext: b.dial}
		resp, err := rt.RoundTrip(newRequest(t, "GET", "http://api.example.com", nil))
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		rt.CloseIdleConnections()
	})
}
