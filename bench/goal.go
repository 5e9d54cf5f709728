package bench

import (
	"fmt"
	"math"
	"strings"
)

// Goal is what a figure of crest should be: a row of the table of goals.
type Goal struct {
	What    string
	Over    string
	Limit   float64
	AtLeast bool // the limit is the least, not the most

	values func(*Measured) []float64 // one for each pass
}

// Met says whether the median of some values is within the goal.
func (g Goal) Met(values []float64) bool {
	if g.AtLeast {
		return median(values) >= g.Limit
	}
	return median(values) <= g.Limit
}

// Goals lists all of them.
func Goals() []Goal {
	var goals []Goal
	for _, more := range [][]Goal{goalsOfCalls(), goalsOfStreams(), goalsOverPeers(), goalsOfCosts()} {
		goals = append(goals, more...)
	}
	return goals
}

const (
	nameCrest = "crest"
	nameAll   = "crest+all"
	nameResty = "resty"
	nameHand  = "handopt"
	nameValid = "careless+validator"
	nameFast  = "crest over fasthttp"
)

func goalsOfCalls() []Goal {
	var goals []Goal
	for _, w := range []struct {
		name               string
		loopback, inMemory float64
	}{{"GET", 0.78, 0.27}, {"POST", 0.82, 0.42}, {"Err", 0.80, 0.27}, {"List", 0.25, 0.25}} {
		goals = append(goals,
			atMostOver(linkLoopback, w.name, nameCrest, Baseline, w.loopback),
			atMostOver(linkLoopback, w.name, nameCrest, nameHand, 1.03),
			atMostOver(linkLoopback, w.name, nameAll, nameHand, 1.08),
			atMostOver(linkMemory, w.name, nameCrest, Baseline, w.inMemory))
	}
	return append(goals,
		atMostOver(linkLoopback, "GET×16", nameCrest, Baseline, 0.82),
		atMostOver(linkLoopback, workloadGet256, nameCrest, Baseline, 0.82),
		atMostOver(linkOwn, workloadGet256, nameCrest, Baseline, 0.30),
		atMostOver(linkOwn, workloadGet256, nameCrest, nameResty, 0.30))
}

func goalsOfStreams() []Goal {
	return []Goal{
		atMostOver(linkLoopback, "SSE", nameCrest, Baseline, 0.25),
		atMostOver(linkLoopback, "SSE", nameCrest, nameResty, 0.16),
		atMostOver(linkLoopback, "Up", nameCrest, Baseline, 0.60),
		atMostOver(linkLoopback, "Down", nameCrest, Baseline, 1.00),
	}
}

func goalsOverPeers() []Goal {
	return []Goal{
		timesFaster(linkMemory, "GET", nameResty, 5.5),
		timesFaster(linkMemory, "POST", nameResty, 3.2),
		timesFaster(linkMemory, "Err", nameResty, 5.5),
		timesFaster(linkLoopback, "GET", nameResty, 1.5),
		timesFaster(linkLoopback, "POST", nameResty, 1.4),
		timesFaster(linkLoopback, "List", nameResty, 4),
		timesFaster(linkLoopback, "GET", nameValid, 1.45),
		timesFaster(linkLoopback, "POST", nameValid, 1.6),
		atMostOver(linkLoopback, "GET", nameFast, Baseline, 0.45),
	}
}

func goalsOfCosts() []Goal {
	goals := []Goal{
		{What: "allocations of crest, GET over loopback", Over: "58 are those of a hand-pooled call", Limit: 62, values: func(m *Measured) []float64 {
			return rounded(m.Report.at(Key{linkLoopback, "GET", nameCrest}).Allocs)
		}},
		{What: "MB of a program with crest", Over: "one with net/http", Limit: 4, values: (*Measured).grown},
	}
	for _, name := range []string{"Query50", "Header50"} {
		goals = append(goals, Goal{What: "allocations of crest, 50 " + strings.ToLower(name[:len(name)-2]) + " fields", Over: "1 field", Limit: 1, values: func(m *Measured) []float64 {
			one, many := m.Report.at(Key{growths, name, sideOne}), m.Report.at(Key{growths, name, sideMany})
			return divided(rounded(many.Allocs), rounded(one.Allocs))
		}})
	}
	for _, g := range Growths() {
		if g.Goal > 0 && g.N == 50 {
			goals = append(goals, Goal{What: "one more of the " + g.What, Over: g.Peer, Limit: g.Goal, values: func(m *Measured) []float64 { return m.Report.another(g) }})
		}
	}
	for _, s := range Startings() {
		if s.Goal > 0 {
			goals = append(goals, Goal{What: s.What, Over: s.Over, Limit: s.Goal, values: func(m *Measured) []float64 {
				return m.Report.at(Key{startings, s.Name, sideWhat}).Ratios
			}})
		}
	}
	return append(goals, goalsOfLimits()...)
}

func goalsOfLimits() []Goal {
	var goals []Goal
	for _, c := range Comparisons() {
		g := Goal{What: c.What, Over: c.Over, values: func(m *Measured) []float64 {
			return m.Report.at(Key{comparisons, c.Name, sideWhat}).Ratios
		}}
		if _, err := fmt.Sscanf(c.Goal, "≤ %g", &g.Limit); err == nil {
			goals = append(goals, g)
		}
	}
	return goals
}

// grown is by how many MB crest's program is larger than net/http's.
func (m *Measured) grown() []float64 {
	if len(m.Sizes) == 0 {
		return nil
	}
	return []float64{megabytes(m.Sizes[nameCrest].Bytes - m.Sizes[Hellos()[0].Name].Bytes)}
}

// atMostOver is for the time of one contender over that of another.
func atMostOver(link, workload, what, over string, most float64) Goal {
	return Goal{What: what + ", " + workload + ", " + linkNames[link], Over: over, Limit: most, values: func(m *Measured) []float64 {
		return divided(m.Report.at(Key{link, workload, what}).Ratios, m.Report.at(Key{link, workload, over}).Ratios)
	}}
}

// timesFaster is for how often crest does what another does once.
func timesFaster(link, workload, peer string, least float64) Goal {
	return Goal{What: "times faster, " + workload + ", " + linkNames[link], Over: peer, Limit: least, AtLeast: true, values: func(m *Measured) []float64 {
		return divided(m.Report.at(Key{link, workload, peer}).Ratios, m.Report.at(Key{link, workload, nameCrest}).Ratios)
	}}
}

var linkNames = map[string]string{linkMemory: "in memory", linkLoopback: "loopback", linkOwn: "own defaults"}

// divided takes the ratio within each pass.
func divided(what, over []float64) []float64 {
	ratios := make([]float64, min(len(what), len(over)))
	for i := range ratios {
		ratios[i] = what[i] / over[i]
	}
	return ratios
}

// rounded takes off what the benchmark itself allocates now and then.
func rounded(values []float64) []float64 {
	whole := make([]float64, len(values))
	for i, v := range values {
		whole[i] = math.Round(v)
	}
	return whole
}

const goalsTitle = `## Goals

What crest should cost, and what it cost in this run: median (lowest–highest). What is missed is marked.

| | over | goal | measured | |
|--|--|--:|--:|--|
`

// goals writes a row for each of [Goals].
func (m *Measured) goals(b *strings.Builder) {
	b.WriteString(goalsTitle)
	for _, g := range Goals() {
		sign, values := "≤", g.values(m)
		if g.AtLeast {
			sign = "≥"
		}
		verdict := "met"
		if !g.Met(values) {
			verdict = "**missed**"
		}
		if len(values) == 0 {
			verdict = "not measured"
		}
		fmt.Fprintf(b, "| %s | %s | %s %.2f | %s | %s |\n", g.What, g.Over, sign, g.Limit, spread(values), verdict)
	}
}
