package crest_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

var errRefused = errors.New("refused by the test")

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// watchTLS notes of each handshake whether it resumed a session.
func watchTLS(resumed *[]bool) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				TLSHandshakeDone: func(state tls.ConnectionState, err error) {
					if err == nil {
						*resumed = append(*resumed, state.DidResume)
					}
				},
			})))
		})
	}
}

// R41 on every path: a pinned key goes through, another one ends the call before a byte of the request is sent.
func TestR41PinsOnEveryPath(t *testing.T) {
	noProxies(t)
	ca, other := newAuthority(t, "servers"), newAuthority(t, "others")
	own := ca.local(t)
	atProxy := ca.local(t)
	var requests atomic.Int32
	count := func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		sayProtocol(w, r)
	}
	h1 := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{own}}, false, count)
	h2 := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{own}}, true, count)
	// the chain that is shown holds a certificate more: any server can show any certificate
	shown := own
	shown.Certificate = append(append([][]byte(nil), own.Certificate...), other.certificate.Raw)
	showing := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{shown}}, false, count)
	plainProxy := httpProxy(t, nil, "", "", nil)
	tlsProxy := httpProxy(t, &tls.Config{Certificates: []tls.Certificate{atProxy}}, "", "", nil)
	socks := socksProxy(t, "", "", nil)
	through := func(u *url.URL) crest.ClientOption { return crest.WithProxy(http.ProxyURL(u)) }
	leaf, root, proxy, stranger := pinOf(own.Leaf), pinOf(ca.certificate), pinOf(atProxy.Leaf), pinOf(other.certificate)

	for name, tt := range map[string]struct {
		server string
		proxy  crest.ClientOption
		pins   []string
		fails  string // where, or "" where it does not
		got    []string
	}{
		"h1, the server's key":            {h1.URL, nil, []string{otherPin, leaf}, "", nil},
		"h1, the authority's key":         {h1.URL, nil, []string{otherPin, root}, "", nil},
		"h1, wrong":                       {h1.URL, nil, []string{otherPin, stranger}, h1.URL, []string{leaf, root}},
		"h2":                              {h2.URL, nil, []string{otherPin, leaf}, "", nil},
		"h2, wrong":                       {h2.URL, nil, []string{otherPin, stranger}, h2.URL, []string{leaf, root}},
		"shown, not in the chain":         {showing.URL, nil, []string{otherPin, stranger}, showing.URL, []string{leaf, root}},
		"CONNECT":                         {h1.URL, through(plainProxy.url), []string{otherPin, leaf}, "", nil},
		"CONNECT, wrong":                  {h1.URL, through(plainProxy.url), []string{otherPin, stranger}, h1.URL, []string{leaf, root}},
		"CONNECT, h2, wrong":              {h2.URL, through(plainProxy.url), []string{otherPin, stranger}, h2.URL, []string{leaf, root}},
		"SOCKS":                           {h1.URL, through(socks.url), []string{otherPin, leaf}, "", nil},
		"SOCKS, wrong":                    {h1.URL, through(socks.url), []string{otherPin, stranger}, h1.URL, []string{leaf, root}},
		"https proxy":                     {h1.URL, through(tlsProxy.url), []string{proxy, leaf}, "", nil},
		"https proxy, wrong at the proxy": {h1.URL, through(tlsProxy.url), []string{otherPin, leaf}, tlsProxy.url.String(), []string{proxy, root}},
		"https proxy, wrong behind it":    {h1.URL, through(tlsProxy.url), []string{otherPin, proxy}, h1.URL, []string{leaf, root}},
	} {
		t.Run(name, func(t *testing.T) {
			requests.Store(0)
			c := newClient(t, tt.server, crest.WithTLS(ca.trusting()), crest.WithPins(tt.pins...), tt.proxy, crest.WithRetry(crest.Retry{Max: 3}))
			_, err := protocol.Call(t.Context(), c, crest.Empty{})
			if tt.fails == "" {
				require.NoError(t, err)
				require.EqualValues(t, 1, requests.Load())
				return
			}
			failed := fails(t, err, crest.ErrTransport, crest.KindPin, crest.SentNo)
			require.Len(t, failed.Attempts, 1, "never tried again")
			require.Zero(t, requests.Load())
			mismatch, ok := errors.AsType[*crest.PinError](err)
			require.True(t, ok)
			require.Equal(t, strings.SplitN(tt.fails, "://", 2)[1], net.JoinHostPort(mismatch.Host, mismatch.Port))
			require.Equal(t, tt.pins, mismatch.Expected)
			require.Equal(t, tt.got, mismatch.Got)
			require.ErrorContains(t, err, tt.got[0])
		})
	}
}

// R41: a resumed session is checked as well. crypto/tls calls VerifyPeerCertificate on full handshakes only.
func TestR41PinsOnResumption(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			ca := newAuthority(t, "servers")
			own := ca.local(t)
			server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{own}, MaxVersion: version}, false, reply(204, ""))
			var looked atomic.Int32
			config := ca.trusting()
			config.VerifyConnection = func(state tls.ConnectionState) error { looked.Add(1); return nil }
			var resumed []bool
			opts := []crest.ClientOption{crest.WithTLS(config), crest.WithPool(crest.Pool{CloseAfterUse: true}), crest.WithMiddleware(watchTLS(&resumed))}
			c := newClient(t, server.URL, append(opts, crest.WithPins(otherPin, pinOf(own.Leaf)))...)
			for range 5 {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			}
			require.Equal(t, []bool{false, true, true, true, true}, resumed)
			require.EqualValues(t, 5, looked.Load(), "the caller's own look comes first, and each time")
		})
	}
	// a session that was checked by nobody is no way around: the pins are looked for in the chain that it remembers
	t.Run("a session that holds another key", func(t *testing.T) {
		ca := newAuthority(t, "servers")
		own := ca.local(t)
		var states []tls.ConnectionState
		config := ca.trusting()
		config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		config.VerifyConnection = func(state tls.ConnectionState) error { states = append(states, state); return nil }
		server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{own}}, false, reply(204, ""))
		for range 2 {
			conn, err := tls.Dial("tcp", server.Listener.Addr().String(), config)
			require.NoError(t, err)
			_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
			require.NoError(t, err)
			_, _ = conn.Read(make([]byte, 1<<10)) // the ticket
			require.NoError(t, conn.Close())
		}
		require.Len(t, states, 2)
		require.True(t, states[1].DidResume)
		require.NoError(t, crest.CheckPins(states[1], otherPin, pinOf(own.Leaf)))
		require.True(t, isA[*crest.PinError](crest.CheckPins(states[1], otherPin, pinOf(newAuthority(t, "x").certificate))))
	})
}
