package crest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// opening counts the readers that a factory made, and those that were closed.
type opening struct {
	mu             sync.Mutex
	opened, closed int
}

func (o *opening) open() (io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened++
	return &tallied{Reader: strings.NewReader("a body from a function"), closed: func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.closed++
	}}, nil
}

// tallied is a reader that tells when it is closed.
type tallied struct {
	io.Reader
	closed func()
}

func (r *tallied) Close() error {
	r.closed()
	return nil
}

// putOf is a call that sends one model, whatever its type.
func putOf[Req any](req Req) func(ctx context.Context, c crest.Caller) error {
	e := crest.Put[Req, crest.Empty]("/x")
	return func(ctx context.Context, c crest.Caller) error {
		_, err := e.Call(ctx, c, req)
		return err
	}
}

// Whatever can be read again is the same on each attempt, byte for byte: over a real socket with its declared length.
func TestRetryBodiesAreIdentical(t *testing.T) {
	type asBytes struct{ Body []byte }
	type asText struct{ Body string }
	type asReader struct{ Body io.Reader }
	type asFactory struct{ Body func() (io.ReadCloser, error) }
	type asForm struct {
		A string   `form:"a"`
		B []string `form:"b"`
	}
	type asFields struct {
		ID   string `query:"id"`
		Name string `json:"name"`
		Tags []int  `json:"tags"`
	}
	type asJSON struct {
		Name string         `json:"name"`
		Map  map[string]int `json:"map"`
	}
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, []byte("skipped|the file's rest"), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.Seek(8, io.SeekStart)
	require.NoError(t, err)
	offset := strings.NewReader("skipped|the rest of the text")
	_, _ = offset.Seek(8, io.SeekStart)
	var factory opening
	for name, tt := range map[string]struct {
		call func(context.Context, crest.Caller) error
		want string
	}{
		"bytes":   {putOf(asBytes{[]byte{0, 1, 2, 255}}), "\x00\x01\x02\xff"},
		"text":    {putOf(asText{"grüße"}), "grüße"},
		"large":   {putOf(asText{strings.Repeat("0123456789", 200_000)}), strings.Repeat("0123456789", 200_000)},
		"empty":   {putOf(asText{""}), ""},
		"seeker":  {putOf(asReader{offset}), "the rest of the text"},
		"buffer":  {putOf(asReader{bytes.NewReader([]byte("abc"))}), "abc"},
		"file":    {putOf(asReader{file}), "the file's rest"},
		"factory": {putOf(asFactory{factory.open}), "a body from a function"},
		"form":    {putOf(asForm{"1 &", []string{"x", "y"}}), "a=1%20%26&b=x&b=y"},
		"fields":  {putOf(asFields{"7", "Rex", []int{1, 2}}), `{"name":"Rex","tags":[1,2]}`},
		"JSON":    {putOf(asJSON{"Rex", map[string]int{"b": 2, "a": 1, "c": 3}}), `{"name":"Rex","map":{"a":1,"b":2,"c":3}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var bodies, lengths, targets []string
			c, _ := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				targets = append(targets, r.Host+r.RequestURI)
				bodies = append(bodies, string(body))
				lengths = append(lengths, fmt.Sprint(r.ContentLength, r.TransferEncoding))
				w.WriteHeader(503)
			}), nil)
			require.ErrorIs(t, tt.call(t.Context(), c), crest.Status(503))
			require.Len(t, bodies, 4)
			for i := range bodies {
				require.Equal(t, tt.want, bodies[i])
				require.Equal(t, lengths[0], lengths[i])
				require.Equal(t, targets[0], targets[i])
			}
		})
	}
	require.Equal(t, 4, factory.opened, "one for each attempt")
	require.Equal(t, 4, factory.closed)
}

// onlyReader cannot seek.
type onlyReader struct{ io.Reader }

// pipelike has the method and cannot do it.
type pipelike struct{ io.Reader }

func (pipelike) Seek(int64, int) (int64, error) { return 0, errors.New("illegal seek") }

// A reader that cannot go back is sent once, and the error says what to do.
func TestRetryBodyThatCannotBeReadAgain(t *testing.T) {
	type upload struct{ Body io.Reader }
	for name, fails := range map[string]step{
		"503": gives(503), "429": gives(429), "lost": breaks(io.EOF),
		"refused": breaks(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}),
	} {
		for _, r := range []io.Reader{onlyReader{strings.NewReader("abc")}, pipelike{strings.NewReader("abc")}} {
			t.Run(fmt.Sprintf("%s %T", name, r), func(t *testing.T) {
				server := play(fails)
				err := putOf(upload{r})(t.Context(), retried(t, server))
				require.Equal(t, 1, server.sent())
				require.ErrorContains(t, err, "(not tried again: its body cannot be read again: use bytes, a function or an io.Seeker as Body, or as a File's Content or Open)")
				require.Len(t, callError(t, err).Attempts, 1)
			})
		}
	}
	t.Run("nothing to repeat", func(t *testing.T) { // no retry was due: no word about it
		for _, fails := range []step{gives(404), gives(501)} {
			err := putOf(upload{onlyReader{strings.NewReader("abc")}})(t.Context(), retried(t, play(fails)))
			require.NotContains(t, err.Error(), "not tried again")
		}
		err := putOf(upload{onlyReader{strings.NewReader("abc")}})(t.Context(), retried(t, play(gives(503)), crest.WithRetry(crest.Retry{Max: -1})))
		require.NotContains(t, err.Error(), "not tried again")
	})
}

// A factory that fails at a retry ends the call with what went wrong before, and says why.
func TestRetryBodyFactoryFailsLater(t *testing.T) {
	type upload struct{ Body func() (io.ReadCloser, error) }
	n := 0
	server := play(gives(503))
	err := putOf(upload{func() (io.ReadCloser, error) {
		if n++; n > 2 {
			return nil, errors.New("the file is gone")
		}
		return io.NopCloser(strings.NewReader("abc")), nil
	}})(t.Context(), retried(t, server))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorContains(t, err, "503 Service Unavailable (2 attempts) (not tried again: reading the request body: the file is gone)")
	require.Equal(t, 2, server.sent())
}

// A transport may go on reading for an attempt that is over. It gets nothing of what the next one is sent, and takes nothing from it.
func TestRetryBodyOfAnAttemptThatStillReads(t *testing.T) {
	type upload struct{ Body io.Reader }
	synctest.Test(t, func(t *testing.T) {
		const text = "0123456789"
		var late io.ReadCloser
		var seen []string
		server := inMemory(func(req *http.Request) (*http.Response, error) {
			first := make([]byte, 3)
			_, _ = io.ReadFull(req.Body, first)
			if late == nil {
				late = req.Body // and it is not closed yet
				return response(req, 503, ""), nil
			}
			stolen, err := io.ReadAll(late)
			require.Empty(t, stolen)
			require.Error(t, err)
			rest, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			require.NoError(t, late.Close())
			seen = append(seen, string(first)+string(rest))
			return response(req, 204, ""), req.Body.Close()
		})
		require.NoError(t, putOf(upload{strings.NewReader(text)})(t.Context(), retried(t, server)))
		require.Equal(t, []string{text}, seen)
	})
}

// Live bodies: the way to the header is tried again, what comes after it is not.
func TestRetryLiveBodies(t *testing.T) {
	t.Run("until the header", func(t *testing.T) {
		for name, fails := range map[string]step{"503": gives(503), "lost": breaks(io.EOF), "429": gives(429)} {
			server := play(fails, fails, givesBody(200, "hello"))
			body, err := download.Call(t.Context(), retried(t, server), crest.Empty{})
			require.NoError(t, err, name)
			text, err := io.ReadAll(body)
			require.NoError(t, err)
			require.NoError(t, body.Close())
			require.Equal(t, "hello", string(text))
			require.Equal(t, 3, server.sent())
		}
	})
	t.Run("never after it", func(t *testing.T) {
		asked := 0
		server := play(gives(502), brokenOff)
		body, err := download.Call(t.Context(), retried(t, server, crest.WithRetry(crest.Retry{If: func(error) bool { asked++; return true }})), crest.Empty{})
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		failed := fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
		require.Equal(t, `{"id":`, string(text), "what came is not given twice")
		require.NoError(t, body.Close())
		require.Equal(t, 2, server.sent())
		require.Zero(t, asked)
		require.Len(t, failed.Attempts, 2)
	})
}
