// Command ratelimited shows crest's limiter on a real socket. It starts an API inside the process that counts requests strictly and answers
// 429 to those beyond its limit, and calls it from several goroutines: first with the limit known, then with one that is guessed too
// high. It prints what the server saw, and exits with 1 if that is not what it claims.
//
//	go run ./examples/ratelimited
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/crest-go/crest"
)

func main() {
	if err := run(context.Background(), os.Stdout, loopback(), demonstration); err != nil {
		fmt.Fprintln(os.Stderr, "ratelimited:", err)
		os.Exit(1)
	}
}

// setting is how much of everything there is.
type setting struct {
	limit             int           // of the server, in any window of the length per
	per               time.Duration // whole seconds: RateLimit-Policy has no others
	calls, goroutines int
	margin            time.Duration
}

// The server counts by arrival and the client by writing, so a request that is held up between the two comes closer to those of the next
// window. On loopback that takes microseconds, and on a busy machine until the server's goroutine gets its turn; a quarter of a second
// bears that. See docs/limits.md, "Arrival is not sending".
var demonstration = setting{limit: 50, per: time.Second, calls: 200, goroutines: 8, margin: 250 * time.Millisecond}

// network is where server and client meet.
type network struct {
	listen func(ctx context.Context) (net.Listener, error)
	client []crest.ClientOption
}

func loopback() network {
	return network{listen: func(ctx context.Context) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}}
}

// run plays both parts and reports whether everything was as claimed.
func run(ctx context.Context, out io.Writer, n network, s setting) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	printf(out, "An API serves %d requests in any %v, by its own clock, and answers 429 to more.\n", s.limit, s.per)
	printf(out, "%d goroutines make %d calls. A mark is a request: # was served, x was refused.\n", s.goroutines, s.calls)

	printf(out, "\n1. The client knows the limit: WithRateLimit(%d, %v, Margin(%v))\n", s.limit, s.per, s.margin)
	known, err := play(ctx, out, n, s, crest.WithRateLimit(s.limit, s.per, crest.Margin(s.margin)))
	if err != nil {
		return err
	}
	first := judge(out, "the server never had to say 429", known.refusesNothing(s))

	printf(out, "\n2. Its guess is too high: WithRateLimit(%d, %v, Margin(%v)). The server tells its limit when it refuses\n", 2*s.limit, s.per, s.margin)
	guessed, err := play(ctx, out, n, s, crest.WithRateLimit(2*s.limit, s.per, crest.Margin(s.margin)))
	if err != nil {
		return err
	}
	second := judge(out, "the client learned the limit from its first 429s, kept to it, and every call succeeded", guessed.settles(s))
	if !first || !second {
		return errWrong
	}
	return nil
}

// serve starts a server for h. stop ends it.
func serve(ctx context.Context, n network, h http.Handler) (baseURL string, stop func(), err error) {
	listener, err := n.listen(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("no port could be opened: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return "http://" + listener.Addr().String(), func() { _ = server.Close(); <-done }, nil
}

func printf(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
