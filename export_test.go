package crest

import (
	"crypto/tls"
	"net/http"
)

// NewTransport is the transport of a client that was given none.
func NewTransport() *http.Transport { return newTransport(&ownTransport{}, Timeouts{}.effective()) }

// CheckPins looks for pins in the verified chains of a connection.
func CheckPins(state tls.ConnectionState, sums ...string) error {
	pins, err := parsePins(sums)
	if err != nil {
		return err
	}
	return checkPins(state, pins)
}
