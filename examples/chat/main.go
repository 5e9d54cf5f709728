// Command chat talks to an API in the style of those of language models, which it starts itself on a loopback port. It prints
// the tokens of a completion as they come, shows what an error in the middle of a stream is, and what a stream that is cut off is. Then
// it talks in a room of the same API over WebSocket. It exits with 1 if anything is not as it should be.
//
//	go run ./examples/chat
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

	"github.com/crest-go/crest/examples/chat/chatapi"
)

func main() {
	if err := run(context.Background(), os.Stdout, newServer()); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// parts are what is shown, in order.
var parts = []struct {
	title string
	show  func(ctx context.Context, c *chatapi.Client, out io.Writer) error
}{
	{"A completion, token by token", showCompletion},
	{"The model gives up in the middle", showFailure},
	{"The connection is lost in the middle", showCut},
	{"Nobody reads any further", showLeaving},
	{"A room", showRoom},
	{"Who shouts is shown the door", showDoor},
	{"A name that is taken", showRefused},
}

// run starts the server and shows all parts.
func run(ctx context.Context, out io.Writer, api http.Handler) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	base, stop, err := start(api)
	if err != nil {
		return err
	}
	defer stop()
	c, err := chatapi.New(base, crest.NewSecret(key))
	if err != nil {
		return err
	}
	defer c.Close()
	for _, p := range parts {
		fmt.Fprintf(out, "== %s\n", p.title)
		if err := p.show(ctx, c, out); err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
	}
	return nil
}

// start serves on a free port of this machine.
func start(api http.Handler) (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return "http://" + l.Addr().String(), func() {
		_ = server.Close()
		<-done
	}, nil
}
