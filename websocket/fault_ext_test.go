package websocket_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// dialRow is a row of docs/faults.md before a dial.
type dialRow struct {
	answer func(p *peer) // after it the connection is closed, unless waits is set
	waits  bool
	step   crest.Step // "" is none
	kind   crest.Kind
	sent   crest.Sent
}

func dialRows() map[string]dialRow {
	const ok = "HTTP/1.1 200 OK\r\n"
	writes := func(text string, step crest.Step, kind crest.Kind, sent crest.Sent) dialRow {
		return dialRow{func(p *peer) { p.says(text) }, false, step, kind, sent}
	}
	lost := func(text string) dialRow {
		return writes(text, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
	}
	broken := func(text string) dialRow {
		row := writes(text, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
		row.waits = true
		return row
	}
	refused := func(text string) dialRow { return writes(text, crest.ErrStatus, "", crest.SentYes) }
	return map[string]dialRow{
		"row 9 no byte":            lost(""),
		"row 9 reset":              {func(p *peer) { _ = p.Conn.(*net.TCPConn).SetLinger(0) }, false, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe},
		"row 11 status line":       lost("HTTP/1.1 101 S"),
		"row 11 header":            lost("HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs"),
		"row 12 not HTTP":          broken("SSH-2.0-OpenSSH_9.9\r\n"),
		"row 13 short":             refused("HTTP/1.1 502 x\r\nContent-Length: 100\r\n\r\n{"),
		"row 15 zz":                refused("HTTP/1.1 502 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
		"row 16 length 20 digits":  broken(ok + "Content-Length: 99999999999999999999\r\n\r\n"),
		"row 16 two lengths":       broken(ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
		"row 23 103s without end":  broken(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 10_000)),
		"row 23 another protocol":  {func(p *peer) { p.says("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n") }, true, crest.ErrTransport, crest.KindProtocol, crest.SentYes},
		"row 24 one header":        broken(ok + "X-A: " + strings.Repeat("a", 300<<10) + "\r\n\r\n"),
		"row 24 NUL":               broken(ok + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n"),
		"row 25 099":               refused("HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n"),
		"row 25 999":               refused("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"),
		"row 26 a page":            refused(ok + "Content-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"),
		"row 27 an error's page":   refused("HTTP/1.1 502 x\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"),
		"row 28 nothing":           refused(ok + "Content-Length: 0\r\n\r\n"),
		"row 31 br":                refused("HTTP/1.1 502 x\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nxxx"),
		"row 33 a redirect":        refused("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
		"row 33 another scheme":    refused("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
		"row 35 Retry-After":       refused("HTTP/1.1 503 x\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n"),
		"row 36 500":               refused("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"),
		"row 37 401":               refused("HTTP/1.1 401 x\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"),
		"row 19 a frame at once":   {func(p *peer) { p.accept(); p.says(frame(fin|ping, "early")); echoes(p) }, false, "", "", 0},
		"row 23 100 and 103 first": {func(p *peer) { p.says("HTTP/1.1 103 Early Hints\r\n\r\n"); p.accept(); echoes(p) }, false, "", "", 0},
	}
}

// echoes sends messages back until the connection ends, and pongs nothing.
func echoes(p *peer) {
	for {
		first, _, payload, err := p.hears()
		switch {
		case err != nil:
			return
		case first == fin|closes:
			p.says(frame(first, payload))
			return
		case first == fin|text:
			p.says(frame(first, payload))
		}
	}
}

// TestFaultMatrix puts each fault before a dial. Each ends in the error of its row, the next dial works, and no connection is left:
// the server waits for the end of each.
func TestFaultMatrix(t *testing.T) {
	for name, row := range dialRows() {
		t.Run(name, func(t *testing.T) {
			var dials atomic.Int32
			c := newClient(t, listen(t, func(p *peer) {
				if dials.Add(1) > 1 {
					p.accept()
					echoes(p)
					return
				}
				if row.answer(p); row.waits {
					p.rest()
				}
			}))
			conn, err := talk.Dial(t.Context(), c, crest.Empty{})
			if row.step == "" {
				require.NoError(t, err)
				works(t, conn)
			} else {
				require.Nil(t, conn)
				failed, ok := err.(*crest.CallError)
				require.True(t, ok)
				require.Equal(t, row.step, failed.Step, "%v", err)
				require.Equal(t, row.kind, failed.Kind, "%v", err)
				require.Equal(t, row.sent, failed.Sent, "%v", err)
			}
			conn, err = talk.Dial(t.Context(), c, crest.Empty{})
			require.NoError(t, err, "the next dial")
			works(t, conn)
		})
	}
}

// Rows 20 and 21: a server that says nothing, or a byte a second, keeps no dial beyond its time.
func TestFaultMatrixOfSilence(t *testing.T) {
	for name, answer := range map[string]func(p *peer){
		"silence": func(p *peer) { p.rest() },
		"a byte a second": func(p *peer) {
			for _, b := range []byte("HTTP/1.1 101 Switching Protocols\r\nX-A: " + strings.Repeat("a", 1000)) {
				time.Sleep(time.Second) // virtual
				if _, err := p.Write([]byte{b}); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, inMemory, pipes(answer))
				start := time.Now()
				conn, err := talk.Dial(context.Background(), c, crest.Empty{})
				require.Nil(t, conn)
				require.ErrorIs(t, err, crest.ErrTransport)
				require.ErrorIs(t, err, crest.KindTimeoutHeader)
				require.Equal(t, time.Minute, time.Since(start))
				time.Sleep(2 * time.Second) // virtual: the server sees the end at its next byte
			})
		})
	}
}
