package crest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/crest-go/crest/internal/structured"
)

// Notice is what a server says of an endpoint beside its answers. Fields are zero where it says nothing.
type Notice struct {
	Endpoint    string    // method and route
	Deprecated  bool      // the Deprecation header is there (RFC 9745): the endpoint is, or will be, no longer recommended
	Deprecation time.Time // since when, or from when on; zero for a header without a date, as its drafts had it
	Sunset      time.Time // when it is expected to stop working (RFC 8594)
	Warnings    []string  // Warning headers (RFC 9111, section 5.5, has made them obsolete), quoted where they are not plain, and capped
	Links       []Link    // what to read about it: relation types deprecation, sunset, successor-version and latest-version
}

// WithNotices calls f when an answer says that its endpoint is deprecated or will go away, or warns: once for each endpoint of
// the client, and once more if another of these three comes up later. f is called by the goroutine of the call, before it returns;
// with the context of the call. [WithLogger] writes the same at Warn. nil is a mistake.
func WithNotices(f func(ctx context.Context, n Notice)) ClientOption {
	return clientOption(func(s *settings) error {
		if f == nil {
			return errors.New("WithNotices: the function is nil")
		}
		s.client.notices = f
		return nil
	})
}

// noticing is the observer behind WithNotices.
type noticing func(context.Context, Notice)

func (f noticing) observe(ctx context.Context, _ *call, what any) {
	if n, ok := what.(Notice); ok {
		f(ctx, n)
	}
}

// maxNoticed is of how many endpoints a client remembers what was told.
const maxNoticed = 10_000

// noticed remembers what was told of each endpoint: a bit for each of the three.
type noticed struct {
	mu   sync.Mutex
	told map[string]uint8
}

// adds reports whether some of it is new.
func (n *noticed) adds(endpoint string, bits uint8) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, known := n.told[endpoint]
	if before|bits == before || !known && len(n.told) >= maxNoticed {
		return false
	}
	if n.told == nil {
		n.told = map[string]uint8{}
	}
	n.told[endpoint] = before | bits
	return true
}

// heedNotice tells of what an answer says of its endpoint.
func (c *call) heedNotice(h *hop, resp *http.Response) {
	header := resp.Header
	if !c.core.observed() || len(header["Deprecation"])+len(header["Sunset"])+len(header["Warning"]) == 0 {
		return
	}
	n := c.notice(header)
	if bits := n.bits(); bits != 0 && c.core.noticed.adds(n.Endpoint, bits) {
		c.core.tell(h, c, n)
	}
}

func (n *Notice) bits() (bits uint8) {
	for i, said := range [...]bool{n.Deprecated, !n.Sunset.IsZero(), len(n.Warnings) > 0} {
		if said {
			bits |= 1 << i
		}
	}
	return bits
}

func (c *call) notice(h http.Header) Notice {
	n := Notice{Endpoint: c.endpoint.name}
	n.Deprecation, n.Deprecated = parseDeprecation(h["Deprecation"])
	if at, err := http.ParseTime(h.Get("Sunset")); err == nil {
		n.Sunset = at.UTC()
	}
	for _, line := range h["Warning"] {
		n.Warnings = append(n.Warnings, safeText(line))
	}
	for _, l := range parseLinks(h["Link"], c.at.url) {
		if slices.Contains(noticeLinks, l.Rel) {
			n.Links = append(n.Links, l)
		}
	}
	return n
}

var noticeLinks = []string{"deprecation", "sunset", "successor-version", "latest-version"}

// parseDeprecation reads the date of RFC 9745, section 2.1, and what its drafts had: true, or a date as in other headers.
func parseDeprecation(lines []string) (since time.Time, ok bool) {
	if len(lines) == 0 {
		return time.Time{}, false
	}
	if at, err := http.ParseTime(lines[0]); err == nil {
		return at.UTC(), true
	}
	item, err := structured.ParseItem(lines)
	if err != nil {
		return time.Time{}, false
	}
	switch v := item.Value.(type) {
	case structured.Date:
		return time.Unix(int64(v), 0).UTC(), true
	case bool:
		return time.Time{}, v
	case structured.Token:
		return time.Time{}, v == "true"
	}
	return time.Time{}, false
}
