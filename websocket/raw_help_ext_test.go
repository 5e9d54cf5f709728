package websocket_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The first byte of a frame.
const (
	fin    = 0x80
	rsv1   = 0x40
	rsv2   = 0x20
	more   = 0x00
	text   = 0x1
	bytes_ = 0x2
	closes = 0x8
	ping   = 0x9
	pong   = 0xA
)

// peer is a server that speaks bytes.
type peer struct {
	net.Conn
	in  *bufio.Reader
	req *http.Request
}

// listen hands each connection, with its first request, to talk.
func listen(t testing.TB, talk func(p *peer)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { handshake(conn, talk) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// handshake hands a connection, with its first request, to talk.
func handshake(conn net.Conn, talk func(p *peer)) {
	defer conn.Close()
	p := &peer{Conn: conn, in: bufio.NewReader(conn)}
	var err error
	if p.req, err = http.ReadRequest(p.in); err == nil {
		talk(p)
	}
}

// pipes is listen in memory, for bubbles of testing/synctest: no time passes while bytes are under way.
func pipes(talk func(p *peer)) crest.ClientOption {
	return crest.WithTransport(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go handshake(far, talk)
		return near, nil
	}})
}

// rawPipes is raw in memory.
func rawPipes(talk func(p *peer)) crest.ClientOption {
	return pipes(func(p *peer) {
		p.accept()
		talk(p)
	})
}

// inMemory is the base URL of pipes.
const inMemory = "http://api.example.com"

// raw is listen with the handshake made.
func raw(t testing.TB, talk func(p *peer)) string {
	t.Helper()
	return listen(t, func(p *peer) {
		p.accept()
		talk(p)
	})
}

// accept answers the handshake; lines are further headers.
func (p *peer) accept(lines ...string) {
	sum := sha1.Sum([]byte(p.req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	lines = append([]string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:])}, lines...)
	p.says(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

func (p *peer) says(text string) { _, _ = io.WriteString(p.Conn, text) }

// frame is an unmasked one.
func frame(first byte, payload string) string {
	head := []byte{first}
	switch n := len(payload); {
	case n < 126:
		head = append(head, byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 127), uint64(n))
	}
	return string(head) + payload
}

// goodbye is a close frame.
func goodbye(code int, reason string) string {
	return frame(fin|closes, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

// hears reads one frame of the client: its first byte, its mask, its payload.
func (p *peer) hears() (first byte, mask [4]byte, payload string, err error) {
	var head [2]byte
	if _, err = io.ReadFull(p.in, head[:]); err != nil {
		return 0, mask, "", err
	}
	size := uint64(head[1] & 0x7f)
	wide := map[uint64]int{126: 2, 127: 8}[size]
	if wide > 0 {
		length := make([]byte, 8)
		if _, err = io.ReadFull(p.in, length[8-wide:]); err != nil {
			return 0, mask, "", err
		}
		size = binary.BigEndian.Uint64(length)
	}
	if head[1]&0x80 == 0 {
		return 0, mask, "", fmt.Errorf("the client's frame is not masked")
	}
	if _, err = io.ReadFull(p.in, mask[:]); err != nil {
		return 0, mask, "", err
	}
	data := make([]byte, size)
	_, err = io.ReadFull(p.in, data)
	for i := range data {
		data[i] ^= mask[i%4]
	}
	return head[0], mask, string(data), err
}

// rest reads frames to the end of the connection, or to a close frame, which it answers. It returns the code of that: 0 for none.
func (p *peer) rest() int {
	for {
		first, _, payload, err := p.hears()
		switch {
		case err != nil:
			return 0
		case first == fin|closes && len(payload) >= 2:
			p.says(frame(first, payload))
			return int(binary.BigEndian.Uint16([]byte(payload)))
		}
	}
}
