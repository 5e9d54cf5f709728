package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The picture, in its own units.
const (
	plotWidth  = 900
	panelWidth = plotWidth / 2
	plotTop    = 64 // above the panels
	panelTop   = 34 // above the bars
	rowHeight  = 17
	barHeight  = 11
	barLeft    = 142 // of the panel: room for names
	barWidth   = 240 // for plotMost
	plotMost   = 2.5 // the ratio at the right end; longer bars are cut and say so
	panelFoot  = 44
)

// plotStyle has the colours for light and for dark pages. The background is
// the picture's own, so that it can be read on any page.
const plotStyle = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.t{font-size:16px;font-weight:600}.h{font-size:13px;font-weight:600}.s{font-size:11px;fill:#59636e}
.v{paint-order:stroke;stroke:#fff;stroke-width:3px}.n{text-anchor:end}.m{text-anchor:middle}
.p{fill:#fff}.b{fill:#9aa6b2}.c{fill:#0969da}.r{fill:#bc4c00}
.g{stroke:#d1d9e0}.o{stroke:#bc4c00;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.s{fill:#9198a1}.v{stroke:#0d1117}
.p{fill:#0d1117}.b{fill:#656c76}.c{fill:#4493f8}.r{fill:#db6d28}
.g{stroke:#3d444d}.o{stroke:#db6d28}
}
</style>
`

// panel is one workload over one link.
type panel struct {
	title, link, workload string
}

var panels = []panel{
	{"In memory, GET", linkMemory, "GET"}, {"In memory, POST", linkMemory, "POST"},
	{"Loopback, GET", linkLoopback, "GET"}, {"Loopback, POST", linkLoopback, "POST"},
}

// Plot draws the ratios of four workloads as an SVG. Note stands below the title.
func (r Report) Plot(note string) string {
	var b, body strings.Builder
	height, y := 0, plotTop
	for i := 0; i < len(panels); i += 2 {
		rows := 0
		for j, p := range panels[i : i+2] {
			rows = max(rows, r.panel(&body, p, j*panelWidth, y))
		}
		y += panelTop + rows*rowHeight + panelFoot
		height = y
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Time per call over that of careless net/http">`+"\n",
		plotWidth, height, plotWidth, height)
	b.WriteString(plotStyle)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" class="p"/>`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<text class="t" x="20" y="30">Time per call over that of careless net/http with encoding/json: shorter is faster</text>`+"\n")
	fmt.Fprintf(&b, `<text class="s" x="20" y="50">%s</text>`+"\n", html.EscapeString(note))
	b.WriteString(body.String() + "</svg>\n")
	return b.String()
}

// panel draws the bars of one workload and returns how many there are.
func (r Report) panel(b *strings.Builder, p panel, x, y int) (rows int) {
	var bars strings.Builder
	for _, c := range Contenders() {
		ratios := r.at(Key{p.link, p.workload, c.Name}).Ratios
		if len(ratios) == 0 {
			continue
		}
		bar(&bars, c.Name, median(ratios), x+barLeft, y+panelTop+rows*rowHeight)
		rows++
	}
	fmt.Fprintf(b, `<text class="h" x="%d" y="%d">%s</text>`+"\n", x+barLeft, y+18, p.title)
	axis(b, x+barLeft, y+panelTop, rows*rowHeight)
	b.WriteString(bars.String())
	return rows
}

func bar(b *strings.Builder, name string, ratio float64, x, y int) {
	class, length, value := "b", barWidth*math.Min(ratio, plotMost)/plotMost, fmt.Sprintf("%.2f", ratio)
	switch {
	case name == Baseline:
		class = "r"
	case strings.HasPrefix(name, nameCrest):
		class = "c"
	}
	if ratio > plotMost {
		value += " →"
	}
	middle := y + rowHeight/2 + 4
	fmt.Fprintf(b, `<text class="n" x="%d" y="%d">%s</text>`, x-8, middle, html.EscapeString(name))
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, x, y+(rowHeight-barHeight)/2, length, barHeight)
	fmt.Fprintf(b, `<text class="s v" x="%.1f" y="%d">%s</text>`+"\n", float64(x)+length+5, middle, value)
}

// axis draws the scale, whose unit is the time of careless.
func axis(b *strings.Builder, x, y, height int) {
	for tick := 0.0; tick <= plotMost; tick += 0.5 {
		at, class := float64(x)+barWidth*tick/plotMost, "g"
		if tick == 1 {
			class = "o"
		}
		fmt.Fprintf(b, `<path class="%s" d="M%.1f %dv%d"/><text class="s m" x="%.1f" y="%d">%.1f</text>`+"\n", class, at, y-4, height+8, at, y+height+18, tick)
	}
	fmt.Fprintf(b, `<text class="s m" x="%d" y="%d">time per call, careless = 1.0</text>`+"\n", x+barWidth/2, y+height+33)
}
