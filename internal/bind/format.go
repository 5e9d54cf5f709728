package bind

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Formats of time.Time. Without one it is date-time, as in JSON.
const (
	formatDate     = "date"      // 2006-01-02
	formatDateTime = "date-time" // RFC 3339, with a fraction where there is one
	formatUnix     = "unix"      // seconds, with a fraction where there is one
	formatHTTPDate = "http-date" // RFC 9110, section 5.6.7, in GMT
)

func formatProblem(format string) string {
	switch format {
	case formatDate, formatDateTime, formatUnix, formatHTTPDate:
		return ""
	}
	return "has the unknown format " + strconv.Quote(format) + ": use date, date-time, unix or http-date"
}

func appendTime(dst []byte, t time.Time, format string) ([]byte, error) {
	switch format {
	case formatUnix:
		return appendUnix(dst, t), nil
	case formatHTTPDate:
		t = t.UTC()
	}
	if y := t.Year(); y < 0 || y > 9999 {
		return dst, &problem{text: "has a year that " + format + " can't write: use one from 0 to 9999"}
	}
	switch format {
	case formatDate:
		return t.AppendFormat(dst, time.DateOnly), nil
	case formatHTTPDate:
		return t.AppendFormat(dst, http.TimeFormat), nil
	}
	return t.AppendFormat(dst, time.RFC3339Nano), nil
}

// appendUnix writes whole seconds as an integer and loses no nanoseconds.
func appendUnix(dst []byte, t time.Time) []byte {
	seconds, nanos := t.Unix(), t.Nanosecond()
	if nanos == 0 {
		return strconv.AppendInt(dst, seconds, 10)
	}
	if seconds < 0 { // -1.25 is -2 s and 750 ms
		seconds, nanos = seconds+1, 1e9-nanos
		dst = append(dst, '-')
		seconds = -seconds
	}
	dst = strconv.AppendInt(dst, seconds, 10)
	fraction := strconv.Itoa(1e9 + nanos)[1:]
	return append(append(dst, '.'), strings.TrimRight(fraction, "0")...)
}

func parseTime(text, format string) (time.Time, error) {
	switch format {
	case formatDate:
		return time.Parse(time.DateOnly, text)
	case formatHTTPDate:
		return http.ParseTime(text)
	case formatUnix:
		return parseUnix(text)
	}
	return time.Parse(time.RFC3339Nano, text)
}

// parseUnix reads seconds with up to nine digits of fraction, and also the
// exponent that some JSON writers use for large numbers.
func parseUnix(text string) (time.Time, error) {
	if strings.ContainsAny(text, "eE") {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds != float64(int64(seconds)) {
			return time.Time{}, errUnix
		}
		return time.Unix(int64(seconds), 0).UTC(), nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, errUnix
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if strings.HasPrefix(whole, "-") {
		nanos = -nanos
	}
	return time.Unix(seconds, nanos).UTC(), nil
}

var errUnix = errors.New("not a number of seconds")
