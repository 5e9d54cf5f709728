package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R23: a file that has more or fewer bytes than it was said to is an error of the transport's step, and its connection is closed.
func TestR23FileSizes(t *testing.T) {
	const text = "0123456789"
	grown := filepath.Join(t.TempDir(), "grown")
	require.NoError(t, os.WriteFile(grown, nil, 0o600))
	empty, err := crest.OpenFile(grown)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		file func(size int) crest.File
		ok   bool
		said int
	}{
		"exact":     {func(n int) crest.File { return (&uploadSource{text: text}).file("f", n) }, true, len(text)},
		"short":     {func(n int) crest.File { return (&uploadSource{text: text}).file("f", n) }, false, len(text) + 1},
		"long":      {func(n int) crest.File { return (&uploadSource{text: text}).file("f", n) }, false, len(text) - 1},
		"not known": {func(n int) crest.File { return (&uploadSource{text: text}).file("f", n) }, true, 0},
		"reader exact": {func(n int) crest.File {
			return crest.File{Content: onlyReader{strings.NewReader(text)}, Size: int64(n)}
		}, true, len(text)},
		"reader short": {func(n int) crest.File {
			return crest.File{Content: onlyReader{strings.NewReader(text)}, Size: int64(n)}
		}, false, len(text) + 1},
		"reader long": {func(n int) crest.File {
			return crest.File{Content: onlyReader{strings.NewReader(text)}, Size: int64(n)}
		}, false, len(text) - 1},
		"reader at all": {func(n int) crest.File { return crest.File{Content: onlyReader{strings.NewReader(text)}} }, true, 0},
	} {
		for kind := range uploads(nil) {
			t.Run(name+" "+kind, func(t *testing.T) {
				var length, chunked atomic.Int64
				c, dials := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
					length.Store(r.ContentLength)
					chunked.Store(int64(len(r.TransferEncoding)))
					_, _ = io.Copy(io.Discard, r.Body)
					w.WriteHeader(204)
				}), nil)
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				err = uploads(func() crest.File { return tt.file(tt.said) })[kind](t.Context(), c)
				before := dials.Load()
				if tt.ok {
					require.NoError(t, err)
					require.Equal(t, tt.said == 0, length.Load() == -1)
					require.Equal(t, tt.said == 0, chunked.Load() == 1)
					return
				}
				failed := fails(t, err, crest.ErrTransport, crest.KindRequestBody, crest.SentMaybe)
				require.Len(t, failed.Attempts, 1)
				require.ErrorContains(t, err, "than the size that it had, or was said to have")
				require.Equal(t, kind == "form", strings.Contains(err.Error(), `the file of the form field "g"`))
				_, err = ping.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Equal(t, before+1, dials.Load(), "the connection was used again")
			})
		}
	}
	t.Run("an empty file", func(t *testing.T) {
		var length int64
		c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { length = r.ContentLength }))
		for kind, call := range uploads(func() crest.File { return empty }) {
			require.NoError(t, call(t.Context(), c))
			require.Equal(t, kind == "raw", length == 0, length)
		}
		require.NoError(t, os.WriteFile(grown, []byte("more"), 0o600))
		require.ErrorIs(t, uploads(func() crest.File { return empty })["raw"](t.Context(), c), crest.KindRequestBody)
		require.ErrorIs(t, uploads(func() crest.File { return empty })["form"](t.Context(), c), crest.KindRequestBody)
	})
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	_, err := crest.OpenFile(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = crest.OpenFile(dir)
	require.ErrorContains(t, err, "not a regular file")

	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	file, err := crest.OpenFile(path)
	require.NoError(t, err)
	require.Equal(t, "a.txt", file.Name)
	require.EqualValues(t, 4, file.Size)
	require.NoError(t, os.Remove(path))
	server := &recorder{}
	for _, call := range uploads(func() crest.File { return file }) {
		err = call(t.Context(), newClient(t, "https://x.example", crest.WithTransport(server)))
		fails(t, err, crest.ErrRequest, crest.KindRequestBody, crest.SentNo)
		require.ErrorIs(t, err, os.ErrNotExist)
		server.none(t)
	}
}

// A file that is forgotten is left out, or a broken rule.
func TestFileIsRequired(t *testing.T) {
	type upload struct {
		Title string     `form:"title"`
		Photo crest.File `form:"photo" validate:"required"`
	}
	type raw struct {
		Body *crest.File `validate:"required"`
	}
	server := &recorder{}
	c := newClient(t, "https://x.example", crest.WithTransport(server))
	_, err := crest.Post[upload, crest.Empty]("/x").Call(t.Context(), c, upload{Title: "Dunes"})
	fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo)
	require.ErrorContains(t, err, "Photo fails required")
	_, err = crest.Post[raw, crest.Empty]("/x").Call(t.Context(), c, raw{})
	fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo)
	server.none(t)
	_, err = crest.Post[upload, crest.Empty]("/x").Call(t.Context(), c, upload{Title: "Dunes", Photo: textFile("a", "")})
	require.NoError(t, err)
}

// A header of the model, or of an option, stands in place of the file's own type.
func TestRawFileTypeByHeader(t *testing.T) {
	type typed struct {
		Type string `header:"Content-Type,omitzero"`
		Body crest.File
	}
	server := &recorder{}
	c := newClient(t, "https://x.example", crest.WithTransport(server))
	post := crest.Post[typed, crest.Empty]("/x")
	for want, tt := range map[string]struct {
		model string
		opts  []crest.CallOption
	}{"image/png": {}, "image/webp": {model: "image/webp"}, "image/gif": {opts: []crest.CallOption{crest.WithHeader("Content-Type", "image/gif")}}} {
		_, err := post.Call(t.Context(), c, typed{tt.model, crest.File{ContentType: "image/png", Content: strings.NewReader("x")}}, tt.opts...)
		require.NoError(t, err)
		require.Equal(t, []string{want}, server.last(t).Header["Content-Type"])
	}
}

// A raw body has the file's type and length; what belongs to a form's part has no place in it.
func TestRawFile(t *testing.T) {
	server := &recorder{}
	c := newClient(t, "https://x.example", crest.WithTransport(server))
	post := crest.Post[rawUpload, crest.Empty]("/x")
	_, err := post.Call(t.Context(), c, rawUpload{crest.File{Name: "../a.png", ContentType: "image/png", Content: strings.NewReader("PNG")}})
	require.NoError(t, err)
	sent := server.last(t)
	require.Equal(t, "PNG image/png 3", fmt.Sprint(sent.body, " ", sent.Header.Get("Content-Type"), " ", sent.ContentLength))
	_, err = crest.Post[crest.File, crest.Empty]("/x").Call(t.Context(), c, textFile("a", "the model itself"))
	require.NoError(t, err)
	sent = server.last(t)
	require.Equal(t, "the model itself application/octet-stream", sent.body+" "+sent.Header.Get("Content-Type"))
	_, err = crest.Post[struct{ Body *crest.File }, crest.Empty]("/x").Call(t.Context(), c, struct{ Body *crest.File }{})
	require.NoError(t, err)
	require.Empty(t, server.last(t).Header.Get("Content-Type"))

	_, err = post.Call(t.Context(), c, rawUpload{crest.File{Header: http.Header{"X-A": {"1"}}, Content: strings.NewReader("x")}})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	_, err = post.Call(t.Context(), c, rawUpload{crest.File{ContentType: "a/b\r\nEvil: 1", Content: strings.NewReader("x")}})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
}

// A reader that was given to a call before has nothing left. To send that as if it were the whole would lose the file in silence.
func TestReadersAreNotSentEmptyAgain(t *testing.T) {
	c := newClient(t, "https://x.example", crest.WithTransport(&recorder{}))
	raw := crest.Put[struct{ Body io.Reader }, crest.Empty]("/x")
	for name, read := range map[string]func(*strings.Reader){
		"by a call": func(r *strings.Reader) {
			_, err := raw.Call(t.Context(), c, struct{ Body io.Reader }{r})
			require.NoError(t, err)
		},
		"by others":    func(r *strings.Reader) { _, _ = io.Copy(io.Discard, r) },
		"and farther":  func(r *strings.Reader) { _, _ = r.Seek(99, io.SeekStart) },
		"and is empty": func(r *strings.Reader) { r.Reset("") },
	} {
		t.Run(name, func(t *testing.T) {
			r := strings.NewReader("the content")
			read(r)
			calls := uploads(func() crest.File { return crest.File{Content: r} })
			calls["reader"] = func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
				_, err := raw.Call(ctx, c, struct{ Body io.Reader }{r}, opts...)
				return err
			}
			for way, call := range calls {
				server := &recorder{}
				err := call(t.Context(), newClient(t, "https://x.example", crest.WithTransport(server)))
				if name == "and is empty" {
					require.NoError(t, err, way)
					continue
				}
				fails(t, err, crest.ErrRequest, "", crest.SentNo)
				require.ErrorContains(t, err, "the reader stands at its end", way)
				server.none(t)
			}
		})
	}
}

// What can be read again is sent again, the same: after a failure, where a redirect leads, for a new token. What cannot is sent once.
func TestFilesAreSentAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("the content"), 0o600))
	stored, err := crest.OpenFile(path)
	require.NoError(t, err)
	seeks := func() crest.File {
		r := strings.NewReader("skipped|the content")
		_, _ = r.Seek(8, io.SeekStart)
		return crest.File{Content: r}
	}
	token := crest.WithBearer((&issuer{}).source())
	for trigger, first := range map[string]step{
		"503": gives(503), "429": gives(429), "lost": breaks(io.EOF), "307": gives(307, "Location", "/y"), "308": gives(308, "Location", "/y"), "401": gives(401),
	} {
		var src uploadSource
		src.text = "the content"
		for name, tt := range map[string]struct {
			file func() crest.File
			sent int
		}{
			"OpenFile":      {func() crest.File { return stored }, 2},
			"Open":          {func() crest.File { return src.file("f", 0) }, 2},
			"Open and size": {func() crest.File { return src.file("f", 11) }, 2},
			"seeks":         {seeks, 2},
			"reads once":    {func() crest.File { return crest.File{Content: onlyReader{strings.NewReader("the content")}} }, 1},
		} {
			for kind, call := range uploads(tt.file) {
				t.Run(trigger+" "+name+" "+kind, func(t *testing.T) {
					server := play(first, gives(204))
					err := call(t.Context(), retried(t, server, token))
					require.Equal(t, tt.sent, server.sent())
					require.Contains(t, server.all[0].body, "the content")
					if tt.sent == 1 {
						require.Error(t, err)
						require.Equal(t, trigger != "401", strings.Contains(err.Error(), "its body cannot be read again: use bytes, a function or an io.Seeker"), "%v", err)
						return
					}
					require.NoError(t, err)
					require.Equal(t, server.all[0].body, server.all[1].body)
					require.Equal(t, server.headers("Content-Type")[0], server.headers("Content-Type")[1])
					src.settled(t, -1)
				})
			}
		}
	}
}

// S2.26, R37: however the call ends, each file that was opened is closed, once.
func TestFilesAreClosedOnce(t *testing.T) {
	own := errors.New("disk is gone")
	large := strings.Repeat("x", 1<<20)
	answers := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("how") {
		case "early":
			_, _ = io.ReadFull(r.Body, make([]byte, 4<<10))
			w.WriteHeader(413)
			return
		case "abort":
			_, _ = io.ReadFull(r.Body, make([]byte, 4<<10))
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(io.Discard, r.Body)
	})
	for name, tt := range map[string]struct {
		how  string
		src  *uploadSource
		want error
	}{
		"all is well":     {"", &uploadSource{text: large}, nil},
		"early answer":    {"early", &uploadSource{text: large}, crest.Status(413)},
		"connection lost": {"abort", &uploadSource{text: large}, crest.KindDisconnected},
		"read fails":      {"", &uploadSource{text: large, then: own}, own},
	} {
		for kind, call := range uploads(func() crest.File { return tt.src.file("f", 0) }) {
			t.Run(name+" "+kind, func(t *testing.T) {
				c, _ := onWire(t, answers, nil, crest.WithRetry(crest.Retry{Max: -1}))
				tt.src.opened, tt.src.closed = 0, 0
				err := call(t.Context(), c, crest.WithQuery("how", tt.how))
				require.ErrorIs(t, err, tt.want)
				tt.src.settled(t, 1)
			})
		}
	}
	t.Run("cancelled", func(t *testing.T) {
		for kind := range uploads(nil) {
			ctx, cancel := context.WithCancel(t.Context())
			src := uploadSource{text: large, then: nil}
			err := uploads(func() crest.File {
				f := src.file("f", 0)
				open := f.Open
				f.Open = func() (io.ReadCloser, error) {
					r, err := open()
					return &cancelsInRead{r, cancel}, err
				}
				return f
			})[kind](ctx, newClient(t, answers))
			require.ErrorIs(t, err, context.Canceled, kind)
			src.settled(t, 1)
		}
	})
	t.Run("never sent", func(t *testing.T) {
		for kind := range uploads(nil) {
			src := uploadSource{text: large}
			call := uploads(func() crest.File { return src.file("f", 0) })[kind]
			err := call(t.Context(), dialing(t, own))
			require.ErrorIs(t, err, own)
			full := crest.WithLimiter(refusing{own})
			require.ErrorIs(t, call(t.Context(), newClient(t, answers, full)), crest.ErrLimited)
			src.settled(t, -1)
		}
	})
	t.Run("a transport that closes again and again", func(t *testing.T) {
		src := uploadSource{text: "x"}
		again := inMemory(func(req *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, req.Body)
			for range 3 {
				require.NoError(t, req.Body.Close())
			}
			return response(req, 204, ""), nil
		})
		for _, call := range uploads(func() crest.File { return src.file("f", 0) }) {
			require.NoError(t, call(t.Context(), newClient(t, "https://x.example", crest.WithTransport(again))))
		}
		src.settled(t, 2)
	})
	t.Run("a later file is not there", func(t *testing.T) {
		first, second, third := uploadSource{text: "1"}, uploadSource{fail: own}, uploadSource{text: "3"}
		_, err := crest.Put[uploadForm, crest.Empty]("/x").Call(t.Context(), newClient(t, answers),
			uploadForm{File: first.file("a", 0), More: []crest.File{second.file("b", 0), third.file("c", 0)}})
		fails(t, err, crest.ErrTransport, crest.KindRequestBody, crest.SentMaybe)
		require.ErrorIs(t, err, own)
		require.ErrorContains(t, err, `the file of the form field "more"`)
		first.settled(t, 1)
		third.settled(t, 0)
	})
	t.Run("many files, one at a time", func(t *testing.T) {
		src := uploadSource{text: "x"}
		var many []crest.File
		for range 100 {
			many = append(many, src.file("f", 1))
		}
		_, err := crest.Put[uploadForm, crest.Empty]("/x").Call(t.Context(), newClient(t, answers), uploadForm{More: many})
		require.NoError(t, err)
		src.settled(t, 100)
		require.Equal(t, 1, src.most)
	})
}

// cancelsInRead cancels the call at its second Read.
type cancelsInRead struct {
	io.ReadCloser
	cancel func()
}

func (r *cancelsInRead) Read(p []byte) (int, error) {
	defer r.cancel()
	return r.ReadCloser.Read(p[:min(len(p), 100)])
}

// R24 for forms: an upload that was answered early, or cut, leaves the transport reading a body whose call is over. What arrives is
// still a beginning of exactly one known form.
func TestR24FormsAreNeverShared(t *testing.T) {
	var mixed atomic.Int32
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		form, err := r.MultipartReader()
		if err != nil {
			return
		}
		id := r.URL.Query().Get("id")
		for {
			p, err := form.NextPart()
			if err != nil {
				break
			}
			text := make([]byte, 3<<10)
			n, _ := io.ReadFull(p, text)
			if !strings.HasPrefix(strings.Repeat(id, n/len(id)+1), string(text[:n])) {
				mixed.Add(1)
			}
			if strings.HasSuffix(id, "1>") {
				w.WriteHeader(500)
				return
			}
			if strings.HasSuffix(id, "2>") {
				panic(http.ErrAbortHandler)
			}
		}
	})
	c, _ := onWire(t, base, nil, crest.WithRetry(crest.Retry{Max: 2, Backoff: constant(0), Budget: crest.NoBound}))
	var running sync.WaitGroup
	for i := range 64 {
		running.Go(func() {
			id := fmt.Sprintf("<%d>", i)
			src := uploadSource{text: strings.Repeat(id, 5000)}
			seeks := strings.NewReader(src.text)
			form := twoFiles{id, src.file("f", 0), id, crest.File{Content: seeks}}
			_, _ = crest.Put[twoFiles, crest.Empty]("/x").Call(context.Background(), c, form, crest.WithQuery("id", id))
			src.settled(t, -1)
		})
	}
	running.Wait()
	require.Zero(t, mixed.Load(), "bytes of another form arrived")
}
