package crest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

var protocol = crest.Get[crest.Empty, string]("/protocol")

func sayProtocol(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(r.Proto))
}

// Roots, client certificates and versions reach the wire, over HTTP/1 and HTTP/2.
func TestWithTLS(t *testing.T) {
	ca, clients, stranger := newAuthority(t, "servers"), newAuthority(t, "clients"), newAuthority(t, "strangers")
	own, theirs := clients.issue(t, nil), stranger.issue(t, nil)
	expired := ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "127.0.0.1")
	demanding := &tls.Config{Certificates: []tls.Certificate{ca.local(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.roots}
	demanding12 := demanding.Clone() // with TLS 1.3 the refusal comes after the handshake, and may be lost with the connection
	demanding12.MaxVersion = tls.VersionTLS12
	plain := &tls.Config{Certificates: []tls.Certificate{ca.local(t)}}
	for name, tt := range map[string]struct {
		server *tls.Config
		client *tls.Config
		kind   crest.Kind
		as     func(err error) bool
	}{
		"roots":                      {plain, ca.trusting(), "", nil},
		"the system's roots":         {plain, nil, crest.KindTLS, isA[x509.UnknownAuthorityError]},
		"other roots":                {plain, stranger.trusting(), crest.KindTLS, isA[x509.UnknownAuthorityError]},
		"expired":                    {&tls.Config{Certificates: []tls.Certificate{expired}}, ca.trusting(), crest.KindTLS, isA[x509.CertificateInvalidError]},
		"wrong host":                 {&tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil, "other.test")}}, ca.trusting(), crest.KindTLS, isA[x509.HostnameError]},
		"client certificate":         {demanding, &tls.Config{RootCAs: ca.roots, Certificates: []tls.Certificate{own}}, "", nil},
		"no client certificate":      {demanding12, ca.trusting(), crest.KindTLS, nil},
		"a stranger's certificate":   {demanding12, &tls.Config{RootCAs: ca.roots, Certificates: []tls.Certificate{theirs}}, crest.KindTLS, nil},
		"TLS 1.3 asked of a TLS 1.2": {&tls.Config{Certificates: plain.Certificates, MaxVersion: tls.VersionTLS12}, &tls.Config{RootCAs: ca.roots, MinVersion: tls.VersionTLS13}, crest.KindTLS, nil},
		"TLS 1.2":                    {&tls.Config{Certificates: plain.Certificates, MaxVersion: tls.VersionTLS12}, ca.trusting(), "", nil},
		"TLS 1.1":                    {&tls.Config{Certificates: plain.Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ca.trusting(), crest.KindTLS, nil},
	} {
		for _, h2 := range []bool{false, true} {
			t.Run(name+map[bool]string{false: " h1", true: " h2"}[h2], func(t *testing.T) {
				server := serveTLS(t, tt.server.Clone(), h2, sayProtocol)
				c := newClient(t, server.URL, crest.WithTLS(tt.client), crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithRetry(crest.Retry{Max: 2}))
				got, err := protocol.Call(t.Context(), c, crest.Empty{})
				if tt.kind == "" {
					require.NoError(t, err)
					require.Equal(t, map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[h2], got)
					return
				}
				failed := fails(t, err, crest.ErrTransport, tt.kind, crest.SentNo)
				require.Len(t, failed.Attempts, 1, "a certificate is the same next time")
				if tt.as != nil {
					require.True(t, tt.as(err), "%v", err)
				}
			})
		}
	}
}

// A client's configuration is its own: what the caller changes later is not seen, nor can clients share sessions.
func TestWithTLSIsCopied(t *testing.T) {
	ca := newAuthority(t, "servers")
	server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.local(t)}}, false, reply(204, ""))
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}
	c := newClient(t, server.URL, crest.WithTLS(config))
	config.RootCAs.AddCert(ca.certificate)
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindTLS, crest.SentNo)
	require.True(t, isA[x509.UnknownAuthorityError](err))

	shared := tls.NewLRUClientSessionCache(8)
	option := crest.WithTLS(&tls.Config{RootCAs: ca.roots, ClientSessionCache: shared})
	for range 2 { // of one option
		var resumed []bool
		c := newClient(t, server.URL, option, crest.WithPool(crest.Pool{CloseAfterUse: true}), crest.WithMiddleware(watchTLS(&resumed)))
		for range 2 {
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		require.Equal(t, []bool{false, true}, resumed, "a client resumes its own sessions and no other's")
	}
	_, ok := shared.Get("127.0.0.1")
	require.False(t, ok)
}

// R27, CVE-2024-35195: a lax client opens no door for a strict one.
func TestR27LaxAndStrictClients(t *testing.T) {
	captureLog(t)
	ca := newAuthority(t, "nobody's")
	var connections atomic.Int32
	config := &tls.Config{Certificates: []tls.Certificate{ca.local(t)}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		connections.Add(1)
		return nil, nil
	}}
	server := serveTLS(t, config, false, reply(204, ""))
	lax := newClient(t, server.URL, crest.WithoutTLSVerification())
	strict := newClient(t, server.URL)
	for range 3 {
		_, err := ping.Call(t.Context(), lax, crest.Empty{})
		require.NoError(t, err)
		_, err = ping.Call(t.Context(), strict, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindTLS, crest.SentNo)
	}
	require.EqualValues(t, 4, connections.Load(), "one that the lax client keeps, and each try of the strict one")
}

// S5.13: one warning for each client.
func TestWithoutTLSVerificationWarnsOnce(t *testing.T) {
	logged := captureLog(t)
	ca := newAuthority(t, "nobody's")
	server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.local(t)}}, false, reply(204, ""))
	c := newClient(t, server.URL, crest.WithoutTLSVerification())
	for range 10 {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	require.Equal(t, 1, strings.Count(logged.String(), "WithoutTLSVerification"))
	require.Contains(t, logged.String(), "level=WARN")
}

// Without verification, a callback of the caller's still decides (the recipe of a certificate's own fingerprint).
func TestWithoutTLSVerificationKeepsTheCallback(t *testing.T) {
	captureLog(t)
	ca := newAuthority(t, "nobody's")
	server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.local(t)}}, false, reply(204, ""))
	refuse := &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return errRefused }}
	for name, opts := range map[string][]crest.ClientOption{
		"before": {crest.WithTLS(refuse), crest.WithoutTLSVerification()},
		"after":  {crest.WithoutTLSVerification(), crest.WithTLS(refuse)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), newClient(t, server.URL, opts...), crest.Empty{})
			require.ErrorIs(t, err, errRefused)
			callError(t, err)
		})
	}
}

func TestTransportOptionMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []crest.ClientOption
		says []string
	}{
		"TLS 1.0":                          {[]crest.ClientOption{crest.WithTLS(&tls.Config{MinVersion: tls.VersionTLS10})}, []string{"WithTLS: MinVersion is TLS 1.0"}},
		"at most 1.1":                      {[]crest.ClientOption{crest.WithTLS(&tls.Config{MaxVersion: tls.VersionTLS11})}, []string{"MaxVersion is TLS 1.1"}},
		"InsecureSkipVerify":               {[]crest.ClientOption{crest.WithTLS(&tls.Config{InsecureSkipVerify: true})}, []string{"WithoutTLSVerification"}},
		"no pins":                          {[]crest.ClientOption{crest.WithPins()}, []string{"WithPins: 0 different pins"}},
		"one pin":                          {[]crest.ClientOption{crest.WithPins(otherPin)}, []string{"1 different pins"}},
		"one pin, twice":                   {[]crest.ClientOption{crest.WithPins(otherPin, otherPin)}, []string{"1 different pins"}},
		"a short pin":                      {[]crest.ClientOption{crest.WithPins("sha256/aW52YWxpZA==", otherPin)}, []string{"holds 7 bytes"}},
		"no base64":                        {[]crest.ClientOption{crest.WithPins("sha256/#", otherPin)}, []string{"is not base64"}},
		"another hash":                     {[]crest.ClientOption{crest.WithPins("sha1/C+7Hteo/D9vJXQ3UfzxbwnXaijM=", otherPin)}, []string{"only SHA-256"}},
		"pins unverified":                  {[]crest.ClientOption{crest.WithPins(otherPin, "sha256/"+strings.Repeat("A", 42)+"8="), crest.WithoutTLSVerification()}, []string{"WithPins beside WithoutTLSVerification"}},
		"CloseAfterUse and IdleTimeout":    {[]crest.ClientOption{crest.WithPool(crest.Pool{CloseAfterUse: true, IdleTimeout: time.Second})}, []string{"CloseAfterUse"}},
		"CloseAfterUse, later IdleTimeout": {[]crest.ClientOption{crest.WithPool(crest.Pool{CloseAfterUse: true}), crest.WithPool(crest.Pool{IdleTimeout: time.Second})}, []string{"CloseAfterUse"}},
		"CloseAfterUse and MaxIdlePerHost": {[]crest.ClientOption{crest.WithPool(crest.Pool{CloseAfterUse: true, MaxIdlePerHost: 1})}, []string{"CloseAfterUse"}},
		"negative":                         {[]crest.ClientOption{crest.WithPool(crest.Pool{MaxConns: -1, MaxConnsPerHost: -2, MaxIdlePerHost: -3, IdleTimeout: -4})}, []string{"MaxConns is -1", "MaxConnsPerHost is -2", "MaxIdlePerHost is -3", "IdleTimeout is -4ns"}},
		"a transport of one's own": {[]crest.ClientOption{
			crest.WithProxy(nil), crest.WithTLS(nil), crest.WithTransport(http.DefaultTransport), crest.WithPool(crest.Pool{}), crest.WithPool(crest.Pool{}), crest.WithTimeouts(crest.Timeouts{TLS: 1}),
		}, []string{"WithProxy and WithTLS and WithPool beside WithTransport", "Timeouts.TLS"}},
		"pins and a transport": {[]crest.ClientOption{crest.WithTransport(http.DefaultTransport), crest.WithoutTLSVerification()}, []string{"WithoutTLSVerification beside WithTransport"}},
	} {
		t.Run(name, func(t *testing.T) {
			logged := captureLog(t)
			_, err := crest.New[*failure]("https://api.example.com", tt.opts...)
			for _, says := range tt.says {
				require.ErrorContains(t, err, says)
			}
			require.NotContains(t, err.Error(), "PANIC")
			require.Empty(t, logged.String(), "a client that was not made warns of nothing")
		})
	}
}

// captureLog keeps what the default logger says.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var text bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &text
}

// TLS is spoken by goroutines of net/http's, where nobody could recover a panic: in the functions of a tls.Config it is an error of the call.
func TestWithTLSHooksThatPanic(t *testing.T) {
	ca := newAuthority(t, "ours")
	server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.local(t)}, ClientAuth: tls.RequestClientCert}, false, reply(204, ""))
	for name, hook := range map[string]func(c *tls.Config){
		"VerifyConnection of WithTLS panicked: oh": func(c *tls.Config) {
			c.VerifyConnection = func(tls.ConnectionState) error { panic("oh") }
		},
		"VerifyPeerCertificate of WithTLS panicked: oh": func(c *tls.Config) {
			c.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { panic("oh") }
		},
		"GetClientCertificate of WithTLS panicked: oh": func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { panic("oh") }
		},
		"returned neither a certificate nor an error": func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := ca.trusting()
			hook(config)
			_, err := ping.Call(t.Context(), newClient(t, server.URL, crest.WithTLS(config), crest.WithRetry(crest.Retry{Max: -1})), crest.Empty{})
			require.ErrorIs(t, err, crest.ErrTransport)
			require.ErrorContains(t, err, name)
		})
	}
}

// R1: a client certificate says who calls as any credential does, and stays at its origin.
func TestR1ClientCertificatesStayHome(t *testing.T) {
	ca := newAuthority(t, "ours")
	for name, h2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			var seen []string
			serving := func(place string, h http.HandlerFunc) string {
				config := &tls.Config{Certificates: []tls.Certificate{ca.local(t)}, ClientAuth: tls.RequestClientCert}
				return serveTLS(t, config, h2, func(w http.ResponseWriter, r *http.Request) {
					seen = append(seen, fmt.Sprint(place, " ", len(r.TLS.PeerCertificates)))
					h(w, r)
				}).URL
			}
			abroad := serving("abroad", reply(204, ""))
			home := serving("home", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/ping" {
					http.Redirect(w, r, abroad, http.StatusTemporaryRedirect)
					return
				}
				w.WriteHeader(204)
			})
			config := ca.trusting()
			config.Certificates = []tls.Certificate{ca.local(t)}
			c := newClient(t, home, crest.WithTLS(config))
			for range 2 {
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			}
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(abroad+"/x"))
			require.NoError(t, err)
			_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(home+"/x"))
			require.NoError(t, err)
			require.Equal(t, []string{"home 1", "abroad 0", "home 1", "abroad 0", "abroad 0", "home 1"}, seen)
		})
	}
}
