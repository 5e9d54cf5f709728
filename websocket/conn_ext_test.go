package websocket_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

type say struct {
	Text  string       `json:"text" validate:"required"`
	Token crest.Secret `json:"token,omitzero"`
}

type said struct {
	Text  string `json:"text" validate:"required"`
	Token string `json:"token,omitzero"`
}

func TestConversation(t *testing.T) {
	c := newClient(t, serve(t, nil, echo))
	conn, err := websocket.New[crest.Empty, say, said]("/chat", websocket.Options{}).Dial(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.NoError(t, conn.Send(t.Context(), say{"hello", crest.NewSecret("s3cr3t")}))
	got, err := conn.Receive(t.Context())
	require.NoError(t, err)
	require.Equal(t, said{"hello", "s3cr3t"}, got)
	require.NoError(t, conn.Close(websocket.Normal, "bye"))
	require.NoError(t, conn.Close(websocket.Normal, "bye"))
	_, err = conn.Receive(t.Context())
	require.ErrorIs(t, err, crest.KindDisconnected)
	t.Log(err)
}
