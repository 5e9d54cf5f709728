package crest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// How large a file TestUploadMemory sends is 256 MiB, or what this variable says, in MiB: 2048 is what the promise speaks of.
const (
	uploadMiBVariable = "CREST_UPLOAD_MIB"
	defaultUploadMiB  = 256
	// uploadChildVariable makes the test the process that uploads: what it takes from the system is nobody else's.
	uploadChildVariable = "CREST_UPLOAD_CHILD"
)

// An upload of any size takes the memory of a small one, as a form and as a raw body, with a length and without: the process that sends
// and receives it grows by less than 32 MiB.
func TestUploadMemory(t *testing.T) {
	if path := os.Getenv(uploadChildVariable); path != "" {
		uploadAndMeasure(t, path)
		return
	}
	size := defaultUploadMiB
	if text := os.Getenv(uploadMiBVariable); text != "" {
		var err error
		size, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	path := filepath.Join(t.TempDir(), "sparse")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(size)<<20))
	child := exec.Command(os.Args[0], "-test.run=^TestUploadMemory$", "-test.v")
	child.Env = append(os.Environ(), uploadChildVariable+"="+path)
	out, err := child.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.Contains(line, "grew by") {
			t.Log(strings.TrimSpace(line))
		}
	}
	require.Equal(t, 4, strings.Count(string(out), "grew by"), "%s", out)
}

func uploadAndMeasure(t *testing.T, path string) {
	var received int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTimeouts(crest.Timeouts{Total: crest.NoTimeout}))
	require.NoError(t, err)
	defer c.Close()
	send := func(path string, kind string, known bool) {
		require.NoError(t, uploads(func() crest.File {
			file, err := crest.OpenFile(path)
			require.NoError(t, err)
			if !known {
				file.Size = 0
			}
			return file
		})[kind](context.Background(), c))
	}
	small := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.WriteFile(small, make([]byte, 1<<20), 0o600))
	info, err := os.Stat(path)
	require.NoError(t, err)
	for _, kind := range []string{"raw", "form"} {
		for _, known := range []bool{true, false} {
			send(small, kind, known)
			before := peakMemory(t)
			send(path, kind, known)
			require.GreaterOrEqual(t, received, info.Size())
			grown := peakMemory(t) - before
			fmt.Printf("%s, length known %t: %d MiB sent, the process grew by %d KiB\n", kind, known, info.Size()>>20, grown>>10)
			require.Less(t, grown, int64(32<<20))
		}
	}
}

// peakMemory is the most that the process ever had resident. Where that is not known, or is the race detector's for the most part, it is what
// Go took from the system.
func peakMemory(t *testing.T) int64 {
	t.Helper()
	if status, err := os.ReadFile("/proc/self/status"); err == nil && !raceEnabled {
		for line := range strings.SplitSeq(string(status), "\n") {
			if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
				require.NoError(t, err)
				return n << 10
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
