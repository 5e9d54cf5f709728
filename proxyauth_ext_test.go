package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// digestProxy is a proxy that demands Digest.
func digestProxy(t testing.TB, s *bothServers, digest *digestServer) *proxyServer {
	t.Helper()
	p := httpProxy(t, nil, "", "", s.reach)
	p.digest = digest
	return p
}

// known is the URL of a proxy with the user that the digest servers know.
func (p *proxyServer) known() *url.URL { return p.at(digestUser, digestPassword) }

// schemes of what credentials were sent, in the order of the requests.
func (s *digestServer) schemes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, given := range s.seen {
		scheme, _, _ := strings.Cut(given, " ")
		list = append(list, scheme)
	}
	return list
}

// overBoth runs a test for a plain server, which the proxy speaks to, and one behind a tunnel.
func overBoth(t *testing.T, test func(t *testing.T, s *bothServers, base string)) {
	noProxies(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) { test(t, serveBoth(t), scheme+"://api.test") })
	}
}

// Every algorithm: the first call is challenged, and those that follow are not; nothing of it reaches the server. Basic is gone with the first challenge.
func TestProxyDigest(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		for _, algorithm := range []string{"", "MD5-sess", "SHA-256", "SHA-512-256"} {
			for _, qop := range []string{"", "auth", "auth-int"} {
				t.Run(algorithm+" "+qop, func(t *testing.T) {
					digest := &digestServer{algorithm: algorithm, qop: qop}
					p := digestProxy(t, s, digest)
					c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known()), crest.WithPool(crest.Pool{CloseAfterUse: true}),
						crest.WithQuery("a", `b "c"`))
					put := crest.Put[putAny[[]byte], crest.Empty]("/things/{id}")
					for range 3 {
						got, err := put.Do(t.Context(), c, putAny[[]byte]{"x/y", []byte("body")})
						require.NoError(t, err, digest.wrong)
						require.Empty(t, got.History)
						require.Empty(t, (<-s.seen).Values("Proxy-Authorization"))
					}
					require.Equal(t, []string{"Basic", "Digest", "Digest", "Digest"}, digest.schemes())
					require.Empty(t, digest.wrong)
				})
			}
		}
	})
}

// A proxy that is reached over TLS.
func TestProxyDigestOverTLS(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		p := httpProxy(t, s.ca.serving(t), "", "", s.reach)
		p.digest = &digestServer{algorithm: "SHA-256", qop: "auth"}
		_, err := ping.Call(t.Context(), newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known())), crest.Empty{})
		require.NoError(t, err, p.digest.wrong)
	})
}

// A wrong password is said once more, and then the proxy's answer is what it always was. Basic does not come back.
func TestProxyDigestWrongPassword(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		p := digestProxy(t, s, &digestServer{algorithm: "MD5", qop: "auth", nonce: func(n int) string { return fmt.Sprint(n) }})
		c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.at(digestUser, "wr0ng")), crest.WithRetry(crest.Retry{Max: 3, Backoff: noWait}))
		for range 2 {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			failed := callError(t, err)
			require.ErrorIs(t, err, crest.Status(407))
			require.Len(t, failed.Attempts, 1)
			if strings.HasPrefix(base, "https") {
				fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			} else {
				fails(t, err, crest.ErrStatus, "", crest.SentYes)
			}
			require.NotContains(t, fmt.Sprintf("%v %+v", err, failed), "wr0ng")
		}
		require.Equal(t, []string{"Basic", "Digest", "", "Digest"}, p.digest.schemes())
		require.Empty(t, s.seen)
	})
}

// A nonce that has aged is replaced, and there is an end to it.
func TestProxyDigestStale(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		uses := map[string]int{}
		digest := &digestServer{algorithm: "SHA-256", qop: "auth", nonce: func(n int) string { return fmt.Sprint("nonce", n) }}
		digest.fresh = func(nonce string) bool { uses[nonce]++; return uses[nonce] == 1 && nonce != "nonce1" }
		p := digestProxy(t, s, digest)
		c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known()), crest.WithPool(crest.Pool{CloseAfterUse: true}))
		for _, requests := range []int{3, 5} { // challenge, stale, answer; then stale at once, answer
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err, digest.wrong)
			require.Equal(t, requests, digest.requests)
		}
		digest.fresh = func(string) bool { return false }
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(407))
		require.Equal(t, 8, digest.requests, "the old nonce, and two more")
	})
}

// Many at a time: no count goes out twice with one nonce.
func TestProxyDigestConcurrently(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		for name, nonce := range map[string]func(int) string{"one nonce": nil, "new nonces": func(n int) string { return fmt.Sprint("nonce", n) }} {
			t.Run(name, func(t *testing.T) {
				p := digestProxy(t, s, &digestServer{algorithm: "SHA-256", qop: "auth", nonce: nonce})
				c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known()), crest.WithPool(crest.Pool{CloseAfterUse: true}))
				var running sync.WaitGroup
				for range 16 {
					running.Go(func() {
						for range 3 {
							_, err := ping.Call(t.Context(), c, crest.Empty{})
							assert.NoError(t, err)
							<-s.seen
						}
					})
				}
				running.Wait()
				require.Empty(t, p.digest.wrong)
			})
		}
	})
}

// What net/http sends once more by itself has a count of its own.
func TestProxyDigestReplays(t *testing.T) {
	noProxies(t)
	digest := &digestServer{algorithm: "SHA-256", qop: "auth"}
	at := listen(t, func(conn net.Conn, in *bufio.Reader) {
		for n := 0; ; n++ {
			req := readRequest(in)
			if req == nil {
				return
			}
			challenge := digest.admit(req, req.Header.Get("Proxy-Authorization"), nil)
			switch {
			case challenge != "":
				_, _ = io.WriteString(conn, "HTTP/1.1 407 No\r\nContent-Length: 0\r\nProxy-Authenticate: "+challenge+"\r\n\r\n")
			case n > 0:
				return // read, and not answered, on a connection that was used before: net/http takes another
			default:
				_, _ = io.WriteString(conn, noContent)
			}
		}
	})
	u := hostOf(t, at)
	u.User = url.UserPassword(digestUser, digestPassword)
	c := newClient(t, "http://api.test", fixedProxy(u), crest.WithRetry(crest.Retry{Max: -1}))
	for range 4 {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err, digest.wrong)
	}
	require.Equal(t, 1+1+2*3, digest.requests, "net/http replayed nothing: the test shows nothing")
	require.Empty(t, digest.wrong)
}

// Each request that a proxy reads has a slot of its own; a CONNECT that was refused has none.
func TestProxyDigestAndTheLimit(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		p := digestProxy(t, s, &digestServer{algorithm: "SHA-256", qop: "auth"})
		limiter := &sendLog{}
		c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known()), crest.WithLimiter(limiter),
			crest.WithPool(crest.Pool{MaxConns: 1, MaxConnsPerHost: 1}))
		for range 2 {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		want := 2
		if base == "http://api.test" {
			want = 3
		}
		require.Equal(t, want, limiter.sent)
		require.Zero(t, crest.PlacesTaken(c))
	})
}

// Over plain http the request has to be sent twice, so its body too: where it cannot, the 407 is the answer, and the next call knows better. A tunnel
// that is refused has touched no body.
func TestProxyDigestBodies(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<14)
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		upload := func(c crest.Caller, body any) error {
			switch body := body.(type) {
			case []byte:
				_, err := crest.Put[putAny[[]byte], crest.Empty]("/things/{id}").Call(t.Context(), c, putAny[[]byte]{"x", body})
				return err
			case func() (io.ReadCloser, error):
				_, err := crest.Put[putAny[func() (io.ReadCloser, error)], crest.Empty]("/things/{id}").Call(t.Context(), c, putAny[func() (io.ReadCloser, error)]{"x", body})
				return err
			}
			_, err := crest.Put[putAny[io.Reader], crest.Empty]("/things/{id}").Call(t.Context(), c, putAny[io.Reader]{"x", body.(io.Reader)})
			return err
		}
		for name, body := range map[string]func() any{
			"bytes": func() any { return []byte(big) },
			"function": func() any {
				return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(big)), nil }
			},
			"reader": func() any { return io.Reader(bytes.NewBufferString(big)) },
		} {
			t.Run(name, func(t *testing.T) {
				p := digestProxy(t, s, &digestServer{algorithm: "SHA-256", qop: "auth"})
				c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known()), crest.WithRetry(crest.Retry{Max: -1}))
				err := upload(c, body())
				if name == "reader" && base == "http://api.test" {
					require.ErrorIs(t, err, crest.Status(407))
					require.Equal(t, []string{"Basic"}, p.digest.schemes())
					err = upload(c, body())
				}
				require.NoError(t, err)
				if base == "http://api.test" {
					require.Equal(t, big, p.digest.bodies[1])
				}
			})
		}
		t.Run("closed", func(t *testing.T) {
			for name, password := range map[string]string{"right": digestPassword, "wrong": "wr0ng"} {
				t.Run(name, func(t *testing.T) {
					p := digestProxy(t, s, &digestServer{algorithm: "SHA-256", qop: "auth"})
					body := &shutBody{closing: closing{Reader: bytes.NewBufferString(big)}}
					c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.at(digestUser, password)))
					err := upload(c, body)
					if base == "http://api.test" || name == "wrong" {
						require.ErrorIs(t, err, crest.Status(407))
					} else {
						require.NoError(t, err)
					}
					eventually(t, func() bool { return body.closed.Load() > 0 })
					require.Equal(t, base == "http://api.test" || name == "right", body.read.Load())
				})
			}
		})
	})
}

// shutBody is a reader that fails when it is read after its Close.
type shutBody struct {
	closing
	read atomic.Bool
}

func (b *shutBody) Read(p []byte) (int, error) {
	if b.closed.Load() > 0 {
		return 0, os.ErrClosed
	}
	b.read.Store(true)
	return b.Reader.Read(p)
}

// What is no challenge that can be answered is the answer: no second request.
func TestProxyDigestNotAnswered(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		for name, tt := range map[string]struct {
			status    int
			challenge string
			user      *url.Userinfo
		}{
			"no user":           {407, `Digest realm="r", nonce="n"`, nil},
			"on a 403":          {403, `Digest realm="r", nonce="n"`, url.User("me")},
			"none":              {407, "", url.User("me")},
			"Basic":             {407, `Basic realm="r"`, url.User("me")},
			"no nonce":          {407, `Digest realm="r"`, url.User("me")},
			"unknown algorithm": {407, `Digest realm="r", nonce="n", algorithm=SHA-3`, url.User("me")},
		} {
			t.Run(name, func(t *testing.T) {
				seen := make(chan string, 8)
				u := hostOf(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
					seen <- r.Header.Get("Proxy-Authorization")
					w.Header().Set("Proxy-Authenticate", tt.challenge)
					w.Header().Set("Www-Authenticate", tt.challenge)
					w.WriteHeader(tt.status)
				}))
				u.User = tt.user
				_, err := ping.Call(t.Context(), newClient(t, base, fixedProxy(u)), crest.Empty{})
				require.ErrorIs(t, err, crest.Status(tt.status))
				require.Len(t, seen, 1)
			})
		}
	})
}

// R2: the challenge of a server is not the proxy's: not behind a tunnel, not without a proxy, not at the end of a redirect.
func TestR2ServersCannotAskForTheProxysPassword(t *testing.T) {
	noProxies(t)
	ca := newAuthority(t, "servers")
	seen := make(chan http.Header, 8)
	h := func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header().Set("Proxy-Authenticate", `Digest realm="r", nonce="n"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	}
	plain, secure := serve(t, h), serveTLS(t, ca.serving(t), true, h)
	p := digestProxy(t, &bothServers{reach: map[string]string{"api.test:443": secure.Listener.Addr().String()}}, &digestServer{algorithm: "SHA-256", qop: "auth"})
	c := newClient(t, "http://api.test", crest.WithTLS(ca.trusting()), crest.WithProxy(func(req *http.Request) (*url.URL, error) {
		if req.URL.Hostname() == "127.0.0.1" {
			return nil, nil
		}
		return p.known(), nil
	}))
	for _, opts := range [][]crest.CallOption{{crest.WithURL("https://api.test/x")}, {crest.WithURL(plain)}, {crest.WithURL("https://api.test/x")}} {
		_, err := ping.Call(t.Context(), c, crest.Empty{}, opts...)
		require.ErrorIs(t, err, crest.Status(407))
		require.Empty(t, (<-seen).Values("Proxy-Authorization"))
		require.Empty(t, seen, "asked once")
	}
}

// R2: what a middleware or another library writes for a proxy reaches nobody: the proxy's URL says who asks.
func TestR2ProxyAuthorizationByHand(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		p := httpProxy(t, nil, "user", "pa::ss", s.reach)
		byHand := func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Header.Set("Proxy-Authorization", "Basic m4rker")
				return next.RoundTrip(req)
			})
		}
		for _, proxy := range []crest.ClientOption{fixedProxy(p.at("user", "pa::ss")), fixedProxy(digestProxy(t, s, &digestServer{qop: "auth"}).known())} {
			c := newClient(t, base, crest.WithTLS(s.ca.trusting()), proxy, crest.WithMiddleware(byHand))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Empty(t, (<-s.seen).Values("Proxy-Authorization"))
		}
		require.NotContains(t, fmt.Sprint(p.all()), "m4rker")

		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.reach["api.test:80"], nil)
		require.NoError(t, err)
		req.Header.Set("Proxy-Authorization", "Basic m4rker")
		resp, err := crest.RoundTripper(newClient(t, base, crest.WithProxy(nil))).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Empty(t, (<-s.seen).Values("Proxy-Authorization"))
		require.Equal(t, "Basic m4rker", req.Header.Get("Proxy-Authorization"), "the caller's own request is left alone")
	})
}

// R2: proxies in turn, each with a user of its own: what one asked for is answered to that one, and a connection of one user serves no other.
func TestR2EachProxyItsOwnUser(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		var ps []*proxyServer
		for range 2 {
			ps = append(ps, digestProxy(t, s, &digestServer{algorithm: "SHA-256", qop: "auth"}))
		}
		open := httpProxy(t, nil, "other", "wr0ng", s.reach)
		var turn int
		c := newClient(t, base, crest.WithTLS(s.ca.trusting()), crest.WithProxy(func(*http.Request) (*url.URL, error) {
			turn++
			return []*url.URL{ps[0].known(), ps[1].known(), open.at("other", "wr0ng"), ps[0].at("stranger", "wr0ng")}[(turn-1)%4], nil
		}))
		for range 3 {
			for i := range 4 {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.Equal(t, i != 3, err == nil, "%d: %v", i, err)
			}
		}
		require.Equal(t, 12, turn, "once for each hop")
		for _, p := range ps {
			for _, seen := range p.all() {
				require.NotContains(t, seen.authorization, "wr0ng")
			}
		}
		for _, seen := range open.all() {
			require.NotContains(t, seen.authorization, "Digest")
		}
	})
}

// A call that ends while the proxy is asked again, and requests of other libraries.
func TestProxyDigestCancelled(t *testing.T) {
	overBoth(t, func(t *testing.T, s *bothServers, base string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := digestProxy(t, s, &digestServer{algorithm: "SHA-256", qop: "auth", fresh: func(string) bool { cancel(); return true }})
		c := newClient(t, base, crest.WithTLS(s.ca.trusting()), fixedProxy(p.known()), crest.WithPool(crest.Pool{MaxConns: 1}))
		p.digest.nonce = func(n int) string { return "n" }
		_, err := ping.Call(ctx, c, crest.Empty{})
		if err != nil { // the answer may have been faster
			require.ErrorIs(t, err, context.Canceled)
		}
		eventually(t, func() bool { return crest.PlacesTaken(c) == 0 })

		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/x", nil)
		require.NoError(t, err)
		resp, err := crest.RoundTripper(c).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 204, resp.StatusCode)
	})
}

// squidDigest is squid with the helper for Digest from its own package; a nonce is good for two requests.
var squidDigest = realProxy{"squid", func(t testing.TB, dir, port string) []string {
	require.NoError(t, os.WriteFile(filepath.Join(dir, "users"), []byte(digestUser+":"+digestPassword+"\n"), 0o644))
	return []string{"-N", "-f", config(t, dir, fmt.Sprintf(`http_port 127.0.0.1:%[1]s
pid_filename %[2]s/squid.pid
cache_log %[2]s/cache.log
access_log none
cache deny all
shutdown_lifetime 0 seconds
auth_param digest program /usr/lib/squid/digest_file_auth %[2]s/users
auth_param digest realm proxy
auth_param digest nonce_max_count 2
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
`, port, dir))}
}, "http", func(t testing.TB) *url.URL {
	return digestProxy(t, &bothServers{}, &digestServer{algorithm: "MD5", qop: "auth"}).url
}}

// With what people run: many calls, so that nonces age; none of them fails with the right password, and all with a wrong one.
func TestRealProxyDigest(t *testing.T) {
	noProxies(t)
	ca := newAuthority(t, "servers")
	var leaked atomic.Bool
	h := func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Proxy-Authorization") != "")
		w.WriteHeader(http.StatusNoContent)
	}
	at := squidDigest.start(t)
	for kind, base := range map[string]string{"http": serve(t, h), "https": serveTLS(t, ca.serving(t), false, h).URL, "h2": serveTLS(t, ca.serving(t), true, h).URL} {
		t.Run(kind, func(t *testing.T) {
			u := *at
			u.User = url.UserPassword(digestUser, digestPassword)
			c := newClient(t, base, crest.WithTLS(ca.trusting()), fixedProxy(&u), crest.WithPool(crest.Pool{CloseAfterUse: true}), crest.WithRetry(crest.Retry{Max: -1}))
			var running sync.WaitGroup
			for range 2 {
				running.Go(func() {
					for range 6 {
						_, err := ping.Call(t.Context(), c, crest.Empty{})
						assert.NoError(t, err)
					}
				})
			}
			running.Wait()
			u.User = url.UserPassword(digestUser, "wr0ng")
			_, err := ping.Call(t.Context(), newClient(t, base, crest.WithTLS(ca.trusting()), fixedProxy(&u)), crest.Empty{})
			require.ErrorIs(t, err, crest.Status(407))
			require.NotContains(t, fmt.Sprintf("%+v", err), "wr0ng")
		})
	}
	require.False(t, leaked.Load())
}
