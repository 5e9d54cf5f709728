package crest

import (
	"time"
)

// WithStats makes the client count what its calls do: [StatsOf] returns the figures, and package crestdebug shows them on a page. Without
// the option nothing is counted. Counting costs a call about as much as two readings of the clock, and no memory; a failed one has its
// text written, and a body that the caller reads is noted until it is closed.
func WithStats() ClientOption {
	return clientOption(func(s *settings) error {
		s.client.stats = true
		return nil
	})
}

// Stats are the figures of a client since it was made: a copy, which its reader may change. What is counted is a call, as the caller made
// it: with retries and redirects it is one. A stream that was connected again, and a download that was continued, are one for each
// connection; requests of [RoundTripper] are none. Calls of a closed client are not counted: it keeps its last figures.
//
// The figures of an endpoint belong together; those of different ones may be a moment apart. In JSON durations are nanoseconds. The
// zero value is that of a client without [WithStats].
type Stats struct {
	On        bool            `json:"on"`        // the client counts
	Origin    string          `json:"origin"`    // of its base URL: "https://api.example.com"
	Since     time.Time       `json:"since"`     // when the client was made
	At        time.Time       `json:"at"`        // when the figures were read
	Closed    bool            `json:"closed"`    // the client was closed
	Endpoints []EndpointStats `json:"endpoints"` // those that were called, by name
	Limiters  []LimiterStats  `json:"limiters"`  // the client's, then those of the endpoints that were called
	Open      []OpenBody      `json:"open"`      // bodies that callers read now, the oldest first: 256 at most
	OpenTotal int             `json:"open_total"`
	Errors    []RecentError   `json:"errors"` // the newest first: 32 at most
}

// EndpointStats are the figures of the calls of one endpoint.
type EndpointStats struct {
	Endpoint string `json:"endpoint"`  // method and route: "GET /pets/{id}"
	Calls    int64  `json:"calls"`     // that have ended, failed ones included
	Failed   int64  `json:"failed"`    // that returned an error
	UnderWay int64  `json:"under_way"` // that have not ended
	Waiting  int64  `json:"waiting"`   // requests that ask for a slot of a limiter now
	Attempts int64  `json:"attempts"`  // that got as far as the wire
	Retries  int64  `json:"retries"`   // attempts after a call's first
	Open     int64  `json:"open"`      // bodies and connections that callers have not closed
	Broken   int64  `json:"broken"`    // bodies that broke off while a caller read them, and streams whose loop ended in an error: no failed calls

	// Statuses says how many attempts were answered with each status. 0 is no answer; a server that has sent 32 different ones
	// has the others under -1.
	Statuses map[int]int64 `json:"statuses"`
	// Failures says how many calls failed at each [Step], with a slash before the [Kind] if there is one: "status", "transport/timeout(total)".
	// A function of the caller's that panicked is "panic". Of more than 32 the others are under "other".
	Failures map[string]int64 `json:"failures"`

	Latency  Latency       `json:"latency"`
	SlotWait time.Duration `json:"slot_wait"` // that requests have waited for slots, all together; part of Latency
	Seconds  []int64       `json:"seconds"`   // calls that ended in each of the last 60 seconds; the last element is the second that runs
}

// Latency says how long calls took until they returned: with retries and waits, and of a body that the caller reads until its header. A call that
// was refused before anything was done for it is not among them.
type Latency struct {
	Calls   int64           `json:"calls"`
	Sum     time.Duration   `json:"sum"`
	Max     time.Duration   `json:"max"`
	Buckets []LatencyBucket `json:"buckets"` // shortest first, without the empty ones
}

// LatencyBucket counts the calls that took longer than From and no longer than To. The bounds are always the same: 100 µs, then each the
// one before times the square root of 2, up to seven minutes (100 µs times 2 to the power of 22). The last To is the longest call's.
type LatencyBucket struct {
	From  time.Duration `json:"from"`
	To    time.Duration `json:"to"`
	Calls int64         `json:"calls"`
}

// LimiterStats is the state of a limiter. Of one that is not a [RateLimiter] there is only the Type: N is 0, and nothing is known.
type LimiterStats struct {
	Endpoints []string      `json:"endpoints"` // that it limits; none for the client's own
	Type      string        `json:"type"`      // in Go: "*crest.RateLimiter"
	N         int           `json:"n"`         // units
	Per       time.Duration `json:"per"`
	Free      int           `json:"free"`    // units that could go now
	Waiting   int           `json:"waiting"` // requests in its queue
	Paused    time.Time     `json:"paused"`  // until then nothing goes, since an answer said so; zero if it is not
	Learned   []QuotaStats  `json:"learned"` // what answers have said
}

// QuotaStats is what answers have said of one quota of a server. Figures are 0 where they do not say.
type QuotaStats struct {
	Policy string        `json:"policy"` // its name, quoted where it is not plain; empty for that of X-RateLimit fields
	Limit  int           `json:"limit"`  // units in a Window
	Window time.Duration `json:"window"`
	Left   int           `json:"left"`  // until Reset
	Reset  time.Time     `json:"reset"` // zero: nothing is known of Left
}

// OpenBody is a body that a caller reads, or a connection after an upgrade.
type OpenBody struct {
	Endpoint   string    `json:"endpoint"`
	Since      time.Time `json:"since"`
	Connection bool      `json:"connection"` // after an upgrade, such as a WebSocket
	Received   int64     `json:"received"`   // bytes; of a body after decompression
	Sent       int64     `json:"sent"`       // bytes, of a connection
}

// RecentError is a call that failed, or a body that broke off. Text is that of the error, which shows no secrets; the error itself is not kept.
type RecentError struct {
	At        time.Time `json:"at"`
	Endpoint  string    `json:"endpoint"`
	RequestID string    `json:"request_id"` // the server's
	Text      string    `json:"text"`
}

// StatsOf returns the figures of a client that was made with [WithStats]. It is safe for concurrent use, takes locks for microseconds, and is meant
// to be called every few seconds. A Caller without a client gives the zero value.
func StatsOf(c Caller) Stats {
	core := behind(c)
	if core == nil || core.stats == nil {
		return Stats{}
	}
	return core.stats.snapshot(core)
}
