package crest_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type (
	readerRequest  struct{ Body io.Reader }
	factoryRequest struct {
		Body func() (io.ReadCloser, error)
	}
	jsonRequest struct {
		Name string `json:"name"`
	}
	formRequest struct {
		Name string `form:"name"`
	}
)

// halfRead is a reader that can seek, and stands in its middle.
func halfRead(t *testing.T, before, rest string) io.Reader {
	t.Helper()
	r := strings.NewReader(before + rest)
	_, err := io.CopyN(io.Discard, r, int64(len(before)))
	require.NoError(t, err)
	return struct{ io.ReadSeeker }{r}
}

// posts are calls with a body, each in one form of it.
var posts = map[string]struct {
	send func(t *testing.T, c *crest.Client[*failure]) error
	body string
	once bool // it cannot be sent again
}{
	"bytes": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[bodyRequest, thing]("/1").Call(t.Context(), c, bodyRequest{[]byte("body")})
		return err
	}, "body", false},
	"json": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[jsonRequest, thing]("/1").Call(t.Context(), c, jsonRequest{"Rex"})
		return err
	}, `{"name":"Rex"}`, false},
	"form": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[formRequest, thing]("/1").Call(t.Context(), c, formRequest{"Rex"})
		return err
	}, "name=Rex", false},
	"seeker": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[readerRequest, thing]("/1").Call(t.Context(), c, readerRequest{halfRead(t, "gone ", "body")})
		return err
	}, "body", false},
	"factory": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[factoryRequest, thing]("/1").Call(t.Context(), c, factoryRequest{func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("body")), nil
		}})
		return err
	}, "body", false},
	"reader": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[readerRequest, thing]("/1").Call(t.Context(), c, readerRequest{io.MultiReader(strings.NewReader("body"))})
		return err
	}, "body", true},
	"none": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[crest.Empty, thing]("/1").Call(t.Context(), c, crest.Empty{})
		return err
	}, "", false},
	"empty": {func(t *testing.T, c *crest.Client[*failure]) error {
		_, err := crest.Post[bodyRequest, thing]("/1").Call(t.Context(), c, bodyRequest{[]byte{}})
		return err
	}, "", false},
}

// R6: with 307 and 308 a body is sent again within its origin, if it can be read again, and never to another one. With 303 it is dropped,
// and whether it could be read again does not matter.
func TestRedirectBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		target string
	}{
		"307":        {307, "https://a.example/2"},
		"308":        {308, "/2"},
		"307 abroad": {307, "https://b.example/2"},
		"308 abroad": {308, "https://a.example:8443/2"},
		"303":        {303, "/2"},
		"303 abroad": {303, "https://b.example/2"},
		"301":        {301, "/2"},
		"302 abroad": {302, "https://b.example/2"},
	} {
		for kind, post := range posts {
			t.Run(name+"/"+kind, func(t *testing.T) {
				l := newLab(t, map[string]http.HandlerFunc{"a.example:443/1": to(tt.status, tt.target)})
				err := post.send(t, newClient(t, "https://a.example", crest.WithTransport(l)))
				visits := l.all()
				require.Equal(t, post.body, visits[0].body)
				keeps, abroad := tt.status >= 307, strings.HasPrefix(tt.target, "https://b") || strings.Contains(tt.target, "8443")
				switch {
				case keeps && post.body != "" && (abroad || post.once):
					failed := refusedRedirect(t, err)
					require.Len(t, visits, 1)
					require.Empty(t, failed.History)
				case keeps:
					require.NoError(t, err)
					require.Equal(t, []string{"POST", post.body}, []string{visits[1].Method, visits[1].body})
					require.Equal(t, visits[0].Header.Get("Content-Type"), visits[1].Header.Get("Content-Type"))
					require.Equal(t, visits[0].ContentLength, visits[1].ContentLength)
				default:
					require.NoError(t, err)
					require.Equal(t, []string{"GET", ""}, []string{visits[1].Method, visits[1].body})
				}
			})
		}
	}
}

// R7: on the wire, a request that became GET has nothing left of its body.
func TestR7NothingLeftOfTheBody(t *testing.T) {
	for _, status := range []string{"301", "302", "303"} {
		for kind, post := range posts {
			t.Run(status+"/"+kind, func(t *testing.T) {
				received := make(chan string, 1)
				base := listen(t, func(conn net.Conn, in *bufio.Reader) {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					if req.Header.Get("Expect") != "" {
						_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
					}
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(conn, "HTTP/1.1 "+status+" Moved\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n")
					second := ""
					for !strings.HasSuffix(second, "\r\n\r\n") && err == nil {
						var line string
						line, err = in.ReadString('\n')
						second += line
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\nConnection: close\r\n\r\n"+thingJSON)
					rest, _ := io.ReadAll(in) // until the client closes
					received <- second + string(rest)
				})
				c := newClient(t, base, crest.WithHeader("Expect", "100-continue"), crest.WithHeader("Content-Language", "de"), crest.WithHeader("Content-Encoding", "identity"),
					crest.WithHeader("Content-Md5", "x"), crest.WithHeader("Trailer", "X-Sum"), crest.WithHeader("X-Stays", "1"))
				require.NoError(t, post.send(t, c))
				second := <-received
				lines := strings.Split(strings.TrimSuffix(second, "\r\n\r\n"), "\r\n")
				require.Equal(t, "GET /2 HTTP/1.1", lines[0])
				for _, line := range lines[1:] {
					name, _, _ := strings.Cut(line, ":")
					require.Contains(t, []string{"Host", "Accept", "Accept-Encoding", "User-Agent", "X-Stays"}, name, "the second request is %q", second)
				}
				require.Len(t, lines, 6)
			})
		}
	}
}

// A server may redirect before it has read the body: the second request has all of it nevertheless, and the first nothing of the second.
func TestRedirectBeforeTheBodyIsRead(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var arrived []byte
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/1" {
			to(307, "/2")(w, req)
			return
		}
		arrived, _ = io.ReadAll(req.Body)
		replyJSON(200, thingJSON)(w, req)
	})
	c := newClient(t, base)
	for range 5 {
		_, err := crest.Post[readerRequest, thing]("/1").Call(t.Context(), c, readerRequest{bytes.NewReader(content)})
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, arrived))
	}
}

// R28, R37: a hop's body is nobody's, so it is not decoded. A small one is read to its end, and the next hop uses the same connection.
func TestR37RedirectBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		header []string
		same   bool
	}{
		"small":         {"moved", nil, true},
		"none":          {"", nil, true},
		"not gzip":      {"this is no gzip", []string{"Content-Encoding", "gzip"}, true},
		"unknown":       {"x", []string{"Content-Encoding", "br, zstd"}, true},
		"not JSON":      {"{", []string{"Content-Type", "application/json"}, true},
		"within bounds": {strings.Repeat("x", 60<<10), nil, true},
		"large":         {strings.Repeat("x", 8<<20), nil, false},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			s := startInBubble(t, func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path == "/2" {
					replyJSON(200, thingJSON)(w, req)
					return
				}
				reply(302, tt.body, append([]string{"Location", "/2"}, tt.header...)...)(w, req)
			})
			got, err := getThing.Call(t.Context(), s.client(t), crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, "Rex", got.Name)
			require.Equal(t, tt.same, s.reused(t))
		}))
	}
}

// stuckBody is a body that gives nothing until its request ends.
type stuckBody struct {
	req    *http.Request
	closed *atomic.Bool
}

func (b stuckBody) Read([]byte) (int, error) {
	<-b.req.Context().Done()
	return 0, b.req.Context().Err()
}

func (b stuckBody) Close() error {
	b.closed.Store(true)
	return nil
}

// A hop's body that never ends is waited for a second.
func TestRedirectBodyThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Bool
		rec := each(func(req *http.Request) *http.Response {
			resp := response(req, 302, "", "Location", "/2")
			resp.Body, resp.ContentLength = stuckBody{req, &closed}, -1
			return resp
		}, ended(200))
		start := time.Now()
		_, err := follow(t, rec)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start))
		require.True(t, closed.Load())
	})
}

// A body that fails when it is opened again ends the call; the first hop was sent.
func TestRedirectBodyThatFailsTheSecondTime(t *testing.T) {
	opened := 0
	_, err := crest.Post[factoryRequest, thing]("/1").Call(t.Context(), newClient(t, "https://a.example", crest.WithTransport(each(moved(307, "/2"), ended(200)))),
		factoryRequest{func() (io.ReadCloser, error) {
			if opened++; opened > 1 {
				return nil, errNotThere
			}
			return io.NopCloser(strings.NewReader("body")), nil
		}})
	failed := callError(t, err)
	require.ErrorIs(t, err, errNotThere)
	require.Equal(t, crest.SentYes, failed.Sent)
	require.Len(t, failed.Attempts, 1)
	require.False(t, errors.Is(err, crest.ErrRequest), "which says that nothing was sent")
}
