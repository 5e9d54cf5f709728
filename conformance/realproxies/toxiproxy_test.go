package realproxies

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// startToxiproxy starts one, without toxics, in front of an origin.
func startToxiproxy(t *testing.T, o *origin) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "origin", "127.0.0.1:0", o.address)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return p
}

// poison adds toxics, as toxiproxy's API wants them.
func poison(t *testing.T, p *toxiproxy.Proxy, toxics ...string) {
	t.Helper()
	for _, toxic := range toxics {
		_, err := p.Toxics.AddToxicJson(strings.NewReader(toxic))
		require.NoError(t, err, "%s", toxic)
	}
}

// toxicCase is what a call meets.
type toxicCase struct {
	toxics   []string
	down     bool // nobody listens
	midway   bool // it begins when the head of the answer, or a part of the request, is there
	holds    bool // the toxic keeps the connection to the origin
	timeouts crest.Timeouts
	want     want
	except   map[string]want
}

func toxicCases() map[string]toxicCase {
	down := func(kind, attributes string) string {
		return `{"type":"` + kind + `","stream":"downstream","attributes":{` + attributes + `}}`
	}
	up := func(kind, attributes string) string {
		return `{"type":"` + kind + `","stream":"upstream","attributes":{` + attributes + `}}`
	}
	const limit = "limit_data"
	short := crest.Timeouts{Header: 300 * time.Millisecond}
	shut := want{crest.ErrTransport, crest.KindTimeoutTotal, crest.SentMaybe, 0}
	return map[string]toxicCase{
		// what is slow, late or in pieces is no fault
		"latency":   {toxics: []string{down("latency", `"latency":20,"jitter":10`), up("latency", `"latency":10`)}},
		"bandwidth": {toxics: []string{down("bandwidth", `"rate":2048`), up("bandwidth", `"rate":2048`)}},
		"slicer":    {toxics: []string{down("slicer", `"average_size":700,"size_variation":600,"delay":10`), up("slicer", `"average_size":700,"size_variation":600,"delay":10`)}},

		"refused":            {down: true, want: refused},
		"black hole":         {toxics: []string{down("timeout", `"timeout":0`)}, timeouts: short, want: silentHeader},
		"black hole up":      {toxics: []string{up("timeout", `"timeout":0`)}, timeouts: short, want: silentHeader},
		"closed, no byte":    {toxics: []string{down("timeout", `"timeout":50`)}, want: lost},
		"reset":              {toxics: []string{down("reset_peer", `"timeout":0`)}, want: lost},
		"reset up":           {toxics: []string{up("reset_peer", `"timeout":0`)}, want: lost},
		"no byte":            {toxics: []string{down(limit, `"bytes":0`)}, want: lost},
		"half a status line": {toxics: []string{down(limit, `"bytes":14`)}, want: lost},
		"half a body":        {toxics: []string{down(limit, `"bytes":4000`)}, want: truncated, except: map[string]want{"WebSocket": broken}},
		"half a request":     {toxics: []string{up(limit, `"bytes":3000`)}, except: map[string]want{"upload": lost, "chunks": lost, "WebSocket": broken}},
		"a window that shut": {toxics: []string{up("bandwidth", `"rate":0`)}, timeouts: crest.Timeouts{Total: time.Second}, want: shut, holds: true},

		"black hole midway": {toxics: []string{down("timeout", `"timeout":0`)}, midway: true, timeouts: crest.Timeouts{Idle: 300 * time.Millisecond},
			want: silentBody, except: map[string]want{"upload": silentHeader, "chunks": silentHeader, "WebSocket": broken}},
		"closed midway": {toxics: []string{down(limit, `"bytes":0`)}, midway: true,
			want: truncated, except: map[string]want{"upload": lost, "chunks": lost, "WebSocket": broken}},
		"stopped midway": {down: true, midway: true, want: truncated, except: map[string]want{"upload": lost, "chunks": lost, "WebSocket": broken}},
	}
}

// arrivals knows of which requests the head of the answer has arrived.
type arrivals struct {
	mu   sync.Mutex
	seen map[string]chan struct{}
}

func (a *arrivals) of(uri string) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen[uri] == nil {
		a.seen[uri] = make(chan struct{})
	}
	return a.seen[uri]
}

// watch is a middleware that tells of them.
func (a *arrivals) watch(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil {
			select {
			case <-a.of(req.URL.RequestURI()):
			default:
				close(a.of(req.URL.RequestURI()))
			}
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestToxiproxy puts each toxic before each way to use a client. Each ends in the error of its row of docs/faults.md, in time, and the next
// call works when the toxic is gone.
func TestToxiproxy(t *testing.T) {
	for name, c := range toxicCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, c.meet)
		})
	}
}

func (c toxicCase) meet(t *testing.T, name string, w way) {
	var p *toxiproxy.Proxy
	apply := sync.OnceFunc(func() {
		if c.down {
			p.Stop()
		}
		poison(t, p, c.toxics...)
	})
	arrived := &arrivals{seen: map[string]chan struct{}{}}
	o := startOrigin(t, func(r *http.Request) error {
		if !c.midway {
			return nil
		}
		if r.Method == http.MethodGet && name != "WebSocket" {
			<-arrived.of(r.URL.RequestURI())
		}
		apply()
		return nil
	})
	p = startToxiproxy(t, o)
	address := p.Listen
	client := newClient(t, "http://"+address, crest.WithMiddleware(arrived.watch))
	expected, ok := c.except[name]
	if !ok {
		expected = c.want
	}
	if !c.midway {
		apply()
	}
	var opts []crest.CallOption
	if c.timeouts != (crest.Timeouts{}) {
		opts = append(opts, crest.WithTimeouts(c.timeouts))
		if expected == silentHeader {
			opts = append(opts, crest.WithTimeouts(crest.Timeouts{Header: 300 * time.Millisecond}))
		}
	}
	if c.midway && name == "WebSocket" {
		w = talkWithHeartbeats
	}
	expected.is(t, inTime(t, w, client, opts...))
	if expected != good && !c.holds {
		eventually(t, o.alone, "a connection is left") // toxiproxy can hang while it removes a toxic from a link that is about to end
	}
	p.Toxics.ResetToxics(t.Context())
	if c.down {
		require.NoError(t, p.Start())
	}
	require.NoError(t, inTime(t, ways[name], client), "the next call")
}

func talkWithHeartbeats(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	return talkOver(ctx, heartbeats, c, opts...)
}
