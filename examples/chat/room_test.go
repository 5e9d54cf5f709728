package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"

	"github.com/crest-go/crest/examples/chat/chatapi"
)

// What is shown of rooms notices rooms that are not as they should be.
func TestRoomNoticesWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		room func(ctx context.Context, conn *websocket.Conn)
		show func(ctx context.Context, c *chatapi.Client, out *bytes.Buffer) error
		says string
	}{
		"another word": {func(ctx context.Context, conn *websocket.Conn) {
			_ = wsjson.Write(ctx, conn, chatapi.Said{From: "room", Text: "who?"})
		}, func(ctx context.Context, c *chatapi.Client, out *bytes.Buffer) error { return showRoom(ctx, c, out) }, "heard {room who?}"},
		"no code of its own": {func(_ context.Context, conn *websocket.Conn) {
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}, func(ctx context.Context, c *chatapi.Client, out *bytes.Buffer) error { return showDoor(ctx, c, out) }, "closed in good order"},
		"everyone is let in": {func(ctx context.Context, conn *websocket.Conn) { _, _, _ = conn.Read(ctx) },
			func(ctx context.Context, c *chatapi.Client, out *bytes.Buffer) error { return showRefused(ctx, c, out) }, "entering twice"},
	} {
		t.Run(name, func(t *testing.T) {
			base, stop, err := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, err := websocket.Accept(w, r, nil)
				if err != nil {
					return
				}
				defer conn.CloseNow()
				tt.room(r.Context(), conn)
			}))
			require.NoError(t, err)
			defer stop()
			c, err := chatapi.New(base, crest.NewSecret(key))
			require.NoError(t, err)
			defer c.Close()
			require.ErrorContains(t, tt.show(t.Context(), c, &bytes.Buffer{}), tt.says)
		})
	}
}
