package crest_test

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// How large a body TestDownloadMemory fetches is 256 MiB, or what this variable says, in MiB: 2048 is what the promise speaks of.
const downloadMiBVariable = "CREST_DOWNLOAD_MIB"

// zeros is a body of any size that takes no memory.
type zeros struct{ size, at int64 }

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.size-z.at)
	z.at += n
	clear(p[:n])
	if n == 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

func (z *zeros) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += z.at
	case io.SeekEnd:
		offset += z.size
	}
	z.at = offset
	return offset, nil
}

// A download of any size takes the memory of a small one, in one piece and in parts, with a checksum and without: the process that
// fetches grows by less than 32 MiB.
func TestDownloadMemory(t *testing.T) {
	size := int64(256)
	if text := os.Getenv(downloadMiBVariable); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		size = n
	}
	for name, how := range map[string]crest.Transfer{"one piece": {}, "parts": {Parallel: 4}} {
		t.Run(name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"v1"`)
				body := &zeros{size: 1 << 20}
				if r.URL.Path == "/large" {
					body.size = size << 20
				}
				http.ServeContent(w, r, "", time.Time{}, body)
			})
			f := newFolder(t)
			start := time.Now()
			r := results(t, child(t, fetchTask{URL: base, Path: f.path, How: how, Measure: true}))[0]
			require.Empty(t, r.Err)
			info, err := os.Stat(f.path)
			require.NoError(t, err)
			require.Equal(t, size<<20, info.Size())
			t.Logf("%d MiB in %v, the process grew by %d KiB", size, time.Since(start).Round(time.Millisecond), r.Peak>>10)
			require.Less(t, r.Peak, int64(32<<20))
		})
	}
}
