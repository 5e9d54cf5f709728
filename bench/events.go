package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

const (
	changeCount = 10_000
	eventType   = "text/event-stream"
	eventPiece  = 4 << 10 // of the chunks, as net/http's server makes them
)

// newChangesAnswer has an event for each of the changes, and ends.
func newChangesAnswer() *answer {
	var body bytes.Buffer
	for i, c := range wantChanges {
		fmt.Fprintf(&body, "id: %d\ndata: %s\n\n", i+1, mustMarshal(c))
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", date, eventType)
	return &answer{
		status:     http.StatusOK,
		statusLine: "200 OK",
		header:     http.Header{"Date": {date}, "Content-Type": {eventType}},
		body:       body.Bytes(),
		wire:       appendChunks([]byte(head), body.Bytes()),
	}
}

func appendChunks(wire, body []byte) []byte {
	for len(body) > 0 {
		piece := body[:min(len(body), eventPiece)]
		body = body[len(piece):]
		wire = fmt.Appendf(wire, "%x\r\n%s\r\n", len(piece), piece)
	}
	return append(wire, "0\r\n\r\n"...)
}

// watchEveryday is what one writes for events where the library has nothing:
// a scanner over lines, and encoding/json.
func watchEveryday(body io.Reader, each func(Change) error) error {
	return scanEveryday(bufio.NewScanner(body), each)
}

func scanEveryday(lines *bufio.Scanner, each func(Change) error) error {
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if text, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			data = append(data, text...)
			continue
		}
		if len(line) > 0 || len(data) == 0 {
			continue
		}
		var change Change
		if err := json.Unmarshal(data, &change); err != nil {
			return err
		}
		if err := each(change); err != nil {
			return err
		}
		data = data[:0]
	}
	return lines.Err()
}
