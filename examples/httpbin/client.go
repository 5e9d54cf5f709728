package httpbin

import (
	"time"

	"github.com/crest-go/crest"
)

// Version is the version of this SDK, as it stands in the User-Agent header.
const Version = "1.0.0"

// Client calls one httpbin. Make it with [New] and close it when it is done.
// It is immutable and safe for concurrent use. A nil or zero Client gives an error from each call.
type Client struct{ *crest.Client[*Error] }

// New returns a Client for the httpbin at baseURL, such as "https://httpbingo.org".
// Options of the caller come last, so that they win over those of the SDK.
func New(baseURL string, opts ...crest.ClientOption) (*Client, error) {
	base := []crest.ClientOption{
		crest.WithHeader("User-Agent", "httpbin-sdk/"+Version+" crest/"+crest.Version),
		crest.WithTimeout(30 * time.Second),
	}
	c, err := crest.New[*Error](baseURL, append(base, opts...)...)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}
