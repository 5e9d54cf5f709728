package crestdebug

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// thin separates thousands and units, and does not break.
const thin = "\u202f"

// count writes a number with its thousands apart.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteString(thin)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// several writes how many there are of something.
func several(n int64, one, many string) string {
	if n == 1 {
		many = one
	}
	return count(n) + " " + many
}

// span writes a duration with two or three digits: 1.25 ms, 31 s, 4 min.
func span(d time.Duration) string {
	type unit struct {
		of   time.Duration
		name string
	}
	for _, u := range [...]unit{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= u.of {
			return significant(float64(d)/float64(u.of)) + thin + u.name
		}
	}
	return "0" + thin + "s"
}

// significant writes a number that is 1 or more with two digits, or as many as it has before the point.
func significant(v float64) string {
	if v >= 9.95 {
		return count(int64(v + 0.5))
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// size writes a number of bytes.
func size(n int64) string {
	const step = 1024
	if n < step {
		return count(n) + thin + "B"
	}
	v, units := float64(n), "KMGT"
	for i := range len(units) {
		if v /= step; v < step || i == len(units)-1 {
			return significant(v) + thin + units[i:i+1] + "iB"
		}
	}
	return ""
}

// share writes a part of a whole: "12 (3 %)".
func share(n, of int64) string {
	if n == 0 || of == 0 {
		return count(n)
	}
	percent := fmt.Sprintf("%.0f", 100*float64(n)/float64(of))
	switch {
	case percent == "0":
		percent = "<1"
	case percent == "100" && n < of:
		percent = ">99"
	}
	return fmt.Sprintf("%s (%s%s%%)", count(n), percent, thin)
}

// perSecond is the rate of the last minute, without the second that runs, or of as much of it as there was.
func perSecond(seconds []int64, age time.Duration) float64 {
	if len(seconds) == 0 {
		return 0
	}
	whole := seconds[:len(seconds)-1]
	return float64(sum(whole)) / max(min(float64(len(whole)), age.Seconds()), 1)
}

// rateText writes a rate by the second, and a low one by the minute.
func rateText(v float64) string {
	switch {
	case v >= 1:
		return significant(v) + thin + "/s"
	case v > 0:
		return strconv.FormatFloat(v*60, 'f', 0, 64) + thin + "/min"
	}
	return "0" + thin + "/s"
}
