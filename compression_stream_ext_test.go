package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// source is a body of a size that nothing can compress. It blocks after it, if it is to, until it is closed, and counts how often that is.
type source struct {
	left   int64
	sparse bool // most of it can be compressed after all, which is faster
	random *rand.ChaCha8
	sum    hash.Hash
	end    error         // what it ends with
	reads  chan struct{} // closed when it blocks; nil does not block
	gone   chan struct{}
	closes atomic.Int32
}

func newSource(size int64, end error) *source {
	return &source{left: size, random: rand.NewChaCha8([32]byte{1}), sum: sha256.New(), end: end, gone: make(chan struct{})}
}

// blocking is a source that waits after its bytes until it is closed.
func blocking(size int64) *source {
	s := newSource(size, errors.New("closed"))
	s.reads = make(chan struct{})
	return s
}

func (s *source) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), s.left)]
	if len(p) == 0 {
		if s.reads != nil {
			close(s.reads)
			<-s.gone
		}
		return 0, s.end
	}
	clear(p)
	random := p
	if s.sparse {
		random = p[:len(p)/32]
	}
	_, _ = s.random.Read(random)
	s.sum.Write(p)
	s.left -= int64(len(p))
	return len(p), nil
}

func (s *source) Close() error {
	if s.closes.Add(1) == 1 {
		close(s.gone)
	}
	return nil
}

var errDisk = errors.New("the disk is gone")

// 64 MiB go up and come down in little memory, and the source is closed once.
func TestCompressionStreams(t *testing.T) {
	const size = 64 << 20
	for _, coding := range []string{"gzip", "deflate"} {
		sum, n := sha256.New(), int64(0)
		c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
			body, err := decoder(r)
			if err == nil {
				n, err = io.Copy(sum, body)
			}
			if err != nil {
				panic(err)
			}
		}))
		s := newSource(size, io.EOF)
		s.sparse = true
		before := allocated()
		require.NoError(t, compressing("POST", coding, asReader{s})(t.Context(), c))
		require.Less(t, allocated()-before, uint64(8<<20), "bytes allocated in all, the server's included")
		require.Equal(t, int64(size), n)
		require.Equal(t, s.sum.Sum(nil), sum.Sum(nil))
		<-s.gone
		require.Equal(t, int32(1), s.closes.Load())
	}
}

// Files, alone and in a form, are sent again under their coding. Progress counts the bytes of the file, not those on the wire.
func TestCompressionOfFiles(t *testing.T) {
	type form struct {
		Title string     `form:"title"`
		File  crest.File `form:"file"`
	}
	type raw struct{ Body crest.File }
	text := strings.Repeat("0123456789", 20_000)
	file := crest.File{Name: "digits.txt", Open: opens(text), Size: int64(len(text))}
	for name, call := range map[string]sending{
		"form": compressing("PUT", "gzip", form{"Digits", file}),
		"raw":  compressing("PUT", "gzip", raw{file}),
	} {
		t.Run(name, func(t *testing.T) {
			var bodies []string
			c, _ := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := decoder(r)
				if err != nil {
					panic(err)
				}
				got, _ := io.ReadAll(body)
				if r.Header.Get("Content-Type") != "application/octet-stream" {
					r.Body = io.NopCloser(bytes.NewReader(got))
					part, head, err := r.FormFile("file")
					if err != nil || head.Filename != "digits.txt" || r.FormValue("title") != "Digits" {
						panic(err)
					}
					got, _ = io.ReadAll(part)
				}
				bodies = append(bodies, string(got))
				if len(bodies) == 1 {
					w.WriteHeader(503)
				}
			}), nil)
			var last crest.Progress
			require.NoError(t, call(t.Context(), c, crest.WithProgress(func(p crest.Progress) { last = p })))
			require.Len(t, bodies, 2)
			require.True(t, bodies[0] == text && bodies[1] == text)
			require.Equal(t, last.Total, last.Done)
			require.GreaterOrEqual(t, last.Done, int64(len(text)))
		})
	}
}

// A source that fails ends the call with its own error, and the server does not take what came for the whole.
func TestCompressionSourceFails(t *testing.T) {
	for name, tt := range map[string]struct {
		size int64
		end  error
		want error
	}{
		"at once":                    {0, errDisk, errDisk},
		"in the first piece":         {100, errDisk, errDisk},
		"later":                      {300_000, errDisk, errDisk},
		"with an error like an end":  {300_000, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
		"with one in the first read": {100, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			whole := make(chan bool, 1)
			c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
				_, err := decoded(r)
				whole <- err == nil
			}))
			s := newSource(tt.size, tt.end)
			err := compressing("POST", "gzip", asReader{s})(t.Context(), c)
			require.ErrorIs(t, err, tt.want)
			require.ErrorIs(t, err, crest.ErrTransport)
			require.Equal(t, crest.KindRequestBody, callError(t, err).Kind)
			<-s.gone
			require.Equal(t, int32(1), s.closes.Load())
			select {
			case got := <-whole:
				require.False(t, got)
			default: // it never came there
			}
		})
	}
	t.Run("a panic", func(t *testing.T) {
		c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = decoded(r) }))
		err := compressing("POST", "gzip", asReader{panickingSource{}})(t.Context(), c)
		require.ErrorContains(t, err, "the reader panicked: boom")
	})
	t.Run("longer than it said", func(t *testing.T) {
		c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = decoded(r) }))
		err := compressing("POST", "gzip", asReader{growing{strings.NewReader("abc")}})(t.Context(), c)
		require.ErrorContains(t, err, "the reader gave more than")
	})
}

type panickingSource struct{}

func (panickingSource) Read([]byte) (int, error) { panic("boom") }

// growing has more than it says.
type growing struct{ *strings.Reader }

func (g growing) Seek(offset int64, whence int) (int64, error) {
	n, err := g.Reader.Seek(offset, whence)
	if whence == io.SeekEnd {
		n--
	}
	return n, err
}

// A call that is cancelled while its source blocks ends at once, and leaves nothing behind.
func TestCompressionCancelled(t *testing.T) {
	for name, size := range map[string]int64{"before a byte": 0, "in the first piece": 100, "later": 300_000} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			s := blocking(size)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-s.reads
				cancel(errDisk)
			}()
			err := compressing("POST", "gzip", asReader{s})(ctx, c)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errDisk)
			<-s.gone
			require.Equal(t, int32(1), s.closes.Load())
		})
	}
}

// A server that answers before it has read the body is heard, though the source blocks or never ends.
func TestCompressionEarlyAnswer(t *testing.T) {
	const answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for name, tt := range map[string]struct {
		source  *source
		closing bool
	}{
		"it blocks, the server closes": {blocking(100_000), true},
		"it blocks, the server waits":  {blocking(100_000), false},
		"it goes on, and it closes":    {newSource(1<<40, io.EOF), true},
		"it goes on, and it waits":     {newSource(1<<40, io.EOF), false},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
				_, _ = io.ReadFull(in, make([]byte, 4096))
				_, _ = io.WriteString(conn, answer)
				if !tt.closing {
					<-done
					return
				}
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, in)
			}))
			err := compressing("POST", "gzip", asReader{tt.source})(t.Context(), c)
			close(done)
			require.ErrorIs(t, err, crest.Status(413))
			<-tt.source.gone
			require.Equal(t, int32(1), tt.source.closes.Load())
		})
	}
}

// R24 under compression: compressors are used again, and a server that answers early or breaks off leaves one at work. Whatever
// arrives whole is the caller's own.
func TestR24CompressionIsNeverShared(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		var id int
		_, _ = fmt.Sscan(r.URL.Query().Get("id"), &id)
		switch id % 4 {
		case 0: // early answer
			_, _ = io.ReadFull(r.Body, make([]byte, 10))
			w.WriteHeader(500)
		case 1: // close in the middle
			_, _ = io.ReadFull(r.Body, make([]byte, 10))
			panic(http.ErrAbortHandler)
		default:
			text, err := decoded(r)
			if err != nil {
				w.WriteHeader(400)
				return
			}
			replyJSON(200, fmt.Sprintf(`{"id":%d,"sum":"%s"}`, id, sumOf(text)))(w, r)
		}
	}), crest.WithCompression("gzip"))
	type request struct {
		ID   int `query:"id"`
		Body func() (io.ReadCloser, error)
	}
	post := crest.Post[request, receipt]("/upload")
	errs := make([]error, 32)
	var running sync.WaitGroup
	for i := range errs {
		running.Go(func() {
			text := strings.Repeat(payloadOf(i), 3)
			for range 6 {
				got, err := post.Call(context.Background(), c, request{i, opens(text)})
				if i%4 > 1 && (err != nil || got != receipt{i, sumOf(text)}) || i%4 < 2 && err == nil {
					errs[i] = fmt.Errorf("caller %d got %v, %w", i, got, err)
				}
			}
		})
	}
	running.Wait()
	require.NoError(t, errors.Join(errs...))
}

// HTTP/2 closes a body while it reads it: whole, cancelled and answered early.
func TestCompressionOverHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.URL.Query().Has("early") {
			w.WriteHeader(413)
			return
		}
		if _, err := decoded(r); err != nil {
			w.WriteHeader(400)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := newClient(t, server.URL, crest.WithTLS(&tls.Config{RootCAs: roots}))

	whole := newSource(1<<20, io.EOF)
	require.NoError(t, compressing("POST", "gzip", asReader{whole})(t.Context(), c))
	<-whole.gone // which may come after the answer
	require.Equal(t, int32(1), whole.closes.Load())

	early := blocking(1 << 20)
	require.ErrorIs(t, compressing("POST", "gzip", asReader{early})(t.Context(), c, crest.WithQuery("early", "")), crest.Status(413))
	<-early.gone

	late := blocking(1 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-late.reads
		cancel()
	}()
	require.ErrorIs(t, compressing("POST", "gzip", asReader{late})(ctx, c), context.Canceled)
	<-late.gone
	require.Equal(t, []int32{1, 1}, []int32{early.closes.Load(), late.closes.Load()})
}
