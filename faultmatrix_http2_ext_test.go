package crest_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/crest-go/crest"
)

// frames writes the answers of one HTTP/2 connection.
type frames struct {
	*http2.Framer
	conn net.Conn
}

// head writes the head of an answer that is written as HTTP/1.
func (f frames) head(stream uint32, text string, end bool) (body string) {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		panic(err)
	}
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(resp.StatusCode)})
	for name, values := range resp.Header {
		if name != "Connection" {
			_ = enc.WriteField(hpack.HeaderField{Name: strings.ToLower(name), Value: values[0]})
		}
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
	all, _ := io.ReadAll(resp.Body)
	return string(all)
}

func (f frames) answer(stream uint32, text string) {
	body := f.head(stream, text, false)
	_ = f.WriteData(stream, true, []byte(body))
}

// framesRow is a fault of row 43.
type framesRow struct {
	write func(f frames, stream uint32, a faultAnswer)
	ends  bool // the connection
	want  faultWant
	body  bool
	// resent says that net/http sends the request again, as the server has not looked at it, if it can open the body anew.
	resent bool
}

func framesRows() map[string]framesRow {
	reset := func(code http2.ErrCode) func(frames, uint32, faultAnswer) {
		return func(f frames, stream uint32, _ faultAnswer) { _ = f.WriteRSTStream(stream, code) }
	}
	within := func(then func(f frames, stream uint32)) func(frames, uint32, faultAnswer) {
		return func(f frames, stream uint32, a faultAnswer) {
			body := f.head(stream, a.text(), false)
			_ = f.WriteData(stream, false, []byte(body[:len(body)-3]))
			then(f, stream)
		}
	}
	raw := func(text string) func(frames, uint32, faultAnswer) {
		return func(f frames, _ uint32, _ faultAnswer) { _, _ = io.WriteString(f.conn, text) }
	}
	return map[string]framesRow{
		"GOAWAY below the stream": {write: func(f frames, _ uint32, _ faultAnswer) { _ = f.WriteGoAway(0, http2.ErrCodeNo, nil) }, ends: true, resent: true},
		"REFUSED_STREAM":          {write: reset(http2.ErrCodeRefusedStream), resent: true},
		"CANCEL":                  {write: reset(http2.ErrCodeCancel), want: faultLost},
		"INTERNAL_ERROR":          {write: reset(http2.ErrCodeInternal), want: faultLost},
		"the connection ends":     {write: func(frames, uint32, faultAnswer) {}, ends: true, want: faultLost},
		"GOAWAY above the stream": {write: func(f frames, stream uint32, _ faultAnswer) { _ = f.WriteGoAway(stream, http2.ErrCodeInternal, nil) }, ends: true, want: faultLost},
		"CANCEL in the body":      {write: within(func(f frames, stream uint32) { _ = f.WriteRSTStream(stream, http2.ErrCodeCancel) }), want: faultTruncated, body: true},
		"an end before the end":   {write: within(func(f frames, stream uint32) { _ = f.WriteData(stream, true, nil) }), want: faultTruncated, body: true},
		"it ends in the body":     {write: within(func(frames, uint32) {}), ends: true, want: faultTruncated, body: true},
		"more than the length":    {write: within(func(f frames, stream uint32) { _ = f.WriteData(stream, true, []byte("12345")) }), want: faultTruncated, body: true},
		"a frame above 16 KiB":    {write: raw("\xff\xff\xff\x00\x00\x00\x00\x00\x01"), want: faultProtocol},
		"settings of a byte":      {write: raw("\x00\x00\x01\x04\x00\x00\x00\x00\x00x"), want: faultProtocol},
		"headers on stream 0":     {write: raw("\x00\x00\x00\x01\x04\x00\x00\x00\x00"), want: faultProtocol},
		"HTTP/1":                  {write: raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), want: faultProtocol},
		"pings": {write: func(f frames, stream uint32, a faultAnswer) {
			for range 1000 {
				_ = f.WritePing(false, [8]byte{1})
			}
			f.answer(stream, a.text())
		}},
		"CONTINUATION without end": {write: func(f frames, stream uint32, _ faultAnswer) {
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: literal("x", 1000)})
			for range 1000 {
				if f.WriteContinuation(stream, false, literal("x", 10_000)) != nil {
					return
				}
			}
		}, want: faultProtocol},
	}
}

// literal is a header that is not compressed.
func literal(name string, size int) []byte {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: name, Value: strings.Repeat("a", size), Sensitive: true})
	return block.Bytes()
}

// TestFaultMatrixOfHTTP2 is TestFaultMatrix for row 43.
func TestFaultMatrixOfHTTP2(t *testing.T) {
	for name, row := range framesRows() {
		t.Run(name, func(t *testing.T) {
			for way, w := range faultWays() {
				t.Run(way, func(t *testing.T) {
					want := row.want
					if row.resent && (way == "reader" || way == "form") { // net/http has no second body; crest may have one, where it may try again
						want = faultWant{crest.ErrTransport, crest.KindDisconnected, crest.SentNo}
					}
					row.once(t, w, want, false)
					if row.body {
						row.once(t, w, faultStatus, true)
					}
				})
			}
		})
	}
}

func (row framesRow) once(t *testing.T, w faultWay, want faultWant, failed bool) {
	t.Helper()
	var requests atomic.Int32
	s := new(faultServer)
	base := listen(t, func(conn net.Conn, in *bufio.Reader) {
		readFrames(conn, in, func(f frames, stream uint32, req *http.Request) (goOn bool) {
			a := w.answer(req)
			if int(requests.Add(1)) != 1+w.before {
				f.answer(stream, a.text())
				return true
			}
			if failed {
				a = a.failure()
			}
			row.write(f, stream, a)
			return !row.ends
		})
	})
	c, end := s.client(t, base, func(rt *http.Transport) {
		rt.Protocols = new(http.Protocols)
		rt.Protocols.SetUnencryptedHTTP2(true)
	})
	want.check(t, w.run(t, c))
	require.NoError(t, w.run(t, c), "the next call")
	end()
}

// readFrames is a server of HTTP/2: it hands over each request as it is whole, until one says that the connection is to end.
func readFrames(conn net.Conn, in *bufio.Reader, serve func(f frames, stream uint32, req *http.Request) bool) {
	if _, err := io.ReadFull(in, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := frames{http2.NewFramer(conn, in), conn}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = f.WriteSettings()
	open := map[uint32]*http.Request{}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		id, done := frame.Header().StreamID, false
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				_ = f.WritePing(true, frame.Data)
			}
		case *http2.MetaHeadersFrame:
			open[id] = requestOf(frame)
			done = frame.StreamEnded()
		case *http2.DataFrame:
			done = frame.StreamEnded()
		}
		if done && !serve(f, id, open[id]) {
			return
		}
	}
}

func requestOf(frame *http2.MetaHeadersFrame) *http.Request {
	req, err := http.NewRequest(http.MethodGet, frame.PseudoValue("path"), nil)
	if err != nil {
		panic(err)
	}
	for _, field := range frame.RegularFields() {
		req.Header.Add(field.Name, field.Value)
	}
	return req
}
