package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/crest-go/crest"
)

// display shows progress: as a bar in a terminal, else in a few lines.
type display struct {
	out   io.Writer
	name  string
	bar   *progressbar.ProgressBar // nil before the first progress, and where there is no terminal
	lines bool
	next  int64 // the quarter that is told next
	ended bool
}

func newDisplay(out io.Writer, name string) *display {
	return &display{out: out, name: name, lines: !terminal(out), next: 1}
}

// terminal reports whether out is one.
func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show is the function for crest.WithProgress. It is never called twice at the same time.
func (d *display) show(p crest.Progress) {
	if d.lines {
		d.tell(p)
		return
	}
	if d.bar == nil {
		d.bar = progressbar.NewOptions64(p.Total, progressbar.OptionSetWriter(d.out), progressbar.OptionSetDescription("   "+d.name),
			progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(50*time.Millisecond))
	}
	_ = d.bar.Set64(p.Done) // where to draw is gone when this fails, and the transfer is not
}

// tell writes a line for each quarter.
func (d *display) tell(p crest.Progress) {
	quarter := p.Done * 4 / max(p.Total, 1)
	if quarter >= d.next {
		d.next = quarter + 1
		fmt.Fprintf(d.out, "   %s: %d %% of %d bytes\n", d.name, p.Done*100/p.Total, p.Total)
	}
}

// close ends the line of the bar.
func (d *display) close() {
	if d.bar != nil && !d.ended {
		fmt.Fprintln(d.out)
	}
	d.ended = true
}
