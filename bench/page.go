package bench

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The marks between which the ratios stand in the page.
const (
	pageBegin = "<!-- ratios:begin -->"
	pageEnd   = "<!-- ratios:end -->"
)

const newPage = `# Performance

What a call costs through crest, through hand-written net/http and through other
client libraries: the same requests, the same answers, one run.

Only ratios within one run are worth comparing. Times move with the machine and
with what else it does, so none are given, and no test fails because of one;
allocations hardly move. [bench](../bench) holds the contenders. Before anything is
timed, its tests check that all of them send the same request and decode the same
value, files and events included.

How it is measured: seven passes; in each, groups in random order; in each group
three rounds, the contenders in random order behind each other. A time is the median
of the rounds, a ratio is taken within its pass, and what stands here is the median
of the passes with the range. crest runs as its users get it, with validation, error
mapping, bounds, deadlines, retries and redaction on; what the others do is told in a
line each. What misses its goal is marked.

![Time per call over that of careless net/http, in memory and over loopback](performance.svg)

The part below, and the picture, are written by ` + "`go run ./bench/cmd/ratios`" + `.

` + pageBegin + "\n" + pageEnd + "\n"

var errMarks = errors.New("the page has no " + pageBegin + " followed by " + pageEnd + ": put the two lines where the ratios belong")

// WritePage puts ratios between the marks of the page at path and leaves the
// rest as it is. A missing page is made.
func WritePage(path, ratios string) error {
	page, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		page, err = []byte(newPage), os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err != nil {
		return err
	}
	merged, err := replaceBetween(string(page), ratios)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(merged), 0o644)
}

func replaceBetween(page, ratios string) (string, error) {
	head, rest, begins := strings.Cut(page, pageBegin)
	_, tail, ends := strings.Cut(rest, pageEnd)
	if !begins || !ends {
		return "", errMarks
	}
	return head + pageBegin + "\n" + strings.TrimSpace(ratios) + "\n" + pageEnd + tail, nil
}
