package crest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestJarShared(t *testing.T) {
	jar := crest.NewJar(crest.JarOptions{})
	require.NoError(t, jar.SetShared(
		&http.Cookie{Name: "lang", Value: "en"},
		&http.Cookie{Name: "safe", Value: "1", Secure: true},
		&http.Cookie{Name: "team", Value: "x", Domain: ".example.com", Path: "/a"},
	))
	require.Equal(t, "lang=en", sent(t, jar, "http://127.0.0.1/"), "to addresses too")
	require.Equal(t, "lang=en; safe=1", sent(t, jar, "https://example.org/x"))
	require.Equal(t, "team=x; lang=en", sent(t, jar, "http://api.example.com/a"))
	setCookies(t, jar, "http://example.org/", "lang=de")
	require.Equal(t, "lang=de", sent(t, jar, "http://example.org/"), "the site's own")
	require.Equal(t, "lang=en", sent(t, jar, "http://example.net/"), "for others it stays")

	require.NoError(t, jar.SetShared(&http.Cookie{Name: "lang", Value: "fr"}, &http.Cookie{Name: "safe", MaxAge: -1}))
	require.Equal(t, "lang=fr", sent(t, jar, "https://example.net/"))
}

func TestJarSharedRefused(t *testing.T) {
	tests := map[string]struct {
		cookie *http.Cookie
		says   string
	}{
		"nil":           {nil, "is nil"},
		"no name":       {&http.Cookie{Value: "s3cr3t"}, "cannot be sent"},
		"name":          {&http.Cookie{Name: "a=b", Value: "s3cr3t"}, "cannot be sent"},
		"value":         {&http.Cookie{Name: "a", Value: "s3cr3t;x"}, "cannot be sent"},
		"line break":    {&http.Cookie{Name: "a", Value: "s3cr3t\r\nx"}, "cannot be sent"},
		"size":          {&http.Cookie{Name: "a", Value: strings.Repeat("s3cr3t", 1000)}, "cannot be sent"},
		"path":          {&http.Cookie{Name: "a", Value: "s3cr3t", Path: "x"}, "cannot be sent"},
		"public suffix": {&http.Cookie{Name: "a", Value: "s3cr3t", Domain: "co.uk"}, "public suffix"},
		"address":       {&http.Cookie{Name: "a", Value: "s3cr3t", Domain: "127.0.0.1"}, "IP address"},
		"no domain":     {&http.Cookie{Name: "a", Value: "s3cr3t", Domain: "a b"}, "Domain"},
		"__Host-":       {&http.Cookie{Name: "__Host-a", Value: "s3cr3t", Path: "/", Secure: true}, "promises"},
		"__Secure-":     {&http.Cookie{Name: "__Secure-a", Value: "s3cr3t"}, "promises"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			jar := crest.NewJar(crest.JarOptions{})
			err := jar.SetShared(&http.Cookie{Name: "fine", Value: "1"}, test.cookie)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "s3cr3t")
			require.Zero(t, jar.Len(), "none is kept")
		})
	}
}
