package crest_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"

	"github.com/crest-go/crest"
)

// trusting are roots with the certificate of a test's server.
func trusting(server *httptest.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}

func ExampleWithTLS() {
	server := overTLS()
	defer server.Close()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTLS(&tls.Config{
		RootCAs:    trusting(server), // and Certificates for those of the client
		MinVersion: tls.VersionTLS13,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	_, err = crest.New[*crest.Problem](server.URL, crest.WithTLS(&tls.Config{MinVersion: tls.VersionTLS10}))
	fmt.Println(err)
	// Output:
	// <nil>
	// crest: New: WithTLS: MinVersion is TLS 1.0, which is broken: TLS 1.2 is the least
}

func ExampleWithoutTLSVerification() {
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "host" {
			return slog.Attr{}
		}
		return a
	}})))
	server := overTLS()
	defer server.Close()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithoutTLSVerification())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// level=WARN msg="crest: certificates are not verified (WithoutTLSVerification): everyone on the way can read and change what is sent"
	// <nil>
}

func ExampleWithPins() {
	server := overTLS()
	defer server.Close()
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	inUse := "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
	const inReserve = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

	c, err := crest.New[*crest.Problem](server.URL,
		crest.WithTLS(&tls.Config{RootCAs: trusting(server)}), crest.WithPins(inUse, inReserve))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output: <nil>
}

func ExamplePinError() {
	server := overTLS()
	defer server.Close()
	const one, other = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	c, err := crest.New[*crest.Problem](server.URL,
		crest.WithTLS(&tls.Config{RootCAs: trusting(server)}), crest.WithPins(one, other))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	if mismatch, ok := errors.AsType[*crest.PinError](err); ok {
		fmt.Println(errors.Is(err, crest.KindPin), mismatch.Host, mismatch.Expected, len(mismatch.Got))
	}
	// Output: true 127.0.0.1 [sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=] 1
}
