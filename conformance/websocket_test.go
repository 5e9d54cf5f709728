package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	gorilla "github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// wsServers are servers that others wrote, each with the same few things to ask of it. They return their base URL.
var wsServers = map[string]func(t *testing.T) string{"ws of npm": nodeServer, "gorilla": gorillaServer}

// nodeServer runs testdata/ws_server.js until the test ends. Without node and its package ws the other server stands in.
func nodeServer(t *testing.T) string {
	cmd := exec.Command("node", "testdata/ws_server.js")
	cmd.Env = append(os.Environ(), "NODE_PATH="+os.Getenv("NODE_PATH")+":/usr/share/nodejs")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	if err := cmd.Start(); err != nil {
		t.Logf("node is not installed (the Debian package node-ws): gorilla/websocket stands in: %v", err)
		return gorillaServer(t)
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if err != nil {
		t.Logf("node has no package ws (the Debian package node-ws): gorilla/websocket stands in: %v", err)
		return gorillaServer(t)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// gorillaServer does the same as testdata/ws_server.js.
func gorillaServer(t *testing.T) string {
	upgrader := gorilla.Upgrader{Subprotocols: []string{"chat"}, EnableCompression: true, WriteBufferSize: 4}
	var talking sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		talking.Add(1)
		defer talking.Done()
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, data, err := conn.ReadMessage()
			if err != nil || !gorillaAnswer(conn, kind, data) {
				return
			}
		}
	}))
	t.Cleanup(func() {
		server.Close()
		talking.Wait()
	})
	return server.URL
}

func gorillaAnswer(conn *gorilla.Conn, kind int, data []byte) (goesOn bool) {
	words := append(strings.Split(string(data), " "), "", "")
	switch words[0] {
	case "close":
		code, _ := strconv.Atoi(words[1])
		payload := []byte{}
		if code != 0 {
			payload = gorilla.FormatCloseMessage(code, words[2])
		}
		return conn.WriteMessage(gorilla.CloseMessage, payload) == nil
	case "ping":
		conn.SetPongHandler(func(payload string) error {
			return conn.WriteMessage(gorilla.TextMessage, []byte("pong "+payload))
		})
		return conn.WriteMessage(gorilla.PingMessage, []byte("p1")) == nil
	case "fragments": // of the size of the buffer
		w, err := conn.NextWriter(gorilla.TextMessage)
		if err != nil {
			return false
		}
		_, err = io.WriteString(w, "one two three")
		return errors.Join(err, w.Close()) == nil
	case "hangup":
		return false
	}
	return conn.WriteMessage(kind, data) == nil
}

// TestWebSocketServers talks with servers that others wrote.
func TestWebSocketServers(t *testing.T) {
	for name, start := range wsServers {
		base := start(t)
		for how, compressed := range map[string]bool{"plain": false, "compressed": true} {
			t.Run(name+"/"+how, func(t *testing.T) { testConversation(t, base, compressed) })
		}
		t.Run(name+"/ends", func(t *testing.T) { testEnds(t, base) })
	}
}

// wsDial makes a connection and remembers the header of the 101.
func wsDial[Out, In any](t *testing.T, base string, o websocket.Options) (*websocket.Conn[Out, In], http.Header) {
	t.Helper()
	var header http.Header
	c, err := crest.New[*apiError](base, crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				header = resp.Header
			}
			return resp, err
		})
	}))
	require.NoError(t, err)
	conn, err := websocket.New[crest.Empty, Out, In]("/", o).Dial(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close(websocket.Normal, "")
		_ = c.Close()
	})
	return conn, header
}

func testConversation(t *testing.T, base string, compressed bool) {
	ctx := t.Context()
	o := websocket.Options{Subprotocols: []string{"v9", "chat"}, Compression: compressed, MaxMessage: 16 << 20}
	texts, header := wsDial[string, string](t, base, o)
	require.Equal(t, "chat", texts.Subprotocol())
	require.Equal(t, compressed, strings.HasPrefix(header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"))
	for _, text := range []string{"", "hello", "žluťoučký kůň 🐎", strings.Repeat("again and ", 500_000)} {
		require.NoError(t, texts.Send(ctx, text))
		got, err := texts.Receive(ctx)
		require.NoError(t, err)
		require.True(t, text == got, "%d bytes came back as %d", len(text), len(got))
	}
	for ask, want := range map[string]string{"ping": "pong p1", "fragments": "one two three"} {
		require.NoError(t, texts.Send(ctx, ask))
		got, err := texts.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NoError(t, texts.Close(websocket.Normal, "done"))

	bytesOf, _ := wsDial[[]byte, []byte](t, base, o)
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		data := bytes.Repeat([]byte{0xff, 0, byte(n)}, n)[:n]
		require.NoError(t, bytesOf.Send(ctx, data))
		got, err := bytesOf.Receive(ctx)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), "%d bytes came back as %d", n, len(got))
	}

	type item struct {
		Name string `json:"name" validate:"required"`
	}
	items, _ := wsDial[item, item](t, base, o)
	var receiving sync.WaitGroup
	receiving.Go(func() {
		n := 0
		for got, err := range items.All(ctx) {
			require.NoError(t, err)
			require.Equal(t, "item "+strconv.Itoa(n), got.Name)
			n++
		}
		require.Equal(t, 100, n)
	})
	for n := range 100 {
		require.NoError(t, items.Send(ctx, item{"item " + strconv.Itoa(n)}))
	}
	require.NoError(t, items.Ping(ctx), "its pong comes after the hundred messages")
	require.NoError(t, items.Close(websocket.GoingAway, ""))
	receiving.Wait()
}

// testEnds: how the server ended the connection is told.
func testEnds(t *testing.T, base string) {
	for ask, want := range map[string]websocket.CloseError{
		"close 1000":         {Code: websocket.Normal},
		"close 1001 restart": {Code: websocket.GoingAway, Reason: "restart"},
		"close 4999 enough":  {Code: 4999, Reason: "enough"},
		"close":              {Code: websocket.NoCode},
		"hangup":             {Code: websocket.Lost},
	} {
		conn, _ := wsDial[string, string](t, base, websocket.Options{})
		require.NoError(t, conn.Send(t.Context(), ask))
		_, err := conn.Receive(context.Background())
		require.ErrorIs(t, err, crest.KindDisconnected, ask)
		end, ok := errors.AsType[*websocket.CloseError](err)
		require.True(t, ok, ask)
		require.Equal(t, want, *end, ask)
		require.NoError(t, conn.Close(websocket.Normal, ""))
	}
}
