package recipes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// recipe: sigv4

// signature signs each request for a service of AWS (Signature Version 4): attempts, pages and redirects within the origin anew, and none
// that leaves it. S3 alone wants v4.SignerOptions.DisableURIPathEscaping.
func signature(keys aws.CredentialsProvider, service, region string) crest.AuthFunc {
	signer := v4.NewSigner()
	return func(req *http.Request) error {
		credentials, err := keys.Retrieve(req.Context())
		if err != nil {
			return err
		}
		sum, err := payloadHash(req)
		if err != nil {
			return err
		}
		req.Header.Set("X-Amz-Content-Sha256", sum)
		return signer.SignHTTP(req.Context(), credentials, req, sum, service, region, time.Now())
	}
}

// payloadHash reads a copy of the body.
func payloadHash(req *http.Request) (string, error) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return "", errors.New("a body that can be read once only cannot be signed: give one that can be opened again")
	}
	hash := sha256.New()
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return "", err
		}
		defer func() { _ = body.Close() }()
		if _, err := io.Copy(hash, body); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// end of recipe

// keys are the credentials that AWS's own documentation signs its examples with.
var keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, nil
})

type putThing struct {
	Name  string   `path:"name"`
	Tags  []string `query:"tag"`
	Color string   `json:"color"`
}

// The server signs what it got, as AWS does, and compares.
func TestSigV4(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization"))
		if !signedByAWS(t, r) {
			http.Error(w, "SignatureDoesNotMatch", http.StatusForbidden)
			return
		}
		if len(asked) == 1 {
			http.Error(w, "SlowDown", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	// recipe: sigv4-use
	c, err := crest.New[*crest.Problem](server.URL, crest.WithAuth(signature(keys, "execute-api", "eu-central-1")))
	// end of recipe
	require.NoError(t, err)
	defer c.Close()

	put := crest.Put[putThing, crest.Empty]("/things/{name}")
	_, err = put.Call(t.Context(), c, putThing{Name: "a b/ü", Tags: []string{"z", "a+b"}, Color: "red"}, crest.WithRetry(crest.Retry{Max: 1}))
	require.NoError(t, err)
	require.Len(t, asked, 2, "an attempt more, signed anew")
}

// signedByAWS makes the signature of a request that has arrived, with the date that it names, over the headers that it names.
func signedByAWS(t *testing.T, r *http.Request) bool {
	t.Helper()
	_, names, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	date, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	require.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	sum := sha256.Sum256(body)
	again, err := http.NewRequestWithContext(t.Context(), r.Method, "http://"+r.Host+r.RequestURI, nil)
	require.NoError(t, err)
	again.ContentLength = r.ContentLength
	for name := range strings.SplitSeq(names, ";") {
		if value := r.Header.Values(name); len(value) > 0 && name != "x-amz-date" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = value
		}
	}
	credentials, err := keys.Retrieve(t.Context())
	require.NoError(t, err)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), credentials, again, hex.EncodeToString(sum[:]), "execute-api", "eu-central-1", date))
	return again.Header.Get("Authorization") == r.Header.Get("Authorization")
}
