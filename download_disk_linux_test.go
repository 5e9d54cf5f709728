package crest_test

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// becomeUser gives up what root may.
func becomeUser(id int) error { return syscall.Setuid(id) }

// limitFiles bounds what one file of this process may hold: writes beyond it fail, as on a disk that is full. Without a mount of its
// own a process has no small disk.
func limitFiles(size uint64) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(size, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// Row 47: a file that has no more room is an error of the output that says so, what fitted is kept, and goes on when there is room.
func TestDownloadWithoutRoom(t *testing.T) {
	s := newStore(300 << 10)
	base := serve(t, s.ServeHTTP)
	for name, how := range map[string]crest.Transfer{"one piece": {}, "parts": {Parallel: 3, PartSize: 50 << 10}} {
		t.Run(name, func(t *testing.T) {
			s.forget()
			f := newFolder(t)
			all := results(t, child(t, fetchTask{URL: base, Path: f.path, How: how, Room: 128 << 10}))
			require.Len(t, all, 2)
			require.Equal(t, crest.KindOutput, all[0].Kind, all[0].Err)
			require.ElementsMatch(t, []string{"no room", "response"}, all[0].Is)
			require.Empty(t, all[1].Err)
			require.Less(t, all[1].Got.Fetched, int64(len(s.content)))
			require.Positive(t, all[1].Got.Resumed)
			require.EqualValues(t, len(s.content), all[1].Got.Size)
			require.Equal(t, fmt.Sprintf("%x", sums(s.content)["sha256"]), all[1].Sum)
		})
	}
}

// A device that is always full.
func TestDownloadToAFullWriter(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	s := newStore(1000)
	_, err = crest.Download(t.Context(), resuming(t, s), download, crest.Empty{}, full)
	fails(t, err, crest.ErrResponse, crest.KindOutput, crest.SentYes)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Len(t, s.asked, 1, "a retry would not help")
}

// Row 47: a folder that may not be written to is an error before anything is sent.
func TestDownloadToAFolderOfOthers(t *testing.T) {
	s := newStore(10)
	f := newFolder(t)
	dir := filepath.Dir(f.path)
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o555))
	task := fetchTask{URL: serve(t, s.ServeHTTP), Path: f.path}
	if os.Getuid() == 0 {
		task.User = 65534 // nothing is forbidden to root
	}
	all := results(t, child(t, task))
	require.Equal(t, crest.KindOutput, all[0].Kind, all[0].Err)
	require.ElementsMatch(t, []string{"permission", "request"}, all[0].Is)
	require.Empty(t, s.asked)
	f.has()
}

// R48: a file that became a pipe meanwhile is refused. To open it would wait for a writer, and no context could end that.
func TestPipesInPlaceOfFiles(t *testing.T) {
	pipe, upload := filepath.Join(t.TempDir(), "pipe"), filepath.Join(t.TempDir(), "upload")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.WriteFile(upload, []byte("text"), 0o600))
	file, err := crest.OpenFile(upload)
	require.NoError(t, err)
	require.NoError(t, os.Rename(pipe, upload))
	c := newClient(t, "https://api.example.com", crest.WithTransport(&recorder{}))
	_, err = crest.Post[crest.File, crest.Empty]("/x").Call(t.Context(), c, file)
	fails(t, err, crest.ErrRequest, crest.KindRequestBody, crest.SentNo)
	require.ErrorContains(t, err, "not a regular file")
	require.ErrorContains(t, crest.NewJar(crest.JarOptions{}).Load(upload), "not a regular file")
}
