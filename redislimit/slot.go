package redislimit

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/crest-go/crest"
)

// slot is the units of one request. They are pending from the grant until Sent or Cancel; meanwhile the lease
// is renewed, so that a connection that opens slowly is not taken for a process that died.
type slot struct {
	limiter *Limiter
	id      string
	cost    int64

	mu      sync.Mutex
	settled bool
	renewal *time.Timer
}

var _ crest.Feedback = (*slot)(nil)

func newSlot(l *Limiter, id string, cost int) *slot {
	s := &slot{limiter: l, id: id, cost: int64(cost)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewal = time.AfterFunc(lease/3, s.renew)
	return s
}

func (s *slot) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.settled {
		s.limiter.log.add(note{renewed, s.id, s.cost})
		s.renewal.Reset(lease / 3)
	}
}

// Sent and Cancel do not wait for Redis. Until it knows better the units count as sent now, which is the safe side.
func (s *slot) Sent()   { s.settle(sent) }
func (s *slot) Cancel() { s.settle(cancelled) }

func (s *slot) settle(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settled {
		return
	}
	s.settled = true
	s.renewal.Stop()
	s.limiter.log.add(note{what, s.id, s.cost})
}

// Observe stops the limit for all processes as long as a 429 or 503 asks for.
func (s *slot) Observe(resp *http.Response) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return
	}
	if d := askedPause(resp); d > 0 {
		s.limiter.log.add(note{paused, "", min(d, longestPause).Microseconds()})
	}
}

// askedPause reads an answer as crest's own limiter does, by having one read it: what that understands, this does.
func askedPause(resp *http.Response) time.Duration {
	ear := crest.NewLimiter(1, time.Nanosecond, crest.MaxQueue(0))
	s, err := ear.Slot(context.Background(), nil, 1)
	if err != nil {
		return 0
	}
	s.(crest.Feedback).Observe(resp)
	s.Cancel()
	_, err = ear.Slot(context.Background(), nil, 1)
	if said, ok := errors.AsType[*crest.CallError](err); ok {
		return said.Wait
	}
	return 0
}
