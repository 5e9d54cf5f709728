package crest_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Over HTTP/2 too the request goes by the proxy that was chosen for it: net/http would take any connection that there is to the server.
func TestProxyOfEachHopOverHTTP2(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	one, two := httpProxy(t, nil, "", "", s.reach), httpProxy(t, nil, "", "", s.reach)
	direct := serveTLS(t, s.ca.serving(t), true, reply(204, "")).URL
	for name, tt := range map[string]struct {
		base string
		turn []*url.URL
		want [2]int // CONNECTs
	}{
		"two":              {"https://api.test", []*url.URL{one.url, two.url}, [2]int{1, 1}},
		"first none":       {direct, []*url.URL{nil, one.url}, [2]int{1, 0}},
		"first one, twice": {direct, []*url.URL{one.url, nil, one.url}, [2]int{1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			before := [2]int{len(one.all()), len(two.all())}
			turn := 0
			c := newClient(t, tt.base, crest.WithTLS(s.ca.trusting()), crest.WithProxy(func(*http.Request) (*url.URL, error) {
				turn++
				return tt.turn[(turn-1)%len(tt.turn)], nil
			}))
			for range 2 * len(tt.turn) {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			}
			require.Len(t, one.lines(), before[0]+tt.want[0])
			require.Len(t, two.lines(), before[1]+tt.want[1])
		})
	}
}

// A closed client leaves no connection behind, those of each of its proxies included, also where the answer came before the body was sent.
func TestCloseEndsTunnels(t *testing.T) {
	noProxies(t)
	s := serveBoth(t)
	for range 10 {
		var proxies []*proxyServer
		for range 3 {
			proxies = append(proxies, httpProxy(t, nil, "", "", s.reach)) // whose cleanup waits for the tunnels
		}
		turn := 0
		c := newClient(t, "https://api.test", crest.WithTLS(s.ca.trusting()), crest.WithProxy(func(*http.Request) (*url.URL, error) {
			turn++
			return proxies[turn%3].url, nil
		}))
		for range 3 {
			_, err := crest.Put[putAny[io.Reader], crest.Empty]("/x/{id}").Call(t.Context(), c, putAny[io.Reader]{"x", bytes.NewBuffer(make([]byte, 1<<20))})
			require.NoError(t, err)
			<-s.seen
		}
		require.NoError(t, c.Close())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for _, p := range proxies {
				p.open.Wait()
			}
		}()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("a tunnel is open")
		}
	}
}

// An https proxy that does not answer: neither the handshake nor CONNECT outlasts its bound, although net/http would wait a minute.
func TestProxySilenceOverTLS(t *testing.T) {
	noProxies(t)
	ca := newAuthority(t, "servers")
	for name, over := range map[string]func(conn net.Conn) net.Conn{
		"handshake": func(conn net.Conn) net.Conn { return conn },
		"CONNECT":   func(conn net.Conn) net.Conn { return tls.Server(conn, ca.serving(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			asked, hungUp := make(chan struct{}, 2), make(chan struct{}, 2)
			u := hostOf(t, listen(t, func(raw net.Conn, _ *bufio.Reader) {
				conn := over(raw)
				_, _ = conn.Read(make([]byte, 1))
				asked <- struct{}{}
				_, _ = io.Copy(io.Discard, conn)
				hungUp <- struct{}{}
			}))
			u.Scheme = "https"
			c := newClient(t, "https://api.test", fixedProxy(u), crest.WithTLS(ca.trusting()), crest.WithRetry(crest.Retry{Max: -1}),
				crest.WithTimeouts(crest.Timeouts{Connect: 200 * time.Millisecond, TLS: 200 * time.Millisecond}))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			<-asked
			<-hungUp

			leavesWhen(t, c, asked)
			<-hungUp // although nobody waits for it any more
		})
	}
}
