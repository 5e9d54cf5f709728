package realproxies

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// TestHAProxyWays goes through haproxy as it is set up by those who run it. Each way works, again and again, without a single retry.
func TestHAProxyWays(t *testing.T) {
	for name, s := range map[string]setup{
		"plain":              {},
		"httpclose":          {defaults: "option httpclose"},
		"http-server-close":  {defaults: "option http-server-close"},
		"buffered requests":  {defaults: "option http-buffer-request"},
		"gzip":               {defaults: "compression algo gzip\n\tcompression type application/json text/event-stream application/octet-stream"},
		"HTTP/2":             {bind: withTLS},
		"TLS without HTTP/2": {bind: "ssl crt server.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.origin = startOrigin(t, nil).address
			c := startHAProxy(t, s).client(t)
			each(t, func(t *testing.T, _ string, w way) {
				for range 8 {
					require.NoError(t, inTime(t, w, c))
				}
			})
		})
	}
}

// haproxy refuses the streams that are more than it takes, which a client cannot know of before it has heard of it.
func TestHAProxyRefusedStreams(t *testing.T) {
	t.Parallel()
	h := startHAProxy(t, setup{origin: startOrigin(t, nil).address, bind: withTLS, global: "tune.h2.max-concurrent-streams 2"})
	c := h.client(t, patient)
	each(t, func(t *testing.T, name string, w way) {
		if name == "upload" || name == "chunks" {
			w = post // a large one can wait for ever: haproxy 2.6 does not give back the window that a refused stream took of its connection
		}
		for range 8 {
			require.NoError(t, inTime(t, w, c))
		}
	})
}

// post is a small one.
func post(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	_, err := crest.Post[note, crest.Empty]("/apply").Call(ctx, c, note{"hello"}, opts...)
	return err
}

// haproxyCase is a fault that haproxy makes, or passes on.
type haproxyCase struct {
	setup  setup
	faulty string // what the server behind it is: dead, mute, hanging in the middle, hanging up there; "" is the origin
	short  bool   // the caller does not wait long
	resets bool   // what is sent on is reset, and everything where haproxy may not end connections without a word
	want   want
	except map[string]want
}

func haproxyCases() map[string]haproxyCase {
	kind := func(step crest.Step, kind crest.Kind) want { return want{step, kind, crest.SentYes, 0} }
	page := kind(crest.ErrResponse, crest.KindContentType)
	deny := func(rule string) setup { return setup{frontend: "http-request " + rule + " if fault"} }
	within := func(unavailable want) map[string]want {
		return map[string]want{"upload": unavailable, "chunks": unavailable, "WebSocket": broken}
	}
	// over HTTP/2 haproxy 2.6 ends a broken answer without a length like a whole one, and calls a broken upload refused
	ends := func(unavailable want) map[string]want {
		m := within(unavailable)
		m["call"], m["pages"], m["stream"] = kind(crest.ErrResponse, crest.KindDecode), kind(crest.ErrResponse, crest.KindDecode), other
		return m
	}
	tarpit := deny("tarpit")
	tarpit.defaults = "timeout tarpit 100ms"
	return map[string]haproxyCase{
		"deny":             {setup: deny("deny"), want: status(403)},
		"deny 429":         {setup: deny("deny deny_status 429"), want: status(429)},
		"tarpit":           {setup: tarpit, want: status(500)},
		"reject":           {setup: deny("reject"), want: lost},
		"silent-drop":      {setup: deny("silent-drop"), short: true, resets: true, want: silentHeader},
		"a login page":     {setup: deny(`return status 200 content-type text/html string "<html></html>"`), want: page, except: map[string]want{"WebSocket": status(200), "download": other}},
		"down":             {faulty: "dead", want: status(503)},
		"down, HTTP/2":     {faulty: "dead", setup: setup{bind: withTLS}, want: status(503)},
		"slow":             {faulty: "mute", setup: setup{backend: "timeout server 100ms"}, want: status(504)},
		"slow, HTTP/2":     {faulty: "mute", setup: setup{bind: withTLS, backend: "timeout server 100ms"}, want: status(504)},
		"queue":            {faulty: "full", setup: setup{backend: "timeout queue 100ms", server: "maxconn 1"}, want: status(503)},
		"stops":            {faulty: "stops", setup: setup{backend: "timeout server 300ms\n\ttimeout tunnel 300ms"}, want: truncated, except: within(status(504))},
		"stops, HTTP/2":    {faulty: "stops", setup: setup{bind: withTLS, backend: "timeout server 300ms\n\ttimeout tunnel 300ms"}, want: truncated, except: ends(status(504))},
		"hangs up":         {faulty: "hangs up", want: truncated, except: within(status(502))},
		"hangs up, HTTP/2": {faulty: "hangs up", setup: setup{bind: withTLS}, want: truncated, except: ends(want{crest.ErrTransport, crest.KindDisconnected, crest.SentNo, 0})},
	}
}

// TestHAProxyFaults puts each fault before each way to use a client. Each ends in the error of its row of docs/faults.md, and the next call works.
func TestHAProxyFaults(t *testing.T) {
	for name, tt := range haproxyCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := tt.start(t)
			each(t, func(t *testing.T, name string, w way) { tt.meet(t, h, name, w) })
		})
	}
}

func (tt haproxyCase) start(t *testing.T) *haproxy {
	t.Helper()
	s := tt.setup
	s.origin = startOrigin(t, nil).address
	silence, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silence.Close() })
	switch tt.faulty {
	case "dead":
		s.faulty = freePort(t)
	case "mute", "full":
		s.faulty = silence.Addr().String()
	case "stops":
		s.faulty = startHeld(t).address
	case "hangs up":
		s.faulty = startOrigin(t, hangUp).address
	}
	h := startHAProxy(t, s)
	if tt.faulty == "full" {
		h.occupy(t, silence)
	}
	return h
}

func (tt haproxyCase) meet(t *testing.T, h *haproxy, name string, w way) {
	c := h.client(t)
	opts := []crest.CallOption{faultHeader}
	if tt.short {
		opts = append(opts, crest.WithTimeouts(crest.Timeouts{Header: 300 * time.Millisecond}))
	}
	expected, ok := tt.except[name]
	if !ok {
		expected = tt.want
	}
	err := inTime(t, w, c, opts...)
	if (name == "upload" || name == "chunks") && expected.step != crest.ErrTransport && errors.Is(err, crest.KindDisconnected) {
		expected = lost // haproxy answers without reading on, and the reset for what it did not read can arrive before its answer was looked at
	}
	if tt.resets && errors.Is(err, crest.KindDisconnected) {
		expected = lost
	}
	expected.is(t, err)
	if tt.setup.bind == withTLS && (name == "upload" || name == "chunks") {
		w = call // haproxy 2.6 does not give back the window that a refused upload took of its connection
	}
	require.NoError(t, inTime(t, w, c), "the next call")
}

// occupy makes a call that is not answered, until the test ends.
func (h *haproxy) occupy(t *testing.T, silence net.Listener) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := h.client(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = call(ctx, c, faultHeader)
	}()
	conn, err := silence.Accept()
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = conn.Close()
	})
}

// Rows 36 and 44: haproxy has waited long enough for a body that stops in the middle.
func TestHAProxySlowUpload(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, nil)
	c := startHAProxy(t, setup{origin: o.address, defaults: "option http-buffer-request\n\ttimeout http-request 500ms"}).client(t)
	err := inTime(t, func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
		r, w := io.Pipe()
		defer w.Close()
		_, err := uploadRaw.Call(ctx, c, readerBody{io.MultiReader(bytes.NewReader(content[:1000]), r)}, opts...)
		return err
	}, c)
	status(http.StatusRequestTimeout).is(t, err)
	require.Empty(t, o.requests("/upload"))
	require.NoError(t, inTime(t, call, c), "the next call")
}

// Row 42: haproxy is reloaded under load as its service does it, by a process that takes over.
func TestHAProxyReloadUnderLoad(t *testing.T) {
	for name, bind := range map[string]string{"HTTP/1.1": "", "HTTP/2": withTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t, nil)
			h := startHAProxy(t, setup{origin: o.address, bind: bind, global: "hard-stop-after 5s"})
			underLoad(t, o, h.client(t, again(func() {})), func(calls *atomic.Int64) {
				for range 3 {
					some := calls.Load() + 30
					eventually(t, func() bool { return calls.Load() >= some })
					old := h.reload(t)
					eventually(t, old.ended)
				}
			})
		})
	}
}

// A tunnel ends when nothing goes through it, unless heartbeats do, and when a haproxy that was replaced has waited long enough.
func TestHAProxyTunnel(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout string
		e       *websocket.Endpoint[crest.Empty, note, note]
		reload  bool
		lives   bool
	}{
		"silence": {timeout: "100ms", e: chat}, "heartbeats": {timeout: "2s", e: heartbeats, lives: true}, "reload": {timeout: "1m", e: chat, reload: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHAProxy(t, setup{origin: startOrigin(t, nil).address, defaults: "timeout tunnel " + tt.timeout, global: "hard-stop-after 1s"})
			conn, err := tt.e.Dial(t.Context(), h.client(t), crest.Empty{})
			require.NoError(t, err)
			defer conn.Close(websocket.Normal, "")
			require.NoError(t, exchange(t.Context(), conn, "hello"))
			if tt.reload {
				h.reload(t)
			}
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if tt.lives {
				ctx, cancel = context.WithTimeout(ctx, 3*time.Second)
			}
			defer cancel()
			_, err = conn.Receive(ctx)
			if tt.lives {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				return
			}
			broken.is(t, err)
			closed, ok := errors.AsType[*websocket.CloseError](err)
			require.True(t, ok)
			require.Equal(t, websocket.Lost, closed.Code)
		})
	}
}
