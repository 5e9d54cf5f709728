package websocket_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// room has a field in every place of a handshake.
type room struct {
	ID     string       `path:"id"`
	Query  string       `query:"q"`
	Key    crest.Secret `query:"key"`
	Header string       `header:"X-Field"`
	Sealed crest.Secret `header:"X-Sealed"`
	Cookie string       `cookie:"sid"`
	Hidden crest.Secret `cookie:"hidden"`
}

var rooms = websocket.New[room, string, string]("/rooms/{id}", websocket.Options{Subprotocols: []string{"chat.v2", "chat.v1"}})

// host is a server of WebSockets that remembers its handshakes.
type host struct {
	mu    sync.Mutex
	seen  []*http.Request
	first func(w http.ResponseWriter, r *http.Request, n int) (done bool)
	o     coder.AcceptOptions
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.seen = append(h.seen, r)
	n := len(h.seen)
	h.mu.Unlock()
	if h.first != nil && h.first(w, r, n) {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "from", Value: "the101", Path: "/"})
	conn, err := coder.Accept(w, r, &h.o)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	echo(r.Context(), conn)
}

func (h *host) all() []*http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*http.Request(nil), h.seen...)
}

func (h *host) plain(t testing.TB) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// works sends a message there and back, and closes.
func works(t *testing.T, conn *websocket.Conn[string, string]) {
	t.Helper()
	require.NoError(t, conn.Send(t.Context(), "hello"))
	got, err := conn.Receive(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", got)
	require.NoError(t, conn.Close(websocket.Normal, ""))
}

// S4.66, S4.67: what holds for a call holds for the dial.
func TestDial(t *testing.T) {
	h := &host{o: coder.AcceptOptions{Subprotocols: []string{"chat.v1"}, OriginPatterns: []string{"app.example"}}}
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	base := h.plain(t)
	home, err := url.Parse(base)
	require.NoError(t, err)
	jar.SetCookies(home, []*http.Cookie{{Name: "kept", Value: "1"}})
	var info crest.Info
	var shown http.Header
	c := newClient(t, base+"/v1", crest.WithPlainCredentials(), crest.WithBearer(crest.NewSecret("t0ken")), crest.WithCookieJar(jar),
		crest.WithHeader("X-Client", "client"), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				info, _ = crest.EndpointInfo(req)
				shown = req.Header.Clone()
				return next.RoundTrip(req)
			})
		}))
	conn, err := rooms.Dial(t.Context(), c, room{"a/b", "x y", crest.NewSecret("k3y"), "field", crest.NewSecret("s3aled"), "cookie", crest.NewSecret("h1dden")},
		crest.WithHeader("Origin", "https://app.example"))
	require.NoError(t, err)
	require.Equal(t, "chat.v1", conn.Subprotocol())
	works(t, conn)

	req := h.all()[0]
	require.Equal(t, "/v1/rooms/a%2Fb?q=x%20y&key=k3y", req.RequestURI)
	for name, want := range map[string]string{
		"Authorization": "Bearer t0ken", "X-Client": "client", "X-Field": "field", "X-Sealed": "s3aled", "Origin": "https://app.example",
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "chat.v2,chat.v1",
		"Cookie": "sid=cookie; kept=1; hidden=h1dden",
	} {
		require.Equal(t, []string{want}, req.Header.Values(name), name)
	}
	require.Empty(t, req.Header.Values("Sec-WebSocket-Extensions"), "compression is off unless asked for")
	require.Equal(t, crest.Info{Endpoint: "GET /rooms/{id}", Route: "/rooms/{id}", Attempt: 1, Hop: 1}, info)
	require.Empty(t, shown.Get("Authorization"))
	require.Len(t, jar.Cookies(home), 2, "the cookie of the 101 is kept")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// R47: there is no Origin unless it is asked for, and no subprotocol either.
func TestDialBare(t *testing.T) {
	h := &host{}
	conn, err := talk.Dial(t.Context(), newClient(t, h.plain(t)), crest.Empty{})
	require.NoError(t, err)
	works(t, conn)
	req := h.all()[0]
	for _, name := range []string{"Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Cookie", "Authorization", "Referer"} {
		require.Empty(t, req.Header.Values(name), name)
	}
}

// S4.68, S4.99: another answer than 101 is an Error with the API's model; redirects are answers.
func TestDialRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		header string
	}{
		"forbidden":      {403, ""},
		"not a 101":      {200, ""},
		"a redirect":     {302, "/elsewhere"},
		"a redirect 307": {307, "https://elsewhere.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &host{first: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", tt.header)
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(`{"message":"not here"}`))
				return true
			}}
			c := newClient(t, h.plain(t), crest.WithRedirects(crest.Redirects{Max: 5}))
			_, err := talk.Dial(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, crest.ErrStatus)
			require.ErrorIs(t, err, crest.Status(tt.status))
			model, ok := c.AsError(err)
			require.True(t, ok)
			require.Equal(t, "not here", model.Message)
			require.Len(t, h.all(), 1)
		})
	}
}

// A failed dial is tried again like any GET, with a key of its own each time.
func TestDialRetried(t *testing.T) {
	h := &host{first: func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n < 3 {
			w.WriteHeader(503)
		}
		return n < 3
	}}
	c := newClient(t, h.plain(t), crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return 0 }}))
	conn, err := talk.Dial(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	works(t, conn)
	keys := map[string]bool{}
	for _, req := range h.all() {
		keys[req.Header.Get("Sec-WebSocket-Key")] = true
	}
	require.Len(t, keys, 3)
}

// A 401 is answered with a new token, over the handshake too.
func TestDialRefresh(t *testing.T) {
	h := &host{first: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		stale := r.Header.Get("Authorization") != "Bearer new"
		if stale {
			w.WriteHeader(401)
		}
		return stale
	}}
	var asked atomic.Int32
	tokens := crest.NewTokenSource(func(context.Context) (crest.Grant, error) {
		return crest.Grant{Token: crest.NewSecret([]string{"old", "new"}[asked.Add(1)-1])}, nil
	})
	conn, err := talk.Dial(t.Context(), newClient(t, h.plain(t), crest.WithPlainCredentials(), crest.WithBearer(tokens)), crest.Empty{})
	require.NoError(t, err)
	works(t, conn)
	require.Len(t, h.all(), 2)
}

// https is wss: TLS as the client has it, HTTP/1.1 although the server speaks HTTP/2 as well.
func TestDialTLS(t *testing.T) {
	h := &host{}
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := talk.Dial(t.Context(), newClient(t, server.URL), crest.Empty{})
	require.ErrorIs(t, err, crest.KindTLS, "the certificate is not trusted")
	require.Empty(t, h.all())

	tls := server.Client().Transport.(*http.Transport).TLSClientConfig
	conn, err := talk.Dial(t.Context(), newClient(t, server.URL, crest.WithTLS(tls)), crest.Empty{})
	require.NoError(t, err)
	works(t, conn)

	_, err = talk.Dial(t.Context(), newClient(t, server.URL, crest.WithTLS(tls), crest.WithPins("sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=")), crest.Empty{})
	require.ErrorIs(t, err, crest.KindPin)
}

// A proxy is used as for any call, by a tunnel where the base is https.
func TestDialProxy(t *testing.T) {
	h := &host{}
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	asked, over := make(chan string, 2), make(chan struct{})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(over)
		asked <- r.Method + " " + r.Host
		near, _, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		far, err := net.Dial("tcp", r.Host)
		require.NoError(t, err)
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(near, far)
			_ = near.Close()
		}()
		_, _ = io.Copy(far, near)
		_ = far.Close()
		<-back
	}))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	tls := server.Client().Transport.(*http.Transport).TLSClientConfig
	conn, err := talk.Dial(t.Context(), newClient(t, server.URL, crest.WithTLS(tls), crest.WithProxy(http.ProxyURL(through))), crest.Empty{})
	require.NoError(t, err)
	works(t, conn)
	require.Equal(t, "CONNECT "+server.Listener.Addr().String(), <-asked)
	<-over
}

// R18: a guard of addresses in the client's dialer sees the dial.
func TestDialGuard(t *testing.T) {
	errInside := errors.New("an address inside")
	guard := &net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error { return errInside }}
	_, err := talk.Dial(t.Context(), newClient(t, "http://127.0.0.1:1", crest.WithTransport(&http.Transport{DialContext: guard.DialContext})), crest.Empty{})
	require.ErrorIs(t, err, crest.KindConnect)
	require.ErrorIs(t, err, errInside)
}

// slots counts what a limiter was asked for.
type slots struct{ n int }

func (s *slots) Wait(context.Context) error {
	s.n++
	return nil
}

// A dial takes one slot, and messages take none.
func TestDialSlot(t *testing.T) {
	h, limiter := &host{}, &slots{}
	conn, err := talk.Dial(t.Context(), newClient(t, h.plain(t), crest.WithLimiter(limiter)), crest.Empty{})
	require.NoError(t, err)
	works(t, conn)
	require.Equal(t, 1, limiter.n)
}

// The timeouts of a call bound the handshake; the context of the dial, and the client, may end without the connection.
func TestDialTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		c := newClient(t, inMemory, pipes(func(p *peer) {
			if dials.Add(1) == 2 {
				p.accept()
				first, _, payload, _ := p.hears()
				p.says(frame(first, payload))
			}
			p.rest()
		}))
		_, err := talk.Dial(t.Context(), c, crest.Empty{}, crest.WithTimeouts(crest.Timeouts{Header: 20 * time.Millisecond}))
		require.ErrorIs(t, err, crest.KindTimeoutHeader)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		conn, err := talk.Dial(ctx, c, crest.Empty{}, crest.WithTimeouts(crest.Timeouts{Total: 50 * time.Millisecond, Idle: time.Millisecond}))
		require.NoError(t, err)
		cancel()
		require.NoError(t, c.Close())
		require.Error(t, ctx.Err())
		time.Sleep(time.Hour) // more than any of the timeouts
		works(t, conn)
		_, err = talk.Dial(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.ErrClosed)
	})
}

// Mistakes are said, of the program at its start.
func TestDialMistakes(t *testing.T) {
	var zero websocket.Endpoint[crest.Empty, string, string]
	_, err := zero.Dial(t.Context(), newClient(t, "http://api.example"), crest.Empty{})
	require.ErrorIs(t, err, crest.ErrRequest)
	require.Equal(t, "undeclared endpoint", zero.String())
	require.Equal(t, "GET /rooms/{id}", rooms.String())
	var none context.Context
	_, err = talk.Dial(none, newClient(t, "http://api.example"), crest.Empty{})
	require.ErrorIs(t, err, crest.ErrRequest)
	_, err = talk.Dial(t.Context(), (*crest.Client[*failure])(nil), crest.Empty{})
	require.ErrorIs(t, err, crest.ErrRequest)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = talk.Dial(ended, newClient(t, "http://api.example"), crest.Empty{})
	require.ErrorIs(t, err, crest.ErrRequest)
	require.True(t, errors.Is(err, context.Canceled))

	for says, declare := range map[string]func(){
		"Heartbeat":  func() { websocket.New[crest.Empty, string, string]("/x", websocket.Options{Heartbeat: -1}) },
		"MaxMessage": func() { websocket.New[crest.Empty, string, string]("/x", websocket.Options{MaxMessage: crest.NoBound}) },
		"CloseTimeout is 11s": func() {
			websocket.New[crest.Empty, string, string]("/x", websocket.Options{CloseTimeout: 11 * time.Second})
		},
		`subprotocol "a b"`: func() {
			websocket.New[crest.Empty, string, string]("/x", websocket.Options{Subprotocols: []string{"a b"}})
		},
		"no field tagged":                    func() { websocket.New[crest.Empty, string, string]("/x/{id}", websocket.Options{}) },
		"and GET and HEAD":                   func() { websocket.New[say, string, string]("/x", websocket.Options{}) },
		"the messages: func() can't be sent": func() { websocket.New[crest.Empty, func(), string]("/x", websocket.Options{}) },
	} {
		require.Contains(t, panicOf(declare), says)
	}
}

func panicOf(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}
