// Command quickstart shows what crest does, on a real socket: it starts go-httpbin inside the process on a free
// loopback port, drives the SDK of examples/httpbin against it, and compares everything that comes back with what is
// expected. It exits with 1 if anything differs.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	upstream "github.com/mccutchen/go-httpbin/v2/httpbin"

	"github.com/crest-go/crest/examples/httpbin"
)

func main() {
	if err := run(context.Background(), os.Stdout, upstream.New()); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run serves api on a free port, takes the tour and reports whether everything was as expected.
func run(ctx context.Context, out io.Writer, api http.Handler) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	seen := &recorder{next: api}
	baseURL, stop, err := serve(ctx, seen)
	if err != nil {
		return err
	}
	defer stop()
	bin, err := httpbin.New(baseURL)
	if err != nil {
		return err
	}
	defer bin.Close()

	t := &tour{out: out, bin: bin, seen: seen}
	t.printf("go-httpbin listens on %s, inside this process.\n", baseURL)
	t.printf("The SDK in examples/httpbin, written with crest, calls it over that socket.\n")
	for _, s := range steps {
		t.begin(s.title)
		s.take(ctx, t)
	}
	return t.end()
}

// serve starts an HTTP server on a free loopback port. stop ends it.
func serve(ctx context.Context, h http.Handler) (baseURL string, stop func(), err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("no loopback port could be opened: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return "http://" + listener.Addr().String(), func() { _ = server.Close(); <-done }, nil
}
