package bookshop

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest/cresttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faked is a fake of the API, without any handler, and a client of it. The client has the API's own base URL and sends it the token; the
// way there is in memory.
func faked(t *testing.T, opts ...Option) (*cresttest.Server, *Client) {
	t.Helper()
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	c, err := New("t0ken", append([]Option{WithTransport(srv.Transport())}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return srv, c
}
