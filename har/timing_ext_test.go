package har_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

// steps is a transport that calls hooks as it is told, each after a time of its own.
type steps []step

type step struct {
	after time.Duration
	hook  func(t *httptrace.ClientTrace)
}

func (s steps) play(req *http.Request) {
	trace := httptrace.ContextClientTrace(req.Context())
	for _, step := range s {
		time.Sleep(step.after)
		step.hook(trace)
	}
}

var (
	getConn  = func(t *httptrace.ClientTrace) { t.GetConn("a.example:443") }
	dnsStart = func(t *httptrace.ClientTrace) { t.DNSStart(httptrace.DNSStartInfo{}) }
	dnsDone  = func(t *httptrace.ClientTrace) { t.DNSDone(httptrace.DNSDoneInfo{}) }
	dial     = func(t *httptrace.ClientTrace) { t.ConnectStart("tcp", "192.0.2.7:443") }
	tlsStart = func(t *httptrace.ClientTrace) { t.TLSHandshakeStart() }
	tlsDone  = func(t *httptrace.ClientTrace) { t.TLSHandshakeDone(tls.ConnectionState{}, nil) }
	wrote    = func(t *httptrace.ClientTrace) { t.WroteRequest(httptrace.WroteRequestInfo{}) }
	gotNew   = got(false)
	gotUsed  = got(true)
	nothing  = func(*httptrace.ClientTrace) {}
)

func got(used bool) func(*httptrace.ClientTrace) {
	return func(t *httptrace.ClientTrace) {
		t.GotConn(httptrace.GotConnInfo{Conn: addressed{}, Reused: used})
	}
}

// addressed is a connection that has addresses alone.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 443}
}
func (addressed) LocalAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 5555}
}

const ms = time.Millisecond

// slow reads like a body that takes 100 ms to come.
type slow struct{ done bool }

func (s *slow) Read(p []byte) (int, error) {
	if s.done {
		return 0, io.EOF
	}
	time.Sleep(100 * ms)
	s.done = true
	return copy(p, "hello"), nil
}

// The phases are those of the try that counts, and add up to the time of the entry.
func TestTimings(t *testing.T) {
	for name, tt := range map[string]struct {
		steps steps
		slots time.Duration
		err   error
		want  [7]float64 // blocked, dns, connect, ssl, send, wait, receive
	}{
		"https": {
			steps: steps{{1 * ms, getConn}, {2 * ms, dnsStart}, {4 * ms, dnsDone}, {8 * ms, dial}, {16 * ms, tlsStart}, {32 * ms, tlsDone}, {64 * ms, gotNew}, {128 * ms, wrote}, {256 * ms, nothing}},
			want:  [7]float64{11, 4, 112, 32, 128, 256, 100},
		},
		"limited": {
			slots: 1000 * ms,
			steps: steps{{1 * ms, getConn}, {2 * ms, dial}, {4 * ms, gotNew}, {8 * ms, wrote}, {16 * ms, nothing}},
			want:  [7]float64{1003, -1, 4, -1, 8, 16, 100},
		},
		"used": {steps: steps{{1 * ms, getConn}, {2 * ms, gotUsed}, {4 * ms, wrote}, {8 * ms, nothing}}, want: [7]float64{3, -1, -1, -1, 4, 8, 100}},
		"another connection came first": {
			steps: steps{{1 * ms, getConn}, {2 * ms, dnsStart}, {4 * ms, dnsDone}, {8 * ms, dial}, {16 * ms, gotUsed}, {32 * ms, tlsStart}, {64 * ms, tlsDone}, {128 * ms, wrote}, {256 * ms, nothing}},
			want:  [7]float64{31, -1, -1, -1, 224, 256, 100},
		},
		"sent again": {
			steps: steps{{1 * ms, getConn}, {2 * ms, gotUsed}, {4 * ms, wrote}, {8 * ms, getConn}, {16 * ms, dial}, {32 * ms, gotNew}, {64 * ms, wrote}, {128 * ms, nothing}},
			want:  [7]float64{31, -1, 32, -1, 64, 128, 100},
		},
		"two addresses": {
			steps: steps{{1 * ms, getConn}, {2 * ms, dial}, {4 * ms, dial}, {8 * ms, gotNew}, {16 * ms, wrote}, {32 * ms, nothing}},
			want:  [7]float64{3, -1, 12, -1, 16, 32, 100},
		},
		"answered early":         {steps: steps{{1 * ms, getConn}, {2 * ms, gotUsed}, {4 * ms, nothing}}, want: [7]float64{3, -1, -1, -1, 0, 4, 100}},
		"no hooks":               {steps: steps{{8 * ms, nothing}}, want: [7]float64{-1, -1, -1, -1, 0, 8, 100}},
		"no hooks, limited":      {slots: 1000 * ms, steps: steps{{8 * ms, nothing}}, want: [7]float64{1000, -1, -1, -1, 0, 8, 100}},
		"no such host":           {steps: steps{{1 * ms, getConn}, {2 * ms, dnsStart}, {4 * ms, dnsDone}}, err: io.EOF, want: [7]float64{3, 4, -1, -1, 0, 0, 0}},
		"no connection":          {steps: steps{{1 * ms, getConn}, {2 * ms, dial}, {4 * ms, nothing}}, err: io.EOF, want: [7]float64{3, -1, 4, -1, 0, 0, 0}},
		"no handshake":           {steps: steps{{1 * ms, getConn}, {2 * ms, dial}, {4 * ms, tlsStart}, {8 * ms, nothing}}, err: io.EOF, want: [7]float64{3, -1, 12, 8, 0, 0, 0}},
		"no answer":              {steps: steps{{1 * ms, getConn}, {2 * ms, gotUsed}, {4 * ms, wrote}, {8 * ms, nothing}}, err: io.EOF, want: [7]float64{3, -1, -1, -1, 4, 8, 0}},
		"lost while it was sent": {steps: steps{{1 * ms, getConn}, {2 * ms, gotUsed}, {4 * ms, nothing}}, err: io.EOF, want: [7]float64{3, -1, -1, -1, 4, 0, 0}},
		"no hooks, no answer":    {steps: steps{{8 * ms, nothing}}, err: io.EOF, want: [7]float64{-1, -1, -1, -1, 0, 8, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := &har.Recorder{}
				c := client(t, rec, "https://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
					tt.steps.play(req)
					resp := answer(req, 200, "")
					resp.Body, resp.ContentLength = io.NopCloser(&slow{}), -1
					if tt.err != nil {
						resp = nil
					}
					return resp, tt.err
				})), crest.WithLimiter(limiter(func(context.Context) error { time.Sleep(tt.slots); return nil })), never)
				began := time.Now()
				_, err := crest.Get[crest.Empty, string]("/").Call(t.Context(), c, crest.Empty{})
				require.ErrorIs(t, err, tt.err)
				e := one(t, rec)
				x := e.Timings
				require.Equal(t, tt.want, [7]float64{x.Blocked, x.DNS, x.Connect, x.SSL, x.Send, x.Wait, x.Receive})
				require.InDelta(t, float64(time.Since(began))/float64(ms), e.Time, 1e-9)
				require.InDelta(t, float64(tt.slots)/float64(ms), e.SlotWait, 1e-9)
				if started, err := time.Parse(time.RFC3339, e.StartedDateTime); err == nil {
					require.True(t, started.Equal(began), "%s, %s", started, began)
				}
				if len(tt.steps) > 2 && x.Blocked > 0 && !errors.Is(err, io.EOF) {
					require.Equal(t, "2001:db8::7", e.ServerIPAddress)
					require.Equal(t, "5555", e.Connection)
				}
			})
		})
	}
}

// A request under way is told with the time that it has taken so far.
func TestTimingsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &har.Recorder{}
		c := client(t, rec, "https://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			steps{{1 * ms, getConn}, {2 * ms, gotUsed}, {4 * ms, wrote}, {8 * ms, nothing}}.play(req)
			resp := answer(req, 200, "")
			resp.Body, resp.ContentLength = io.NopCloser(&slow{}), -1
			return resp, nil
		})))
		go func() { _, _ = crest.Get[crest.Empty, string]("/").Call(context.Background(), c, crest.Empty{}) }()
		for _, at := range []struct {
			after time.Duration
			want  [4]float64 // blocked, send, wait, receive
		}{
			{500 * time.Microsecond, [4]float64{-1, 0, 0.5, 0}}, // nothing is known yet
			{1500 * time.Microsecond, [4]float64{2, 0, 0, 0}},
			{3 * ms, [4]float64{3, 2, 0, 0}},
			{5 * ms, [4]float64{3, 4, 3, 0}},
			{10 * ms, [4]float64{3, 4, 8, 5}},
			{time.Second, [4]float64{3, 4, 8, 100}},
		} {
			time.Sleep(at.after)
			x := one(t, rec).Timings
			require.Equal(t, at.want, [4]float64{x.Blocked, x.Send, x.Wait, x.Receive})
		}
	})
}

// Who asked for the hooks of httptrace gets them, and the context is the caller's.
func TestTimingsLeaveTheContext(t *testing.T) {
	type key struct{}
	hooks := 0
	ctx := httptrace.WithClientTrace(context.WithValue(t.Context(), key{}, "value"), &httptrace.ClientTrace{
		GetConn: func(string) { hooks++ }, WroteRequest: func(httptrace.WroteRequestInfo) { hooks++ },
	})
	rec := &har.Recorder{}
	c := client(t, rec, "http://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		require.Equal(t, "value", req.Context().Value(key{}))
		steps{{0, getConn}, {0, wrote}}.play(req)
		return answer(req, 200, ""), nil
	})))
	_, err := crest.Get[crest.Empty, crest.Empty]("/").Call(ctx, c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 2, hooks)
}
