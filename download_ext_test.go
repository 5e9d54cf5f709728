package crest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestDownload(t *testing.T) {
	s := newStore(20_000)
	s.headers = []string{"Content-Disposition", `attachment; filename="../../etc/a b.bin"`}
	c := resuming(t, s)
	var out bytes.Buffer
	got, err := crest.Download(t.Context(), c, download, crest.Empty{}, &out)
	require.NoError(t, err)
	require.Equal(t, s.content, out.Bytes())
	require.Equal(t, "a b.bin", got.Name)
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, `"v1"`, got.Header.Get("ETag"))
	require.EqualValues(t, 20_000, got.Size)
	require.EqualValues(t, 20_000, got.Fetched)
	require.Zero(t, got.Resumed)
	require.Equal(t, "identity", s.asked[0].Get("Accept-Encoding"))
	require.Empty(t, s.asked[0].Get("Range"))
}

// A body that breaks off at any byte is continued there, and what arrives is what the server has.
func TestDownloadCutAtEveryByte(t *testing.T) {
	const size = 100
	for _, kind := range []string{"writer", "file", "parts"} {
		t.Run(kind, func(t *testing.T) {
			for at := range size + 1 {
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					s := newStore(size)
					s.cuts = []int{at}
					c := resuming(t, s)
					var got *crest.Downloaded
					var err error
					if kind == "writer" {
						var out bytes.Buffer
						got, err = crest.Download(t.Context(), c, download, crest.Empty{}, plainWriter{&out})
						require.NoError(t, err)
						require.Equal(t, s.content, out.Bytes())
					} else {
						f := newFolder(t)
						how := crest.Transfer{Parallel: 2, PartSize: 30}
						if kind == "file" {
							how = crest.Transfer{}
						}
						got, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithTransfer(how))
						require.NoError(t, err)
						f.holds(s.content)
					}
					require.EqualValues(t, size, got.Size)
					require.EqualValues(t, size, got.Fetched, "nothing is fetched twice")
					if kind == "parts" || at == size {
						return
					}
					require.Len(t, s.asked, 2)
					if at == 0 {
						require.Empty(t, s.asked[1].Get("Range"))
						return
					}
					require.Equal(t, 1, got.Resumed)
					require.Equal(t, []string{fmt.Sprintf("bytes=%d-", at)}, s.asked[1]["Range"], "one Range header")
					require.Equal(t, []string{`"v1"`}, s.asked[1]["If-Range"])
				})
			}
		})
	}
}

// Row 47, R54: whatever happens, the final name never holds half of a file, and what was there before stays.
func TestDownloadFileKeepsTheOld(t *testing.T) {
	s := newStore(100)
	s.etag, s.cuts = "", []int{10, 20, 30, 40, 50}
	c := resuming(t, s)
	f := newFolder(t)
	f.write("", "old")
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
	f.holds([]byte("old"))
	s.cuts = nil
	_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	require.NoError(t, err)
	f.holds(s.content)
}

// Y018: nothing reaches the output on a bad status.
func TestDownloadOfAnErrorPage(t *testing.T) {
	for _, status := range []int{404, 410, 500, 302} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			n := 0
			c := resuming(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n++
				reply(status, "<html>error page</html>")(w, r)
			}))
			var out bytes.Buffer
			_, err := crest.Download(t.Context(), c, download, crest.Empty{}, &out)
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(status))
			require.Empty(t, out.Bytes())
			f := newFolder(t)
			_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
			require.ErrorIs(t, err, crest.Status(status))
			f.has()
			_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithTransfer(crest.Transfer{Parallel: 3}))
			require.ErrorIs(t, err, crest.Status(status))
			f.has()
		})
	}
}

// A call goes on where an earlier one has stopped.
func TestDownloadFileGoesOn(t *testing.T) {
	s := newStore(1000)
	s.cuts = []int{300}
	c := resuming(t, s)
	f := newFolder(t)
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, once)
	fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
	f.keeps()
	got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, once)
	require.NoError(t, err)
	f.holds(s.content)
	require.EqualValues(t, 700, got.Fetched)
	require.EqualValues(t, 1000, got.Size)
	require.Equal(t, 1, got.Resumed)
	require.Equal(t, 206, got.StatusCode)
	require.Equal(t, []string{"", "bytes=300-"}, s.ranges())
	info, err := os.Stat(f.path)
	require.NoError(t, err)
	plain := filepath.Join(filepath.Dir(f.path), "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o666))
	want, err := os.Stat(plain)
	require.NoError(t, err)
	require.Equal(t, want.Mode(), info.Mode())
}

// A name that cannot be given in the end costs nothing of what was fetched.
func TestDownloadFileNameTaken(t *testing.T) {
	s := newStore(100)
	f := newFolder(t)
	s.change = func(n int, _ *store, _ *http.Request) {
		if n == 1 {
			_ = os.Mkdir(f.path, 0o700)
		}
	}
	c := resuming(t, s)
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	fails(t, err, crest.ErrResponse, crest.KindOutput, crest.SentYes)
	f.has("file.bin", "file.bin.part", "file.bin.part.json")
	require.NoError(t, os.Remove(f.path))
	got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	require.NoError(t, err)
	f.holds(s.now())
	require.EqualValues(t, 1, got.Fetched)
}
