package crest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Until it is a tunnel, a connection has a deadline, and its loss is the proxy's; afterwards neither.
func TestTunnel(t *testing.T) {
	for name, tt := range map[string]struct {
		asked [][]byte // to the proxy
		then  []byte   // to the server
	}{
		"CONNECT":                    {[][]byte{[]byte("CONNECT api.test:443 HTTP/1.1\r\n\r\n")}, []byte{0x16, 3, 1}},
		"SOCKS":                      {[][]byte{{5, 1, 0}, {5, 1, 0, 1}}, []byte("GET / HTTP/1.1\r\n\r\n")},
		"SOCKS with a password":      {[][]byte{{5, 2, 0, 2}, {1, 1, 'u', 1, 'p'}, {5, 1, 0, 1}}, []byte{0x16, 3, 1}},
		"no proxy":                   {nil, []byte{0x16, 3, 1}},
		"a method that begins alike": {nil, []byte("CONNECTED / HTTP/1.1\r\n\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &proxies{patience: 10 * time.Second}
				conn, _ := besideProxy(p)
				for _, message := range tt.asked {
					_, err := conn.Write(message)
					require.NoError(t, err)
				}
				start := time.Now()
				_, err := conn.Read(make([]byte, 1))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.Equal(t, 10*time.Second, time.Since(start))
				require.Equal(t, len(tt.asked) > 0, toProxy(err), "nobody asked the proxy for anything")

				require.NoError(t, conn.Close())

				conn, server := besideProxy(p)
				for _, message := range append(tt.asked, tt.then) {
					_, err := conn.Write(message)
					require.NoError(t, err)
				}
				time.AfterFunc(time.Hour, func() { _ = server.Close() })
				_, err = conn.Read(make([]byte, 1))
				require.True(t, errors.Is(err, io.EOF) && !toProxy(err), "%v", err)
				require.Equal(t, 10*time.Second+time.Hour, time.Since(start))
				require.NoError(t, conn.Close())
			})
		})
	}
}

// besideProxy is a connection to a server that reads and says nothing.
func besideProxy(p *proxies) (conn, server net.Conn) {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	return p.watch(client), server
}
