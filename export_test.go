package crest

import (
	"crypto/tls"
	"net/http"
)

// NewTransport is the transport of a client that was given none.
func NewTransport() *http.Transport {
	return newProxies(&ownTransport{}, Timeouts{}.effective()).transports.first
}

// CheckPins looks for pins in the verified chains of a connection.
func CheckPins(state tls.ConnectionState, sums ...string) error {
	pins, err := parsePins(sums)
	if err != nil {
		return err
	}
	return checkPins(state, pins)
}

// OwnTransport is the transport that New made.
func OwnTransport(c Caller) *http.Transport { return c.caller().own }

// BaseURL is the client's.
func BaseURL(c Caller) string { return c.caller().base.String() }

// PlacesTaken is how many hops have a place in the pool.
func PlacesTaken(c Caller) int {
	p := c.caller().places
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// ReplaceWire puts rt below the pool of a client that nobody uses yet.
func ReplaceWire(c Caller, rt http.RoundTripper) { c.caller().wire = rt }

// PlacesWaiting is how many wait for one.
func PlacesWaiting(c Caller) (n int) {
	p := c.caller().places
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		n += l.waiting.Len()
	}
	return n
}
