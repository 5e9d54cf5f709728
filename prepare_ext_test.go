package crest_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type bodyModel struct {
	ID   int    `path:"id"`
	Name string `json:"name"`
}

func TestPrepare(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com/v1", crest.WithTransport(rec), crest.WithBearer(crest.NewSecret("s3cr3t")))
	p, err := crest.Put[bodyModel, crest.Empty]("/x/{id}").Prepare(t.Context(), c, bodyModel{7, "Rex"}, crest.WithHeader("X-A", "1"), crest.WithoutHeader("User-Agent"))
	require.NoError(t, err)
	rec.none(t)
	require.Equal(t, "PUT", p.Method())
	require.Equal(t, "https://api.example.com/v1/x/7", p.URL().String())
	require.Equal(t, "api.example.com", p.Host())
	require.Equal(t, http.Header{
		"X-A": {"1"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate"}, "Content-Type": {"application/json"},
	}, p.Header())
	body, known := p.Body()
	require.True(t, known)
	require.Equal(t, `{"name":"Rex"}`, string(body))

	// What is given out are copies.
	p.URL().Host = "evil.example"
	p.Header().Set("X-A", "changed")
	body[0] = '!'
	for range 2 { // a body of bytes can be sent more than once
		r, err := p.Send(t.Context())
		require.NoError(t, err)
		require.Len(t, r.Attempts, 1, "attempts are counted from zero each time")
		got := rec.last(t)
		require.Equal(t, "https://api.example.com/v1/x/7", got.URL.String())
		require.Equal(t, "1", got.Header.Get("X-A"))
		require.Equal(t, `{"name":"Rex"}`, got.body)
		require.Equal(t, "Bearer s3cr3t", got.Header.Get("Authorization"))
	}
}

// R25: what a middleware does to the request of one sending, against the rules of RoundTripper, does not reach the next.
func TestR25EachSendingHasItsOwnRequest(t *testing.T) {
	rec := &recorder{}
	scribble := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			require.Equal(t, []string{"1"}, req.Header["X-A"])
			require.Empty(t, req.Header.Get("X-Evil"))
			require.Equal(t, "/x", req.URL.Path)
			req.Header.Set("X-A", "changed")
			req.Header.Set("X-Evil", "1")
			req.URL.Path = "/elsewhere"
			return next.RoundTrip(req)
		})
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(scribble))
	p, err := crest.Get[crest.Empty, crest.Empty]("/x").Prepare(t.Context(), c, crest.Empty{}, crest.WithHeader("X-A", "1"))
	require.NoError(t, err)
	for range 2 {
		_, err := p.Send(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, "https://api.example.com/x", p.URL().String())
}

func TestPrepareFailures(t *testing.T) {
	c := newClient(t, "https://api.example.com")
	p, err := crest.Put[bodyModel, crest.Empty]("/x/{id}").Prepare(t.Context(), c, bodyModel{}, crest.WithHeader("X A", "1"))
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.Nil(t, p)
	p, err = crest.Put[bodyModel, crest.Empty]("/x/{id}").Prepare(t.Context(), nil, bodyModel{})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.Nil(t, p)
}

// closingReader is an io.ReadCloser that cannot be read again.
type closingReader struct {
	io.Reader
	closed bool
}

func (c *closingReader) Close() error {
	c.closed = true
	return nil
}

// Bodies of every kind, sent twice: what can be read again is; what cannot says so and sends nothing.
func TestPreparedBodies(t *testing.T) {
	type readerBody struct{ Body io.Reader }
	type factoryBody struct{ Body func() (io.ReadCloser, error) }
	type bytesBody struct{ Body []byte }
	type textBody struct{ Body string }
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, []byte("..hello"), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	_, err = file.Seek(2, io.SeekStart)
	require.NoError(t, err)
	raw := []byte("hello")
	once := &closingReader{Reader: strings.NewReader("hello")}
	opened := 0

	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	prepare := func(p *crest.Prepared[crest.Empty], err error) *crest.Prepared[crest.Empty] {
		require.NoError(t, err)
		return p
	}
	post := func(req any) *crest.Prepared[crest.Empty] {
		switch req := req.(type) {
		case readerBody:
			return prepare(crest.Post[readerBody, crest.Empty]("/x").Prepare(t.Context(), c, req))
		case factoryBody:
			return prepare(crest.Post[factoryBody, crest.Empty]("/x").Prepare(t.Context(), c, req))
		case bytesBody:
			return prepare(crest.Post[bytesBody, crest.Empty]("/x").Prepare(t.Context(), c, req))
		}
		return prepare(crest.Post[textBody, crest.Empty]("/x").Prepare(t.Context(), c, req.(textBody)))
	}
	for name, tt := range map[string]struct {
		req         any
		again       bool
		known       bool
		length      int64
		contentType string
	}{
		"bytes":          {bytesBody{raw}, true, true, 5, "application/octet-stream"},
		"text":           {textBody{"hello"}, true, true, 5, "text/plain; charset=utf-8"},
		"file":           {readerBody{file}, true, false, 5, "application/octet-stream"},
		"strings.Reader": {readerBody{strings.NewReader("hello")}, true, false, 5, "application/octet-stream"},
		"bytes.Buffer":   {readerBody{bytes.NewBufferString("hello")}, false, false, -1, "application/octet-stream"},
		"one-shot":       {readerBody{once}, false, false, -1, "application/octet-stream"},
		"factory": {factoryBody{func() (io.ReadCloser, error) {
			opened++
			return io.NopCloser(strings.NewReader("hello")), nil
		}}, true, false, -1, "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			p := post(tt.req)
			raw[0] = 'j' // the model belongs to the caller again
			defer func() { raw[0] = 'h' }()
			body, known := p.Body()
			require.Equal(t, tt.known, known)
			if known {
				require.Equal(t, "hello", string(body))
			}
			_, err := p.Send(t.Context())
			require.NoError(t, err)
			got := rec.last(t)
			require.Equal(t, "hello", got.body)
			require.Equal(t, tt.length, got.ContentLength)
			require.Equal(t, tt.contentType, got.Header.Get("Content-Type"))
			_, err = p.Send(t.Context())
			if tt.again {
				require.NoError(t, err)
				require.Equal(t, "hello", rec.last(t).body)
				return
			}
			fails(t, err, crest.ErrRequest, crest.KindRequestBody, crest.SentNo)
			require.ErrorContains(t, err, "cannot be read again")
			rec.none(t)
		})
	}
	require.True(t, once.closed, "a body that is an io.Closer is closed")
	require.Equal(t, 2, opened, "Prepare opens nothing, each Send once")
}

// A body that is absent is none: no Content-Type, no Content-Length but where the method has one.
func TestAbsentBodies(t *testing.T) {
	type readerBody struct{ Body io.Reader }
	type factoryBody struct{ Body func() (io.ReadCloser, error) }
	type pointerBody struct{ Body *thing }
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	var typedNil *strings.Reader
	for name, call := range map[string]func() error{
		"nil reader": func() error {
			_, err := crest.Post[readerBody, crest.Empty]("/x").Call(t.Context(), c, readerBody{})
			return err
		},
		"typed nil": func() error {
			_, err := crest.Post[readerBody, crest.Empty]("/x").Call(t.Context(), c, readerBody{typedNil})
			return err
		},
		"nil factory": func() error {
			_, err := crest.Post[factoryBody, crest.Empty]("/x").Call(t.Context(), c, factoryBody{})
			return err
		},
		"nil pointer": func() error {
			_, err := crest.Post[pointerBody, crest.Empty]("/x").Call(t.Context(), c, pointerBody{})
			return err
		},
		"Empty": func() error {
			_, err := crest.Post[crest.Empty, crest.Empty]("/x").Call(t.Context(), c, crest.Empty{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, call())
			got := rec.last(t)
			require.Empty(t, got.body)
			require.Zero(t, got.ContentLength)
			require.Empty(t, got.Header.Values("Content-Type"))
		})
	}
}
