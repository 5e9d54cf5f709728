package websocket_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// failure is the error model of the tests' client.
type failure struct {
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

// once switches retries off.
var once = crest.WithRetry(crest.Retry{Max: -1})

func newClient(t testing.TB, base string, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	c, err := crest.New[*failure](base, append([]crest.ClientOption{once}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// serve starts a server whose connections are handed to talk, and closed after it.
func serve(t testing.TB, o *coder.AcceptOptions, talk func(ctx context.Context, conn *coder.Conn)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := coder.Accept(w, r, o)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		talk(r.Context(), conn)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// echo sends each message back.
func echo(ctx context.Context, conn *coder.Conn) {
	conn.SetReadLimit(1 << 20)
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil || conn.Write(ctx, kind, data) != nil {
			return
		}
	}
}
