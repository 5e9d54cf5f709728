package crest_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/crest-go/crest"
)

// recipe: tls-files

// tlsFromFiles reads roots and a client certificate from PEM files; "" is none. Its errors name the file and what it is for.
func tlsFromFiles(roots, certificate, key string) (*tls.Config, error) {
	config := &tls.Config{}
	if roots != "" {
		text, err := os.ReadFile(roots)
		if err != nil {
			return nil, fmt.Errorf("the CA certificates: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("the CA certificates: %s holds none", roots)
		}
	}
	if certificate == "" {
		return config, nil
	}
	key = cmp.Or(key, certificate) // both in one file
	for _, file := range []struct{ what, path string }{{"certificate", certificate}, {"key", key}} {
		if _, err := os.Stat(file.path); err != nil {
			return nil, fmt.Errorf("the client's %s: %w", file.what, err)
		}
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("the client's certificate %s: %w", certificate, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// end of recipe

// writeRoot writes the certificate of a server into a file.
func writeRoot(server *httptest.Server) (path string, remove func()) {
	dir, err := os.MkdirTemp("", "crest")
	if err != nil {
		panic(err)
	}
	path = filepath.Join(dir, "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		panic(err)
	}
	return path, func() { _ = os.RemoveAll(dir) }
}

// overTLS starts a server with a certificate that nobody knows.
func overTLS() *httptest.Server {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

func Example_certificatesFromFiles() {
	server := overTLS()
	defer server.Close()
	path, remove := writeRoot(server)
	defer remove()
	// recipe: tls-files-use
	config, err := tlsFromFiles(path, "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTLS(config))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	_, err = tlsFromFiles("/garbage", "", "")
	fmt.Println(err)
	_, err = tlsFromFiles("", path, "/garbage")
	fmt.Println(err)
	// Output:
	// <nil>
	// the CA certificates: open /garbage: no such file or directory
	// the client's key: stat /garbage: no such file or directory
}

func Example_certificatesFromEnvironment() {
	server := overTLS()
	defer server.Close()
	path, remove := writeRoot(server)
	defer remove()
	before := os.Getenv("REQUESTS_CA_BUNDLE")
	_ = os.Setenv("REQUESTS_CA_BUNDLE", path)
	defer os.Setenv("REQUESTS_CA_BUNDLE", before)
	// recipe: ca-environment
	bundle := cmp.Or(os.Getenv("REQUESTS_CA_BUNDLE"), os.Getenv("CURL_CA_BUNDLE")) // an empty one is none
	config, err := tlsFromFiles(bundle, "", "")
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	c, _ := crest.New[*crest.Problem](server.URL, crest.WithTLS(config))
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output: <nil>
}

// recipe: fingerprint

// fingerprint accepts one certificate and no other, by the SHA-256 of its DER form: what `openssl x509 -fingerprint -sha256` prints,
// without the colons. It may have signed itself, and it may have expired.
func fingerprint(sum string) (func(tls.ConnectionState) error, error) {
	want, err := hex.DecodeString(sum)
	if err != nil || len(want) != sha256.Size {
		return nil, errors.New("the fingerprint is not the hex of a SHA-256")
	}
	return func(state tls.ConnectionState) error {
		got := sha256.Sum256(state.PeerCertificates[0].Raw)
		if string(got[:]) != string(want) {
			return fmt.Errorf("the server's certificate has the fingerprint %x, not %x", got, want)
		}
		return nil
	}, nil
}

// end of recipe

func Example_fingerprint() {
	server := overTLS()
	defer server.Close()
	sum := sha256.Sum256(server.Certificate().Raw)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // New warns of WithoutTLSVerification
	defer slog.SetDefault(before)
	for _, known := range []string{hex.EncodeToString(sum[:]), hex.EncodeToString(make([]byte, 32))} {
		// recipe: fingerprint-use
		check, err := fingerprint(known)
		if err != nil {
			fmt.Println(err)
			return
		}
		c, err := crest.New[*crest.Problem](server.URL,
			crest.WithTLS(&tls.Config{VerifyConnection: check}), crest.WithoutTLSVerification()) // check is all the verification there is
		// end of recipe
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{}, crest.WithRetry(crest.Retry{Max: -1}))
		fmt.Println(err == nil, errors.Is(err, crest.ErrTransport))
		_ = c.Close()
	}
	// Output:
	// true false
	// false true
}
