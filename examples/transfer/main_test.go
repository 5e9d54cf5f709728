package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain is the process that fetches as well: run starts its own program, which is the test's here.
func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestRun(t *testing.T) {
	var out bytes.Buffer
	start := time.Now()
	require.NoError(t, run(t.Context(), &out, 8<<20), out.String())
	require.Less(t, time.Since(start), 10*time.Second, "nobody wants to wait longer")
	for _, text := range []string{"up: 100 %", "down: 25 %", "killed: ", "down: 100 %", "The file is the one that went up"} {
		require.Contains(t, out.String(), text)
	}
	require.NotContains(t, out.String(), "\r", "no bar where nobody sees it move")
}

// The tour can fail: a file that was changed on its way, and a download that begins anew, are noticed.
func TestCompare(t *testing.T) {
	for name, tt := range map[string]struct {
		copied string
		ranges []string
		says   string
	}{
		"right":       {"content", []string{"", "bytes=3-"}, ""},
		"changed":     {"contend", []string{"", "bytes=3-"}, "differ"},
		"begun anew":  {"content", []string{"", ""}, "did not go on"},
		"other place": {"content", []string{"", "bytes=2-"}, "did not go on"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			defer s.server.Close()
			s.ranges = tt.ranges
			tour := &tour{out: &bytes.Buffer{}, store: s, dir: t.TempDir(), left: 3}
			require.NoError(t, os.WriteFile(tour.original(), []byte("content"), 0o600))
			require.NoError(t, os.WriteFile(tour.copied(), []byte(tt.copied), 0o600))
			err := tour.compare()
			if tt.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.says)
		})
	}
}
