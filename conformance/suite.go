// Package conformance measures crest with cases that others wrote. The data is not part of the project: it is read from
// CREST_SUITE_DIR, else from the folder shared beside the repository, and where neither is there the tests skip.
//
// Each driver counts what passed, what failed and what its list of skips leaves out with a reason, prints that in one line,
// and fails when fewer cases pass than the floor recorded in the driver.
package conformance

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The environment variables that drivers read.
const (
	dirVariable    = "CREST_SUITE_DIR"
	floorsVariable = "CREST_SUITE_FLOORS"
)

// beside is where the data stands when nothing else is said: next to the repository, seen from this folder.
const beside = "../../shared"

// data returns the contents of a file of the suites' folder, such as "suites/botocore/input.json".
// Where there is no such folder the test is skipped; where the folder lacks the file it fails.
func data(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dataDir(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatalf("the suites' folder lacks a file: %v", err)
	}
	return content
}

// dataDir finds the folder that holds suites/ and seeds/. A folder that is named but not there is a failure: skipping it would hide a typing mistake.
func dataDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(dirVariable); dir != "" {
		if !isDir(dir) {
			t.Fatalf("%s=%s is no folder", dirVariable, dir)
		}
		return dir
	}
	if isDir(filepath.Join(beside, "suites")) {
		return beside
	}
	t.Skipf("no data: %s is not set and %s, the folder shared beside the repository, is not there", dirVariable, beside)
	return ""
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// tally counts the cases of one suite. It is not safe for concurrent use.
type tally struct {
	suite           string
	passed, skipped int
	failures        map[string][]string // case → what was wrong with it
	skips           map[string]string   // case → reason; an entry that meets no case, or one that passes, is a failure
	met             map[string]bool
}

// newTally begins a suite whose cases may be left out as skips says (nil: none).
func newTally(suite string, skips map[string]string) *tally {
	return &tally{suite: suite, skips: skips, failures: map[string][]string{}, met: map[string]bool{}}
}

// run counts one case: check returns nil when it passes. A case on the list of skips is run as well, and fails when it passes,
// so that the list only shrinks; leave is for those that cannot be run at all.
func (y *tally) run(id string, check func() error) {
	reason, listed := y.skips[id]
	y.met[id] = true
	err := attempt(check)
	switch {
	case listed && err == nil:
		y.fail(id, "passes, but is on the list of skips: "+reason)
	case listed:
		y.skipped++
	case err != nil:
		y.fail(id, err.Error())
	default:
		y.passed++
	}
}

// leave counts a case as skipped without running it. The reason must be one that a user would accept.
func (y *tally) leave(id, reason string) {
	y.met[id] = true
	if reason == "" {
		y.fail(id, "skipped without a reason")
		return
	}
	y.skipped++
}

// fail counts a case as failed.
func (y *tally) fail(id, why string) { y.failures[id] = append(y.failures[id], why) }

// failed is the number of cases that failed.
func (y *tally) failed() int { return len(y.failures) }

// String is the line that a driver prints.
func (y *tally) String() string {
	return fmt.Sprintf("%s: %d passed, %d failed, %d skipped", y.suite, y.passed, y.failed(), y.skipped)
}

// done prints the line and fails t for failed cases, for entries of the list of skips that met no case, and when fewer
// cases passed than floor. With CREST_SUITE_FLOORS=off, for other files of the same form, only failed cases count.
func (y *tally) done(t *testing.T, floor int) {
	t.Helper()
	fmt.Println(y)
	for _, id := range sortedKeys(y.failures) {
		t.Errorf("%s: %s: %s", y.suite, id, strings.Join(y.failures[id], "; "))
	}
	if os.Getenv(floorsVariable) == "off" {
		return
	}
	for _, id := range sortedKeys(y.skips) {
		if !y.met[id] {
			t.Errorf("%s: the list of skips names %s, which the suite does not have", y.suite, id)
		}
	}
	if y.passed < floor {
		t.Errorf("%s: %d cases passed, the floor is %d", y.suite, y.passed, floor)
	}
}

// attempt runs a check and makes an error of a panic, so that one case does not hide the others.
func attempt(check func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return check()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
