package crest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/crest-go/crest"
)

// mute is an HTTP/2 server that takes every frame and says nothing after its settings: neither answers nor pongs.
func mute(conn net.Conn) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	var writing sync.WaitGroup
	writing.Go(func() { _ = framer.WriteSettings() })
	defer writing.Wait()
	for {
		if _, err := framer.ReadFrame(); err != nil {
			return
		}
	}
}

// R36, row 43: a connection whose server has gone silent is found by a ping after 15 seconds, and given up 5 seconds later: long before
// the timeout for the header, and the next call has a connection of its own.
func TestR36DeadHTTP2Connections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := crest.NewTransport()
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
		transport.Proxy = nil
		var running sync.WaitGroup
		dials := 0
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			dials++
			running.Go(func() { mute(server) })
			return client, nil
		}
		c := newClient(t, "http://api.example.com", crest.WithTransport(transport))
		for range 2 {
			start := time.Now()
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
			require.Equal(t, 20*time.Second, time.Since(start))
		}
		require.Equal(t, 2, dials)
		transport.CloseIdleConnections()
		running.Wait()
	})
}
