package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const benchModule = "github.com/crest-go/crest/bench"

// Hello is the smallest program that uses a library: one operation, its answer
// and its error model. They lie in bench/size.
type Hello struct{ Name, folder, tags string }

// Hellos lists them, that of the standard library first. The tag is one of validator/v10: it leaves out the rule validateFn,
// which looks methods up by name, so that the linker keeps all exported ones.
func Hellos() []Hello {
	const noLookup = "validator_novalidatefn"
	return []Hello{
		{"net/http", "nethttp", ""}, {"crest", "crest", ""}, {"crest, `-tags " + noLookup + "`", "crest", noLookup},
		{"resty", "resty", ""}, {"requests", "requests", ""},
	}
}

// Size is what a [Hello] brings along.
type Size struct {
	Bytes    int64 // of the stripped program
	Packages int   // outside the standard library
	Modules  int   // that they are of
}

// Sizes builds the programs in a folder that it removes again. Strip takes names and paths out, as one does for a
// release; without it what other builds have left in the cache is used.
func Sizes(ctx context.Context, strip bool) (map[string]Size, error) {
	dir, err := os.MkdirTemp("", "size")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sizes := map[string]Size{}
	for _, h := range Hellos() {
		size, err := h.measure(ctx, dir, strip)
		if err != nil {
			return nil, fmt.Errorf("size of %s: %w", h.Name, err)
		}
		sizes[h.Name] = size
	}
	return sizes, nil
}

func (h Hello) measure(ctx context.Context, dir string, strip bool) (size Size, err error) {
	program := filepath.Join(dir, h.folder)
	if err := Build(ctx, program, benchModule+"/size/"+h.folder, h.tags, strip); err != nil {
		return size, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return size, err
	}
	size.Bytes = info.Size()
	const packages = `{{if and .Module (ne .Module.Path "` + benchModule + `")}}{{.Module.Path}}{{end}}`
	out, err := run(ctx, "list", "-tags", h.tags, "-deps", "-f", packages, benchModule+"/size/"+h.folder)
	modules := map[string]bool{}
	for module := range strings.FieldsSeq(out) {
		size.Packages++
		modules[module] = true
	}
	size.Modules = len(modules)
	return size, err
}

// Build makes a program of a package of this module, with build tags if there are any.
func Build(ctx context.Context, program, path, tags string, strip bool) error {
	args := []string{"build", "-tags", tags, "-o", program}
	if strip {
		args = append(args, "-trimpath", "-ldflags=-s -w")
	}
	_, err := run(ctx, append(args, path)...)
	return err
}

// run runs the go command.
func run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}
