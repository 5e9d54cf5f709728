package crest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// What stands in the way is found before anything is sent.
func TestDownloadFileInTheWay(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, f folder) (path string)
		is      error
	}{
		"a folder":         {func(t *testing.T, f folder) string { return filepath.Dir(f.path) }, nil},
		"a missing parent": {func(t *testing.T, f folder) string { return filepath.Join(f.path, "missing", "x") }, fs.ErrNotExist},
		"a file as parent": {func(t *testing.T, f folder) string { f.write("", "x"); return filepath.Join(f.path, "x") }, nil},
		"a folder as part": {func(t *testing.T, f folder) string {
			require.NoError(t, os.Mkdir(f.path+".part", 0o700))
			return f.path
		}, nil},
		"a link as part": {func(t *testing.T, f folder) string {
			f.write(".victim", "precious")
			require.NoError(t, os.Symlink(f.path+".victim", f.path+".part"))
			return f.path
		}, nil},
		"a link as note": {func(t *testing.T, f folder) string {
			f.write(".victim", "precious")
			require.NoError(t, os.Symlink(f.path+".victim", f.path+".part.json"))
			return f.path
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(10)
			f := newFolder(t)
			path := tt.prepare(t, f)
			_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, path)
			failed := fails(t, err, crest.ErrRequest, crest.KindOutput, crest.SentNo)
			if tt.is != nil {
				require.ErrorIs(t, failed, tt.is)
			}
			require.Empty(t, s.asked)
			if victim, err := os.ReadFile(f.path + ".victim"); err == nil {
				require.Equal(t, "precious", string(victim))
			}
		})
	}
	_, err := crest.Download(t.Context(), resuming(t, newStore(10)), download, crest.Empty{}, nil)
	fails(t, err, crest.ErrRequest, crest.KindOutput, crest.SentNo)
	_, err = crest.DownloadFile[crest.Empty](t.Context(), resuming(t, newStore(10)), nil, crest.Empty{}, "x")
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
}

// A link under the name is replaced, not followed.
func TestDownloadFileReplacesALink(t *testing.T) {
	s := newStore(10)
	f := newFolder(t)
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("precious"), 0o600))
	require.NoError(t, os.Symlink(outside, f.path))
	_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path)
	require.NoError(t, err)
	f.holds(s.content)
	got, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "precious", string(got))
}

// What an earlier call has left is used if it fits, and thrown away if not. It never gets into the file otherwise.
func TestDownloadFileLeftovers(t *testing.T) {
	for name, tt := range map[string]struct {
		tamper func(t *testing.T, s *store, f folder)
		ranges []string // after the first request
		whole  bool     // all of it is fetched
	}{
		"as it was":     {func(*testing.T, *store, folder) {}, []string{"bytes=40-"}, false},
		"all of it":     {func(_ *testing.T, s *store, f folder) { f.write(".part", string(s.content)) }, []string{"bytes=99-"}, false},
		"more than all": {func(_ *testing.T, s *store, f folder) { f.write(".part", string(s.content)+"more") }, []string{""}, true},
		"nothing":       {func(_ *testing.T, _ *store, f folder) { f.write(".part", "") }, []string{""}, true},
		"no part":       {func(t *testing.T, _ *store, f folder) { require.NoError(t, os.Remove(f.path+".part")) }, []string{""}, true},
		"no note":       {func(t *testing.T, _ *store, f folder) { require.NoError(t, os.Remove(f.path+".part.json")) }, []string{""}, true},
		"empty note":    {func(_ *testing.T, _ *store, f folder) { f.write(".part.json", "") }, []string{""}, true},
		"half a note":   {func(_ *testing.T, _ *store, f folder) { cutNote(f) }, []string{""}, true},
		"not a note":    {func(_ *testing.T, _ *store, f folder) { f.write(".part.json", "[1,2]") }, []string{""}, true},
		"ranges that are none": {func(_ *testing.T, _ *store, f folder) {
			editNote(f, `"have":null`, `"have":[[0,50],[20,10]]`)
		}, []string{""}, true},
		"a validator that no header can have": {func(_ *testing.T, _ *store, f folder) {
			editNote(f, `\"v1\"`, `\"v1\"\r\nX-Field: 1`)
		}, []string{""}, true},
		"ranges beyond the file": {func(_ *testing.T, _ *store, f folder) {
			editNote(f, `"have":null`, `"have":[[0,90]]`)
		}, []string{""}, true},
		"changed meanwhile":             {func(_ *testing.T, s *store, _ folder) { s.etag, s.content = `"v2"`, noise(200)[100:] }, []string{"bytes=40-"}, true},
		"shorter meanwhile":             {func(_ *testing.T, s *store, _ folder) { s.etag, s.content = `"v2"`, noise(20) }, []string{"bytes=40-"}, true},
		"shorter, the ETag is the same": {func(_ *testing.T, s *store, _ folder) { s.content = noise(20) }, []string{"bytes=40-", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(100)
			s.cuts = []int{40}
			c := resuming(t, s)
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, once)
			require.Error(t, err)
			f.keeps()
			tt.tamper(t, s, f)
			s.forget()
			s.cuts = nil
			got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
			require.NoError(t, err)
			f.holds(s.content)
			require.Equal(t, tt.ranges, s.ranges())
			require.EqualValues(t, len(s.content), got.Size)
			require.Equal(t, tt.whole, got.Fetched >= got.Size)
			require.Equal(t, !tt.whole, got.Resumed == 1)
		})
	}
}

func cutNote(f folder) {
	f.t.Helper()
	text, err := os.ReadFile(f.path + ".part.json")
	require.NoError(f.t, err)
	f.write(".part.json", string(text[:len(text)/2]))
}

func editNote(f folder, old, new string) {
	f.t.Helper()
	text, err := os.ReadFile(f.path + ".part.json")
	require.NoError(f.t, err)
	require.Contains(f.t, string(text), old)
	f.write(".part.json", strings.Replace(string(text), old, new, 1))
}

// Another request to the same path is not continued with what the first has left; a presigned URL may be new each time.
func TestDownloadFileOfAnotherRequest(t *testing.T) {
	type by struct {
		ID       int          `query:"id"`
		Token    crest.Secret `query:"token"`
		Type     string       `header:"Accept,omitzero"`
		Language string       `header:"Accept-Language,omitzero"`
		Trace    string       `header:"X-Trace-Id,omitzero"`
	}
	get := crest.Get[by, io.ReadCloser]("/file")
	s := newStore(100)
	base := serve(t, s.ServeHTTP)
	for name, tt := range map[string]struct {
		first, second by
		urls          []string
		goesOn        bool
	}{
		"the same":         {by{ID: 1}, by{ID: 1}, nil, true},
		"another query":    {by{ID: 1}, by{ID: 2}, nil, false},
		"another token":    {by{Token: crest.NewSecret("a")}, by{Token: crest.NewSecret("b")}, nil, true},
		"another type":     {by{Type: "text/csv"}, by{Type: "application/json"}, nil, false},
		"another language": {by{Language: "de"}, by{Language: "fr"}, nil, false},
		"another trace":    {by{Trace: "1"}, by{Trace: "2"}, nil, true},
		"presigned":        {by{}, by{}, []string{base + "/x?sig=1", base + "/x?sig=2"}, true},
		"another path":     {by{}, by{}, []string{base + "/x?sig=1", base + "/y?sig=1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s.forget()
			s.cuts = []int{40}
			c := newClient(t, base, crest.WithPlainCredentials())
			f := newFolder(t)
			url := func(i int) crest.CallOption {
				if tt.urls == nil {
					return nil
				}
				return crest.WithURL(tt.urls[i])
			}
			_, err := crest.DownloadFile(t.Context(), c, get, tt.first, f.path, url(0))
			require.Error(t, err)
			note, err := os.ReadFile(f.path + ".part.json")
			require.NoError(t, err)
			require.NotContains(t, string(note), "sig")
			got, err := crest.DownloadFile(t.Context(), c, get, tt.second, f.path, url(1))
			require.NoError(t, err)
			f.holds(s.content)
			require.Equal(t, tt.goesOn, got.Resumed == 1)
		})
	}
}

// Two at once to one path: the second is told so, whoever it is.
func TestDownloadFileTwice(t *testing.T) {
	s := newStore(1000)
	arrived, held := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	var first sync.Once
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		first.Do(func() {
			close(arrived)
			<-held
		})
		s.ServeHTTP(w, r)
	})
	defer release() // also when the test fails
	c := newClient(t, base)
	f := newFolder(t)
	done := make(chan error, 1)
	go func() {
		_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
		done <- err
	}()
	<-arrived
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, filepath.Join(filepath.Dir(f.path), ".", "file.bin"))
	fails(t, err, crest.ErrRequest, crest.KindOutput, crest.SentNo)
	require.ErrorContains(t, err, "under way")
	other := results(t, child(t, fetchTask{URL: base, Path: f.path}))[0]
	require.Contains(t, other.Err, "under way")
	release()
	require.NoError(t, <-done)
	f.holds(s.content)
}

// Many processes at once: each gets the file or is told to wait, and the file is right.
func TestDownloadFileManyProcesses(t *testing.T) {
	s := newStore(100_000)
	base := serve(t, s.ServeHTTP)
	f := newFolder(t)
	var running sync.WaitGroup
	var fetched atomic.Int32
	for range 6 {
		running.Go(func() {
			for range 3 {
				r := results(t, child(t, fetchTask{URL: base, Path: f.path}))[0]
				if r.Err == "" {
					fetched.Add(1)
				} else if !strings.Contains(r.Err, "under way") {
					t.Error(r.Err)
				}
			}
		})
	}
	running.Wait()
	require.Positive(t, fetched.Load())
	f.holds(s.content)
}

// A process that is killed leaves what the next goes on with: the same bytes in the end, and fewer of them fetched.
func TestDownloadFileOfAKilledProcess(t *testing.T) {
	for name, how := range map[string]crest.Transfer{"one piece": {}, "parts": {Parallel: 3, PartSize: 1_000_000}} {
		t.Run(name, func(t *testing.T) {
			s := newStore(20_000_000)
			var slow atomic.Bool
			slow.Store(true)
			var left atomic.Int64
			left.Store(5_000_000)
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if slow.Load() {
					w = &slowWriter{w, &left}
				}
				s.ServeHTTP(w, r)
			})
			f := newFolder(t)
			cmd := child(t, fetchTask{URL: base, Path: f.path, How: how})
			require.NoError(t, cmd.Start())
			require.Eventually(t, func() bool {
				info, err := os.Stat(f.path + ".part")
				return err == nil && info.Size() >= 150_000 && (name == "one piece" || f.noted() >= 150_000)
			}, time.Minute, time.Millisecond)
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, cmd.Wait())
			f.keeps()
			part, err := os.Stat(f.path + ".part")
			require.NoError(t, err)
			slow.Store(false)
			all := results(t, child(t, fetchTask{URL: base, Path: f.path, How: how}))
			require.Empty(t, all[0].Err)
			require.Equal(t, fmt.Sprintf("%x", sums(s.content)["sha256"]), all[0].Sum)
			f.holds(s.content)
			require.Equal(t, 1, all[0].Got.Resumed)
			require.LessOrEqual(t, all[0].Got.Fetched, int64(len(s.content)-100_000))
			if name == "one piece" {
				require.Equal(t, int64(len(s.content))-part.Size(), all[0].Got.Fetched)
			}
		})
	}
}

// noted is how many bytes the note of a download in parts says are there.
func (f folder) noted() (n int64) {
	text, _ := os.ReadFile(f.path + ".part.json")
	var note struct{ Have [][2]int64 }
	_ = json.Unmarshal(text, &note)
	for _, span := range note.Have {
		n += span[1] - span[0]
	}
	return n
}

// slowWriter takes its time, and when all is written that may be, it dribbles: the process that it writes to is a real one, which notes
// what it has by the clock, and must not get to the end.
type slowWriter struct {
	http.ResponseWriter
	left *atomic.Int64
}

func (w *slowWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		most := 20_000
		if w.left.Add(-20_000) < 0 {
			most = 1
		}
		var m int
		m, err = w.ResponseWriter.Write(p[:min(len(p), most)])
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		n, p = n+m, p[m:]
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// Killed anywhere, again and again, until one process gets to the end: each when it has been sent a little more than the one before.
func TestDownloadFileKilledAnywhere(t *testing.T) {
	for name, how := range map[string]crest.Transfer{"one piece": {}, "parts": {Parallel: 4, PartSize: 100_000}} {
		t.Run(name, func(t *testing.T) {
			s := newStore(3_000_000)
			deadly := &deadlyServer{store: s}
			base := serve(t, deadly.ServeHTTP)
			f := newFolder(t)
			kills := 0
			for ; ; kills++ {
				cmd := child(t, fetchTask{URL: base, Path: f.path, How: how})
				deadly.begin(t, cmd, 50_000+30_011*kills)
				err := cmd.Wait()
				if _, there := os.Stat(f.path); err == nil || there == nil { // killed after the last step, it has done its work as well
					break
				}
			}
			t.Logf("%d processes were killed", kills)
			require.Greater(t, kills, 5)
			got, err := os.ReadFile(f.path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(s.content, got))
			require.NoFileExists(t, f.path+".part")
		})
	}
}

// deadlyServer kills its client when it has sent so many bytes.
type deadlyServer struct {
	store *store

	mu     sync.Mutex
	client *os.Process
	left   int
}

// begin starts a client that may get so many bytes. It is known before it is sent any.
func (d *deadlyServer) begin(t *testing.T, client *exec.Cmd, left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	require.NoError(t, client.Start())
	d.client, d.left = client.Process, left
}

func (d *deadlyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.store.ServeHTTP(&deadlyWriter{w, d}, r)
}

type deadlyWriter struct {
	http.ResponseWriter
	server *deadlyServer
}

func (w *deadlyWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var m int
		m, err = w.ResponseWriter.Write(p[:min(len(p), 10_000)])
		n, p = n+m, p[m:]
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		w.server.sent(m)
	}
	return n, err
}

func (d *deadlyServer) sent(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.left
	if d.left -= n; before > 0 && d.left <= 0 {
		_ = d.client.Kill()
	}
}

// A path that names no file is an error before anything is sent.
func TestDownloadFileWithoutName(t *testing.T) {
	s := newStore(10)
	for _, path := range []string{"", t.TempDir() + "/", filepath.Join(t.TempDir(), "new") + string(filepath.Separator)} {
		_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, path)
		fails(t, err, crest.ErrRequest, crest.KindOutput, crest.SentNo)
	}
	require.Empty(t, s.asked)
}
