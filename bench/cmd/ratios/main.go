// Command ratios measures all contenders beside each other and writes the tables
// into docs/performance.md and the picture into docs/performance.svg. Run it from
// the root of the repository:
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
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crest-go/crest/bench"
)

func main() {
	testing.Init() // testing.Benchmark reads its flags
	var o options
	flag.IntVar(&o.passes, "passes", 7, "shuffled passes; the tables show medians over them")
	flag.StringVar(&o.benchtime, "benchtime", "30ms", "time per cell and round, or a number of calls such as 1000x")
	flag.StringVar(&o.out, "out", filepath.FromSlash("docs/performance.md"), "page to write the tables into; the picture goes beside it, as .svg")
	flag.BoolVar(&o.quick, "quick", false, "one pass with one call per cell, and small numbers of what is many: the figures mean nothing")
	flag.Parse()
	if o.quick {
		o.passes, o.benchtime = 1, "1x"
	}
	if err := o.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

type options struct {
	passes    int
	benchtime string
	out       string
	quick     bool
}

func (o options) run(ctx context.Context) error {
	if o.passes < 1 {
		return errors.New("-passes must be at least 1")
	}
	if err := flag.Set("test.benchtime", o.benchtime); err != nil {
		return fmt.Errorf("-benchtime: %w", err)
	}
	report, err := o.measure(ctx)
	if err != nil {
		return err
	}
	if err := o.start(ctx, report); err != nil {
		return err
	}
	progress("sizes")
	sizes, err := bench.Sizes(ctx, !o.quick)
	if err != nil {
		return err
	}
	return o.write(&bench.Measured{Report: report, Sizes: sizes})
}

func (o options) measure(ctx context.Context) (bench.Report, error) {
	scale := bench.Full
	if o.quick {
		scale = bench.Quick
	}
	field, err := bench.NewField(ctx, scale)
	if err != nil {
		return nil, err
	}
	defer field.Close()
	return field.Measure(ctx, o.passes, func(pass int, group string) {
		progress("pass %d of %d: %s", pass, o.passes, group)
	})
}

// manyTime is how long processes declare many endpoints. The first one always does.
const manyTime = time.Minute

// start measures what a program does once, each time in a process of its own.
func (o options) start(ctx context.Context, report bench.Report) error {
	if o.quick {
		ratios, err := bench.Start(ctx, 10)
		report.Started(ratios)
		return err
	}
	dir, err := os.MkdirTemp("", "start")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "start")
	if err := bench.Build(ctx, program, "github.com/crest-go/crest/bench/cmd/start", "", false); err != nil {
		return err
	}
	began := time.Now()
	for i := range o.passes {
		progress("start %d of %d", i+1, o.passes)
		endpoints := bench.Endpoints
		if i > 0 && time.Since(began) > manyTime {
			endpoints = 0
		}
		out, err := exec.CommandContext(ctx, program, strconv.Itoa(endpoints)).Output()
		if err != nil {
			return fmt.Errorf("the program that starts: %w", err)
		}
		var ratios map[string]float64
		if err := json.Unmarshal(out, &ratios); err != nil {
			return err
		}
		report.Started(ratios)
	}
	return nil
}

func (o options) write(m *bench.Measured) error {
	conditions := bench.Conditions(o.command())
	text := conditions + "\n" + m.Markdown()
	fmt.Println(text)
	note, _, _ := strings.Cut(conditions, "; ")
	picture := strings.TrimSuffix(o.out, filepath.Ext(o.out)) + ".svg"
	return errors.Join(bench.WritePage(o.out, text), os.WriteFile(picture, []byte(m.Report.Plot(note)), 0o644))
}

// command is what to type to measure the same again, defaults spelled out.
func (o options) command() string {
	return fmt.Sprintf("go run ./bench/cmd/ratios -passes %d -benchtime %s", o.passes, o.benchtime)
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
