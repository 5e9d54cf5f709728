package crest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Dialect says what a server means with X-RateLimit-Reset: its name and its numbers alone do not tell.
type Dialect int

const (
	// DialectSeconds counts the seconds from now, perhaps with a fraction.
	DialectSeconds Dialect = iota + 1
	// DialectEpoch gives a moment, in seconds since 1970.
	DialectEpoch
	// DialectEpochMillis gives a moment, in milliseconds since 1970.
	DialectEpochMillis
	// DialectDate gives a moment as a date of RFC 3339 or of HTTP.
	DialectDate
	// DialectGitHub is DialectEpoch. A 403 with nothing left, or with Retry-After, slows down as a 429 does, and each
	// X-RateLimit-Resource has a quota of its own.
	DialectGitHub
	// DialectGuess takes what looks like a date for one, a number from 10¹¹ for milliseconds and one from 10⁹ for seconds since
	// 1970, and a smaller one for seconds from now. A declared dialect is better: this one errs without a word.
	DialectGuess
)

// XRateLimit makes the limiter read X-RateLimit-Limit, -Remaining and -Reset, also as X-Rate-Limit-… and RateLimit-…, which
// are not standardised and are not read without it. What it learns holds as that of RateLimit does: at most as many units as
// remain go out until the reset, and never more than the limiter's own limit. Moments are read by the clock of the answer's
// Date. What cannot be read is as if it were not there. A Dialect that there is not is a mistake.
func XRateLimit(d Dialect) LimiterOption {
	return limiterOption(func(l *RateLimiter) {
		if d < DialectSeconds || d > DialectGuess {
			l.fault("XRateLimit(%d) is no Dialect: take DialectSeconds or another", d)
			return
		}
		l.dialect = d
	})
}

// String is the name of the constant, for logs.
func (d Dialect) String() string {
	names := [...]string{"none", "DialectSeconds", "DialectEpoch", "DialectEpochMillis", "DialectDate", "DialectGitHub", "DialectGuess"}
	if d < 0 || int(d) >= len(names) {
		return fmt.Sprintf("Dialect(%d)", int(d))
	}
	return names[d]
}

// xPrefixes are how the fields' names begin, in net/http's spelling.
var xPrefixes = [...]string{"X-Ratelimit-", "X-Rate-Limit-", "Ratelimit-"}

// xPolicy begins the names of quotas that these fields tell of: one that RateLimit names cannot begin so.
const xPolicy = "\x00"

// read returns what the fields say: nothing if they are not whole.
func (d Dialect) read(h http.Header, received time.Time) (s said, ok bool) {
	if d == 0 || fromCache(h) {
		return s, false
	}
	for _, prefix := range xPrefixes {
		s = said{id: quotaID{policy: xPolicy}, size: max(unitsOf(h[prefix+"Limit"]), 0), left: unitsOf(h[prefix+"Remaining"])}
		if used := unitsOf(h[prefix+"Used"]); s.left < 0 && used >= 0 && s.size > 0 {
			s.left = max(s.size-used, 0)
		}
		if s.left < 0 || len(h[prefix+"Reset"]) != 1 {
			continue
		}
		if d == DialectGitHub {
			s.id.partition = h.Get(prefix + "Resource")
		}
		s.reset, ok = d.reset(strings.TrimSpace(h[prefix+"Reset"][0]), h, received)
		return s, ok && len(s.id.partition) <= maxQuotaID
	}
	return s, false
}

// unitsOf is the number of units in a field, or -1.
func unitsOf(values []string) int {
	const digits = 15
	if len(values) != 1 {
		return -1
	}
	text := strings.TrimSpace(values[0])
	if text == "" || len(text) > digits || !digitsOrNone(text) {
		return -1
	}
	return int(min(decimalValue(text), maxLeft))
}

// reset reads the time until a reset.
func (d Dialect) reset(text string, h http.Header, received time.Time) (time.Duration, bool) {
	switch d {
	case DialectSeconds:
		return parseSeconds(text)
	case DialectEpoch, DialectGitHub:
		since, ok := parseSeconds(text)
		return timeUntil(time.Unix(0, int64(since)), h, received), ok
	case DialectEpochMillis:
		at, ok := epochMillis(text)
		return timeUntil(at, h, received), ok
	case DialectDate:
		at, ok := parseDate(text)
		return timeUntil(at, h, received), ok
	}
	return guessDialect(text).reset(text, h, received)
}

// The smallest numbers that a guess takes for moments of the years from 2001 and from 1973.
const (
	guessEpochDigits  = 10
	guessMillisDigits = 12
)

func guessDialect(text string) Dialect {
	whole, _, _ := strings.Cut(text, ".")
	digits := len(strings.TrimLeft(whole, "0"))
	switch {
	case text == "" || !digitsOrNone(whole):
		return DialectDate
	case digits >= guessMillisDigits:
		return DialectEpochMillis
	case digits >= guessEpochDigits:
		return DialectEpoch
	}
	return DialectSeconds
}

func epochMillis(text string) (time.Time, bool) {
	const digits = 16
	if text == "" || len(text) > digits || !digitsOrNone(text) {
		return time.Time{}, false
	}
	return time.UnixMilli(decimalValue(text)), true
}

func parseDate(text string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	at, err := http.ParseTime(text)
	return at, err == nil
}

// throttles says whether a status asks to slow down, so that the Retry-After beside it counts for all. GitHub answers 403 as well.
func (d Dialect) throttles(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable ||
		status == http.StatusForbidden && d == DialectGitHub
}
