package realproxies

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// certificate writes that of net/http/httptest, with its key, into a file, and is the option of a client that trusts it.
func certificate(t *testing.T, dir string) (path string, trusting crest.ClientOption) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	return write(t, dir, "server.pem", string(text)), crest.WithTLS(&tls.Config{RootCAs: roots})
}
