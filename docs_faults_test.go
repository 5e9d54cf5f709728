package crest_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocsFaults sees that each of the 49 rows of docs/faults.md stands once and in order, and that tests show it.
func TestDocsFaults(t *testing.T) {
	rows := docRows(readDoc(t, "faults.md"), regexp.MustCompile(`^\d+$`))
	require.Len(t, rows, 49)
	for i, row := range rows {
		require.Equal(t, fmt.Sprint(i+1), row.id)
		require.Len(t, row.cells, 5, "row %s: fault, what a call ends in, again, shown by, for", row.id)
		for _, cell := range []int{0, 1, 4} {
			require.NotEmpty(t, row.cells[cell], "row %s", row.id)
		}
		require.Regexp(t, testName, row.cells[3], "docs/faults.md: nothing shows row %s: name a test", row.id)
	}
}
