package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// api serves limit requests in any window of the length per and answers 429 to more. It keeps the time of each request that it served
// in the last window, so it counts exactly. It tells its limit only when it refuses,
// in Retry-After and in the fields of draft-ietf-httpapi-ratelimit-headers.
type api struct {
	limit int
	per   time.Duration

	mu     sync.Mutex
	served []time.Time // in the window that ends now
	seen   []sighting
}

// sighting is one request as the server saw it.
type sighting struct {
	at      time.Time
	refused bool
}

func (a *api) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	wait, ok := a.admit()
	if ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h := w.Header()
	seconds := int(wait/time.Second) + 1 // the end of a window belongs to it: later than wait
	h.Set("Retry-After", strconv.Itoa(seconds))
	h.Set("RateLimit-Policy", fmt.Sprintf(`"calls";q=%d;w=%d`, a.limit, int(a.per/time.Second)))
	h.Set("RateLimit", fmt.Sprintf(`"calls";r=0;t=%d`, seconds))
	w.WriteHeader(http.StatusTooManyRequests)
}

// admit counts a request that arrives now, or says when there is room again.
func (a *api) admit() (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.served = slices.DeleteFunc(a.served, func(at time.Time) bool { return now.Sub(at) > a.per })
	ok = len(a.served) < a.limit
	a.seen = append(a.seen, sighting{now, !ok})
	if !ok {
		return a.per - now.Sub(a.served[0]), false
	}
	a.served = append(a.served, now)
	return 0, true
}

// since returns what was seen after the first n requests.
func (a *api) since(n int) []sighting {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen[n:])
}
