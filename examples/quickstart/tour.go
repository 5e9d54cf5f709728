package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/crest-go/crest/examples/httpbin"
)

// tour takes the steps one after the other, prints what happens, and counts what is not as expected.
type tour struct {
	out  io.Writer
	bin  *httpbin.Client
	seen *recorder

	step, checks, wrong int
}

func (t *tour) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// begin prints the heading of a step.
func (t *tour) begin(title string) {
	t.step++
	t.printf("\n%d. %s\n", t.step, title)
	t.seen.reset()
}

// code shows the line of the SDK's user.
func (t *tour) code(line string) { t.printf("   code      %s\n", line) }

// wire shows what the server received since the step began or wire was last called.
func (t *tour) wire() {
	for _, line := range t.seen.reset() {
		t.printf("   received  %s\n", line)
	}
}

// message shows an error as its reader sees it.
func (t *tour) message(err error) {
	if err == nil {
		t.printf("   error     none\n")
		return
	}
	for line := range strings.Lines(err.Error()) {
		t.printf("   error     %s\n", strings.TrimSuffix(line, "\n"))
	}
}

// expect compares and says what came.
func (t *tour) expect(what string, got, want any) {
	t.checks++
	if reflect.DeepEqual(got, want) {
		t.printf("   ok        %s: %s\n", what, show(got))
		return
	}
	t.wrong++
	t.printf("   WRONG     %s: %s\n             expected %s\n", what, show(got), show(want))
}

// succeed expects a call without an error.
func (t *tour) succeed(err error) {
	if err != nil {
		t.expect("error", err.Error(), nil)
	}
}

// end prints the sum and returns an error if anything was wrong.
func (t *tour) end() error {
	if t.wrong > 0 {
		return fmt.Errorf("%d of %d expectations were not met, see WRONG above", t.wrong, t.checks)
	}
	t.printf("\nAll %d expectations in %d steps were met.\n", t.checks, t.step)
	return nil
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string, []string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprintf("%v", v)
}

// recorder notes what reaches the server. It is safe for concurrent use.
type recorder struct {
	next http.Handler

	mu    sync.Mutex
	lines []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<10))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.lines = append(r.lines, strings.TrimSpace(req.Method+" "+req.RequestURI+" "+string(body)))
	r.mu.Unlock()
	r.next.ServeHTTP(w, req)
}

// reset returns the requests since the last reset.
func (r *recorder) reset() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}
