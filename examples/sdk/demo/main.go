// Command demo tries the SDK against a real server of its API, on a free loopback port, and says what happens. It exits with 1 if
// something is not as it should be.
//
//	go run ./examples/sdk/demo
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"time"

	bookshop "github.com/crest-go/crest/examples/sdk"
	"github.com/crest-go/crest/examples/sdk/internal/shop"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout, shop.New(token, time.Now)); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const token = "demo-token"

// run opens the shop and takes the steps.
func run(ctx context.Context, out io.Writer, s *shop.Shop) (err error) {
	server := httptest.NewServer(s)
	defer server.Close()
	client, err := bookshop.New(token, bookshop.WithBaseURL(server.URL+"/v1"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	fmt.Fprintf(out, "A bookshop listens on %s.\n", server.URL)
	d := &demo{out: out, shop: client}
	for i, step := range []struct {
		title string
		take  func(context.Context) error
	}{
		{"Three books are put into the shop", d.create},
		{"A list comes in pages, and a loop does not notice", d.list},
		{"A search", d.search},
		{"Two people change one book: the second one is told", d.update},
		{"A book that the shop does not want", d.invalid},
		{"A book that is not there", d.missing},
		{"A cover goes up", d.cover},
		{"What has happened, as a stream", d.changes},
	} {
		fmt.Fprintf(out, "\n%d. %s.\n", i+1, step.title)
		if err := step.take(ctx); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	fmt.Fprintln(out, "\nAll as it should be.")
	return nil
}
