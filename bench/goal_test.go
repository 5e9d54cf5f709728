package bench

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGoals(t *testing.T) {
	m := &Measured{
		Report: Report{
			{linkLoopback, "GET", nameCrest}: {Ratios: []float64{0.8, 1.2, 0.9}, Allocs: []float64{63, 63, 64}},
			{linkLoopback, "GET", nameHand}:  {Ratios: []float64{0.8, 1.0, 0.9}},
			{linkLoopback, "GET", Baseline}:  {Ratios: []float64{1, 1, 1}},
			{linkLoopback, "GET", nameResty}: {Ratios: []float64{1.6, 1.8, 1.8}},
		},
		Sizes: map[string]Size{nameCrest: {Bytes: 12_900_000}, "net/http": {Bytes: 9_000_000}},
	}
	text := m.Markdown()
	for _, row := range []string{
		"| crest, GET, loopback | careless | ≤ 0.78 | 0.90 (0.80–1.20) | **missed** |",
		"| crest, GET, loopback | handopt | ≤ 1.03 | 1.00 (1.00–1.20) | met |",
		"| times faster, GET, loopback | resty | ≥ 1.50 | 2.00 (1.50–2.00) | met |",
		"| MB of a program with crest | one with net/http | ≤ 4.00 | 3.90 (3.90–3.90) | met |",
		"| crest, SSE, loopback | resty | ≤ 0.16 | – | not measured |",
	} {
		require.Equal(t, 1, strings.Count(text, row), row)
	}
}

// Each goal is about cells that there are: a name that nobody has would never be measured.
func TestGoalsAreAboutSomething(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Contenders() {
		names[c.Name] = true
	}
	for _, name := range []string{nameCrest, nameAll, nameResty, nameHand, nameValid, nameFast, Baseline} {
		require.True(t, names[name], name)
	}
	seen := map[string]bool{}
	for _, g := range Goals() {
		row := g.What + " over " + g.Over
		require.False(t, seen[row], row)
		require.Positive(t, g.Limit, row)
		seen[row] = true
	}
}

func TestAtMost(t *testing.T) {
	require.Empty(t, atMost(0, 7))
	require.Equal(t, "≤ 0.50", atMost(0.5, 0.5))
	require.Equal(t, "≤ 0.50, **missed**", atMost(0.5, 0.51))
}

// Every contender says what it does.
func TestContendersHaveANote(t *testing.T) {
	for _, c := range Contenders() {
		require.NotEmpty(t, c.Note, c.Name)
	}
}
