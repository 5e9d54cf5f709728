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

func TestRunWritesEverything(t *testing.T) {
	keepBenchtime(t)
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, options{passes: 1, benchtime: "1x", out: page, quick: true}.run(t.Context()))
	written, err := os.ReadFile(page)
	require.NoError(t, err)
	text := string(written)
	require.Contains(t, text, "`go run ./bench/cmd/ratios -passes 1 -benchtime 1x`")
	require.NotContains(t, text, "not measured")
	for _, c := range bench.Contenders() {
		require.Regexp(t, `\| \Q`+c.Name+`\E \|.* \d+\.\d\d \(`, text)
	}
	for _, c := range bench.Comparisons() {
		require.Regexp(t, `\| \Q`+c.What+`\E \| \Q`+c.Over+`\E \| \d+\.\d\d \(`, text)
	}
	for _, g := range bench.Growths() {
		require.Regexp(t, `\| \Q`+g.What+`\E \| [\d,]+ \| \d+\.\d\d \(`, text)
	}
	for _, s := range bench.Startings() {
		require.Regexp(t, `\| \Q`+s.What+`\E \| \Q`+s.Over+`\E \| \d+\.\d\d \(`, text)
	}
	for _, h := range bench.Hellos() {
		require.Regexp(t, `\| \Q`+h.Name+`\E \| \d+\.\d \| \+\d+\.\d \| \d+ \| \d+ \|`, text)
	}
	picture, err := os.ReadFile(filepath.Join(filepath.Dir(page), "page.svg"))
	require.NoError(t, err)
	require.Contains(t, string(picture), ">crest over fasthttp<")
}

func TestRunRefuses(t *testing.T) {
	keepBenchtime(t)
	page := filepath.Join(t.TempDir(), "page.md")
	require.ErrorContains(t, options{passes: 0, benchtime: "1x", out: page}.run(t.Context()), "-passes")
	require.ErrorContains(t, options{passes: 1, benchtime: "soon", out: page}.run(t.Context()), "-benchtime")
	require.NoFileExists(t, page)
}
