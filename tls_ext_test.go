package crest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// certificate is one that signed itself, for these hosts and this time.
func certificate(t *testing.T, from, to time.Time, hosts ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: to,
		BasicConstraintsValid: true, IsCA: true, DNSNames: hosts, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if len(hosts) == 0 {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// Rows 4, 5 and 6: what TLS refuses was never sent.
func TestFaultRows4To6TLS(t *testing.T) {
	now := time.Now()
	good := func(t *testing.T) (tls.Certificate, *x509.CertPool) {
		return certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	}
	for name, tt := range map[string]struct {
		certificate func(t *testing.T) (tls.Certificate, *x509.CertPool)
		untrusted   bool
		server      *tls.Config
		kind        crest.Kind
		check       func(t *testing.T, err error)
	}{
		"fine": {good, false, &tls.Config{}, "", nil},
		"row 4 expired": {func(t *testing.T) (tls.Certificate, *x509.CertPool) {
			return certificate(t, now.Add(-2*time.Hour), now.Add(-time.Hour))
		}, false, &tls.Config{}, crest.KindTLS, isExpired},
		"row 4 not yet valid": {func(t *testing.T) (tls.Certificate, *x509.CertPool) {
			return certificate(t, now.Add(time.Hour), now.Add(2*time.Hour))
		}, false, &tls.Config{}, crest.KindTLS, isExpired},
		"row 5 wrong host": {func(t *testing.T) (tls.Certificate, *x509.CertPool) {
			return certificate(t, now.Add(-time.Hour), now.Add(time.Hour), "other.example")
		}, false, &tls.Config{}, crest.KindTLS, func(t *testing.T, err error) {
			var wrong x509.HostnameError
			require.ErrorAs(t, err, &wrong)
		}},
		"row 5 unknown authority": {good, true, &tls.Config{}, crest.KindTLS, func(t *testing.T, err error) {
			var unknown x509.UnknownAuthorityError
			require.ErrorAs(t, err, &unknown)
		}},
		"row 6 TLS 1.1":            {good, false, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, crest.KindTLS, nil},
		"row 6 client certificate": {good, false, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, crest.KindTLS, nil},
	} {
		t.Run(name, func(t *testing.T) {
			own, pool := tt.certificate(t)
			server := httptest.NewUnstartedServer(reply(204, ""))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			config := tt.server.Clone()
			config.Certificates = []tls.Certificate{own}
			server.TLS = config
			server.StartTLS()
			t.Cleanup(server.Close)
			rt := crest.NewTransport()
			t.Cleanup(rt.CloseIdleConnections)
			if !tt.untrusted {
				rt.TLSClientConfig.RootCAs = pool
			}
			c := newClient(t, server.URL, crest.WithTransport(rt), crest.WithBearer(crest.NewSecret("s3cr3t")))
			_, err := everyMethod["POST"].Call(t.Context(), c, crest.Empty{})
			if tt.kind == "" {
				require.NoError(t, err)
				return
			}
			failed := fails(t, err, crest.ErrTransport, tt.kind, crest.SentNo)
			require.NotContains(t, failed.Error(), "may have been received")
			if tt.check != nil {
				tt.check(t, err)
			}
		})
	}
}

func isExpired(t *testing.T, err error) {
	var invalid x509.CertificateInvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, x509.Expired, invalid.Reason)
}

func TestFaultRow7WrongScheme(t *testing.T) {
	plain := serve(t, reply(204, ""))
	_, err := ping.Call(t.Context(), newClient(t, strings.Replace(plain, "http://", "https://", 1)), crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindTLS, crest.SentNo)
	require.ErrorIs(t, err, http.ErrSchemeMismatch)
	require.NotContains(t, err.Error(), "\n")

	server := httptest.NewUnstartedServer(reply(204, ""))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err = ping.Call(t.Context(), newClient(t, strings.Replace(server.URL, "https://", "http://", 1)), crest.Empty{})
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorIs(t, err, crest.Status(400))
}

// The transport that a client makes for itself has every bound of the table set.
func TestTransportBounds(t *testing.T) {
	rt := crest.NewTransport()
	require.Equal(t, 10*time.Second, rt.TLSHandshakeTimeout)
	require.Zero(t, rt.ResponseHeaderTimeout, "Timeouts.Header is crest's own: a call may have a longer one than its client")
	require.Equal(t, time.Second, rt.ExpectContinueTimeout)
	require.Equal(t, 90*time.Second, rt.IdleConnTimeout)
	require.EqualValues(t, 256<<10, rt.MaxResponseHeaderBytes)
	require.Equal(t, []int{512, 256}, []int{rt.MaxIdleConns, rt.MaxIdleConnsPerHost})
	require.True(t, rt.DisableCompression)
	require.True(t, rt.ForceAttemptHTTP2)
	require.EqualValues(t, tls.VersionTLS12, rt.TLSClientConfig.MinVersion)
	require.False(t, rt.TLSClientConfig.InsecureSkipVerify)
	require.Equal(t, []time.Duration{15 * time.Second, 5 * time.Second, 10 * time.Second},
		[]time.Duration{rt.HTTP2.SendPingTimeout, rt.HTTP2.PingTimeout, rt.HTTP2.WriteByteTimeout})
	other := crest.NewTransport()
	require.NotSame(t, rt.TLSClientConfig.ClientSessionCache, other.TLSClientConfig.ClientSessionCache, "R27: tickets are not shared")
}
