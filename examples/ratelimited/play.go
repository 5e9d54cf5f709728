package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/crest-go/crest"
)

var ping = crest.Get[crest.Empty, crest.Empty]("/ping")

// beat is the length of a line of the timeline.
const beat = 250 * time.Millisecond

// play makes the calls with a client of these options, prints the timeline meanwhile, and returns what came of it.
func play(ctx context.Context, out io.Writer, n network, s setting, opts ...crest.ClientOption) (*result, error) {
	server := &api{limit: s.limit, per: s.per}
	baseURL, stop, err := serve(ctx, n, server)
	if err != nil {
		return nil, err
	}
	defer stop()
	c, err := crest.New[*crest.Problem](baseURL, append(opts, n.client...)...)
	if err != nil {
		return nil, err
	}
	defer c.Close()

	r := &result{}
	line := &timeline{out: out, server: server}
	start, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		r.callAll(ctx, c, s)
	}()
	line.follow(done)
	r.took, r.seen = time.Since(start), server.since(0)
	printf(out, "   %d calls in %.1f s, %d failed; %d requests served, %d refused\n",
		s.calls, r.took.Seconds(), len(r.failures), r.served(), r.refused())
	return r, nil
}

// callAll shares the calls out among the goroutines.
func (r *result) callAll(ctx context.Context, c crest.Caller, s setting) {
	left := make(chan struct{}, s.calls)
	for range s.calls {
		left <- struct{}{}
	}
	close(left)
	var running sync.WaitGroup
	for range s.goroutines {
		running.Go(func() {
			for range left {
				if _, err := ping.Call(ctx, c, crest.Empty{}); err != nil {
					r.fail(err)
				}
			}
		})
	}
	running.Wait()
}

// timeline prints what a server sees.
type timeline struct {
	out    io.Writer
	server *api
	shown  int // requests so far
}

// follow prints a line at each beat until done, and one for the rest.
func (l *timeline) follow(done <-chan struct{}) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for at := beat; ; at += beat {
		select {
		case <-ticker.C:
			l.line(at)
		case <-done:
			l.line(at)
			return
		}
	}
}

func (l *timeline) line(at time.Duration) {
	seen := l.server.since(l.shown)
	l.shown += len(seen)
	var bar strings.Builder
	refused := 0
	for _, s := range seen {
		if s.refused {
			refused++
			bar.WriteByte('x')
		} else {
			bar.WriteByte('#')
		}
	}
	text := bar.String()
	if len(text) > 100 {
		text = text[:100] + " …"
	}
	text = fmt.Sprintf("   %5.2f s  %3d requests, %3d refused  %s", at.Seconds(), len(seen), refused, text)
	printf(l.out, "%s\n", strings.TrimRight(text, " "))
}
