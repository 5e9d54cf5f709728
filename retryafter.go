package crest

import (
	"math"
	"net/http"
	"strings"
	"time"
)

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or a date in any of the three forms, which is taken
// relative to the answer's own Date, so that a skewed clock does no harm. Seconds may have a fraction, which servers
// send although the RFC has none. 0 when there is none, or it makes no sense, or it says that now is fine.
// What is longer than a Duration holds is cut to that; callers have bounds of their own.
func retryAfter(h http.Header, received time.Time) time.Duration {
	values := h["Retry-After"]
	if len(values) != 1 {
		return 0
	}
	text := strings.TrimSpace(values[0])
	if d, ok := parseSeconds(text); ok {
		return d
	}
	if at, err := http.ParseTime(text); err == nil {
		return timeUntil(at, h, received)
	}
	return 0
}

// timeUntil is how long it is to a moment by the clock of the server, whose Date says what it shows; without one, by ours.
func timeUntil(at time.Time, h http.Header, received time.Time) time.Duration {
	now := received
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

const (
	secondsDigits = 10                                 // more than any wait that makes sense has before its point
	maxSeconds    = math.MaxInt64 / int64(time.Second) // in seconds: what a Duration holds
)

// parseSeconds reads digits, perhaps with a point and more digits behind it, as in 1.5 and .1. What is less than a
// nanosecond becomes one: a wait is never shorter than what was asked for.
func parseSeconds(text string) (time.Duration, bool) {
	whole, fraction, point := strings.Cut(text, ".")
	if !digitsOrNone(whole) || !digitsOrNone(fraction) || whole == "" && fraction == "" || point && fraction == "" {
		return 0, false
	}
	if len(whole) > secondsDigits {
		return 0, false
	}
	seconds := decimalValue(whole)
	if seconds >= maxSeconds {
		return time.Duration(maxSeconds) * time.Second, true
	}
	return time.Duration(seconds)*time.Second + nanoseconds(fraction), true
}

// nanoseconds are those of a fraction's digits, rounded up.
func nanoseconds(fraction string) time.Duration {
	const digits = 9
	if len(fraction) <= digits {
		return time.Duration(decimalValue(fraction + strings.Repeat("0", digits-len(fraction))))
	}
	d := time.Duration(decimalValue(fraction[:digits]))
	if strings.Trim(fraction[digits:], "0") != "" {
		d++
	}
	return d
}

// decimalValue is the value of up to 18 digits.
func decimalValue(digits string) (n int64) {
	for i := range len(digits) {
		n = 10*n + int64(digits[i]-'0')
	}
	return n
}

func digitsOrNone(s string) bool { return strings.Trim(s, "0123456789") == "" }
