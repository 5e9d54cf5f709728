package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProxyWantsItsPassword(t *testing.T) {
	for name, said := range map[string][]string{
		"none":         nil,
		"another":      {"Basic b2ZmaWNlOm90aGVy"},
		"other scheme": {"Bearer " + proxyPassword},
	} {
		t.Run(name, func(t *testing.T) {
			reached := false
			p := proxy{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })}
			for _, method := range []string{http.MethodGet, http.MethodConnect} {
				req := httptest.NewRequest(method, "http://127.0.0.1:1", nil)
				req.Header["Proxy-Authorization"] = said
				answer := httptest.NewRecorder()
				p.ServeHTTP(answer, req)
				require.Equal(t, http.StatusProxyAuthRequired, answer.Code)
			}
			require.False(t, reached)
		})
	}
}

func TestCarriedFindsEachSecret(t *testing.T) {
	for name, test := range map[string]struct {
		request string
		want    []string
	}{
		"nothing":          {"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n", []string{}},
		"a header":         {"GET / HTTP/1.1\r\nHost: a\r\nauthorization: Bearer " + token + "\r\n\r\n", []string{"Authorization"}},
		"a foreign cookie": {"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n", []string{"Cookie"}},
		"twice":            {"GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: " + apiKey + "\r\nX-Api-Key: b\r\n\r\n", []string{"X-Api-Key"}},
		"the target":       {"GET /?k=" + apiKey + " HTTP/1.1\r\nHost: a\r\n\r\n", []string{"elsewhere in the request"}},
		"a header and Referer": {"GET / HTTP/1.1\r\nHost: a\r\nReferer: http://a/" + token + "\r\nAuthorization: Bearer " + token + "\r\n\r\n",
			[]string{"Authorization", "elsewhere in the request"}},
		"the body": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n" + password, []string{"elsewhere in the request"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{next: http.NotFoundHandler()}
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(test.request)))
			require.NoError(t, err)
			s.ServeHTTP(httptest.NewRecorder(), req)
			seen := s.reset()
			require.Len(t, seen, 1)
			require.Equal(t, test.want, seen[0].carried())
		})
	}
}
