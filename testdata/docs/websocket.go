// Package docs declares what the blocks of code in docs/websocket.md take for granted.
package docs

import (
	"context"

	"github.com/crest-go/crest"
)

// Room names a room.
type Room struct {
	ID int `path:"id"`
}

// Say is sent.
type Say struct {
	Text string `json:"text"`
}

// Said is received.
type Said struct {
	From string `json:"from"`
	Text string `json:"text"`
}

var (
	ctx context.Context
	c   *crest.Client[*crest.Problem]
)
