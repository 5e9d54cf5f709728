package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Workload is one call with the outcome it must have.
type Workload struct {
	Name       string
	About      string
	Goroutines int  // that call at once; 0 is one
	Wire       bool // is timed over loopback alone: in memory there is nothing to be seen

	bind func(Calls, Scale) func(context.Context) error
}

// Bind returns the workload as a contender's calls do it, or nil where the
// contender can't. The function returns an error unless the outcome is the
// expected one.
func (w Workload) Bind(c Calls, s Scale) func(context.Context) error { return w.bind(c, s) }

// Those that every library does with its defaults as well.
const (
	workloadGet    = "GET"
	workloadGet256 = "GET×256"
)

// Workloads lists all of them.
func Workloads() []Workload {
	return []Workload{
		{Name: workloadGet, About: "path parameter, 2 query parameters, 2 headers; 285 B of JSON with 11 fields, a nested struct, a []string and a time", bind: bindGet},
		{Name: "POST", About: "1 KB of JSON out, 257 B in", bind: bindPost},
		{Name: "List", About: "1 MB of JSON: 2,000 objects into []struct", bind: bindList},
		{Name: "Err", About: "the GET answered by 404, with 207 B into the error model", bind: bindErr},
		{Name: "GET×16", About: "the GET by 16 goroutines at once, time per call", Goroutines: 16, Wire: true, bind: bindGet},
		{Name: workloadGet256, About: "the GET by 256 goroutines at once, time per call", Goroutines: 256, Wire: true, bind: bindGet},
		{Name: "Down", About: "64 MiB streamed to io.Discard", Wire: true, bind: bindDown},
		{Name: "Up", About: "64 MiB from a reader whose length nobody knows", Wire: true, bind: bindUp},
		{Name: "SSE", About: "10,000 server-sent events, in chunks of 4 KiB, each decoded into a struct", Wire: true, bind: bindWatch},
	}
}

func bindGet(c Calls, _ Scale) func(context.Context) error {
	if c.Get == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.Get(ctx, getInput)
		return outcome(err, out.ID == wantOrder.ID)
	}
}

func bindPost(c Calls, _ Scale) func(context.Context) error {
	if c.Post == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.Post(ctx, postInput)
		return outcome(err, out.ID == wantReceipt.ID)
	}
}

func bindList(c Calls, _ Scale) func(context.Context) error {
	if c.List == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.List(ctx, listInput)
		return outcome(err, len(out) == listLength)
	}
}

func bindErr(c Calls, _ Scale) func(context.Context) error {
	if c.Get == nil {
		return nil
	}
	return func(ctx context.Context) error {
		_, err := c.Get(ctx, errInput)
		failure, ok := errors.AsType[*APIError](err)
		if !ok {
			return fmt.Errorf("want an *APIError, got: %w", errors.Join(err, errUnexpected))
		}
		return outcome(nil, failure.Status == wantError.Status)
	}
}

func bindDown(c Calls, s Scale) func(context.Context) error {
	if c.Down == nil {
		return nil
	}
	return func(ctx context.Context) error {
		n, err := c.Down(ctx, GetFile{Size: s.File}, io.Discard)
		return outcome(err, n == s.File)
	}
}

func bindUp(c Calls, s Scale) func(context.Context) error {
	if c.Up == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.Up(ctx, newFile(s.File))
		return outcome(err, out.Size == s.File)
	}
}

func bindWatch(c Calls, _ Scale) func(context.Context) error {
	if c.Watch == nil {
		return nil
	}
	return func(ctx context.Context) error {
		seen := 0
		err := c.Watch(ctx, watchInput, func(got Change) error {
			seen++
			return outcome(nil, seen <= changeCount && got.Order == wantChanges[seen-1].Order)
		})
		return outcome(err, seen == changeCount)
	}
}

var errUnexpected = errors.New("the answer is not the one the server sent")

func outcome(err error, expected bool) error {
	if err == nil && !expected {
		return errUnexpected
	}
	return err
}
