package crest_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestFeatureOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startInBubble(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Team") != "north" {
				w.WriteHeader(http.StatusBadRequest)
			}
			replyJSON(200, thingJSON)(w, r)
		})
		c := s.client(t, crest.WithHeader("X-Team", "north"))
		for range 2 {
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
		}
		require.True(t, s.reused(t))
		require.NoError(t, c.Close())
		<-s.closed // the idle connection is gone
		require.NoError(t, c.Close())
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrClosed, "", crest.SentNo)
	})
}

// After a small rest Close gives the connection back, after a large one it closes it; read to its end it goes back by itself.
func TestFeatureConnectionReuse(t *testing.T) {
	for name, tt := range map[string]struct {
		size   int
		read   bool
		reused bool
	}{
		"1 KiB unread":  {1 << 10, false, true},
		"1 MiB unread":  {1 << 20, false, false},
		"1 MiB, read":   {1 << 20, true, true},
		"nothing there": {0, false, true},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			s := startInBubble(t, reply(200, strings.Repeat("x", tt.size)))
			c := s.client(t)
			body, err := crest.Get[crest.Empty, io.ReadCloser]("/").Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			if tt.read {
				n, err := io.Copy(io.Discard, body)
				require.NoError(t, err)
				require.EqualValues(t, tt.size, n)
			}
			require.NoError(t, body.Close())
			_, err = ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, tt.reused, s.reused(t))
		}))
	}
	t.Run("1 MiB into a model", inBubble(func(t *testing.T) {
		s := startInBubble(t, replyJSON(200, `"`+strings.Repeat("x", 1<<20)+`"`))
		c := s.client(t)
		for range 2 {
			text, err := crest.Get[crest.Empty, any]("/").Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Len(t, text, 1<<20)
		}
		require.True(t, s.reused(t))
	}))
}

func TestFeatureVerbsOnTheWire(t *testing.T) {
	type formed struct {
		Name string `form:"name"`
	}
	type raw struct{ Body []byte }
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", r.Method+" "+r.Header.Get("Content-Type")+" "+string(body))
	})
	type got struct {
		What string `header:"X-Got"`
	}
	c := newClient(t, url)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"} {
		answer, err := crest.NewEndpoint[crest.Empty, got](method, "/").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, method, strings.TrimSpace(answer.What))
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		answer, err := crest.NewEndpoint[formed, got](method, "/").Call(t.Context(), c, formed{"a b"})
		require.NoError(t, err)
		require.Equal(t, method+" application/x-www-form-urlencoded name=a%20b", strings.ReplaceAll(answer.What, "+", "%20"))
		answer, err = crest.NewEndpoint[thing, got](method, "/").Call(t.Context(), c, thing{7, "Rex"})
		require.NoError(t, err)
		require.Equal(t, method+" application/json "+thingJSON, answer.What)
		answer, err = crest.NewEndpoint[raw, got](method, "/").Call(t.Context(), c, raw{[]byte("bytes")})
		require.NoError(t, err)
		require.Equal(t, method+" application/octet-stream bytes", answer.What)
	}
	require.Contains(t, panicText(t, func() { crest.NewEndpoint[crest.Empty, got]("GE T", "/") }), `"GE T" is not a token`)
}

// Each kind of Body sends the same bytes.
func TestFeatureBodyKinds(t *testing.T) {
	const text = "id,title\n1,Dune\n"
	var got string
	c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	}))
	type (
		ofBytes  struct{ Body []byte }
		ofString struct{ Body string }
		ofReader struct{ Body io.Reader }
		ofFunc   struct{ Body func() (io.ReadCloser, error) }
	)
	piped := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			_, err := io.Copy(w, strings.NewReader(text))
			_ = w.CloseWithError(err)
		}()
		return r
	}
	for name, call := range map[string]func() error{
		"bytes": func() error {
			_, err := crest.Post[ofBytes, crest.Empty]("/").Call(t.Context(), c, ofBytes{[]byte(text)})
			return err
		},
		"string": func() error {
			_, err := crest.Post[ofString, crest.Empty]("/").Call(t.Context(), c, ofString{text})
			return err
		},
		"reader": func() error {
			_, err := crest.Post[ofReader, crest.Empty]("/").Call(t.Context(), c, ofReader{strings.NewReader(text)})
			return err
		},
		"pipe": func() error {
			_, err := crest.Post[ofReader, crest.Empty]("/").Call(t.Context(), c, ofReader{piped()})
			return err
		},
		"function": func() error {
			open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
			_, err := crest.Post[ofFunc, crest.Empty]("/").Call(t.Context(), c, ofFunc{open})
			return err
		},
	} {
		got = ""
		require.NoError(t, call(), name)
		require.Equal(t, text, got, name)
	}
}

// A middleware may change its copy of the request in ways that only the transport understands.
func TestFeatureMiddlewareClosesTheConnection(t *testing.T) {
	var connection, contentType string
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		connection, contentType = "", r.Header.Get("Content-Type")
		if r.Close {
			connection = "close"
		}
	})
	closing := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			own := req.Clone(req.Context())
			own.Close = true
			return next.RoundTrip(own)
		})
	}
	c := newClient(t, url)
	_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithMiddleware(closing))
	require.NoError(t, err)
	require.Equal(t, "close", connection)

	type upload struct{ Body []byte }
	put := crest.Put[upload, crest.Empty]("/file", crest.WithHeader("Connection", "close"), crest.WithHeader("Content-Type", "application/x-tar"), crest.WithSuccess(201))
	_, err = put.Call(t.Context(), c, upload{[]byte("x")})
	require.ErrorIs(t, err, crest.Status(200), "201 was declared, and 200 came")
	require.Equal(t, "close", connection)
	require.Equal(t, "application/x-tar", contentType)
}

// A download that is cancelled in its middle ends at once, and its body can be closed.
func TestFeatureCancelInTheMiddle(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	body, err := crest.Get[crest.Empty, io.ReadCloser]("/").Call(ctx, c, crest.Empty{})
	require.NoError(t, err)
	start := make([]byte, 5)
	_, err = io.ReadFull(body, start)
	require.NoError(t, err)
	cancel()
	_, err = body.Read(start)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, body.Close())
}

func TestFeatureManyGoroutines(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		replyJSON(200, `{"id":7,"name":"`+r.URL.Query().Get("name")+`"}`)(w, r)
	}))
	type request struct {
		Name string `query:"name"`
	}
	get := crest.Get[request, thing]("/")
	var running sync.WaitGroup
	answers := make([]thing, 50)
	for i := range answers {
		running.Go(func() {
			answers[i], _ = get.Call(t.Context(), c, request{strings.Repeat("x", i+1)})
		})
	}
	running.Wait()
	for i, answer := range answers {
		require.Equal(t, thing{7, strings.Repeat("x", i+1)}, answer)
	}
}

// Answers that few servers still give.
func TestFeatureOldServers(t *testing.T) {
	for name, tt := range map[string]struct{ wire, body, status, proto string }{
		"HTTP/1.0":          {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "200 OK", "HTTP/1.0"},
		"without a length":  {"HTTP/1.0 200 OK\r\n\r\nto the end", "to the end", "200 OK", "HTTP/1.0"},
		"its own phrase":    {"HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n", "", "404 Nope", "HTTP/1.1"},
		"a repeated header": {"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n", "", "200 OK", "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, tt.wire))
			r, err := crest.Get[crest.Empty, []byte]("/").Do(t.Context(), c, crest.Empty{}, crest.WithSuccess(200, 404))
			require.NoError(t, err)
			require.Equal(t, tt.body, string(r.Model))
			require.Equal(t, tt.status, r.Status)
			require.Equal(t, tt.proto, r.Proto)
			if name == "a repeated header" {
				require.Equal(t, []string{"1", "2"}, r.Header["X-A"])
			}
		})
	}
	t.Run("two lengths", func(t *testing.T) {
		c := newClient(t, canned(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"))
		got, err := crest.Get[crest.Empty, []byte]("/").Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
		require.Nil(t, got)
	})
	t.Run("closed before an answer", func(t *testing.T) {
		c := newClient(t, listen(t, func(_ net.Conn, in *bufio.Reader) { readRequest(in) }))
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
		require.ErrorContains(t, err, "the request may have been received")
	})
}

func TestRecipeUnixSocketMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nobody.sock")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	_, err := ping.Call(t.Context(), newClient(t, "http://localhost", crest.WithTransport(transport)), crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindConnect, crest.SentNo)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestRecipeTraceOfAnOpenBody(t *testing.T) {
	var got net.Conn
	back := make(chan error, 1)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := newClient(t, serve(t, reply(200, strings.Repeat("x", 100))), crest.WithTransport(transport),
		crest.WithMiddleware(watch(func(conn net.Conn) { got = conn }, func(err error) { back <- err })))
	body, err := crest.Get[crest.Empty, io.ReadCloser]("/").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.NotNil(t, got)
	require.NotEmpty(t, got.RemoteAddr().String())
	require.Empty(t, back, "the body is open")
	require.NoError(t, body.Close())
	select {
	case err := <-back:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("the connection did not go back")
	}
}
