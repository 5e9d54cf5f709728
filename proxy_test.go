package crest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
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

// FuzzProxyRules gives the environment any value. This machine is never reached by a proxy, nor is a host that NO_PROXY names; a host whose name
// only ends like it is; and what a value may hold as a password stands in no error.
func FuzzProxyRules(f *testing.F) {
	for _, seed := range [][3]string{
		{"http://proxy.example:3128", "a.example", "a.example"}, {"proxy:3128", ".a.example,10.0.0.0/8", "b.a.example"}, {"socks5://u:s3cr3t@[::1]:1080", "*", "c.example"},
		{"http:/proxy:3128", "a.example:443", "a.example"}, {"//p", "[::1]:80, 1.2.3.4", "1.2.3.4"}, {"https://u:s3cr3t@p:99999", "", "d.example"}, {"\x00", "xn--a", "ä.example"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, value, except, host string) {
		if strings.ContainsRune(value+except, 0) {
			return // no environment holds it
		}
		for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "REQUEST_METHOD", "no_proxy"} {
			t.Setenv(name, "")
		}
		t.Setenv("HTTP_PROXY", value)
		t.Setenv("NO_PROXY", except)
		p := &proxies{choose: environmentProxies()}
		find := func(host string) *url.URL {
			u, err := p.find(&http.Request{URL: &url.URL{Scheme: "http", Host: host}, Header: http.Header{}})
			if err != nil {
				require.NotContains(t, err.Error(), "s3cr3t")
			} else if u != nil {
				require.NoError(t, checkProxyURL(u))
			}
			return u
		}
		find(host)
		for _, own := range []string{"localhost", "localhost:80", "127.0.0.1:3000", "[::1]"} {
			require.Nil(t, find(own), own)
		}
		if p.choose == nil || except != "" {
			return
		}
		t.Setenv("NO_PROXY", "named.example,.below.example")
		p.choose = environmentProxies()
		for _, direct := range []string{"named.example", "NAMED.example:8080", "x.named.example", "x.below.example"} {
			require.Nil(t, find(direct), direct)
		}
		for _, other := range []string{"unnamed.example", "below.example"} {
			u, err := p.choose(&http.Request{URL: &url.URL{Scheme: "http", Host: other}})
			require.True(t, u != nil || err != nil, other)
		}
	})
}
