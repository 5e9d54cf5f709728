package crest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// sized answers with n bytes, as the path says: /n/known, /n/chunked, /n/gzip; a status may follow.
func sized(w http.ResponseWriter, r *http.Request) {
	var n, status int
	var how string
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	_, _ = fmt.Sscan(strings.Join(parts, " "), &n, &how, &status)
	body := strings.Repeat("x", n)
	w.Header().Set("Content-Type", "text/plain")
	switch how {
	case "known":
		w.Header().Set("Content-Length", fmt.Sprint(n))
	case "gzip":
		w.Header().Set("Content-Encoding", "gzip")
		body = gzipped(body)
	}
	w.WriteHeader(status)
	if how == "chunked" {
		_ = http.NewResponseController(w).Flush()
	}
	_, _ = io.WriteString(w, body)
}

type sizedRequest struct {
	N      int    `path:"n"`
	How    string `path:"how"`
	Status int    `path:"status"`
}

// R29, R49: a body of exactly the bound is fine, one byte more is an error; nothing is cut silently.
func TestR49Bounds(t *testing.T) {
	const limit = 10_000
	c := newClient(t, serve(t, sized), crest.WithBounds(crest.Bounds{Body: limit, ErrorBody: limit}))
	const route = "/{n}/{how}/{status}"
	paths := map[string]func(req sizedRequest) (int, error){
		"bytes": func(req sizedRequest) (int, error) {
			b, err := crest.Get[sizedRequest, []byte](route).Call(t.Context(), c, req)
			return len(b), err
		},
		"string": func(req sizedRequest) (int, error) {
			s, err := crest.Get[sizedRequest, string](route).Call(t.Context(), c, req)
			return len(s), err
		},
		"live": func(req sizedRequest) (int, error) {
			body, err := crest.Get[sizedRequest, io.ReadCloser](route).Call(t.Context(), c, req)
			if err != nil {
				return 0, err
			}
			defer body.Close()
			b, err := io.ReadAll(body)
			return len(b), err
		},
	}
	for name, call := range paths {
		for _, how := range []string{"known", "chunked", "gzip"} {
			t.Run(name+" "+how, func(t *testing.T) {
				for _, n := range []int{0, 1, limit - 1, limit} {
					got, err := call(sizedRequest{n, how, 200})
					require.NoError(t, err)
					require.Equal(t, n, got)
				}
				for _, n := range []int{limit + 1, 5 * limit} {
					_, err := call(sizedRequest{n, how, 200})
					fails(t, err, crest.ErrResponse, crest.KindTooLarge, crest.SentYes)
					require.ErrorContains(t, err, fmt.Sprint(limit))
				}
			})
		}
	}
	for _, how := range []string{"known", "chunked", "gzip"} {
		t.Run("error "+how, func(t *testing.T) {
			for _, n := range []int{0, limit - 1, limit, limit + 1, 5 * limit} {
				_, err := paths["bytes"](sizedRequest{n, how, 500})
				fails(t, err, crest.ErrStatus, "", crest.SentYes)
				var failed *crest.Error
				require.ErrorAs(t, err, &failed)
				require.Len(t, failed.Body, min(n, limit))
				require.Equal(t, n > limit, failed.Truncated)
				require.Less(t, len(err.Error()), 400, "R21")
			}
		})
	}
}

func TestDefaultBounds(t *testing.T) {
	c := newClient(t, serve(t, sized))
	get := crest.Get[sizedRequest, []byte]("/{n}/{how}/{status}")
	_, err := get.Call(t.Context(), c, sizedRequest{10 << 20, "known", 200})
	require.NoError(t, err)
	_, err = get.Call(t.Context(), c, sizedRequest{10<<20 + 1, "chunked", 200})
	fails(t, err, crest.ErrResponse, crest.KindTooLarge, crest.SentYes)
	b, err := get.Call(t.Context(), c, sizedRequest{10<<20 + 1, "known", 200}, crest.WithBounds(crest.Bounds{Body: crest.NoBound}))
	require.NoError(t, err)
	require.Len(t, b, 10<<20+1)
	_, err = get.Call(t.Context(), c, sizedRequest{64<<10 + 1, "known", 500})
	var failed *crest.Error
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Body, 64<<10)
	require.True(t, failed.Truncated)

	body, err := crest.Get[sizedRequest, io.ReadCloser]("/{n}/{how}/{status}").Call(t.Context(), c, sizedRequest{11 << 20, "chunked", 200})
	require.NoError(t, err)
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	require.NoError(t, err, "a body that the caller reads is bounded only when asked")
	require.EqualValues(t, 11<<20, n)
}

// Each field of Bounds inherits by itself.
func TestBoundsMerge(t *testing.T) {
	c := newClient(t, serve(t, sized), crest.WithBounds(crest.Bounds{Body: 10, ErrorBody: 10}))
	get := crest.Get[sizedRequest, []byte]("/{n}/{how}/{status}", crest.WithBounds(crest.Bounds{Body: 20}))
	_, err := get.Call(t.Context(), c, sizedRequest{20, "known", 200})
	require.NoError(t, err)
	_, err = get.Call(t.Context(), c, sizedRequest{21, "known", 200})
	require.ErrorIs(t, err, crest.KindTooLarge)
	_, err = get.Call(t.Context(), c, sizedRequest{21, "known", 500})
	var failed *crest.Error
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Body, 10)
	_, err = get.Call(t.Context(), c, sizedRequest{30, "known", 200}, crest.WithBounds(crest.Bounds{Body: 30}))
	require.NoError(t, err)
}

// R29: a length that is a lie costs no memory.
func TestR29LyingContentLength(t *testing.T) {
	c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		if readRequest(in) != nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\nx")
		}
	}))
	before := allocated()
	_, err := crest.Get[crest.Empty, []byte]("/x").Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
	require.Less(t, allocated()-before, uint64(1<<20))

	c = newClient(t, canned(t, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx"))
	_, err = crest.Get[crest.Empty, []byte]("/x").Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrResponse, crest.KindTooLarge, crest.SentYes)
	require.ErrorContains(t, err, "Content-Length is 99999999999")
}

// R30: the header of an answer is bounded, in one field and in many.
func TestR30ResponseHeader(t *testing.T) {
	for name, header := range map[string]string{
		"one":  "X-A: " + strings.Repeat("a", 300<<10) + "\r\n",
		"many": strings.Repeat("X-A: b\r\n", 60_000),
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, "HTTP/1.1 200 OK\r\n"+header+"Content-Length: 0\r\n\r\n"))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
			require.Less(t, len(err.Error()), 1000)
		})
	}
}
