package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Measured is all that a run found out.
type Measured struct {
	Report Report
	Sizes  map[string]Size
}

// Markdown writes the goals, a table for each kind of work with a row per
// contender and a column per workload, the comparisons, what grows, what
// starting takes, and sizes.
func (m *Measured) Markdown() string {
	var b strings.Builder
	m.goals(&b)
	b.WriteString("\n" + tablesTitle)
	for _, t := range tables() {
		b.WriteString("\n" + t.title + "\n\n")
		m.Report.table(&b, t)
	}
	legend(&b)
	m.Report.comparisons(&b)
	m.Report.growth(&b)
	m.Report.starts(&b)
	m.sizes(&b)
	return b.String()
}

const tablesTitle = "## Contenders\n\nEach field: median of the ratio to careless within a pass (lowest–highest); allocations per call; bytes allocated per call. What a contender does and what the columns are is told below.\n"

// table is some workloads over one link.
type table struct {
	title     string
	link      string
	workloads []string
}

func tables() []table {
	return []table{
		{"**In memory** (a RoundTripper that answers canned bytes: the client alone)", linkMemory, []string{"GET", "POST", "List", "Err"}},
		{"**Loopback** (a TCP server in the same process that allocates nothing; the same Transport for all, 512 idle connections per host)", linkLoopback, []string{"GET", "POST", "List", "Err"}},
		{"**Many at once, and streams** (the same server and Transport)", linkLoopback, []string{"GET×16", "GET×256", "Down", "Up", "SSE"}},
		{"**Each library's own defaults** (the same server; the Transport that the library makes, or http.DefaultTransport if it makes none)", linkOwn, []string{"GET", "GET×256"}},
	}
}

func (r Report) table(b *strings.Builder, t table) {
	b.WriteString("| | " + strings.Join(t.workloads, " | ") + " |\n|--|" + strings.Repeat("--:|", len(t.workloads)) + "\n")
	for _, c := range Contenders() {
		if t.link == linkOwn && c.Own == nil || t.link == linkMemory && c.Engine {
			continue
		}
		b.WriteString("| " + c.Name + " |")
		for _, w := range t.workloads {
			b.WriteString(" " + r[Key{t.link, w, c.Name}].String() + " |")
		}
		b.WriteString("\n")
	}
}

func legend(b *strings.Builder) {
	b.WriteString("\nWorkloads:\n\n")
	for _, w := range Workloads() {
		fmt.Fprintf(b, "- %s: %s\n", w.Name, w.About)
	}
	b.WriteString("\nContenders:\n\n")
	for _, c := range Contenders() {
		fmt.Fprintf(b, "- %s: %s\n", c.Name, c.Note)
	}
	b.WriteString("- github.com/imroc/req/v3 v3.61.0 (MIT) is not among them: it does not compile beside quic-go v0.65.0, which an example of this workspace requires\n")
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
