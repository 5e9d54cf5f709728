package crest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// The default backoff: full jitter below a bound that doubles. Half a second is too short for a server that restarts, so where
// nobody listens, or the server throttles, the bound begins higher.
const (
	backoffBase     = 50 * time.Millisecond
	backoffBaseLong = time.Second
	backoffCap      = 20 * time.Second
)

// wait is the time before retry n, or why the server's wish for it is not granted.
func (r *Retry) wait(n int, failure *CallError) (time.Duration, error) {
	own := r.backoff(n, failure)
	answer, ok := errors.AsType[*Error](failure)
	if !ok || failure.Step != ErrStatus || answer.RetryAfter == 0 {
		return own, nil
	}
	longest := nearer(r.MaxRetryAfter, defaultMaxRetryAfter)
	if answer.RetryAfter > longest {
		return 0, fmt.Errorf("the server asks for a wait of %v, the bound MaxRetryAfter is %v", answer.RetryAfter, longest)
	}
	extra := min(jitter(answer.RetryAfter/10), math.MaxInt64-answer.RetryAfter)
	return max(own, answer.RetryAfter+extra), nil
}

func (r *Retry) backoff(n int, failure *CallError) time.Duration {
	if r.Backoff != nil {
		return max(r.Backoff(n, failure), 0)
	}
	bound := backoffBase
	if throttled(failure) || unconnected(failure) {
		bound = backoffBaseLong
	}
	for range n - 1 {
		bound = min(2*bound, backoffCap)
	}
	return jitter(bound)
}

// jitter is a random time below d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// What a retry costs of the client's budget, and what a first success brings.
const (
	defaultBudget      = 500
	budgetCost         = 14
	budgetCostThrottle = 5
	budgetGain         = 1
)

func costOf(failure *CallError) int {
	if throttled(failure) {
		return budgetCostThrottle
	}
	return budgetCost
}

// budget is what the calls of one client have left for retries. Without a limit it is never used up.
type budget struct {
	limit int64
	spent atomic.Int64
}

func newBudget(set int) *budget {
	if set == 0 {
		set = defaultBudget
	}
	return &budget{limit: int64(max(set, 0))}
}

// take reports whether the budget has cost left, and takes it.
func (b *budget) take(cost int) bool {
	if b.limit == 0 {
		return true
	}
	for {
		spent := b.spent.Load()
		if spent+int64(cost) > b.limit {
			return false
		}
		if b.spent.CompareAndSwap(spent, spent+int64(cost)) {
			return true
		}
	}
}

// add brings some of it back. As long as nothing failed it writes nothing that other goroutines read.
func (b *budget) add(n int) {
	for spent := b.spent.Load(); spent > 0; spent = b.spent.Load() {
		if b.spent.CompareAndSwap(spent, max(spent-int64(n), 0)) {
			return
		}
	}
}
