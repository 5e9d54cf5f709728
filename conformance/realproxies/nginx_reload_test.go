package realproxies

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// nginxPorts are the protocols that a reload is tried with.
var nginxPorts = map[string]string{"HTTP/1.1": "", "HTTP/2": "ssl http2"}

const nothingHeld = "proxy_buffering off; proxy_request_buffering off;"

// held is an origin that waits in the middle of an answer, or of an upload, until it is let go.
type held struct {
	*origin
	reached, free chan struct{}
}

func startHeld(t *testing.T) *held {
	t.Helper()
	h := &held{reached: make(chan struct{}), free: make(chan struct{})}
	reached := sync.OnceFunc(func() { close(h.reached) })
	h.origin = startOrigin(t, func(r *http.Request) error {
		reached()
		select {
		case <-h.free:
		case <-t.Context().Done():
		}
		return nil
	})
	return h
}

// start begins a way, and waits until it is in the middle.
func (h *held) start(t *testing.T, w way, c crest.Caller, opts ...crest.CallOption) (ends func() error) {
	t.Helper()
	result := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var under sync.WaitGroup
	under.Go(func() { result <- w(ctx, c, opts...) })
	t.Cleanup(func() {
		cancel()
		under.Wait()
	})
	<-h.reached
	return func() error { return <-result }
}

// Row 42, without a fault: a reload in the middle of an answer, or of an upload, ends nothing, and the next call is served by the new workers.
func TestNginxReloadInTheMiddle(t *testing.T) {
	for name, port := range nginxPorts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, name string, w way) {
				h := startHeld(t)
				n := startNginx(t, site{origin: h.address, listen: port, location: nothingHeld})
				c := n.client(t)
				ends := h.start(t, w, c)
				n.reload(t, nil)
				close(h.free)
				require.NoError(t, ends())
				require.NoError(t, inTime(t, w, c), "the next call")
			})
		})
	}
}

// Row 42, with one: the old workers are not given the time to end. Answers are truncated, and what may be is sent again or goes on.
func TestNginxWorkersThatAreCutOff(t *testing.T) {
	for protocol, port := range nginxPorts {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, name string, w way) {
				cutOff := func(t *testing.T, w way, opts ...crest.CallOption) (*held, error) {
					h := startHeld(t)
					n := startNginx(t, site{origin: h.address, listen: port, location: nothingHeld, main: "worker_shutdown_timeout 50ms;"})
					c := n.client(t)
					ends := h.start(t, w, c, opts...)
					n.reload(t, nil)
					n.says(t, "exited with code 0", 1)
					close(h.free)
					err := ends()
					require.NoError(t, inTime(t, w, c), "the next call")
					return h, err
				}
				t.Run("once", func(t *testing.T) {
					_, err := cutOff(t, w)
					expected, ok := map[string]want{"upload": lost, "chunks": lost, "WebSocket": broken}[name]
					if !ok {
						expected = truncated
					}
					expected.is(t, err)
				})
				t.Run("again", func(t *testing.T) {
					if name == "stream" {
						w = reconnecting
					}
					h, err := cutOff(t, w, again(func() {}))
					switch name {
					case "upload", "chunks":
						lost.is(t, err)
						failed, _ := errors.AsType[*crest.CallError](err)
						require.Len(t, failed.Attempts, 1, "a POST that may have been received")
					case "WebSocket":
						broken.is(t, err)
					case "download":
						require.NoError(t, err)
						require.Equal(t, `"v1"`, h.requests("/file")[1].Header.Get("If-Range"))
					case "stream":
						require.NoError(t, err)
						require.Equal(t, fmt.Sprint(numEvents/2), h.requests("/events")[1].Header.Get("Last-Event-ID"))
					default:
						require.NoError(t, err)
					}
				})
			})
		})
	}
}

// Row 42: a server is reloaded under load, five times. Idempotent calls do not fail, and a POST is applied once, or its error says what is known.
func TestNginxReloadUnderLoad(t *testing.T) {
	for name, port := range nginxPorts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t, nil)
			n := startNginx(t, site{origin: o.address, listen: port, http: "keepalive_timeout 20ms;"})
			underLoad(t, o, n.client(t, again(func() {})), func(calls *atomic.Int64) {
				for range 5 {
					some := calls.Load() + 30
					eventually(t, func() bool { return calls.Load() >= some })
					n.reload(t, nil)
				}
			})
		})
	}
}

// underLoad keeps calls under way while disturb is running, and judges them by what the origin did.
func underLoad(t *testing.T, o *origin, c crest.Caller, disturb func(calls *atomic.Int64)) {
	t.Helper()
	type numbered struct {
		ID   string `query:"id"`
		Text string `json:"text"`
	}
	apply := crest.Post[numbered, crest.Empty]("/apply")
	var calls atomic.Int64
	var over atomic.Bool
	var running sync.WaitGroup
	posted := make([]map[string]error, 4)
	failed := make([]error, 6)
	safe := []way{call, download, turnPages}
	for g := range failed {
		running.Go(func() {
			for !over.Load() && failed[g] == nil {
				failed[g] = safe[g%len(safe)](t.Context(), c)
				calls.Add(1)
			}
		})
	}
	for g := range posted {
		posted[g] = map[string]error{}
		running.Go(func() {
			for i := 0; !over.Load(); i++ {
				id := fmt.Sprint(g, "-", i)
				_, posted[g][id] = apply.Call(t.Context(), c, numbered{id, filler})
				calls.Add(1)
			}
		})
	}
	disturb(&calls)
	over.Store(true)
	running.Wait()
	for _, err := range failed {
		require.NoError(t, err, "idempotent")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range posted {
		for id, err := range one {
			if n := o.applied[id]; err == nil {
				require.Equal(t, 1, n, "call %s", id)
			} else {
				lost.is(t, err)
				require.LessOrEqual(t, n, 1, "call %s: %v", id, err)
			}
		}
	}
}
