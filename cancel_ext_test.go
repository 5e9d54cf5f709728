package crest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// cancelBound is how soon a cancelled call returns.
const cancelBound = 50 * time.Millisecond

// Wherever a call waits on a real network, a cancelled one returns within 50 ms. Of each place the fastest of five is taken: this machine may
// have other things to do, a wait that is not woken is never fast.
func TestPromise8CancelWithin50ms(t *testing.T) {
	for name, wait := range placesToWait() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fastest := time.Hour
			for range 5 {
				fastest = min(fastest, untilReturned(t, wait))
			}
			require.LessOrEqual(t, fastest, cancelBound)
		})
	}
}

// untilReturned cancels a call that waits, and takes the time.
func untilReturned(t *testing.T, wait placeToWait) time.Duration {
	t.Helper()
	reached, done := make(chan struct{}, 100), make(chan struct{})
	defer close(done)
	lab := waitLab{t: t, reached: func() { reached <- struct{}{} }, done: done}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	returned := make(chan error, 1)
	go func() { returned <- wait(ctx, lab) }()
	<-reached
	begin := time.Now()
	cancel(errWhy)
	err := <-returned
	took := time.Since(begin)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errWhy)
	return took
}

// placeToWait makes a call that comes to wait somewhere, and says so by lab.reached.
type placeToWait func(ctx context.Context, lab waitLab) error

type waitLab struct {
	t       *testing.T
	reached func()
	done    chan struct{} // closed when the test of it has ended
}

// server answers what the path asks for; the rest waits until the client is gone.
func (l waitLab) server() string {
	server := httptest.NewServer(http.HandlerFunc(l.serve))
	l.t.Cleanup(server.Close)
	return server.URL
}

func (l waitLab) serve(w http.ResponseWriter, r *http.Request) {
	begin := func(contentType, text string) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
	}
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/silent", http.StatusFound)
		return
	case "/busy":
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		time.AfterFunc(5*time.Millisecond, l.reached)
		return
	case "/half":
		begin("application/json", "{")
	case "/events":
		begin("text/event-stream", "data: {\"id\":1,\"name\":\"x\"}\n\n")
	case "/pages":
		if r.URL.RawQuery == "" {
			w.Header().Set("Link", `</pages?2>; rel="next"`)
			begin("application/json", thingList)
			return
		}
	case "/file":
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Accept-Ranges", "bytes")
		begin("application/octet-stream", "half")
	case "/refused":
		if r.Header.Get("Authorization") == "Bearer old" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	l.reached()
	select {
	case <-r.Context().Done():
	case <-l.done:
	}
}

const thingList = `[{"id":1,"name":"x"}]`

// silentPort takes connections and says nothing.
func (l waitLab) silentPort() string {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(l.t, err)
	l.t.Cleanup(func() { _ = port.Close() })
	go func() {
		for {
			conn, err := port.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := conn.Read(make([]byte, 1)); err == nil {
					l.reached()
				}
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return port.Addr().String()
}

// get calls the silent end of a server, or another path of it.
func get(ctx context.Context, l waitLab, base, path string, opts ...crest.ClientOption) error {
	_, err := crest.Get[crest.Empty, thing](path).Call(ctx, newClient(l.t, base, opts...), crest.Empty{})
	return err
}

// last reads a loop to its end.
func last[T any](items func(yield func(T, error) bool)) (err error) {
	for _, err = range items {
	}
	return err
}

func placesToWait() map[string]placeToWait {
	type upload struct{ Body io.Reader }
	path := func(path string, opts ...crest.ClientOption) placeToWait {
		return func(ctx context.Context, l waitLab) error { return get(ctx, l, l.server(), path, opts...) }
	}
	return map[string]placeToWait{
		"header":   path("/silent"),
		"body":     path("/half"),
		"redirect": path("/moved"),
		"backoff":  path("/busy", crest.WithRetry(crest.Retry{Max: 3})),
		"limiter": func(ctx context.Context, l waitLab) error {
			limit := crest.NewLimiter(1, time.Hour)
			require.NoError(l.t, limit.Wait(ctx))
			time.AfterFunc(5*time.Millisecond, l.reached)
			return get(ctx, l, "https://api.example.com", "/x", crest.WithLimiter(limit), crest.WithTimeout(-1))
		},
		"token": func(ctx context.Context, l waitLab) error {
			return get(ctx, l, "https://api.example.com", "/x", crest.WithBearer(waits{l.reached}))
		},
		"token after a 401": func(ctx context.Context, l waitLab) error {
			first := true
			source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
				if first {
					first = false
					return crest.Grant{Token: crest.NewSecret("old")}, nil
				}
				return crest.Grant{}, waits{l.reached}.until(ctx)
			})
			return get(ctx, l, l.server(), "/refused", crest.WithBearer(source))
		},
		"dial": func(ctx context.Context, l waitLab) error {
			rt := crest.NewTransport()
			l.t.Cleanup(rt.CloseIdleConnections) // ends the dial that net/http goes on with for the next who asks
			rt.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, waits{l.reached}.until(ctx) }
			return get(ctx, l, "http://api.example.com", "/x", crest.WithTransport(rt))
		},
		"TLS": func(ctx context.Context, l waitLab) error { return get(ctx, l, "https://"+l.silentPort(), "/x") },
		"CONNECT": func(ctx context.Context, l waitLab) error {
			return get(ctx, l, "https://api.example.com", "/x", crest.WithProxy(http.ProxyURL(&url.URL{Scheme: "http", Host: l.silentPort()})))
		},
		"SOCKS": func(ctx context.Context, l waitLab) error {
			return get(ctx, l, "https://api.example.com", "/x", crest.WithProxy(http.ProxyURL(&url.URL{Scheme: "socks5", Host: l.silentPort()})))
		},
		"upload": func(ctx context.Context, l waitLab) error {
			r, w := io.Pipe()
			defer w.Close()
			go func() {
				_, _ = w.Write([]byte("x"))
				l.reached()
			}()
			_, err := crest.Put[upload, crest.Empty]("/silent").Call(ctx, newClient(l.t, l.server()), upload{r})
			return err
		},
		"stream": func(ctx context.Context, l waitLab) error {
			return last(crest.NewStream[crest.Empty, thing](http.MethodGet, "/events").Call(ctx, newClient(l.t, l.server()), crest.Empty{}))
		},
		"page": func(ctx context.Context, l waitLab) error {
			pages := crest.NewPager[thing](crest.Get[crest.Empty, []thing]("/pages"), crest.Paging{Link: "next"})
			return last(pages.Items(ctx, newClient(l.t, l.server()), crest.Empty{}))
		},
		"download": func(ctx context.Context, l waitLab) error {
			_, err := crest.Download(ctx, newClient(l.t, l.server()), crest.Get[crest.Empty, io.ReadCloser]("/file"), crest.Empty{}, io.Discard)
			return err
		},
		"download to a file": func(ctx context.Context, l waitLab) error {
			file := filepath.Join(l.t.TempDir(), "file")
			_, err := crest.DownloadFile(ctx, newClient(l.t, l.server()), crest.Get[crest.Empty, io.ReadCloser]("/file"), crest.Empty{}, file)
			return err
		},
		"WebSocket handshake": func(ctx context.Context, l waitLab) error {
			_, err := websocket.New[crest.Empty, string, string]("/silent", websocket.Options{}).Dial(ctx, newClient(l.t, l.server()), crest.Empty{})
			return err
		},
	}
}
