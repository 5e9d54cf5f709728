// Package docs declares what the blocks of code in docs/streaming.md take for granted.
package docs

import (
	"context"

	"github.com/crest-go/crest"
)

// WatchRequest asks for the stream.
type WatchRequest struct{}

// Pet is what comes.
type Pet struct {
	Name string `json:"name"`
}

var (
	ctx context.Context
	c   *crest.Client[*crest.Problem]
)
