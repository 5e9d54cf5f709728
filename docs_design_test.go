package crest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocsDesignNamesFiles sees that the table at the end of docs/design.md has each file of the root package once, and none that is not there.
func TestDocsDesignNamesFiles(t *testing.T) {
	_, table, found := strings.Cut(readDoc(t, "design.md"), "\n## Where things lie\n")
	require.True(t, found)
	named := map[string]int{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			named[m[1]]++
		}
	}
	require.NotEmpty(t, named)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") && named[name] == 0 {
			t.Errorf("docs/design.md does not say where %s belongs", name)
		}
	}
	for name, times := range named {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("docs/design.md names %s, which is not there", name)
		}
		if times > 1 {
			t.Errorf("docs/design.md names %s %d times", name, times)
		}
	}
}
