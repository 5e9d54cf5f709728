package conformance

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// First bytes of frames that are whole messages.
const (
	wsText    = 0x81
	wsBinary  = 0x82
	wsClosing = 0x88
	wsPing    = 0x89
	wsPong    = 0x8A
	wsDeflate = 0x40 // beside one of the first two
)

var wsOpcodes = map[string]byte{"BINARY": wsBinary, "CLOSE": wsClosing, "PING": wsPing, "PONG": wsPong}

// wsPeer is a server of WebSockets that speaks bytes.
type wsPeer struct {
	net.Conn
	in  *bufio.Reader
	key string
}

// wsServer hands each connection, with its handshake read, to talk. It ends with the row.
func (r *row) wsServer(talk func(p *wsPeer)) string {
	l := r.listen()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				p := &wsPeer{Conn: conn, in: bufio.NewReader(conn)}
				if req, err := http.ReadRequest(p.in); err == nil {
					p.key = req.Header.Get("Sec-WebSocket-Key")
					talk(p)
				}
			})
		}
	})
	r.after(func() {
		must(l.Close())
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// wsAnswer is what a server says to a handshake.
type wsAnswer struct {
	status                      int
	upgrade, connection, accept string // accept "valid" is the right one
	protocol, extensions        string
}

func (p *wsPeer) greet() {
	p.answer(wsAnswer{status: http.StatusSwitchingProtocols, upgrade: "websocket", connection: "upgrade", accept: "valid"})
}

func (p *wsPeer) answer(a wsAnswer) {
	if a.accept == "valid" {
		sum := sha1.Sum([]byte(p.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		a.accept = base64.StdEncoding.EncodeToString(sum[:])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d Answer\r\n", a.status)
	for _, field := range [][2]string{
		{"Upgrade", a.upgrade}, {"Connection", a.connection}, {"Sec-WebSocket-Accept", a.accept},
		{"Sec-WebSocket-Protocol", a.protocol}, {"Sec-WebSocket-Extensions", a.extensions},
	} {
		if field[1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", field[0], field[1])
		}
	}
	if a.status != http.StatusSwitchingProtocols {
		b.WriteString("Content-Length: 0\r\n")
	}
	p.says(b.String() + "\r\n")
}

func (p *wsPeer) says(text string) { _, _ = io.WriteString(p, text) }

// wsFrame is a short frame, as servers send it.
func wsFrame(first byte, payload string) string {
	return string([]byte{first, byte(len(payload))}) + payload
}

// hears reads a short frame of the client; its first byte is 0 at the end of the connection.
func (p *wsPeer) hears() (first byte, payload string) {
	var head [6]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return 0, ""
	}
	data := make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(p.in, data); err != nil {
		return 0, ""
	}
	for i := range data {
		data[i] ^= head[2+i%4]
	}
	return head[0], string(data)
}

// untilClosed reads frames, says yes to a message, answers a close frame, and returns what the frames began with.
func (p *wsPeer) untilClosed() (firsts []byte) {
	for {
		first, payload := p.hears()
		switch firsts = append(firsts, first); first {
		case 0:
			return firsts
		case wsClosing:
			p.says(wsFrame(wsClosing, payload))
			return firsts
		case wsText:
			p.says(wsFrame(wsText|wsDeflate, wsYes))
		}
	}
}

// wsYes is "yes" as a compressed message: a stored block, and an empty one without its end (RFC 7692, section 7.2.3.2).
var wsYes = func() string {
	head := binary.LittleEndian.AppendUint16([]byte{0}, 3)
	return string(binary.LittleEndian.AppendUint16(head, ^uint16(3))) + "yes" + "\x00"
}()

// closings reads to the end of the connection and returns the payloads of close frames; it answers nothing.
func (p *wsPeer) closings() (payloads []string) {
	for {
		first, payload := p.hears()
		switch first {
		case 0:
			return payloads
		case wsClosing:
			payloads = append(payloads, payload)
		}
	}
}
