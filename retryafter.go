package crest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or a date in any of the three forms,
// which is taken relative to the answer's own Date, so that a skewed clock does no harm. 0 when there is none
// or it makes no sense.
func retryAfter(h http.Header, received time.Time) time.Duration {
	values := h["Retry-After"]
	if len(values) != 1 {
		return 0
	}
	text := strings.TrimSpace(values[0])
	if allDigits(text) {
		if len(text) > 10 {
			return 0
		}
		seconds, _ := strconv.ParseInt(text, 10, 64)
		return time.Duration(min(seconds, int64(1<<63-1)/int64(time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now := received
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
