package bench

import (
	"context"
	"errors"
	"fmt"
)

// Workload is one call with the outcome it must have.
type Workload struct {
	Name  string
	About string

	bind func(Calls) func(context.Context) error
}

// Bind returns the workload as a contender's calls do it, or nil where the
// contender can't. The function returns an error unless the outcome is the
// expected one.
func (w Workload) Bind(c Calls) func(context.Context) error { return w.bind(c) }

// Workloads lists all of them.
func Workloads() []Workload {
	return []Workload{
		{Name: "GET", About: "path parameter, 2 query parameters, 2 headers; 285 B of JSON with 11 fields, a nested struct, a []string and a time", bind: bindGet},
		{Name: "POST", About: "1 KB of JSON out, 257 B in", bind: bindPost},
		{Name: "List", About: "1 MB of JSON: 2,000 objects into []struct", bind: bindList},
		{Name: "Err", About: "the GET answered by 404, with 207 B into the error model", bind: bindErr},
	}
}

func bindGet(c Calls) func(context.Context) error {
	if c.Get == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.Get(ctx, getInput)
		return outcome(err, out.ID == wantOrder.ID)
	}
}

func bindPost(c Calls) func(context.Context) error {
	if c.Post == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.Post(ctx, postInput)
		return outcome(err, out.ID == wantReceipt.ID)
	}
}

func bindList(c Calls) func(context.Context) error {
	if c.List == nil {
		return nil
	}
	return func(ctx context.Context) error {
		out, err := c.List(ctx, listInput)
		return outcome(err, len(out) == listLength)
	}
}

func bindErr(c Calls) func(context.Context) error {
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

var errUnexpected = errors.New("the answer is not the one the server sent")

func outcome(err error, expected bool) error {
	if err == nil && !expected {
		return errUnexpected
	}
	return err
}
