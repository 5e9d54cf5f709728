package crest_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Row 46, for files: what goes wrong in the caller's own code is told apart from the network, and ends nobody's program.
func TestFaultRow46Files(t *testing.T) {
	own := errors.New("cut before its end")
	c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	open := func(r io.ReadCloser) func() crest.File {
		return func() crest.File {
			return crest.File{Open: func() (io.ReadCloser, error) { return r, nil }}
		}
	}
	for name, tt := range map[string]struct {
		file func() crest.File
		step crest.Step
		sent crest.Sent
	}{
		"Read panics":                           {open(io.NopCloser(panicking{})), crest.ErrTransport, crest.SentMaybe},
		"Read says more than there is room for": {open(oddSource{says: 1 << 20}), crest.ErrTransport, crest.SentMaybe},
		"Read says less than nothing":           {open(oddSource{says: -1}), crest.ErrTransport, crest.SentMaybe},
		"Read gives nothing, ever":              {open(oddSource{}), crest.ErrTransport, crest.SentMaybe},
		"Read ends its goroutine":               {open(oddSource{leaves: true}), crest.ErrTransport, crest.SentMaybe},
		"Close fails":                           {open(closesWith{strings.NewReader("x"), func() error { return own }}), crest.ErrTransport, crest.SentMaybe},
		"Close panics":                          {open(closesWith{strings.NewReader("x"), func() error { panic("broken") }}), crest.ErrTransport, crest.SentMaybe},
		"Open panics":                           {func() crest.File { return crest.File{Open: func() (io.ReadCloser, error) { panic("broken") }} }, crest.ErrRequest, crest.SentNo},
		"Open of nil":                           {open(nil), crest.ErrRequest, crest.SentNo},
	} {
		for kind, call := range uploads(tt.file) {
			t.Run(name+" "+kind, func(t *testing.T) {
				err := call(t.Context(), c)
				fails(t, err, tt.step, crest.KindRequestBody, tt.sent)
				require.Equal(t, name == "Close fails", errors.Is(err, own))
			})
		}
	}
}

// oddSource does not keep to the contract of io.Reader.
type oddSource struct {
	says   int
	leaves bool
}

func (s oddSource) Read([]byte) (int, error) {
	if s.leaves {
		runtime.Goexit()
	}
	return s.says, nil
}

func (oddSource) Close() error { return nil }

type closesWith struct {
	io.Reader
	close func() error
}

func (c closesWith) Close() error { return c.close() }

// Row 44, for forms: a server that answers while the files go up is heard.
func TestFaultRow44Files(t *testing.T) {
	done := make(chan struct{})
	c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		_, _ = io.ReadFull(in, make([]byte, 4096))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		<-done
	}))
	err := uploads(func() crest.File { return crest.File{Content: io.LimitReader(endless{}, 64<<20), Size: 64 << 20} })["form"](t.Context(), c)
	close(done)
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorIs(t, err, crest.Status(413))
}

// A connection that is cut anywhere in an upload ends in the right error where a second execution could do harm, and otherwise
// in the right bytes at the second try.
func TestFaultUploadCutAtEachByte(t *testing.T) {
	var whole bytes.Buffer
	measure := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		_ = readRequest(bufio.NewReader(io.TeeReader(in, &whole)))
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}))
	model := func(s *uploadSource) twoFiles {
		return twoFiles{"text", s.file("f", 0), "text", s.file("g", 0)}
	}
	src := uploadSource{text: strings.Repeat("content ", 5)}
	put, post := crest.Put[twoFiles, crest.Empty]("/x"), crest.Post[twoFiles, crest.Empty]("/x")
	_, err := put.Call(t.Context(), measure, model(&src))
	require.NoError(t, err)
	require.Greater(t, whole.Len(), 500)
	for _, reset := range []bool{false, true} {
		for cut := range whole.Len() + 1 {
			var tries atomic.Int32
			var arrived atomic.Pointer[http.Request]
			base := listen(t, func(conn net.Conn, in *bufio.Reader) {
				if tries.Add(1) == 1 {
					_, _ = io.CopyN(io.Discard, in, int64(cut))
					if reset {
						_ = conn.(*net.TCPConn).SetLinger(0)
					}
					return
				}
				arrived.Store(readRequest(in))
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			})
			c, _ := onWire(t, base, nil)
			check := func() {
				req := arrived.Swap(nil)
				body, err := io.ReadAll(req.Body)
				require.NoError(t, err)
				parts := readForm(t, req.Header.Get("Content-Type"), string(body))
				require.Len(t, parts, 4)
				require.Equal(t, src.text+src.text, parts[1].text+parts[3].text, "cut at %d", cut)
			}
			_, err := post.Call(t.Context(), c, model(&src))
			if err == nil && cut == 0 { // the connection was gone before anything was written
				check()
			} else {
				failed := fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
				require.Len(t, failed.Attempts, 1, "cut at %d", cut)
			}
			tries.Store(0)
			_, err = put.Call(t.Context(), c, model(&src))
			require.NoError(t, err, "cut at %d", cut)
			check()
		}
	}
	src.settled(t, -1)
}
