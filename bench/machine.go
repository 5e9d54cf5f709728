package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
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

// moduleVersions lists the modules of the contenders as they were built in.
func moduleVersions() []string {
	built := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			built[m.Path] = m.Version
		}
	}
	var versions []string
	for _, c := range Contenders() {
		if version := built[c.Module]; version != "" {
			versions = append(versions, c.Module+" "+version)
		}
	}
	return versions
}
