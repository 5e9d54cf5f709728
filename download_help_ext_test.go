package crest_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// store is a server of one file that keeps to RFC 9110, and breaks off when it is told to.
type store struct {
	mu      sync.Mutex
	content []byte
	etag    string
	headers []string // more of them: name, value
	cuts    []int    // request by request: after how many bytes of its body the connection breaks; -1 and none is never
	change  func(n int, s *store, r *http.Request)

	asked []http.Header
}

func newStore(size int) *store { return &store{content: noise(size), etag: `"v1"`} }

// noise are bytes that look like nothing else, and the same each time.
func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.change != nil {
		s.change(len(s.asked)+1, s, r)
	}
	cut := -1
	if n := len(s.asked); n < len(s.cuts) {
		cut = s.cuts[n]
	}
	s.asked = append(s.asked, r.Header.Clone())
	content := s.content
	w.Header()["Content-Type"] = nil
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	for i := 0; i < len(s.headers); i += 2 {
		w.Header().Add(s.headers[i], s.headers[i+1])
	}
	s.mu.Unlock()
	modified, _ := http.ParseTime(w.Header().Get("Last-Modified"))
	http.ServeContent(&breakingWriter{w, s, cut}, r, "", modified, bytes.NewReader(content))
}

// now is what the server has at last: it may still be busy with a request that was given up.
func (s *store) now() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content
}

func (s *store) note(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Header.Clone())
}

func (s *store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = nil
}

func (s *store) ranges() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.asked {
		all = append(all, h.Get("Range"))
	}
	return all
}

// breakingWriter breaks the connection after some bytes of the body.
type breakingWriter struct {
	http.ResponseWriter
	store *store
	left  int // -1 is no bound
}

func (b *breakingWriter) WriteHeader(status int) {
	if slices.Contains(b.store.headers, "Accept-Ranges") { // which ServeContent sets by itself
		b.Header().Set("Accept-Ranges", "none")
	}
	b.ResponseWriter.WriteHeader(status)
	b.breakNow()
}

// breakNow is for a body that breaks before its first byte.
func (b *breakingWriter) breakNow() {
	if b.left == 0 {
		_ = http.NewResponseController(b.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (b *breakingWriter) Write(p []byte) (int, error) {
	if b.left >= 0 {
		p = p[:min(len(p), b.left)]
	}
	n, err := b.ResponseWriter.Write(p)
	if b.left >= 0 {
		b.left -= n
		b.breakNow()
	}
	return n, err
}

// resuming makes a client that tries again at once.
func resuming(t testing.TB, h http.Handler, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	return newClient(t, serve(t, h.ServeHTTP), append([]crest.ClientOption{atOnce(3)}, opts...)...)
}

// atOnce tries again without a wait.
func atOnce(n int) crest.Option {
	return crest.WithRetry(crest.Retry{Max: n, Backoff: noWait})
}

// folder is a place for a file, and looks at what lies in it.
type folder struct {
	t    testing.TB
	path string
}

func newFolder(t testing.TB) folder { return folder{t, filepath.Join(t.TempDir(), "file.bin")} }

func (f folder) holds(content []byte) {
	f.t.Helper()
	got, err := os.ReadFile(f.path)
	require.NoError(f.t, err)
	require.True(f.t, bytes.Equal(content, got), "%d bytes that are not the %d of the file", len(got), len(content))
	f.has("file.bin")
}

// has looks at the names in the folder.
func (f folder) has(names ...string) {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.path))
	require.NoError(f.t, err)
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	require.ElementsMatch(f.t, names, got)
}

// keeps is what a download leaves that may be continued.
func (f folder) keeps() {
	f.t.Helper()
	f.has("file.bin.part", "file.bin.part.json")
}

func (f folder) write(suffix, text string) {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(f.path+suffix, []byte(text), 0o600))
}

// buffer hides every method of a writer but Write.
type plainWriter struct{ io.Writer }
