// Command sessions shows how crest keeps a session and its secrets, on real sockets: it starts an API, a foreign server, an API with TLS
// and a proxy on free loopback ports, calls them, and compares what each of them received with what it may know. A login is
// kept in a [crest.Jar] over a restart, a redirect to the foreign server brings no secret along, the proxy alone sees its password,
// and a server without the pinned key gets no request. It exits with 1 if anything differs.
//
//	go run ./examples/sessions
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/crest-go/crest"
)

func main() {
	s, err := demonstration()
	if err == nil {
		err = run(context.Background(), os.Stdout, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sessions:", err)
		os.Exit(1)
	}
}

// setting is what the tour is taken with. Each part can be replaced by one that does not keep a secret.
type setting struct {
	api         http.Handler
	foreignHost string       // another name than that of the API's host
	forward     http.Handler // sends on what the proxy is asked for over plain http
	server      *identity    // of the API with TLS
	stranger    *identity    // whose key the wrong pins name
	client      []crest.ClientOption
}

// demonstration is the setting in which everything keeps its promise.
//
// The foreign server has the name localhost, since the API has 127.0.0.1 and cookies know hosts but no ports (RFC 6265bis, section 8.5):
// a second port of the same host would get the session's cookie, from browsers too.
func demonstration() (setting, error) {
	server, err := newIdentity()
	if err != nil {
		return setting{}, err
	}
	stranger, err := newIdentity()
	return setting{api: newAPI(), foreignHost: "localhost", forward: plainProxy(), server: server, stranger: stranger}, err
}

// run starts the servers, takes the tour and reports whether everything was as expected.
func run(ctx context.Context, out io.Writer, s setting) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := &tour{out: out, with: s, file: filepath.Join(dir, "cookies.json")}
	defer t.stop()
	if err := t.start(ctx); err != nil {
		return err
	}
	t.printf("Four servers listen inside this process, and note all that they receive:\n")
	t.printf("an API on %s, the same with TLS on %s,\n", t.api.url, t.secure.url)
	t.printf("a foreign server on %s and a proxy on %s.\n", t.foreign.url, t.proxy.url)
	for _, s := range steps {
		t.begin(s)
		if err := s.take(ctx, t); err != nil {
			return err
		}
	}
	return t.end()
}
