package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// connected dials the row's server.
func connected[In any](r *row, o websocket.Options, talk func(p *wsPeer)) (*websocket.Conn[string, In], error) {
	c, err := r.client(r.wsServer(talk), crest.WithRetry(crest.Retry{Max: -1}))
	must(err)
	conn, err := websocket.New[crest.Empty, string, In]("/", o).Dial(context.Background(), c, crest.Empty{})
	if err == nil {
		r.after(func() { _ = conn.Close(websocket.Normal, "") })
	}
	return conn, err
}

// wsConnect: a handshake with what the row's server answers.
func wsConnect(r *row) (facts, error) {
	answer := wsAnswer{
		status: r.in.number("status", http.StatusSwitchingProtocols), upgrade: "websocket", connection: "upgrade", accept: "valid",
		protocol: r.in.text("protocol"), extensions: r.in.text("extensions"),
	}
	if r.in.has("status") {
		answer.upgrade, answer.connection, answer.accept = r.in.text("upgrade"), r.in.text("connection"), r.in.text("accept")
	}
	o := websocket.Options{Subprotocols: r.in.texts("protocols"), Compression: r.in.number("requested_wbits", 0) == 15}
	conn, err := connected[string](r, o, func(p *wsPeer) {
		p.answer(answer)
		p.untilClosed()
	})
	got := facts{"error_kind": check(func(word any) error {
		if err != nil && !errorWords[word.(string)](err) {
			return fmt.Errorf("%w is not %s", err, word)
		}
		return nil
	})}
	if err != nil {
		return got, err
	}
	got["protocol"], got["compress"], got["no_takeover"] = nil, 0, strings.Contains(answer.extensions, "no_context_takeover")
	if name := conn.Subprotocol(); name != "" {
		got["protocol"] = name
	}
	if r.in.get("extensions") != nil {
		got["compress"] = deflateBits(conn)
	}
	return got, nil
}

// deflateBits: whether a compressed message is understood. The window is always the largest one, of 15 bits.
func deflateBits(conn *websocket.Conn[string, string]) int {
	must(conn.Send(context.Background(), "compressed?"))
	if text, err := conn.Receive(context.Background()); err != nil || text != "yes" {
		return 0
	}
	return 15
}

// wsReceive: messages of the row's server.
func wsReceive(r *row) (facts, error) {
	if state := r.in.text("state"); state != "" {
		return receiveTwice(r, state)
	}
	if frames, ok := r.in.get("server").([]any); ok {
		return receiveFrames(r, asTexts(frames))
	}
	send := serverWords(r.in.text("server"))
	talk := func(p *wsPeer) {
		p.greet()
		p.says(send)
		p.untilClosed()
	}
	switch call := r.in.text("call"); call {
	case "receive_bytes":
		value, err := receiveOnce[[]byte](r, talk)
		return facts{"value": string(value)}, err
	case "receive_json":
		value, err := receiveOnce[any](r, talk)
		return facts{"value": value}, err
	case "receive_str", "":
		value, err := receiveOnce[string](r, talk)
		got := facts{"value": value, "type": "TEXT"}
		if err != nil {
			got["type"], got["message"] = "ERROR", sameFact(err, "reserved bits", "rsv bits")
		}
		return got, err
	default:
		panic("no call " + call)
	}
}

// sameFact is a check that the data's message and the error tell the same fact in their words.
func sameFact(err error, theirs, ours string) check {
	return func(want any) error {
		if !strings.Contains(want.(string), theirs) || !strings.Contains(err.Error(), ours) {
			return fmt.Errorf("%q and %q are not about one fact", want, err)
		}
		return nil
	}
}

func receiveOnce[In any](r *row, talk func(p *wsPeer)) (In, error) {
	conn, err := connected[In](r, websocket.Options{}, talk)
	must(err)
	return conn.Receive(context.Background())
}

// serverWords are the bytes that the data describes in words.
func serverWords(words string) string {
	kind, rest, _ := strings.Cut(words, " ")
	content := strings.Trim(rest, "'")
	switch {
	case kind == "text":
		return wsFrame(wsText, content)
	case kind == "binary":
		return wsFrame(wsBinary, content)
	case strings.Contains(words, "('01234' * 100 raw)"):
		return strings.Repeat("01234", 100)
	}
	panic("no server that sends " + words)
}

// receiveFrames: control frames show through the callbacks, where the library does not answer them by itself.
func receiveFrames(r *row, frames []string) (facts, error) {
	received, ponged := []string{}, make(chan bool, 1)
	var o websocket.Options
	if !r.in.flag("autoping") {
		o.OnPing = func([]byte) bool { received = append(received, "PING"); return false }
		o.OnPong = func([]byte) { received = append(received, "PONG") }
	}
	pinged, answered := r.in.flag("client_pinged"), make(chan struct{})
	conn, err := connected[[]byte](r, o, func(p *wsPeer) {
		p.greet()
		payload := ""
		if pinged {
			_, payload = p.hears()
		}
		for _, words := range frames {
			kind, content, _ := strings.Cut(words, " ")
			if kind == "PONG" {
				content = payload
			}
			p.says(wsFrame(wsOpcodes[kind], content))
			if kind == "PONG" {
				<-answered // a connection that is closed at once may end the Ping before its pong does
			}
		}
		ponged <- slices.Contains(p.untilClosed(), wsPong)
	})
	must(err)
	if pinged {
		done := make(chan error, 1)
		go func() {
			defer close(answered)
			done <- conn.Ping(context.Background())
		}()
		defer func() { must(<-done) }()
	}
	for {
		_, err := conn.Receive(context.Background())
		if err != nil {
			mustBeClosed(err)
			break
		}
		received = append(received, "BINARY")
	}
	return facts{"received": append(received, "CLOSE"), "pong_sent": <-ponged}, nil
}

// receiveTwice: the first Receive answers a ping, by which the server knows that it waits.
func receiveTwice(r *row, state string) (facts, error) {
	if state != "a receive is already waiting" {
		panic("no state: " + state)
	}
	waiting := make(chan bool)
	conn, err := connected[string](r, websocket.Options{}, func(p *wsPeer) {
		p.greet()
		p.says(wsFrame(wsPing, ""))
		_, _ = p.hears()
		close(waiting)
		p.untilClosed()
	})
	must(err)
	first := make(chan error)
	go func() {
		_, err := conn.Receive(context.Background())
		first <- err
	}()
	<-waiting
	_, err = conn.Receive(context.Background())
	must(conn.Close(websocket.Normal, ""))
	mustBeClosed(<-first)
	return facts{}, err
}

func mustBeClosed(err error) {
	if _, ok := errors.AsType[*websocket.CloseError](err); !ok {
		panic(err)
	}
}

// wsClose: the server closes as the client does; its frame is on the way already.
func wsClose(r *row) (facts, error) {
	if words := r.in.text("server"); words != "sends CLOSE" {
		panic("no server that " + words)
	}
	closes := make(chan []string, 1)
	conn, err := connected[string](r, websocket.Options{}, func(p *wsPeer) {
		p.greet()
		p.says(wsFrame(wsClosing, "\x03\xe8"))
		closes <- p.closings()
	})
	must(err)
	firstErr, secondErr := conn.Close(websocket.Normal, ""), conn.Close(websocket.Normal, "")
	sent := <-closes
	_, err = conn.Receive(context.Background())
	end, ended := errors.AsType[*websocket.CloseError](err)
	got := facts{
		"first_result": firstErr == nil && len(sent) > 0, "second_result": secondErr != nil || len(sent) > 1, "closed": ended, "exception": nil,
		"receive_after": nil, "sent_close": nil,
	}
	if ended {
		got["receive_after"], got["sent_close"] = "CLOSED", []any{end.Code, end.Reason}
	}
	if len(sent) != 1 || sent[0] != "\x03\xe8" {
		got["sent_close"] = sent
	}
	return got, firstErr
}

// wsTimeout: what a silent server is waited for.
func wsTimeout(r *row) (facts, error) {
	switch words := r.in.text("server"); words {
	case "silent", "never answers CLOSE", "never answers PING":
	default:
		panic("no server that is " + words)
	}
	millis := func(key string) time.Duration { return time.Duration(r.in.number(key, 0)) * time.Millisecond }
	o := websocket.Options{CloseTimeout: millis("close_timeout_ms"), Heartbeat: millis("heartbeat_ms")}
	conn, err := connected[string](r, o, func(p *wsPeer) {
		p.greet()
		p.closings()
	})
	must(err)
	ctx := context.Background()
	if d := millis("timeout_ms"); d > 0 {
		own, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		ctx = own
	}
	got := facts{"exception": nil}
	switch call := r.in.text("call"); call {
	case "close":
		if errors.Is(conn.Close(websocket.Normal, ""), crest.KindTimeout) {
			got["exception"] = "timeout"
		}
	case "receive":
		if _, err = conn.Receive(ctx); o.Heartbeat == 0 {
			return got, err
		}
	default:
		panic("no call " + call)
	}
	end, ended := errors.AsType[*websocket.CloseError](conn.Send(context.Background(), "x"))
	got["closed"] = ended
	if ended {
		got["close_code"] = end.Code
	}
	return got, nil
}
