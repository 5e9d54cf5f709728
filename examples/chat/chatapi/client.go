// Package chatapi is a small SDK in the style of the APIs of language models: a completion comes as a stream of events, each with a
// few words more.
package chatapi

import (
	"fmt"
	"time"

	"github.com/crest-go/crest"
)

// Client calls one API. It is safe for concurrent use.
type Client struct{ *crest.Client[*Error] }

// Error is what the API says when it cannot answer, as the body of an answer or as an event in the middle of a stream.
type Error struct {
	Detail struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Detail.Type, e.Detail.Message) }

// New makes a Client of the API at baseURL. Options are crest's own.
func New(baseURL string, key crest.Secret, opts ...crest.ClientOption) (*Client, error) {
	own := []crest.ClientOption{
		crest.WithBearer(key),
		crest.WithTimeouts(crest.Timeouts{Header: time.Minute, Idle: 30 * time.Second}), // a model that says nothing for longer is stuck
	}
	c, err := crest.New[*Error](baseURL, append(own, opts...)...)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}
