package crest

import "net/http"

// NewTransport is the transport of a client that was given none.
func NewTransport() *http.Transport { return newTransport(Timeouts{}.effective()) }
