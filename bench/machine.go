package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Conditions says in markdown on what, with which versions, when and by which
// command a report was made.
func Conditions(command string) string {
	return fmt.Sprintf("%s, %d cores, %s, %s/%s, %s; `%s`\n\nModules: %s.\n",
		cpuModel(), runtime.GOMAXPROCS(0), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		time.Now().UTC().Format(time.DateOnly), command, strings.Join(moduleVersions(), ", "))
}

// cpuModel reads what Linux says of the first processor.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// moduleVersions lists the modules that are measured as they were built in.
func moduleVersions() []string {
	built := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			built[m.Path] = m.Version
		}
	}
	var versions []string
	for _, module := range modules() {
		if version := built[module]; version != "" {
			versions = append(versions, module+" "+version)
		}
	}
	return versions
}

// modules are those whose versions matter, each once, in the order of the tables.
func modules() []string {
	var modules []string
	for _, c := range Contenders() {
		if !slices.Contains(modules, c.Module) {
			modules = append(modules, c.Module)
		}
	}
	for _, c := range Comparisons() {
		if !slices.Contains(modules, c.Module) {
			modules = append(modules, c.Module)
		}
	}
	return modules
}
