// Command transfer shows a file that goes up and comes down again, with a bar that shows how far it has come. It starts a server on a free
// loopback port, uploads a file to it, and downloads it in another process, which it kills in the middle. A second process goes on where
// that was, and the file is the same in the end. It exits with 1 if it is not, or if bytes were fetched twice.
//
//	go run ./examples/transfer
//
// Where the output is no terminal, lines stand in place of the bar.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if url, path := os.Getenv(childURL), os.Getenv(childPath); url != "" {
		err = fetch(ctx, os.Stdout, url, path)
	} else {
		err = run(ctx, os.Stdout, size)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "transfer:", err)
		os.Exit(1)
	}
}

// size of the file, which the server takes a second or two for.
const size = 24 << 20

// run takes the file up, and down in two processes.
func run(ctx context.Context, out io.Writer, size int64) error {
	dir, err := os.MkdirTemp("", "transfer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := newStore()
	defer s.server.Close()
	t := &tour{out: out, store: s, dir: dir}
	if err := t.create(size); err != nil {
		return err
	}
	fmt.Fprintf(out, "A server listens on %s.\n\n1. A file of %d MiB goes up.\n", s.server.URL, size>>20)
	if err := t.upload(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n2. Another process fetches it, and is killed in the middle.\n")
	if err := t.fetchAndKill(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n3. The next one goes on.\n")
	if err := t.fetchTheRest(ctx); err != nil {
		return err
	}
	return t.compare()
}
