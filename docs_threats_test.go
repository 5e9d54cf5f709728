package crest_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocsThreats sees that THREAT_MODEL.md numbers its threats without a gap, that each has a test, and that every rule stands against one.
func TestDocsThreats(t *testing.T) {
	text := readDoc(t, "../THREAT_MODEL.md")
	rows := docRows(text, regexp.MustCompile(`^T\d+$`))
	require.NotEmpty(t, rows)
	rules := map[string]bool{}
	for i, row := range rows {
		require.Equal(t, fmt.Sprintf("T%d", i+1), row.id)
		require.Len(t, row.cells, 3, "%s: the threat, what stands against it, shown by", row.id)
		if !testName.MatchString(row.cells[2]) {
			t.Errorf("THREAT_MODEL.md: nothing shows %s: name a test", row.id)
		}
		for _, rule := range regexp.MustCompile(`\bR\d+\b`).FindAllString(row.cells[1], -1) {
			rules[rule] = true
		}
	}
	for i := range 56 {
		if rule := fmt.Sprintf("R%d", i+1); !rules[rule] {
			t.Errorf("THREAT_MODEL.md: %s stands against no threat", rule)
		}
	}
}
