package redislimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrUnavailable is what [errors.Is] finds in the error of a request that was refused because Redis did not
// answer in time, or with an error. Redis' own error is found as well.
var ErrUnavailable = errors.New("redis is unavailable")

// errSkipped is of a call that was not made.
var errSkipped = errors.New("it failed a moment ago and is not asked for now")

// wire is the way to Redis. A call returns within the deadline, even if the client does not heed contexts: a stopped
// Redis holds a client of the default settings for 10 s.
type wire struct {
	client   redis.Scripter
	deadline time.Duration
	stuck    chan struct{} // holds an element for each call that the client has not returned from
	circuit
}

// mostStuck bounds the goroutines that wait for a client that does not return.
const mostStuck = 16

type outcome struct {
	reply
	err error
}

// call runs the script. late, if not nil, is told of an answer that came when call had returned.
func (w *wire) call(ctx context.Context, late func(reply), keys []string, args []any) (reply, error) {
	if err := w.skips(); err != nil {
		return reply{}, err
	}
	select {
	case w.stuck <- struct{}{}:
	default:
		return reply{}, w.report(fmt.Errorf("%d calls have not returned yet", mostStuck))
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.deadline)
	done, gone := make(chan outcome), make(chan struct{})
	var once sync.Once
	report := func(err error) { once.Do(func() { w.report(err) }) }
	go func() {
		defer func() { cancel(); <-w.stuck }()
		r, err := w.run(bounded, keys, args)
		report(err)
		select {
		case done <- outcome{r, unavailable(err)}:
		case <-gone:
			if err == nil && late != nil {
				late(r)
			}
		}
	}()
	select {
	case o := <-done:
		return o.reply, o.err
	case <-bounded.Done():
		report(w.silence())
		close(gone)
		return reply{}, unavailable(w.silence())
	case <-ctx.Done():
		context.AfterFunc(bounded, func() { report(w.silence()) }) // else short-lived callers would never learn that it hangs
		close(gone)
		return reply{}, context.Cause(ctx)
	}
}

// silence does not match context.DeadlineExceeded: in a call's error it would say that the call's own time was up.
func (w *wire) silence() error { return fmt.Errorf("no answer in %v", w.deadline) }

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func (w *wire) run(ctx context.Context, keys []string, args []any) (reply, error) {
	v, err := script.Run(ctx, w.client, keys, args...).Int64Slice()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return reply{}, w.silence()
	case err != nil:
		return reply{}, err
	case len(v) != 3:
		return reply{}, fmt.Errorf("the script answered with %d numbers, not 3", len(v))
	}
	return reply{granted: v[0] == 1, wait: time.Duration(v[1]) * time.Microsecond, pending: v[2] > 0}, nil
}

// circuit keeps requests from paying the deadline one by one while Redis fails. After a failure Redis is not
// asked for a while, which doubles up to a second; then the next call tries it.
type circuit struct {
	first time.Duration
	tell  func(error)

	mu    sync.Mutex
	err   error // why Redis is not asked; nil while it answers
	pause time.Duration
	until time.Time
}

const longestSkip = time.Second

// skips says why Redis is not asked now.
func (c *circuit) skips() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || !time.Now().Before(c.until) {
		return nil
	}
	return fmt.Errorf("%w: %w", c.err, errSkipped)
}

// report is told how each call ended, and returns its error as that of the limiter.
func (c *circuit) report(err error) error {
	err = unavailable(err)
	if c.record(err) && c.tell != nil {
		c.tell(err)
	}
	return err
}

// record reports whether Redis began to fail, or to answer.
func (c *circuit) record(err error) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = (c.err == nil) != (err == nil)
	c.err = err
	if err == nil {
		c.pause = 0
		return changed
	}
	c.pause = min(max(2*c.pause, c.first), longestSkip)
	c.until = time.Now().Add(c.pause)
	return changed
}
