package resilience

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is net/http's client and server with pipes between them, so that their time can be virtual.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	arrivals []time.Time
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { n.once.Do(func() { close(n.closed) }); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// handler counts the requests from 1.
type handler func(number int, w http.ResponseWriter, r *http.Request)

// on runs test in a bubble with a server, and the options of a client of it.
func on(t *testing.T, serve handler, test func(t *testing.T, n *network, transport crest.ClientOption)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(n.note(), w, r) })}
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(n) }()
		transport := &http.Transport{DialContext: n.dial}
		defer func() {
			synctest.Wait()
			transport.CloseIdleConnections()
			_ = server.Shutdown(context.Background()) // waits for handlers
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
