package conformance

import (
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// The types below are what an SDK brings along where an API's own text differs from Go's: floats that JSON cannot hold,
// and times in a format of their own below the top level of a body.

// specialFloats are the types for floats that may be NaN or infinite.
var specialFloats = map[string]reflect.Type{"float": reflect.TypeFor[specialFloat](), "double": reflect.TypeFor[specialFloat]()}

// specialFloat is a number that the protocol also writes as "NaN", "Infinity" and "-Infinity".
type specialFloat float64

// MarshalText writes the number where there is only text.
func (f specialFloat) MarshalText() ([]byte, error) {
	switch v := float64(f); {
	case math.IsInf(v, 1):
		return []byte("Infinity"), nil
	case math.IsInf(v, -1):
		return []byte("-Infinity"), nil
	default:
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
}

// UnmarshalText reads what MarshalText writes.
func (f *specialFloat) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	*f = specialFloat(v)
	return err
}

// MarshalJSON writes a number, or a string for what is none in JSON.
func (f specialFloat) MarshalJSON() ([]byte, error) {
	text, err := f.MarshalText()
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		text = strconv.AppendQuote(nil, string(text))
	}
	return text, err
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *specialFloat) UnmarshalJSON(text []byte) error {
	return f.UnmarshalText([]byte(strings.Trim(string(text), `"`)))
}

// nestedTimes are the types for timestamps where a tag cannot name their format.
var nestedTimes = map[string]reflect.Type{
	isoFormat: timeType, httpFormat: reflect.TypeFor[httpTime](), unixFormat: reflect.TypeFor[unixTime](),
}

// unixTime is a time in seconds since 1970.
type unixTime struct{ time.Time }

// MarshalText writes whole seconds.
func (u unixTime) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, u.Unix(), 10), nil }

// MarshalJSON writes a number.
func (u unixTime) MarshalJSON() ([]byte, error) { return u.MarshalText() }

// UnmarshalText reads seconds, perhaps with a fraction.
func (u *unixTime) UnmarshalText(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	u.Time = fromEpoch(seconds)
	return err
}

// UnmarshalJSON reads a number.
func (u *unixTime) UnmarshalJSON(text []byte) error { return u.UnmarshalText(text) }

// httpTime is a time in the format of HTTP's headers.
type httpTime struct{ time.Time }

// MarshalText writes an IMF-fixdate.
func (h httpTime) MarshalText() ([]byte, error) {
	return []byte(h.UTC().Format(http.TimeFormat)), nil
}

// MarshalJSON writes it as a string.
func (h httpTime) MarshalJSON() ([]byte, error) { return json.Marshal(h.UTC().Format(http.TimeFormat)) }

// UnmarshalText reads any of HTTP's three formats.
func (h *httpTime) UnmarshalText(text []byte) (err error) {
	h.Time, err = http.ParseTime(string(text))
	return err
}

// UnmarshalJSON reads it from a string.
func (h *httpTime) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	return h.UnmarshalText([]byte(s))
}

// fromEpoch is the time at a number of seconds since 1970; milliseconds are as fine as the suite gets.
func fromEpoch(seconds float64) time.Time {
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
}

func toEpoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
