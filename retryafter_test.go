package crest

import (
	"math"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SECURITY, row 35: what Retry-After can be.
func TestRetryAfter(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // the server's clock is 31 years behind
	for name, tt := range map[string]struct {
		values []string
		want   time.Duration
	}{
		"none":                        {nil, 0},
		"zero":                        {[]string{"0"}, 0},
		"seconds":                     {[]string{"120"}, 2 * time.Minute},
		"leading zeros":               {[]string{"007"}, 7 * time.Second},
		"spaces":                      {[]string{" 7\t"}, 7 * time.Second},
		"ten digits":                  {[]string{"9999999999"}, 9223372036 * time.Second},
		"the last that fits":          {[]string{"9223372035.5"}, 9223372035*time.Second + time.Second/2},
		"more nanoseconds than fit":   {[]string{"9223372037"}, 9223372036 * time.Second},
		"twenty digits":               {[]string{"99999999999999999999"}, 0},
		"a fraction alone":            {[]string{".1"}, 100 * time.Millisecond},
		"a fraction":                  {[]string{"1.5"}, 1500 * time.Millisecond},
		"a fraction of zero":          {[]string{"2.000"}, 2 * time.Second},
		"nine digits":                 {[]string{"0.000000001"}, 1},
		"ten digits, rounded up":      {[]string{"0.0000000001"}, 1},
		"fourteen digits, rounded up": {[]string{"1.99999999990001"}, 2 * time.Second},
		"ten digits, nothing to add":  {[]string{"0.1000000000"}, 100 * time.Millisecond},
		"a point alone":               {[]string{"."}, 0},
		"a point at the end":          {[]string{"1."}, 0},
		"two points":                  {[]string{"1.2.3"}, 0},
		"a comma":                     {[]string{"1,5"}, 0},
		"negative":                    {[]string{"-5"}, 0},
		"a sign":                      {[]string{"+5"}, 0},
		"an exponent":                 {[]string{"1e3"}, 0},
		"hexadecimal":                 {[]string{"0x10"}, 0},
		"a list":                      {[]string{"5, 6"}, 0},
		"twice":                       {[]string{"5", "5"}, 0},
		"empty":                       {[]string{""}, 0},
		"a word":                      {[]string{"soon"}, 0},
		"other digits":                {[]string{"٣"}, 0},
		"a date":                      {[]string{"Sun, 06 Nov 1994 08:49:40 GMT"}, 3 * time.Second},
		"a date of RFC 850":           {[]string{"Sunday, 06-Nov-94 08:49:40 GMT"}, 3 * time.Second},
		"a date of asctime":           {[]string{"Sun Nov  6 08:49:40 1994"}, 3 * time.Second},
		"a date that is past":         {[]string{"Sun, 06 Nov 1994 08:49:00 GMT"}, 0},
		"a date of another zone":      {[]string{"Sun, 06 Nov 1994 08:49:40 +0100"}, 0},
		"the year 9999":               {[]string{"Fri, 31 Dec 9999 23:59:59 GMT"}, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Date": {date}}
			if tt.values != nil {
				h["Retry-After"] = tt.values
			}
			require.Equal(t, tt.want, retryAfter(h, received))
		})
	}
}

// Without a Date of the server, or with one that is none, dates are read by our own clock.
func TestRetryAfterWithoutDate(t *testing.T) {
	received := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, dates := range [][]string{nil, {""}, {"yesterday"}} {
		h := http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:40 GMT"}, "Date": dates}
		require.Equal(t, 3*time.Second, retryAfter(h, received))
	}
}

// FuzzRetryAfter: no value makes a negative wait or a panic, and seconds are what they say to the nanosecond or a little more.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", ".1", "1.5", "9223372036.999999999", ".00100000000000000001", "00000000001", "1.", "-1", "Sun, 06 Nov 1994 08:49:40 GMT", "Sun Nov  6 08:49:40 1994"} {
		f.Add(s, "Sun, 06 Nov 1994 08:49:37 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		d := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Now())
		require.GreaterOrEqual(t, d, time.Duration(0))
		if exact, ok := new(big.Rat).SetString(value); ok && d > 0 && strings.Trim(value, ".0123456789") == "" {
			require.Equal(t, min(nanosecondsAbove(exact), maxSeconds*int64(time.Second)), int64(d), "rounded up, and cut to what a Duration holds in seconds")
		}
	})
}

// nanosecondsAbove rounds a number of seconds up.
func nanosecondsAbove(seconds *big.Rat) int64 {
	n := new(big.Rat).Mul(seconds, big.NewRat(int64(time.Second), 1))
	whole := new(big.Int).Div(new(big.Int).Add(n.Num(), new(big.Int).Sub(n.Denom(), big.NewInt(1))), n.Denom())
	if !whole.IsInt64() {
		return math.MaxInt64
	}
	return whole.Int64()
}
