package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest/bench"
)

// fasthttp cleans up in goroutines that nobody can end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*Client).mCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*TCPDialer).tcpAddrsClean"))
}

// keepBenchtime undoes what run does to the flag.
func keepBenchtime(t *testing.T) {
	t.Helper()
	f := flag.Lookup("test.benchtime")
	before := f.Value.String()
	t.Cleanup(func() { require.NoError(t, f.Value.Set(before)) })
}

func TestRunWritesEveryTable(t *testing.T) {
	keepBenchtime(t)
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, run(1, "1x", page))
	written, err := os.ReadFile(page)
	require.NoError(t, err)
	text := string(written)
	require.Contains(t, text, "`go run ./bench/cmd/ratios -passes 1 -benchtime 1x`")
	for _, c := range bench.Contenders() {
		require.Regexp(t, `\| \Q`+c.Name+`\E \|.* \d+\.\d\d \(`, text)
	}
	for _, c := range bench.Comparisons() {
		require.Regexp(t, `\| \Q`+c.What+`\E \| \Q`+c.Over+`\E \| \d+\.\d\d \(`, text)
	}
}

func TestRunRefuses(t *testing.T) {
	keepBenchtime(t)
	page := filepath.Join(t.TempDir(), "page.md")
	require.ErrorContains(t, run(0, "1x", page), "-passes")
	require.ErrorContains(t, run(1, "soon", page), "-benchtime")
	require.NoFileExists(t, page)
}
