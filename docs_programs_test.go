package crest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A newcomer puts the files of a page into an empty folder. They must compile there at the first try, and their tests pass.
func TestDocsPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	dir := newcomerModule(t)
	var pages []string
	for page, text := range docPages(t) {
		files := docPrograms(text)
		if len(files) > 0 {
			pages = append(pages, page)
		}
		for name, code := range files {
			writeDoc(t, dir, filepath.Join(path.Base(strings.TrimSuffix(strings.TrimPrefix(page, "README.md"), ".md")), name), code)
		}
	}
	require.ElementsMatch(t, []string{"README.md", "docs/start.md", "docs/models.md", "docs/errors.md", "docs/streaming.md"}, pages)
	for _, command := range []string{"vet", "test"} {
		cmd := exec.CommandContext(t.Context(), "go", command, "./...")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

// newcomerModule is a folder with a module that has crest.
func newcomerModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	writeDoc(t, dir, "go.mod", strings.Replace(readDoc(t, "../go.mod"), "module github.com/crest-go/crest\n", "module example.com/hello\n", 1)+
		fmt.Sprintf("\nrequire github.com/crest-go/crest v0.0.0\n\nreplace github.com/crest-go/crest => %q\n", root))
	writeDoc(t, dir, "go.sum", readDoc(t, "../go.sum"))
	return dir
}

func writeDoc(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// docPrograms returns the files that a page gives to its reader, by name.
func docPrograms(text string) map[string]string {
	found := map[string]string{}
	for _, b := range docBlocks(text) {
		if b.file != "" {
			found[b.file] = b.code
		}
	}
	return found
}
