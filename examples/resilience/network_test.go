package resilience

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/internal/pipes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network counts what arrives at a server.
type network struct {
	mu       sync.Mutex
	arrivals []time.Time
}

// handler counts the requests from 1.
type handler func(number int, w http.ResponseWriter, r *http.Request)

// on runs test in a bubble with a server, and the options of a client of it.
func on(t *testing.T, serve handler, test func(t *testing.T, n *network, transport crest.ClientOption)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, wire := &network{}, pipes.New()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(n.note(), w, r) })}
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(wire) }()
		transport := &http.Transport{DialContext: wire.Dial}
		defer func() {
			synctest.Wait()
			transport.CloseIdleConnections()
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour) // virtual
			defer cancel()
			_ = server.Shutdown(ctx) // waits for handlers
			_ = server.Close()       // for those that a failed test has left
			<-done
		}()
		test(t, n, crest.WithTransport(transport))
	})
}

func (n *network) note() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.arrivals = append(n.arrivals, time.Now())
	return len(n.arrivals)
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.arrivals)
}

// busiest is the most that any closed window of the length per holds.
func (n *network) busiest(per time.Duration) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.SortFunc(n.arrivals, time.Time.Compare)
	most, first := 0, 0
	for i, at := range n.arrivals {
		for at.Sub(n.arrivals[first]) > per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func newClient(t *testing.T, opts ...crest.ClientOption) *crest.Client[*crest.Problem] {
	t.Helper()
	c, err := crest.New[*crest.Problem]("http://api.example.com", opts...)
	require.NoError(t, err)
	return c
}

var (
	get      = crest.Get[crest.Empty, crest.Empty]("/things")
	download = crest.Get[crest.Empty, io.ReadCloser]("/things/file")
	read     = crest.Get[crest.Empty, []byte]("/things/file")
	upload   = crest.Post[uploadRequest, crest.Empty]("/things")
)

type uploadRequest struct {
	Body func() (io.ReadCloser, error)
}

// hang answers nothing until the client gives up.
func hang(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
