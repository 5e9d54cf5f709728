package crest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// realProxy is a proxy that others wrote, from the Debian package of its name.
type realProxy struct {
	program string
	args    func(t testing.TB, dir, port string) []string
	scheme  string
	standIn func(t testing.TB) *url.URL // without the package; nil for one that wants Basic, or the password of SOCKS
}

var realProxies = map[string]realProxy{
	"tinyproxy": {"tinyproxy", func(t testing.TB, dir, port string) []string {
		return []string{"-d", "-c", config(t, dir, "Port "+port+"\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\nBasicAuth user m4rker\n")}
	}, "http", nil},
	"squid": {"squid", func(t testing.TB, dir, port string) []string {
		return []string{"-N", "-f", config(t, dir, fmt.Sprintf(`http_port 127.0.0.1:%[1]s
pid_filename %[2]s/squid.pid
cache_log %[2]s/cache.log
access_log none
cache deny all
shutdown_lifetime 0 seconds
auth_param basic program %[2]s/ask
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
`, port, dir))}
	}, "http", nil},
	"microsocks": {"microsocks", func(_ testing.TB, _, port string) []string {
		return []string{"-i", "127.0.0.1", "-p", port, "-u", "user", "-P", "m4rker"}
	}, "socks5", nil},
}

func config(t testing.TB, dir, text string) string {
	t.Helper()
	// squid asks a helper for each password: this one knows a single one
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ask"), []byte("#!/bin/sh\nwhile read line; do [ \"$line\" = \"user m4rker\" ] && echo OK || echo ERR; done\n"), 0o755))
	path := filepath.Join(dir, "proxy.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// start runs the proxy until the test ends. Without its package one of the tests' own stands in.
func (p realProxy) start(t *testing.T) *url.URL {
	t.Helper()
	program, err := exec.LookPath(p.program)
	if err != nil {
		t.Logf("%s is not installed (the Debian package %s): a proxy of the tests stands in", p.program, p.program)
		if p.standIn != nil {
			return p.standIn(t)
		}
		if p.scheme == "http" {
			return httpProxy(t, nil, "user", "m4rker", nil).url
		}
		return socksProxy(t, "user", "m4rker", nil).url
	}
	dir, err := os.MkdirTemp("", "crest-proxy") // not t.TempDir: squid gives up root and must still get in
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	if me, err := user.Current(); err == nil && me.Uid != "0" {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	addr := nobodyAt(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, p.args(t, dir, port)...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	eventually(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return &url.URL{Scheme: p.scheme, Host: addr}
}

// Through the proxies that people run: plain and TLS, HTTP/1 and HTTP/2, with the right password and a wrong one.
func TestRealProxies(t *testing.T) {
	noProxies(t)
	ca := newAuthority(t, "servers")
	header := make(chan http.Header, 16)
	h := func(w http.ResponseWriter, r *http.Request) {
		header <- r.Header
		sayProtocol(w, r)
	}
	servers := map[string]string{"http": serve(t, h), "https": serveTLS(t, ca.serving(t), false, h).URL, "h2": serveTLS(t, ca.serving(t), true, h).URL}
	for name, proxy := range realProxies {
		t.Run(name, func(t *testing.T) {
			at := proxy.start(t)
			for kind, base := range servers {
				t.Run(kind, func(t *testing.T) {
					u := *at
					u.User = url.UserPassword("user", "m4rker")
					c := newClient(t, base, crest.WithTLS(ca.trusting()), fixedProxy(&u))
					for range 3 {
						got, err := protocol.Call(t.Context(), c, crest.Empty{})
						require.NoError(t, err)
						require.Equal(t, map[string]string{"http": "HTTP/1.1", "https": "HTTP/1.1", "h2": "HTTP/2.0"}[kind], got)
						seen := <-header
						require.Empty(t, seen.Values("Proxy-Authorization"))
						require.NotContains(t, fmt.Sprint(seen), "m4rker")
					}
					u.User = url.UserPassword("user", "wr0ng")
					_, err := protocol.Call(t.Context(), newClient(t, base, crest.WithTLS(ca.trusting()), fixedProxy(&u), crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait})), crest.Empty{})
					failed := callError(t, err)
					if kind == "http" && proxy.scheme == "http" {
						require.True(t, status(407)(err) || status(401)(err), "%v", err) // tinyproxy's answer to a wrong password is 401
					} else {
						require.ErrorIs(t, err, crest.KindProxy)
						require.Equal(t, crest.SentNo, failed.Sent)
					}
					require.Len(t, failed.Attempts, 1, "%v", err)
					require.NotContains(t, fmt.Sprintf("%+v", err), "wr0ng")
				})
			}
		})
	}
}
