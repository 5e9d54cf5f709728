// Package http3 is the code of the recipe "HTTP/3" in docs/recipes.md: quic-go's transport below crest. It is a module of its own, so that
// nobody needs quic-go who does not use it. It is for copying and changing.
package http3

import (
	"crypto/tls"
	"net/http"

	quic "github.com/quic-go/quic-go/http3"
)

// recipe: http3

// Transport speaks HTTP/3 (RFC 9114), and nothing else: https only, over UDP, with no way back to HTTP/2. A nil config means the system's
// roots. Close it when the client is done: crest leaves a transport that it was given alone.
func Transport(config *tls.Config) *quic.Transport {
	return &quic.Transport{
		TLSClientConfig:        config,
		DisableCompression:     true, // crest decompresses by itself, within bounds
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// end of recipe

var _ http.RoundTripper = (*quic.Transport)(nil)
