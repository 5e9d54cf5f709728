package websocket_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

var talk = websocket.New[crest.Empty, string, string]("/talk", websocket.Options{})

// deflated is text as a raw DEFLATE stream that ends as a message of RFC 7692 does.
func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = io.WriteString(w, text)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// R47: frames against the rules, each with the error and the close code that they end in.
func TestR47Frames(t *testing.T) {
	type want struct {
		step  crest.Step
		kind  crest.Kind
		code  int // that this side sent
		local int // that the error has
	}
	protocol := want{crest.ErrTransport, crest.KindProtocol, 1002, 1002}
	for name, tt := range map[string]struct {
		sends      string
		compressed bool
		want       want
	}{
		"a length with the high bit set":        {"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x01x", false, protocol},
		"a masked frame":                        {"\x81\x85\x00\x00\x00\x00hello", false, protocol},
		"a masked control frame":                {"\x89\x81\x00\x00\x00\x00x", false, protocol},
		"a control frame above 125 bytes":       {frame(fin|ping, strings.Repeat("x", 126)), false, protocol},
		"a fragmented control frame":            {frame(more|ping, "x"), false, protocol},
		"RSV1 without compression":              {frame(fin|rsv1|text, "x"), false, protocol},
		"RSV2":                                  {frame(fin|rsv2|text, "x"), false, protocol},
		"RSV1 in a control frame":               {frame(fin|rsv1|ping, "x"), true, protocol},
		"an unknown data opcode":                {frame(fin|0x3, "x"), false, protocol},
		"an unknown control opcode":             {frame(fin|0xB, "x"), false, protocol},
		"a continuation of nothing":             {frame(fin, "x"), false, protocol},
		"a message inside another":              {frame(more|text, "x") + frame(fin|text, "y"), false, protocol},
		"a close frame of one byte":             {frame(fin|closes, "x"), false, protocol},
		"a close code that is never sent":       {goodbye(1006, ""), false, protocol},
		"bad UTF-8":                             {frame(fin|text, "caf\xe9"), false, want{crest.ErrTransport, crest.KindProtocol, 1007, 1007}},
		"bad UTF-8 across fragments":            {frame(more|text, "\xe2\x82") + frame(fin, "x"), false, want{crest.ErrTransport, crest.KindProtocol, 1007, 1007}},
		"a surrogate":                           {frame(fin|text, "\xed\xa0\x80"), false, want{crest.ErrTransport, crest.KindProtocol, 1007, 1007}},
		"too many fragments":                    {frame(more|text, "") + strings.Repeat(frame(more, ""), 1024), false, protocol},
		"too many fragments between pings":      {frame(more|text, "") + strings.Repeat(frame(fin|pong, "")+frame(more, "x"), 1024), false, protocol},
		"a message above the limit":             {frame(fin|text, strings.Repeat("x", 1<<20+1)), false, want{crest.ErrResponse, crest.KindTooLarge, 1009, 1009}},
		"fragments above the limit":             {frame(more|text, strings.Repeat("x", 1<<20)) + frame(fin, "x"), false, want{crest.ErrResponse, crest.KindTooLarge, 1009, 1009}},
		"a huge announced length":               {"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff" + strings.Repeat("x", 2<<20), false, want{crest.ErrResponse, crest.KindTooLarge, 1009, 1009}},
		"a compression bomb":                    {frame(fin|rsv1|text, deflated(strings.Repeat("x", 4<<20))), true, want{crest.ErrResponse, crest.KindTooLarge, 1009, 1009}},
		"broken compression":                    {frame(fin|rsv1|text, "\xff\xff\xff\xff"), true, want{crest.ErrResponse, crest.KindEncoding, 1007, 1007}},
		"the connection ends":                   {"", false, want{crest.ErrTransport, crest.KindDisconnected, 0, 1006}},
		"the connection ends inside a frame":    {"\x81\x05hel", false, want{crest.ErrTransport, crest.KindDisconnected, 0, 1006}},
		"the connection ends inside a header":   {"\x81", false, want{crest.ErrTransport, crest.KindDisconnected, 0, 1006}},
		"the connection ends inside a message":  {frame(more|text, "hel"), false, want{crest.ErrTransport, crest.KindDisconnected, 0, 1006}},
		"a close frame whose reason is no text": {goodbye(1000, "\xff"), false, want{crest.ErrTransport, crest.KindProtocol, 1000, 1007}},
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan int, 1)
			c := newClient(t, listen(t, func(p *peer) {
				if tt.compressed {
					p.accept("Sec-WebSocket-Extensions: permessage-deflate")
				} else {
					p.accept()
				}
				p.says(tt.sends)
				if tt.want.local == 1006 {
					sent <- 0
					return
				}
				sent <- p.rest()
			}))
			e := talk
			if tt.compressed {
				e = websocket.New[crest.Empty, string, string]("/talk", websocket.Options{Compression: true})
			}
			conn, err := e.Dial(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			_, err = conn.Receive(t.Context())
			require.ErrorIs(t, err, tt.want.step)
			require.ErrorIs(t, err, tt.want.kind)
			end, ok := errors.AsType[*websocket.CloseError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.want.local, end.Code)
			require.Equal(t, tt.want.code, <-sent)

			_, again := conn.Receive(t.Context())
			require.ErrorIs(t, again, crest.KindDisconnected)
			require.ErrorIs(t, conn.Send(t.Context(), "x"), crest.KindDisconnected)
			end, ok = errors.AsType[*websocket.CloseError](again)
			require.True(t, ok)
			require.Equal(t, tt.want.local, end.Code)
			require.NoError(t, conn.Close(websocket.Normal, ""))
		})
	}
}

// What is at a bound is within it.
func TestR47AtTheBounds(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	for name, tt := range map[string]struct{ sends, want string }{
		"the largest message": {frame(fin|text, large), large},
		"1024 fragments":      {frame(more|text, "a") + strings.Repeat(frame(more, ""), 1022) + frame(fin, "z"), "az"},
		"control frames between fragments": {
			frame(more|text, "a") + strings.Repeat(frame(fin|pong, strings.Repeat("p", 125)), 2000) + frame(fin, "z"), "az",
		},
		"a text across fragments": {frame(more|text, "\xe2\x82") + frame(fin, "\xac"), "€"},
		"an empty message":        {frame(fin|text, ""), ""},
		"a length in eight bytes": {"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02hi", "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, raw(t, func(p *peer) {
				p.says(tt.sends + frame(fin|text, "next"))
				p.rest()
			}))
			conn, err := talk.Dial(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			for _, want := range []string{tt.want, "next"} {
				got, err := conn.Receive(t.Context())
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			require.NoError(t, conn.Close(websocket.Normal, ""))
		})
	}
}

// R47: pings are answered one at a time, so that a flood of them is held back by its own answers.
func TestR47PingFlood(t *testing.T) {
	const flood = 20000
	c := newClient(t, raw(t, func(p *peer) {
		go p.says(strings.Repeat(frame(fin|ping, "are you there"), flood) + frame(fin|text, "yes"))
		for range flood {
			if first, _, payload, err := p.hears(); err != nil || first != fin|pong || payload != "are you there" {
				return
			}
		}
		p.says(frame(fin|text, "all"))
		p.rest()
	}))
	conn, err := talk.Dial(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	for _, want := range []string{"yes", "all"} {
		got, err := conn.Receive(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NoError(t, conn.Close(websocket.Normal, ""))
}

// R47: each frame has a mask of its own (CVE-2025-10148).
func TestR47Masks(t *testing.T) {
	const frames = 1000
	masks := make(chan map[[4]byte]bool, 1)
	c := newClient(t, raw(t, func(p *peer) {
		seen := map[[4]byte]bool{}
		for range frames {
			_, mask, payload, err := p.hears()
			if err != nil || payload != "the same text" {
				break
			}
			seen[mask] = true
		}
		masks <- seen
		p.rest()
	}))
	conn, err := talk.Dial(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	for range frames {
		require.NoError(t, conn.Send(t.Context(), "the same text"))
	}
	require.Greater(t, len(<-masks), frames-3) // two of a thousand are alike once in 8600 runs
	require.NoError(t, conn.Close(websocket.Normal, ""))
}

// R47: a handshake that RFC 6455 does not allow fails at once, also when the server keeps the connection open.
func TestR47Handshake(t *testing.T) {
	const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	for name, tt := range map[string]struct {
		answer func(p *peer)
		says   string
	}{
		"wrong Accept":                   {func(p *peer) { p.says(answer + "d3Jvbmc=\r\n\r\n") }, "Sec-WebSocket-Accept"},
		"no Accept":                      {func(p *peer) { p.says("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n") }, "Sec-WebSocket-Accept"},
		"a long Accept":                  {func(p *peer) { p.says(answer + strings.Repeat("x", 100<<10) + "\r\n\r\n") }, "Sec-WebSocket-Accept"},
		"no Connection":                  {func(p *peer) { p.says("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n") }, "Connection"},
		"no Upgrade":                     {func(p *peer) { p.says("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n") }, "websocket"},
		"a protocol that nobody asked":   {func(p *peer) { p.accept("Sec-WebSocket-Protocol: chat") }, "chat"},
		"an extension that nobody asked": {func(p *peer) { p.accept("Sec-WebSocket-Extensions: permessage-deflate") }, "extension"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, inMemory, pipes(func(p *peer) {
					tt.answer(p)
					p.rest()
				}))
				start := time.Now()
				conn, err := talk.Dial(t.Context(), c, crest.Empty{})
				require.Nil(t, conn)
				require.ErrorIs(t, err, crest.ErrTransport)
				require.ErrorIs(t, err, crest.KindProtocol)
				require.ErrorContains(t, err, tt.says)
				require.Less(t, len(err.Error()), 2000)
				require.Zero(t, time.Since(start), "it waited for more of the answer")
				failed, ok := errors.AsType[*crest.CallError](err)
				require.True(t, ok)
				require.Equal(t, "GET /talk", failed.Endpoint)
				require.Equal(t, crest.SentYes, failed.Sent)
			})
		})
	}
}
