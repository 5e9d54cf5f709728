package redislimit

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options are the settings of [New]. The zero value is good: it refuses what Redis does not confirm in 100 ms.
type Options struct {
	// Fallback says what happens to requests while Redis fails. The default is Closed.
	Fallback Mode
	// Share is how many of the n units this process may use in a window in the mode Local. The default is 1, which is
	// safe for up to n processes; n divided by their number wastes nothing. A request that costs more is refused.
	Share int
	// Deadline bounds each call to Redis, whatever the client's own timeouts are. The default is 100 ms, the most 3 s.
	Deadline time.Duration
	// Margin lengthens per, as [crest.Margin] does: for a server that counts strictly, the spread of the
	// network's delay. The default is 0.
	Margin time.Duration
	// MaxQueue bounds how many requests of this process may wait; more are refused at once. The default is 10 000.
	MaxQueue int
	// OnFallback, if not nil, is called with the error when Redis begins to fail, and with nil when it answers again. It
	// must not block, and may be called by any goroutine.
	OnFallback func(err error)
}

// Mode says what happens to a request when Redis does not answer in time, or answers with an error.
type Mode int

// The modes. Closed keeps the limit, Open keeps the requests going, Local keeps a part of both.
const (
	// Closed refuses the request at once, with [crest.ErrLimited] and [ErrUnavailable].
	Closed Mode = iota
	// Open lets the request go, uncounted.
	Open
	// Local counts in this process alone, with a limit of [Options].Share.
	Local
)

const (
	defaultDeadline = 100 * time.Millisecond
	longestDeadline = 3 * time.Second
	defaultQueue    = 10_000
	mostUnits       = 100_000
	longestPer      = 366 * 24 * time.Hour
	longestPause    = time.Hour
	// lease is how long a granted unit outlives a process that died before it was sent. The living renew it.
	lease = 10 * time.Second
	// How soon the first of a line looks whether somebody gave a unit back: at first, and when that takes longer.
	firstLook   = 50 * time.Millisecond
	longestLook = time.Second
)

func (o Options) withDefaults() Options {
	if o.Deadline == 0 {
		o.Deadline = defaultDeadline
	}
	if o.MaxQueue == 0 {
		o.MaxQueue = defaultQueue
	}
	if o.Share == 0 && o.Fallback == Local {
		o.Share = 1
	}
	return o
}

func mistake(client redis.Scripter, key string, n int, per time.Duration, o Options) error {
	switch {
	case isNil(client):
		return errors.New("the client is nil: make one with redis.NewClient")
	case key == "":
		return errors.New("the key is empty: give it a name that all processes of this limit use, and no others")
	case strings.HasPrefix(key, "}"):
		return errors.New("the key begins with }, which a Redis Cluster would take for a hash tag's end: begin it with something else")
	case n < 1 || n > mostUnits:
		return fmt.Errorf("n is %d, and must be from 1 to %d", n, mostUnits)
	case per <= 0 || per > longestPer:
		return fmt.Errorf("per is %v, and must be more than zero and no more than %v", per, longestPer)
	}
	return o.mistake(n)
}

func (o Options) mistake(n int) error {
	switch {
	case o.Fallback < Closed || o.Fallback > Local:
		return fmt.Errorf("options: Fallback is %d, and must be Closed, Open or Local", o.Fallback)
	case o.Share != 0 && o.Fallback != Local:
		return fmt.Errorf("options: Share is %d, and is only for the mode Local: set Fallback, or leave Share out", o.Share)
	case o.Share < 0 || o.Share > n:
		return fmt.Errorf("options: Share is %d, and must be from 1 to n, which is %d", o.Share, n)
	case o.Deadline < 0 || o.Deadline > longestDeadline:
		return fmt.Errorf("options: Deadline is %v, and must be from 0 to %v", o.Deadline, longestDeadline)
	case o.Margin < 0 || o.Margin > longestPer:
		return fmt.Errorf("options: Margin is %v, and must be from 0 to %v", o.Margin, longestPer)
	case o.MaxQueue < 0:
		return fmt.Errorf("options: MaxQueue is %d, and must not be negative", o.MaxQueue)
	}
	return nil
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil()
}
