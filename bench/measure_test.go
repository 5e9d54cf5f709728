package bench

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMeasureComparesWithinAPass(t *testing.T) {
	setBenchtime(t, "1x")
	nothing := func(context.Context) error { return nil }
	f := &Field{Cells: []*Cell{
		{Key: Key{"memory", "GET", Baseline}, call: nothing, base: true},
		{Key: Key{"memory", "GET", "resty"}, call: nothing},
		{Key: Key{"loopback", "POST", Baseline}, call: nothing, base: true},
	}}
	groups := 0
	report, err := f.Measure(t.Context(), 3, func(int, string) { groups++ })
	require.NoError(t, err)
	require.Equal(t, 6, groups)
	require.Len(t, report, 3)
	require.Equal(t, []float64{1, 1, 1}, report[Key{"memory", "GET", Baseline}].Ratios)
	require.Len(t, report[Key{"memory", "GET", "resty"}].Ratios, 3)
}

func TestMeasureReportsAFailure(t *testing.T) {
	setBenchtime(t, "1x")
	failing := func(context.Context) error { return errors.New("no") }
	f := &Field{Cells: []*Cell{{Key: Key{"memory", "GET", Baseline}, call: failing, base: true}}}
	_, err := f.Measure(t.Context(), 1, nil)
	require.ErrorContains(t, err, "careless failed")
}

func setBenchtime(t *testing.T, value string) {
	t.Helper()
	f := flag.Lookup("test.benchtime")
	before := f.Value.String()
	require.NoError(t, f.Value.Set(value))
	t.Cleanup(func() { require.NoError(t, f.Value.Set(before)) })
}

func TestMedian(t *testing.T) {
	tests := map[string]struct {
		values []float64
		want   float64
	}{
		"none": {nil, 0},
		"odd":  {[]float64{3, 1, 2}, 2},
		"even": {[]float64{4, 1, 3, 2}, 2.5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, median(test.values)) })
	}
}

func TestMarkdown(t *testing.T) {
	report := Report{
		{"memory", "GET", Baseline}: {Ratios: []float64{1, 1}, Allocs: []float64{47, 47}, Bytes: []float64{1234567, 1234567}},
		{"memory", "GET", "resty"}:  {Ratios: []float64{1.4, 1.6}, Allocs: []float64{68, 68}, Bytes: []float64{900, 900}},
	}
	text := (&Measured{Report: report}).Markdown()
	require.Contains(t, text, "| careless | 1.00 (1.00–1.00); 47; 1,234,567 | – | – | – |")
	require.Contains(t, text, "| resty | 1.50 (1.40–1.60); 68; 900 | – | – | – |")
	for _, c := range Contenders() {
		require.Contains(t, text, "| "+c.Name+" |")
	}
}

func TestWritePage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docs", "performance.md")
	require.NoError(t, WritePage(path, "first"))
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(page), pageBegin+"\nfirst\n"+pageEnd)

	edited := "before\n" + string(page) + "after\n"
	require.NoError(t, os.WriteFile(path, []byte(edited), 0o600))
	require.NoError(t, WritePage(path, "second\n"))
	page, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, strings.Replace(edited, "\nfirst\n", "\nsecond\n", 1), string(page))
}

func TestWritePageRefusesAPageWithoutMarks(t *testing.T) {
	tests := map[string]string{"neither": "text", "no end": pageBegin, "wrong order": pageEnd + pageBegin}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.md")
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			require.ErrorIs(t, WritePage(path, "x"), errMarks)
			page, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, text, string(page))
		})
	}
}

// What a table is made of is looked up, not added to.
func TestMarkdownLeavesTheReportAlone(t *testing.T) {
	report := Report{}
	text := (&Measured{Report: report}).Markdown()
	require.Empty(t, report)
	require.NotContains(t, text, "| met |")
	require.Contains(t, text, "| not measured |")
}

// A round in which the machine did something else does not count.
func TestMeasureTakesTheMedianOfTheRounds(t *testing.T) {
	rounds := map[string][]time.Duration{Baseline: {10, 10, 900}, "resty": {20, 5000, 20}}
	cell := func(name string) *Cell {
		return &Cell{Key: Key{"memory", "GET", name}, base: name == Baseline, sample: func(context.Context) (testing.BenchmarkResult, error) {
			took := rounds[name][0]
			rounds[name] = rounds[name][1:]
			return testing.BenchmarkResult{N: 10, T: took, MemAllocs: 30, MemBytes: 50}, nil
		}}
	}
	f := &Field{Cells: []*Cell{cell(Baseline), cell("resty")}, scale: Scale{Rounds: 3}}
	report, err := f.Measure(t.Context(), 1, nil)
	require.NoError(t, err)
	require.Equal(t, &Figures{Ratios: []float64{2}, Allocs: []float64{3}, Bytes: []float64{5}}, report[Key{"memory", "GET", "resty"}])
}

func TestStart(t *testing.T) {
	ratios, err := Start(t.Context(), 3)
	require.NoError(t, err)
	for _, s := range Startings() {
		require.Positive(t, ratios[s.Name], s.Name)
	}
	require.Len(t, ratios, len(Startings()))
}
