package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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

// Row 43: a server that answers pings and never lets more of the body go up is silent, and ends an upload as one that reads nothing does.
func TestFaultRow43WindowNeverOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := crest.NewTransport()
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
		transport.Proxy = nil
		var running sync.WaitGroup
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			out := &queuedConn{Conn: server, queue: make(chan []byte, 1000)}
			running.Go(out.run)
			running.Go(func() {
				defer out.end()
				readFrames(out, bufio.NewReader(server), func(frames, uint32, *http.Request) bool { return true })
			})
			return client, nil
		}
		c := newClient(t, "http://api.example.com", crest.WithTransport(transport))
		start := time.Now()
		_, err := faultReader.Call(t.Context(), c, faultBody{io.LimitReader(endless{}, 1<<20)})
		took := time.Since(start)
		transport.CloseIdleConnections()
		running.Wait()
		fails(t, err, crest.ErrTransport, crest.KindTimeoutIdle, crest.SentMaybe)
		require.Equal(t, time.Minute, took)
	})
}

// queuedConn never keeps its writer waiting: both sides of a pipe may want to write first.
type queuedConn struct {
	net.Conn
	queue chan []byte
}

func (q *queuedConn) Write(p []byte) (int, error) {
	q.queue <- bytes.Clone(p)
	return len(p), nil
}

func (q *queuedConn) run() {
	for p := range q.queue {
		_, _ = q.Conn.Write(p)
	}
}

func (q *queuedConn) end() {
	_ = q.Close()
	close(q.queue)
}

// When one stream finds that its HTTP/2 connection is gone, the others get errors of net/http's own: row 43, as row 9 of docs/faults.md.
func TestFaultRow43OtherStreams(t *testing.T) {
	for text, sent := range map[string]crest.Sent{
		"http2: client connection lost":                              crest.SentMaybe,
		"http2: client connection force closed via ClientConn.Close": crest.SentMaybe,
		"http2: client conn is closed":                               crest.SentMaybe,
		"http2: client conn not usable":                              crest.SentNo,
		"http2: client conn could not be established":                crest.SentNo,
		"net/http: cannot rewind body after connection loss":         crest.SentNo,
	} {
		t.Run(text, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(*http.Request) (*http.Response, error) { return nil, errors.New(text) })))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindDisconnected, sent)
		})
	}
}
