// Command ratios measures all contenders beside each other and writes the table
// of ratios into docs/performance.md. Run it from the root of the repository:
//
//	go run ./bench/cmd/ratios
//
// It takes minutes. To see in seconds what it writes, with figures that mean
// nothing:
//
//	go run ./bench/cmd/ratios -quick -out page.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/crest-go/crest/bench"
)

func main() {
	testing.Init() // testing.Benchmark reads its flags
	passes := flag.Int("passes", 7, "shuffled passes; the table shows medians over them")
	benchtime := flag.String("benchtime", "200ms", "time per cell and pass, or a number of calls such as 1000x")
	out := flag.String("out", filepath.FromSlash("docs/performance.md"), "page to write the table into")
	quick := flag.Bool("quick", false, "one pass with one call per cell: the figures mean nothing")
	flag.Parse()
	if *quick {
		*passes, *benchtime = 1, "1x"
	}
	if err := run(*passes, *benchtime, *out); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

func run(passes int, benchtime, out string) error {
	if passes < 1 {
		return errors.New("-passes must be at least 1")
	}
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		return fmt.Errorf("-benchtime: %w", err)
	}
	field, err := bench.NewField(context.Background())
	if err != nil {
		return err
	}
	defer field.Close()
	report, err := field.Measure(passes, func(pass int, group string) {
		fmt.Fprintf(os.Stderr, "pass %d of %d: %s\n", pass, passes, group)
	})
	if err != nil {
		return err
	}
	text := bench.Conditions(command(passes, benchtime)) + "\n" + report.Markdown()
	fmt.Println(text)
	return bench.WritePage(out, text)
}

// command is what to type to measure the same again, defaults spelled out.
func command(passes int, benchtime string) string {
	return fmt.Sprintf("go run ./bench/cmd/ratios -passes %d -benchtime %s", passes, benchtime)
}
