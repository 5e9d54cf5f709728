package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Markdown writes the report as one table per link, with a row per contender and
// a column per workload, and one of the comparisons.
func (r Report) Markdown() string {
	var b strings.Builder
	b.WriteString("Each field: median of the ratio to careless within a pass (lowest–highest); allocations per call; bytes allocated per call.\n")
	for _, link := range []string{"memory", "loopback"} {
		b.WriteString("\n" + linkTitles[link] + "\n\n")
		r.table(&b, link)
	}
	b.WriteString("\nWorkloads:\n\n")
	for _, w := range Workloads() {
		fmt.Fprintf(&b, "- %s: %s\n", w.Name, w.About)
	}
	b.WriteString("\nContenders:\n\n")
	for _, c := range Contenders() {
		if c.Note != "" {
			fmt.Fprintf(&b, "- %s: %s\n", c.Name, c.Note)
		}
	}
	b.WriteString("\n")
	r.comparisons(&b)
	return b.String()
}

var linkTitles = map[string]string{
	"memory":   "**In memory** (a RoundTripper that answers canned bytes: the client alone)",
	"loopback": "**Loopback** (a TCP server in the same process that allocates nothing; the same Transport for all, 512 idle connections per host)",
}

func (r Report) table(b *strings.Builder, link string) {
	b.WriteString("| |")
	workloads := Workloads()
	for _, w := range workloads {
		b.WriteString(" " + w.Name + " |")
	}
	b.WriteString("\n|--|" + strings.Repeat("--:|", len(workloads)) + "\n")
	for _, c := range Contenders() {
		b.WriteString("| " + c.Name + " |")
		for _, w := range workloads {
			b.WriteString(" " + r[Key{link, w.Name, c.Name}].String() + " |")
		}
		b.WriteString("\n")
	}
}

// String is a field of the table; a dash for nil, which stands for a workload
// that the contender can't do.
func (f *Figures) String() string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%s; %s; %s", f.ratio(), f.allocs(), thousands(median(f.Bytes)))
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	s := strconv.Itoa(int(math.Round(v)))
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
