package crest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// restarting is a server that is stopped and started again at the same address, in the middle of whatever it does.
type restarting struct {
	t       *testing.T
	address string
	server  *http.Server
	serving sync.WaitGroup

	mu      sync.Mutex
	effects map[string]int
}

func (r *restarting) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.effects[req.Method+req.URL.Query().Get("id")]++
	r.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (r *restarting) start() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.address)
	require.NoError(r.t, err)
	r.address, r.server = l.Addr().String(), &http.Server{Handler: r}
	r.serving.Go(func() { _ = r.server.Serve(l) })
}

// stop ends it and every connection it has.
func (r *restarting) stop() {
	_ = r.server.Close()
	r.serving.Wait()
}

// Row 42: a server restarts under load, three times, each with a gap in which nobody listens. Idempotent calls do not fail. A
// POST is applied once, or its error says what is known: never twice, and never once after Sent "no".
func TestRetryRow42RestartUnderLoad(t *testing.T) {
	type numbered struct {
		ID string `query:"id"`
	}
	server := &restarting{t: t, address: "127.0.0.1:0", effects: map[string]int{}}
	server.start()
	defer func() { server.stop() }()
	c, _ := onWire(t, "http://"+server.address, nil, crest.WithRetry(crest.Retry{Max: 100, Backoff: constant(20 * time.Millisecond)}))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	posted, failed := make([]map[string]error, 8), make([]error, 16)
	for g := range failed {
		running.Go(func() {
			if g < len(posted) {
				posted[g] = map[string]error{}
			}
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprint(g, "-", i)
				if g < len(posted) {
					_, posted[g][id] = crest.Post[numbered, crest.Empty]("/x").Call(t.Context(), c, numbered{id})
				} else if _, err := crest.Put[numbered, crest.Empty]("/x").Call(t.Context(), c, numbered{id}); err != nil {
					failed[g] = err
				}
			}
		})
	}
	for range 3 {
		pass(50 * time.Millisecond)
		server.stop()
		pass(30 * time.Millisecond)
		server.start()
	}
	pass(50 * time.Millisecond)
	stop()
	running.Wait()
	for _, err := range failed {
		require.NoError(t, err, "idempotent")
	}
	server.judge(posted)
}

// pass lets real time go by, which is what this test is about.
func pass(d time.Duration) { <-time.After(d) }

// judge compares what the callers were told with what the server did.
func (r *restarting) judge(posted []map[string]error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := 0
	for _, one := range posted {
		for id, err := range one {
			calls++
			n := r.effects["POST"+id]
			if err == nil {
				require.Equal(r.t, 1, n, "call %s", id)
				continue
			}
			require.LessOrEqual(r.t, n, 1, "call %s: %v", id, err)
			require.ErrorIs(r.t, err, crest.ErrTransport)
			require.Equal(r.t, crest.SentMaybe, callError(r.t, err).Sent, "what was not sent is tried again: %v", err)
			require.ErrorContains(r.t, err, "(the request may have been received)")
		}
	}
	require.Greater(r.t, calls, 10, "there was load")
}
