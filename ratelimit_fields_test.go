package crest

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What RateLimit and RateLimit-Policy may hold, and what is as if it were not there.
func TestRateLimitFields(t *testing.T) {
	burst, daily := quotaID{policy: "burst"}, quotaID{policy: "daily"}
	for name, tt := range map[string]struct {
		limit, policy []string
		want          []said
	}{
		"limit":                  {[]string{`"burst";r=50;t=30`}, nil, []said{{id: burst, left: 50, reset: 30 * time.Second}}},
		"policy":                 {nil, []string{`"burst";q=100;w=60`}, []said{{id: burst, size: 100, window: time.Minute}}},
		"both":                   {[]string{`"burst";r=50;t=30`}, []string{`"burst";q=100;w=60`}, []said{{burst, 100, time.Minute, 50, 30 * time.Second, false}}},
		"no t":                   {[]string{`"burst";r=50`}, []string{`"burst";q=100;w=60`}, []said{{burst, 100, time.Minute, 50, time.Minute, false}}},
		"no t, no policy":        {[]string{`"burst";r=50`}, nil, []said{{id: burst, left: 50}}},
		"t of zero":              {[]string{`"burst";r=50;t=0`}, []string{`"burst";q=100;w=60`}, []said{{id: burst, size: 100, window: time.Minute, left: 50}}},
		"two policies":           {[]string{`"daily";r=1;t=9`}, []string{`"burst";q=100;w=60,"daily";q=5;w=86400`}, []said{{id: burst, size: 100, window: time.Minute}, {daily, 5, 24 * time.Hour, 1, 9 * time.Second, false}}},
		"two lines":              {[]string{`"burst";r=5;t=1`, `"daily";r=6;t=2`}, nil, []said{{id: burst, left: 5, reset: time.Second}, {id: daily, left: 6, reset: 2 * time.Second}}},
		"partitions":             {[]string{`"burst";r=5;t=1;pk=:YQ==:, "burst";r=6;t=1;pk=:Yg==:`}, nil, []said{{id: quotaID{"burst", "a"}, left: 5, reset: time.Second}, {id: quotaID{"burst", "b"}, left: 6, reset: time.Second}}},
		"a token":                {[]string{`burst;r=5;t=1`}, nil, []said{{id: burst, left: 5, reset: time.Second}}},
		"others are comments":    {[]string{`"burst";r=5;t=1;acme-burst=7;x`}, nil, []said{{id: burst, left: 5, reset: time.Second}}},
		"requests":               {nil, []string{`"burst";q=1;w=60;qu="requests"`}, []said{{id: burst, size: 1, window: time.Minute}}},
		"bytes":                  {[]string{`"burst";r=5;t=1`}, []string{`"burst";q=65535;qu="content-bytes";w=10`}, []said{{burst, 65535, 10 * time.Second, 5, time.Second, true}}},
		"a unit that is none":    {nil, []string{`"burst";q=1;w=1;qu=5`}, []said{{id: burst, size: 1, window: time.Second, foreign: true}}},
		"no window":              {nil, []string{`"burst";q=9`}, []said{{id: burst, size: 9}}},
		"a quota of none":        {nil, []string{`"burst";q=0;w=60`}, nil},
		"no quota":               {nil, []string{`"burst";w=60`}, nil},
		"negative":               {[]string{`"burst";r=-1;t=1`}, []string{`"burst";q=-1;w=1`}, nil},
		"negative time":          {[]string{`"burst";r=1;t=-1`}, nil, []said{{id: burst, left: 1}}},
		"decimals":               {[]string{`"burst";r=1.5;t=1`}, nil, nil},
		"strings":                {[]string{`"burst";r="1";t=1`}, nil, nil},
		"no r":                   {[]string{`"burst";t=1`}, nil, nil},
		"a name of no text":      {[]string{`5;r=1;t=1, (a b);r=1;t=1`}, nil, nil},
		"a key of no bytes":      {[]string{`"burst";r=1;t=1;pk="a"`}, nil, nil},
		"a long name":            {[]string{`"` + strings.Repeat("x", 257) + `";r=1;t=1`}, nil, nil},
		"an earlier draft":       {[]string{`limit=100, remaining=50, reset=30`}, nil, nil},
		"no structured field":    {[]string{`"burst";r=5;t=1,`}, []string{`"burst"; q=1;w=1`}, []said{{id: burst, size: 1, window: time.Second}}},
		"empty":                  {[]string{""}, []string{""}, nil},
		"more than fits":         {[]string{`"burst";r=999999999999999;t=999999999999999`}, nil, []said{{id: burst, left: maxUnits, reset: math.MaxInt64 / time.Second * time.Second}}},
		"more than is looked at": {[]string{strings.Repeat(`"burst";r=5;t=1,`, 8) + `"daily";r=1;t=1`}, []string{`"burst";q=9;w=60`}, []said{{burst, 9, time.Minute, 5, time.Second, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Ratelimit": tt.limit, "Ratelimit-Policy": tt.policy}
			require.Equal(t, tt.want, rateLimitFields(h))
			h.Set("Age", "1")
			require.Nil(t, rateLimitFields(h), "an answer of a cache")
			h.Set("Age", "0")
			require.Equal(t, tt.want, rateLimitFields(h))
		})
	}
}

// What each dialect makes of the fields. The server's clock shows 10:00:00, ours something else.
func TestDialects(t *testing.T) {
	const date = "Sat, 21 Nov 2026 10:00:00 GMT" // 1795255200
	x := func(limit, remaining, reset string) http.Header {
		return http.Header{"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}}
	}
	for name, tt := range map[string]struct {
		dialect Dialect
		h       http.Header
		left    int // -1 for nothing learned
		reset   time.Duration
	}{
		"not declared":         {0, x("60", "5", "30"), -1, 0},
		"seconds":              {DialectSeconds, x("60", "5", "30"), 5, 30 * time.Second},
		"fraction":             {DialectSeconds, x("60", "5", "0.25"), 5, time.Second / 4},
		"X-Rate-Limit":         {DialectSeconds, http.Header{"X-Rate-Limit-Remaining": {"5"}, "X-Rate-Limit-Reset": {"3"}}, 5, 3 * time.Second},
		"RateLimit-Remaining":  {DialectSeconds, http.Header{"Ratelimit-Remaining": {"5"}, "Ratelimit-Reset": {"3"}}, 5, 3 * time.Second},
		"epoch":                {DialectEpoch, x("60", "5", "1795255230"), 5, 30 * time.Second},
		"epoch, past":          {DialectEpoch, x("60", "5", "1795255000"), 5, 0},
		"millis":               {DialectEpochMillis, x("60", "5", "1795255200500"), 5, time.Second / 2},
		"RFC 3339":             {DialectDate, x("60", "5", "2026-11-21T11:00:30+01:00"), 5, 30 * time.Second},
		"HTTP date":            {DialectDate, x("60", "5", "Sat, 21 Nov 2026 10:00:30 GMT"), 5, 30 * time.Second},
		"github":               {DialectGitHub, x("60", "0", "1795255230"), 0, 30 * time.Second},
		"used":                 {DialectGitHub, http.Header{"X-Ratelimit-Limit": {"60"}, "X-Ratelimit-Used": {"58"}, "X-Ratelimit-Reset": {"1795255230"}}, 2, 30 * time.Second},
		"used up":              {DialectGitHub, http.Header{"X-Ratelimit-Limit": {"60"}, "X-Ratelimit-Used": {"61"}, "X-Ratelimit-Reset": {"1795255230"}}, 0, 30 * time.Second},
		"guessed seconds":      {DialectGuess, x("60", "5", "999999999"), 5, 999999999 * time.Second},
		"guessed epoch":        {DialectGuess, x("60", "5", "1795255230"), 5, 30 * time.Second},
		"guessed fraction":     {DialectGuess, x("60", "5", "1795255230.5"), 5, 30500 * time.Millisecond},
		"guessed millis":       {DialectGuess, x("60", "5", "1795255230000"), 5, 30 * time.Second},
		"guessed date":         {DialectGuess, x("60", "5", "2026-11-21T10:00:30Z"), 5, 30 * time.Second},
		"guessed HTTP date":    {DialectGuess, x("60", "5", "Sat, 21 Nov 2026 10:00:30 GMT"), 5, 30 * time.Second},
		"guessed nonsense":     {DialectGuess, x("60", "5", "soon"), -1, 0},
		"guessed nothing":      {DialectGuess, x("60", "5", ""), -1, 0},
		"a number as date":     {DialectDate, x("60", "5", "30"), -1, 0},
		"a date as seconds":    {DialectSeconds, x("60", "5", "2026-11-21T10:00:30Z"), -1, 0},
		"negative seconds":     {DialectSeconds, x("60", "5", "-30"), -1, 0},
		"twenty digits":        {DialectEpochMillis, x("60", "5", "99999999999999999999"), -1, 0},
		"negative remaining":   {DialectSeconds, x("60", "-5", "30"), -1, 0},
		"remaining of no sort": {DialectSeconds, x("60", "many", "30"), -1, 0},
		"huge remaining":       {DialectSeconds, x("60", "999999999999999", "30"), maxUnits, 30 * time.Second},
		"no limit":             {DialectSeconds, x("", "5", "30"), 5, 30 * time.Second},
		"no remaining":         {DialectSeconds, http.Header{"X-Ratelimit-Reset": {"30"}}, -1, 0},
		"no reset":             {DialectSeconds, http.Header{"X-Ratelimit-Remaining": {"30"}}, -1, 0},
		"reset twice":          {DialectSeconds, http.Header{"X-Ratelimit-Remaining": {"3"}, "X-Ratelimit-Reset": {"3", "4"}}, -1, 0},
		"from a cache":         {DialectSeconds, http.Header{"Age": {"7"}, "X-Ratelimit-Remaining": {"3"}, "X-Ratelimit-Reset": {"3"}}, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tt.h.Set("Date", date)
			s, ok := tt.dialect.read(tt.h, time.Unix(0, 0))
			require.Equal(t, tt.left >= 0, ok)
			if ok {
				require.Equal(t, tt.left, s.left)
				require.Equal(t, tt.reset, s.reset)
			}
		})
	}
	h := x("60", "5", "1795255230")
	h.Set("X-RateLimit-Resource", "search")
	s, _ := DialectGitHub.read(h, time.Now())
	require.Equal(t, "search", s.id.partition)
	for d := Dialect(-1); d <= DialectGuess+1; d++ {
		require.NotEmpty(t, d.String())
	}
}

// SECURITY 4.3, test 6: whatever a server says, nothing panics, the limit is never raised, and nobody waits longer than the cap.
func FuzzServersWord(f *testing.F) {
	f.Add(200, uint8(0), `"a";r=5;t=30`, `"a";q=10;w=60`, "", "", "", "")
	f.Add(429, uint8(1), "", "", "60", "0", "30", "7")
	f.Add(403, uint8(5), "", "", "60", "0", "946684900", "Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add(503, uint8(6), `"a";r=0;t=999999999999999`, `"a";q=1;w=999999999999999`, "1", "1", "9999999999", "99999999999")
	f.Fuzz(func(t *testing.T, status int, dialect uint8, limit, policy, xLimit, remaining, reset, after string) {
		h := http.Header{"Ratelimit": {limit}, "Ratelimit-Policy": {policy}, "X-Ratelimit-Limit": {xLimit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}}
		if after != "" {
			h.Set("Retry-After", after)
		}
		synctest.Test(t, func(t *testing.T) {
			const n, per = 3, time.Minute
			l := NewLimiter(n, per, XRateLimit(Dialect(dialect%6)+1))
			var grants []time.Duration
			start := time.Now()
			for range 4 * n {
				asked := time.Now()
				slot, err := l.Slot(t.Context(), nil, 1)
				require.NoError(t, err)
				require.LessOrEqual(t, time.Since(asked), maxPause+per, "longer than the cap")
				grants = append(grants, time.Since(start))
				slot.Sent()
				slot.(Feedback).Observe(&http.Response{StatusCode: status, Header: h})
				require.LessOrEqual(t, len(l.quotas), maxQuotas)
			}
			for i, at := range grants[n:] {
				require.Greater(t, at-grants[i], per, fmt.Sprint("the limit was raised: ", grants))
			}
		})
	})
}
