package chatapi

import (
	"context"
	"time"

	"github.com/crest-go/crest/websocket"
)

// RoomRequest asks for a place in a room.
type RoomRequest struct {
	Room string `path:"room"`
	Name string `query:"name" validate:"required"` // what the others see
}

// Say is what a member sends, and Said what all of them get.
type (
	Say struct {
		Text string `json:"text" validate:"required,max=500"`
	}
	Said struct {
		From string `json:"from" validate:"required"`
		Text string `json:"text"`
	}
)

// Shouting is the close code for members who were told to leave.
const Shouting = 4000

// Room is a place in a room. Leave it with Close(websocket.Normal, "").
type Room = websocket.Conn[Say, Said]

// enter is an endpoint like any other: the client's key goes along, and its error model is what a refusal is decoded into.
var enter = websocket.New[RoomRequest, Say, Said]("/v1/rooms/{room}", websocket.Options{Heartbeat: 20 * time.Second})

// Enter takes a place in a room. ctx ends the dial alone.
func (c *Client) Enter(ctx context.Context, room, name string) (*Room, error) {
	return enter.Dial(ctx, c, RoomRequest{Room: room, Name: name})
}
