package crest_test

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// faultyEvents are what the server of the fault tests has to say.
const faultyEvents = 4

func faultyEvent(id int) string {
	return fmt.Sprintf("id: %d\nevent: put\ndata: %d\ndata: ä\n\n", id, id)
}

// faultyAnswer is a whole answer, with the events behind an id, in chunks.
func faultyAnswer(behind int) (head, body string) {
	var b strings.Builder
	for id := behind + 1; id <= faultyEvents; id++ {
		text := faultyEvent(id)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(text), text)
	}
	return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", b.String() + "0\r\n\r\n"
}

// cutServer answers its first request up to an offset, and the others whole and then with the status 204. With reset the connection is not closed
// but reset.
func cutServer(t *testing.T, offset int, reset bool) string {
	requests := 0
	return listen(t, func(conn net.Conn, in *bufio.Reader) {
		for req := readRequest(in); req != nil; req = readRequest(in) {
			requests++
			behind, _ := strconv.Atoi(req.Header.Get("Last-Event-ID"))
			head, body := faultyAnswer(behind)
			if behind == faultyEvents {
				head, body = "HTTP/1.1 204 No Content\r\n\r\n", ""
			}
			text := head + body
			if requests == 1 && offset < len(text) {
				_, _ = conn.Write([]byte(text[:offset]))
				if tcp, ok := conn.(*net.TCPConn); ok && reset {
					_ = tcp.SetLinger(0)
				}
				return
			}
			_, _ = conn.Write([]byte(text))
		}
	})
}

// R32, promise 3: a connection that is cut at any byte ends the loop in the right error behind the events that were whole, or, where it is to
// go on, is made again, and no event is lost or comes twice.
func TestStreamCutAtEveryByte(t *testing.T) {
	head, body := faultyAnswer(0)
	for offset := range len(head) + len(body) + 1 {
		got, err := all(getEvents.Events(t.Context(), newClient(t, cutServer(t, offset, false)), crest.Empty{}))
		require.Equal(t, wholeEvents(offset-len(head), body), len(got), "cut at %d", offset)
		switch {
		case offset == len(head)+len(body):
			require.NoError(t, err)
		case halfLine(head, offset): // net/http takes it for the whole line: malformed, which no retry mends
			fails(t, err, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
			continue
		case offset < len(head):
			failed := fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
			require.Len(t, failed.Attempts, 1)
		default:
			fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
		}
		for _, reset := range []bool{false, true} {
			limiter := &slotCount{}
			c := newClient(t, cutServer(t, offset, reset), crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait}), crest.WithLimiter(limiter))
			got, err = all(getEvents.Events(t.Context(), c, crest.Empty{}, crest.WithReconnect()))
			require.NoError(t, err, "cut at %d", offset)
			require.Len(t, got, faultyEvents, "cut at %d", offset)
			for i, e := range got {
				require.Equal(t, crest.Event[string]{ID: strconv.Itoa(i + 1), Type: "put", Data: strconv.Itoa(i+1) + "\nä"}, e, "cut at %d", offset)
			}
			want := 3 // the cut one, the whole one, the 204
			if offset == len(head)+len(body) && !reset || wholeEvents(offset-len(head), body) == faultyEvents && !reset {
				want = 2
			}
			if !reset { // which can take events along that were written
				require.EqualValues(t, want, limiter.taken.Load(), "cut at %d: each connection takes a slot", offset)
			}
		}
	}
}

// halfLine reports whether the head up to an offset ends in what cannot be a line of it: half a status, a name without its colon, or
// half the end of the line.
func halfLine(head string, offset int) bool {
	if offset >= len(head) {
		return false
	}
	line := head[strings.LastIndexByte(head[:offset], '\n')+1 : offset]
	if offset == len(line) {
		return line != "" && len(line) < len("HTTP/1.1 200")
	}
	return line != "" && (strings.HasSuffix(line, "\r") || !strings.Contains(line, ":"))
}

// wholeEvents is how many events are whole in the first n bytes of a body in chunks.
func wholeEvents(n int, body string) (whole int) {
	at := 0
	for id := 1; id <= faultyEvents; id++ {
		chunk := faultyEvent(id)
		at = strings.Index(body, chunk) + len(chunk)
		if at <= n {
			whole++
		}
	}
	return whole
}
