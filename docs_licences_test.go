package crest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocsLicences sees that each module that crest is made of stands in docs/design.md under the licence that it comes with.
func TestDocsLicences(t *testing.T) {
	said := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z][\w. -]+) \| ([\w.-]+/.+) \|$`).FindAllStringSubmatch(readDoc(t, "design.md"), -1) {
		for module := range strings.SplitSeq(row[2], ", ") {
			said[module] = row[1]
		}
	}
	found := map[string]string{}
	for _, dir := range []string{".", "otelcrest", "redislimit", "fasthttptransport"} {
		for module, at := range modulesOf(t, dir) {
			found[module] = licenceIn(t, at)
		}
	}
	require.Equal(t, found, said)
}

// modulesOf is what the packages of a module and their tests import: module → directory.
func modulesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", "./...")
	list.Dir, list.Env = dir, append(os.Environ(), "GOWORK=off")
	out, err := list.Output()
	require.NoError(t, err, "go list in %s", dir)
	modules := map[string]string{}
	for line := range strings.Lines(string(out)) {
		module, at, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(module, "github.com/crest-go/crest") {
			modules[module] = at
		}
	}
	return modules
}

// licenceIn tells licences apart by what only they say.
func licenceIn(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "LICENSE*"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no licence in %s", dir)
	slices.Sort(files)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	all := strings.Join(strings.Fields(string(text)), " ")
	switch begin := all[:min(len(all), 2000)]; {
	case strings.Contains(begin, "two different licenses: MIT and Apache"):
		return "MIT and Apache-2.0"
	case strings.Contains(begin, "Apache License"):
		return "Apache-2.0"
	case strings.Contains(begin, "Permission is hereby granted, free of charge"):
		return "MIT"
	case strings.Contains(begin, "Permission to use, copy, modify, and"):
		return "ISC"
	case strings.Contains(begin, "Redistribution and use in source and binary forms") && strings.Contains(all, "Neither the name"):
		return "BSD-3-Clause"
	case strings.Contains(begin, "Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	}
	return "unknown: " + dir
}
