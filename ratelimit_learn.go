package crest

import (
	"net/http"
	"time"
)

// observe stops the limiter for as long as the server asks it to.
func (l *RateLimiter) observe(resp *http.Response) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return
	}
	if d := retryAfter(resp.Header, time.Now()); d > 0 {
		l.pause(min(d, maxPause))
	}
}

// pause lets nobody go for d, or for longer if that was said before: a server may only tighten. Who waits in
// vain learns it now. Then the first goes at once and those behind follow one by one, at random within the
// limit's own pace, so that what gathered does not come down on the server in one moment.
func (l *RateLimiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	end := now + int64(d)
	if end <= l.resume {
		return
	}
	l.resume, l.eased = end, end+l.span
	for w := l.queue.head; w != nil; {
		next := w.next
		if w.deadline <= end {
			l.refuse(w, end, now)
		}
		w = next
	}
	l.advance(now)
}
