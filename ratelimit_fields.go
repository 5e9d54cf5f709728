package crest

import (
	"net/http"
	"time"

	"github.com/crest-go/crest/internal/structured"
)

// quotaID names what a server counts: one of its policies, within one partition.
type quotaID struct{ policy, partition string }

// said is what one answer says of one quota.
type said struct {
	id quotaID
	// The policy: no more than size units in any window. What is zero was not said.
	size   int
	window time.Duration
	// The service limit: no more than left units until reset is over. A reset of 0 says nothing.
	left  int
	reset time.Duration
	// What is counted are not requests.
	foreign bool
}

const (
	maxQuotas   = 8   // that a limiter remembers, and that it reads of one answer
	maxQuotaID  = 256 // bytes of a policy's name or partition key: a longer one is not looked at
	maxLeft     = maxUnits
	unitRequest = "requests"
)

// rateLimitFields reads RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers, version 11, sections 3 and 4).
// What is malformed is as if it were not there. An answer that a cache kept says nothing about now (section 7.3).
func rateLimitFields(h http.Header) []said {
	limits, policies := h["Ratelimit"], h["Ratelimit-Policy"]
	if len(limits) == 0 && len(policies) == 0 || fromCache(h) {
		return nil
	}
	var all []said
	for _, item := range quotaItems(policies) {
		all = addPolicy(all, item)
	}
	for _, item := range quotaItems(limits) {
		all = addServiceLimit(all, item)
	}
	return all
}

func fromCache(h http.Header) bool {
	age := h.Get("Age")
	return age != "" && age != "0"
}

func quotaItems(lines []string) []structured.Item {
	items, err := structured.ParseList(lines)
	if err != nil {
		return nil
	}
	return items[:min(len(items), maxQuotas)]
}

// addPolicy reads an item of RateLimit-Policy: "burst";q=100;w=60.
func addPolicy(all []said, item structured.Item) []said {
	id, ok := idOf(item)
	if !ok {
		return all
	}
	s := said{id: id, size: unitCount(item.Params.Get("q")), window: secondsOf(item.Params.Get("w"))}
	switch unit := item.Params.Get("qu"); unit {
	case nil, unitRequest, "request": // the draft's text has one, its registry the other
	default:
		s.foreign = true
	}
	if s.size <= 0 {
		return all
	}
	return append(all, s)
}

// addServiceLimit reads an item of RateLimit: "burst";r=50;t=30. Without t the policy's whole window may be ahead.
func addServiceLimit(all []said, item structured.Item) []said {
	id, ok := idOf(item)
	left, reset := unitCount(item.Params.Get("r")), secondsOf(item.Params.Get("t"))
	if !ok || left < 0 {
		return all
	}
	for i := range all {
		if s := &all[i]; s.id == id {
			s.left, s.reset = left, reset
			if item.Params.Get("t") == nil {
				s.reset = s.window
			}
			return all
		}
	}
	return append(all, said{id: id, left: left, reset: reset})
}

// idOf reads the policy's name, which is a String (earlier drafts had Tokens), and the partition key.
func idOf(item structured.Item) (id quotaID, ok bool) {
	switch name := item.Value.(type) {
	case string:
		id.policy = name
	case structured.Token:
		id.policy = string(name)
	default:
		return id, false
	}
	switch key := item.Params.Get("pk").(type) {
	case nil:
	case []byte:
		id.partition = string(key)
	default:
		return id, false
	}
	return id, len(id.policy) <= maxQuotaID && len(id.partition) <= maxQuotaID
}

// unitCount is a number of units, or -1 for what is none.
func unitCount(v any) int {
	n, ok := v.(int64)
	if !ok || n < 0 {
		return -1
	}
	return int(min(n, maxLeft))
}

// secondsOf is a time, 0 for what is none.
func secondsOf(v any) time.Duration {
	n, ok := v.(int64)
	if !ok || n < 0 {
		return 0
	}
	return time.Duration(min(n, maxSeconds)) * time.Second
}
