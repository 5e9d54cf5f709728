package har_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

func packed(with func(io.Writer) io.WriteCloser, text string) string {
	var out bytes.Buffer
	w := with(&out)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return out.String()
}

var (
	gzipped  = func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	zlibbed  = func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	deflated = func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 5); return f }
)

// readsAll is a middleware that reads what crest itself would not.
func readsAll(next http.RoundTripper) http.RoundTripper {
	return inMemory(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			resp.Body = io.NopCloser(bytes.NewReader(body))
		}
		return resp, err
	})
}

// noise is a text that does not get smaller.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte(' ' + random.IntN(95))
	}
	return string(text)
}

// Bodies of answers stand in the archive as what they are, up to the bound.
func TestBodyContent(t *testing.T) {
	const notAll = "the first 16 bytes of the body"
	for name, tt := range map[string]struct {
		body, coding, mediaType string
		limit                   int
		size, wire              int64 // 0 for that of body
		text, encoding, comment string
	}{
		"whole":        {body: "hello", text: "hello"},
		"empty":        {body: "", text: ""},
		"as long":      {body: long(16), text: long(16)},
		"cut":          {body: long(17), text: long(16), comment: notAll},
		"cut rune":     {body: "123456789012345ä", text: "123456789012345", comment: notAll},
		"cut wide":     {body: "1234567890123🦉", text: "1234567890123", comment: notAll},
		"whole rune":   {body: "12345678901234ä!", text: "12345678901234ä", comment: notAll},
		"bytes":        {body: "\xff\x00\x01", text: "\xff\x00\x01", encoding: "base64"},
		"cut bytes":    {body: "\xff" + long(20), text: "\xff" + long(15), encoding: "base64", comment: notAll},
		"latin-1":      {body: "\xe4", mediaType: "text/plain; charset=iso-8859-1", text: "\xe4", encoding: "base64"},
		"not as said":  {body: "a", mediaType: "text/plain; charset=utf-16", text: "a", encoding: "base64"},
		"utf-8":        {body: "ä", mediaType: "text/plain; charset=UTF-8", text: "ä"},
		"none":         {body: "hello", limit: -1, comment: "bodies are not kept"},
		"none, coded":  {body: packed(gzipped, "hello"), coding: "gzip", limit: -1, comment: "bodies are not kept; the size is that of the compressed body"},
		"gzip":         {body: packed(gzipped, "hello"), coding: "GZIP", limit: 100, size: 5, text: "hello"},
		"zlib":         {body: packed(zlibbed, "hello"), coding: "deflate", size: 5, text: "hello"},
		"deflate":      {body: packed(deflated, "hello"), coding: "deflate", size: 5, text: "hello"},
		"identity":     {body: "hello", coding: "identity", text: "hello"},
		"all of it":    {body: packed(gzipped, "hello"), coding: "gzip", limit: math.MaxInt, size: 5, text: "hello"},
		"grows":        {body: packed(deflated, long(1000)), coding: "deflate", limit: 64, size: 1000, text: long(64), comment: "the first 64 bytes of the body"},
		"bomb":         {body: packed(gzipped, strings.Repeat("0", 1<<20)), coding: "gzip", limit: 2000, text: strings.Repeat("0", 2000), comment: "the first 2000 bytes of the body; the size is that of the compressed body"},
		"cut coding":   {body: packed(gzipped, noise(4000)), coding: "gzip", limit: 500, comment: "the first %d bytes of the body; the size is that of the compressed body"},
		"other coding": {body: "hello", coding: "br", comment: `the body is not shown: its content coding is "br"; the size is that of the compressed body`},
		"two codings":  {body: "hello", coding: "gzip, gzip", comment: `the body is not shown: its content coding is "gzip, gzip"; the size is that of the compressed body`},
		"no gzip":      {body: "hello", coding: "gzip", comment: "the first 0 bytes of the body; the size is that of the compressed body"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Body: 16}
			if tt.limit != 0 {
				rec.Body = tt.limit
			}
			h := []string{"Content-Type", tt.mediaType}
			if tt.coding != "" {
				h = append(h, "Content-Encoding", tt.coding)
			}
			c := client(t, nil, "http://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
				return answer(req, 200, tt.body, h...), nil
			})), crest.WithMiddleware(readsAll, rec.Middleware), never)
			_, _ = crest.Get[crest.Empty, []byte]("/").Call(t.Context(), c, crest.Empty{}) // crest itself refuses some
			e := one(t, rec)
			got := e.Response.Content
			text := got.Text
			if got.Encoding == "base64" {
				plain, err := base64.StdEncoding.DecodeString(text)
				require.NoError(t, err)
				text = string(plain)
			}
			require.Equal(t, tt.encoding, got.Encoding)
			require.EqualValues(t, len(tt.body), e.Response.BodySize)
			if name == "cut coding" { // how far the beginning reaches is for the compressor to say
				require.NotEmpty(t, text)
				require.True(t, strings.HasPrefix(noise(4000), text), text)
				require.Equal(t, fmt.Sprintf(tt.comment, len(text)), got.Comment)
				return
			}
			require.Equal(t, tt.text, text)
			require.Equal(t, tt.comment, got.Comment)
			if tt.size == 0 {
				tt.size = int64(len(tt.body))
			}
			require.Equal(t, tt.size, got.Size)
			require.Equal(t, tt.size-int64(len(tt.body)), got.Compression)
		})
	}
}

func post[Req any](model Req, opts ...crest.EndpointOption) func(*testing.T, *crest.Client[*failure]) {
	return func(t *testing.T, c *crest.Client[*failure]) {
		_, err := crest.Post[Req, crest.Empty]("/", opts...).Call(t.Context(), c, model)
		require.NoError(t, err)
	}
}

// Bodies of requests are those that were sent.
func TestBodyPosted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.txt")
	require.NoError(t, os.WriteFile(path, []byte(long(3000)), 0o600))
	file, err := crest.OpenFile(path)
	require.NoError(t, err)
	type form struct {
		B string   `form:"b"`
		A []string `form:"a&"`
	}
	type upload struct {
		Title string     `form:"title"`
		File  crest.File `form:"file"`
	}
	for name, tt := range map[string]struct {
		send    func(*testing.T, *crest.Client[*failure])
		text    string
		params  []named
		size    int64
		comment string
	}{
		"form":   {post(form{"x=y", []string{"1", "ä &"}}), "", []named{{Name: "a&", Value: "1"}, {Name: "a&", Value: "ä &"}, {Name: "b", Value: "x=y"}}, 0, ""},
		"text":   {post("hello"), "hello", nil, 5, ""},
		"empty":  {post(""), "", nil, 0, ""},
		"bytes":  {post([]byte{0xff}), "", nil, 1, "the body is no text, and the format has no place for bytes here"},
		"stream": {post(io.Reader(io.MultiReader(strings.NewReader("one "), strings.NewReader("two")))), "one two", nil, 7, ""},
		"file":   {post(file), long(2048), nil, 3000, "the first 2048 bytes of the body"},
		"parts":  {post(upload{"t", file}), "--", nil, 0, "the first 2048 bytes of the body"},
		"packed": {post(long(2000), crest.WithCompression("gzip")), long(2000), nil, 0, `it was sent with the content coding "gzip"`},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Body: 2048}
			var got []byte
			c := serve(t, rec, func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) })
			tt.send(t, c)
			e := one(t, rec)
			require.EqualValues(t, len(got), e.Request.BodySize)
			if tt.size > 0 {
				require.Equal(t, tt.size, e.Request.BodySize)
			}
			if len(got) == 0 {
				require.Nil(t, e.Request.PostData)
				return
			}
			require.NotNil(t, e.Request.PostData)
			if name == "parts" {
				require.Equal(t, string(got[:2048]), e.Request.PostData.Text)
			} else {
				require.Equal(t, tt.text, e.Request.PostData.Text)
			}
			require.ElementsMatch(t, tt.params, e.Request.PostData.Params)
			require.Equal(t, tt.comment, e.Request.PostData.Comment)
			require.Equal(t, header(e.Request.Headers, "Content-Type"), e.Request.PostData.MimeType)
		})
	}
}

// What lies below the recorder gets the request as it is without one: length, bodies that are none, bodies that can be had again.
func TestBodyUntouched(t *testing.T) {
	for name, tt := range map[string]struct {
		body    io.ReadCloser
		getBody func() (io.ReadCloser, error)
		length  int64
	}{
		"nil":    {},
		"NoBody": {body: http.NoBody, getBody: func() (io.ReadCloser, error) { return http.NoBody, nil }},
		"stream": {body: io.NopCloser(strings.NewReader("123")), length: -1},
		"again":  {body: io.NopCloser(strings.NewReader("123")), getBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("123")), nil }, length: 3},
		"lost":   {body: io.NopCloser(strings.NewReader("123")), getBody: func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe }, length: 3},
		"empty":  {body: io.NopCloser(strings.NewReader("")), getBody: func() (io.ReadCloser, error) { return http.NoBody, nil }, length: -1},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Body: 10}
			req := httptest.NewRequest(http.MethodPost, "http://a.example/", nil)
			req.Body, req.GetBody, req.ContentLength = tt.body, tt.getBody, tt.length
			resp, err := rec.Middleware(inMemory(func(got *http.Request) (*http.Response, error) {
				require.Equal(t, tt.length, got.ContentLength)
				require.Equal(t, tt.body == nil, got.Body == nil)
				require.Equal(t, tt.body == http.NoBody, got.Body == http.NoBody)
				require.Equal(t, tt.getBody == nil, got.GetBody == nil)
				if tt.getBody != nil {
					want, wantErr := tt.getBody()
					again, err := got.GetBody() // as a signer does
					require.Equal(t, wantErr, err)
					require.Equal(t, want == http.NoBody, again == http.NoBody)
					if err == nil {
						_, _ = again.Read(make([]byte, 2))
					}
				}
				if got.Body != nil {
					_, _ = io.ReadAll(got.Body)
				}
				return answer(got, 200, `"hello"`, "Content-Type", "application/json"), nil
			})).RoundTrip(req)
			require.NoError(t, err)
			require.Same(t, req, resp.Request, "the caller's own, and no copy")
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, `"hello"`, string(text))
			e := one(t, rec)
			require.Equal(t, `"hello"`, e.Response.Content.Text)
			if tt.length == 3 || name == "stream" {
				require.Equal(t, "123", e.Request.PostData.Text)
				require.EqualValues(t, 3, e.Request.BodySize, "what was read beforehand is not counted")
			}
		})
	}
}

// A live body is passed on as it comes; its entry is written as it stands until it has ended.
func TestBodyLive(t *testing.T) {
	next := make(chan string)
	rec := &har.Recorder{Body: 8}
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) {
		for text := range next {
			_, _ = io.WriteString(w, text)
			w.(http.Flusher).Flush()
		}
	})
	go func() { next <- "one " }()
	body, err := crest.Get[crest.Empty, io.ReadCloser]("/").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	p := make([]byte, 100)
	n, err := io.ReadFull(body, p[:4])
	require.NoError(t, err)
	require.Equal(t, 4, n)
	e := one(t, rec)
	require.Equal(t, "under way: the body of the answer has not ended yet", e.Comment)
	require.Equal(t, "one ", e.Response.Content.Text)
	require.EqualValues(t, 4, e.Response.BodySize)
	next <- "two three"
	close(next)
	rest, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, "two three", string(rest))
	require.NoError(t, body.Close())
	e = one(t, rec)
	require.Empty(t, e.Comment)
	require.Equal(t, "one two ", e.Response.Content.Text)
	require.EqualValues(t, 13, e.Response.Content.Size)
}

// A request that has no answer yet has an entry already.
func TestBodyUnderWay(t *testing.T) {
	rec := &har.Recorder{}
	arrived, release := make(chan bool), make(chan bool)
	c := serve(t, rec, func(http.ResponseWriter, *http.Request) { arrived <- true; <-release })
	done, finish := make(chan error, 1), sync.OnceFunc(func() { close(release) })
	t.Cleanup(finish) // before the server is closed
	go func() {
		_, err := crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
		done <- err
	}()
	<-arrived
	e := one(t, rec)
	require.Equal(t, "under way: there is no answer yet", e.Comment)
	require.Zero(t, e.Response.Status)
	rec.Reset()
	finish()
	require.NoError(t, <-done)
	require.Empty(t, entries(t, rec), "forgotten")
}

// A body that is left before its end is told as such.
func TestBodyLeft(t *testing.T) {
	rec := &har.Recorder{}
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, long(1<<20)) })
	body, err := crest.Get[crest.Empty, io.ReadCloser]("/").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.NoError(t, body.Close())
	e := one(t, rec)
	require.Equal(t, "the body of the answer was closed before its end", e.Comment)
	require.Less(t, e.Response.BodySize, int64(1<<20))
}

// The connection after an upgrade is the caller's, and what is said over it is not recorded.
func TestBodyUpgrade(t *testing.T) {
	rec := &har.Recorder{Body: 100}
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		echo(conn, buffered.Reader)
	})
	conn, err := crest.Get[crest.Empty, io.ReadCloser]("/", crest.WithUpgrade("echo")).Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = fmt.Fprintln(conn.(io.ReadWriteCloser), "hello")
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "hello\n", line)
	require.NoError(t, conn.Close())
	e := one(t, rec)
	require.Equal(t, 101, e.Response.Status)
	require.Equal(t, "what was said after the upgrade is not recorded", e.Comment)
	require.NotContains(t, written(t, rec), "hello")
}

func echo(conn net.Conn, in *bufio.Reader) {
	line, _ := in.ReadString('\n')
	_, _ = io.WriteString(conn, line)
}

// Trailers come to the caller.
func TestBodyTrailers(t *testing.T) {
	rec := &har.Recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"Checksum", "7")
	}))
	defer server.Close()
	plain := &http.Transport{}
	defer plain.CloseIdleConnections()
	resp, err := (&http.Client{Transport: rec.Middleware(plain)}).Get(server.URL)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "7", resp.Trailer.Get("Checksum"))
	require.Equal(t, 200, one(t, rec).Response.Status, "it serves other clients too")
}

// Nothing that is secret is recorded, and what is no secret is.
func TestR43NoSecretsInArchives(t *testing.T) {
	const marker = "m4rk3r"
	secret := crest.NewSecret(marker)
	type login struct {
		Tenant crest.Secret `path:"tenant"`
		Key    crest.Secret `query:"key"`
		Pass   crest.Secret `json:"pass"`
		Name   string       `json:"name"`
		Pin    string       `json:"pin"`
	}
	type token struct {
		Token crest.Secret `json:"token"`
		Kind  string       `json:"kind"`
	}
	for name, tt := range map[string]struct {
		body   int
		answer inMemory
		shows  []string
	}{
		"fields": {1 << 10, func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, `{"token":"`+marker+`","kind":"bearer"}`, "Content-Type", "application/json", "Set-Cookie", "sid="+marker+"; Path=/"+marker), nil
		}, []string{`{\"pass\":\"[redacted]\",\"name\":\"ann\",\"pin\":\"[redacted]\"}`, `{\"token\":\"[redacted]\",\"kind\":\"bearer\"}`}},
		"cut": {20, func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, `{"token":"`+marker+`","kind":"bearer"}`, "Content-Type", "application/json"), nil
		}, []string{"something in it is secret"}},
		"redirect": {1 << 10, func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet {
				return answer(req, 200, `{"kind":"none"}`, "Content-Type", "application/json"), nil
			}
			return answer(req, 303, "<a href='?sign="+marker+"'>", "Location", "https://"+marker+"@b.example/?sign="+marker+"#"+marker), nil
		}, []string{`"redirectURL":"https://b.example/?sign=[redacted]"`, "something in it is secret"}},
		"error": {1 << 10, func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: req.URL.String(), Err: io.ErrClosedPipe})
		}, []string{"the URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Body: tt.body, ShowQuery: []string{"pin"}}
			var sent string
			c := client(t, rec, "https://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
				sent += fmt.Sprint(req.URL, req.Header)
				if req.Body != nil {
					text, _ := io.ReadAll(req.Body)
					sent += string(text)
				}
				return tt.answer(req)
			})), never, crest.WithBearer(secret), crest.WithRedact("pin"), crest.WithQuery("pin", marker), crest.WithHeader("X-Trace", marker), crest.WithCookie("sid", marker))
			_, _ = crest.Post[login, token]("/{tenant}/login").Call(t.Context(), c, login{secret, secret, secret, "ann", marker})
			require.GreaterOrEqual(t, strings.Count(sent, marker), 8, sent)
			text := written(t, rec)
			require.NotContains(t, text, marker)
			for _, shown := range tt.shows {
				require.Contains(t, text, shown)
			}
		})
	}
}

// The body of an answer with a Location is hidden where it may repeat what is hidden there.
func TestBodyBesideLocation(t *testing.T) {
	const body, hidden = `{"a":1}`, "the body is not shown: something in it is secret and cannot be told from the rest"
	for name, tt := range map[string]struct {
		status        int
		location      string
		text, comment string
	}{
		"created":            {201, "/things/1", body, ""},
		"created, with more": {201, "/things/1?sign=s3cr3t", "", hidden},
		"redirect":           {302, "/there", "", hidden},
		"neither":            {200, "", body, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Body: 100}
			c := client(t, rec, "http://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
				return answer(req, tt.status, body, "Content-Type", "application/json", "Location", tt.location), nil
			})), crest.WithMiddleware(readsAll), never)
			_, _ = crest.Post[crest.Empty, any]("/", crest.WithRedirects(crest.Redirects{Max: -1})).Call(t.Context(), c, crest.Empty{})
			got := one(t, rec).Response.Content
			require.Equal(t, tt.text, got.Text)
			require.Equal(t, tt.comment, got.Comment)
		})
	}
}
