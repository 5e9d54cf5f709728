package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// step is one thing to see. An error of take ends the tour: no client could be made.
type step struct {
	title, why string
	take       func(ctx context.Context, t *tour) error
}

// tour takes the steps one after the other, prints what happens, and counts what is not as expected.
type tour struct {
	out  io.Writer
	with setting
	file string // where the cookies are saved

	api, foreign, secure, proxy *site

	step, checks, wrong int
}

// start starts the four servers.
func (t *tour) start(ctx context.Context) error {
	var err error
	serveAt := func(s **site, host string, h http.Handler, id *identity) {
		if err == nil {
			*s, err = serve(ctx, host, h, id)
		}
	}
	serveAt(&t.foreign, t.with.foreignHost, http.HandlerFunc(giveReport), nil)
	if err != nil {
		return err
	}
	serveAt(&t.api, "127.0.0.1", movedTo(t.foreign.url, t.with.api), nil)
	serveAt(&t.secure, "127.0.0.1", http.HandlerFunc(giveReport), t.with.server)
	serveAt(&t.proxy, "127.0.0.1", proxy{t.with.forward}, nil)
	return err
}

func (t *tour) sites() []*site { return []*site{t.api, t.foreign, t.secure, t.proxy} }

// stop ends the servers that were started.
func (t *tour) stop() {
	for _, s := range t.sites() {
		if s != nil {
			s.stop()
		}
	}
}

// client makes a client of a site. Calls are not repeated, so that what a server received is what was asked once.
func (t *tour) client(s *site, opts ...crest.ClientOption) (*crest.Client[*crest.Problem], error) {
	opts = append(opts, crest.WithRetry(crest.Retry{Max: -1}))
	return crest.New[*crest.Problem](s.url, slices.Concat(opts, t.with.client)...)
}

func (t *tour) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// begin prints the heading of a step.
func (t *tour) begin(s step) {
	t.step++
	t.printf("\n%d. %s\n", t.step, s.title)
	for line := range strings.Lines(s.why) {
		t.printf("   %s\n", strings.TrimSuffix(line, "\n"))
	}
	for _, s := range t.sites() {
		s.reset()
	}
}

// code shows what the program writes.
func (t *tour) code(line string) { t.printf("   code      %s\n", line) }

// received shows what a site received since the step began or received was last called, with the names of the headers that
// carry a credential, and returns it.
func (t *tour) received(name string, s *site) (targets []string, carried [][]string) {
	for _, r := range s.reset() {
		targets, carried = append(targets, r.target), append(carried, r.carried())
		t.printf("   received  %s: %s, with %s\n", name, r.target, show(r.carried()))
	}
	return targets, carried
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
	case string:
		return fmt.Sprintf("%q", v)
	case []string:
		if len(v) == 0 {
			return "no credential"
		}
		return strings.Join(v, ", ")
	case [][]string:
		shown := make([]string, len(v))
		for i, each := range v {
			shown[i] = show(each)
		}
		return "[" + strings.Join(shown, "; ") + "]"
	}
	return fmt.Sprintf("%v", v)
}
