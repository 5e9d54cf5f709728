package bench

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerReadsEachBody(t *testing.T) {
	tests := map[string]string{
		"none":    "GET /v1/orders/1?x=y HTTP/1.1\r\nHost: h\r\n\r\n",
		"length":  "POST /v1/orders HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello",
		"chunked": "POST /v1/orders HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
	}
	for name, wire := range tests {
		t.Run(name, func(t *testing.T) {
			r := bufio.NewReader(strings.NewReader(wire + "next"))
			_, err := readRequest(r)
			require.NoError(t, err)
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, "next", string(rest))
		})
	}
}

func TestServerRefuses(t *testing.T) {
	tests := map[string]string{
		"no target":       "GET\r\n\r\n",
		"negative length": "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"not a size":      "GET /v1/files/x HTTP/1.1\r\n\r\n",
		"not a chunk":     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"cut short":       "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhello",
	}
	for name, wire := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readRequest(bufio.NewReader(strings.NewReader(wire)))
			require.Error(t, err)
		})
	}
}

func TestServerAllocatesNothing(t *testing.T) {
	for name, wire := range map[string]string{
		"answer": "POST /v1/orders HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
		"upload": "PUT /v1/files HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"file":   "GET /v1/files/1000000 HTTP/1.1\r\nHost: h\r\n\r\n",
		"events": "GET /v1/changes HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			source := strings.NewReader(wire)
			r := bufio.NewReader(source)
			scratch := make([]byte, 0, 256)
			require.Zero(t, testing.AllocsPerRun(100, func() {
				source.Reset(wire)
				r.Reset(source)
				req, err := readRequest(r)
				if err == nil {
					err = req.reply(io.Discard, scratch)
				}
				if err != nil {
					t.Fatal(err)
				}
			}))
		})
	}
}

// The connection is kept, whichever answer was sent before.
func TestServerKeepsConnections(t *testing.T) {
	s, err := newServer()
	require.NoError(t, err)
	t.Cleanup(s.close)
	transport := newTransport()
	t.Cleanup(func() { closeIdle(transport) })
	client := &http.Client{Transport: transport}
	for _, path := range []string{ordersPath, missingPath, ordersPath + "/1", ordersPath} {
		resp, err := client.Get(s.url() + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, route(http.MethodGet, path).body, body)
	}
	require.EqualValues(t, 4, s.requests.Load())
	require.Equal(t, 1, s.total)
}

func TestServerClosesOpenConnections(t *testing.T) {
	s, err := newServer()
	require.NoError(t, err)
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	s.close()
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
}
