package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlot(t *testing.T) {
	report := Report{}
	for i, c := range Contenders() {
		for _, p := range panels {
			report[Key{p.link, p.workload, c.Name}] = &Figures{Ratios: []float64{0.2 * float64(i+1)}}
		}
	}
	delete(report, Key{linkMemory, "GET", "connect"})
	svg := report.Plot("a <machine>")
	require.Less(t, len(svg), 30_000)
	require.Contains(t, svg, "a &lt;machine&gt;")
	require.Contains(t, svg, ">0.40<", "crest")
	require.Contains(t, svg, ">2.60 →<", "a bar that is longer than the picture")
	require.Equal(t, 3, strings.Count(svg, ">connect<"))
	require.Equal(t, 4, strings.Count(svg, `class="r"`), "the baseline")

	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}
