package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

type say struct {
	Text  string       `json:"text" validate:"required"`
	Token crest.Secret `json:"token,omitzero"`
}

// command is one of several messages of one connection.
type command interface{ command() }

type leave struct{ Room int }

func (say) command()    {}
func (*leave) command() {}

type said struct {
	Text  string `json:"text" validate:"required"`
	Token string `json:"token,omitzero"`
}

// dial makes a connection that is closed with the test.
func dial[Out, In any](t testing.TB, base string, o websocket.Options, opts ...crest.ClientOption) *websocket.Conn[Out, In] {
	t.Helper()
	conn, err := websocket.New[crest.Empty, Out, In]("/talk", o).Dial(t.Context(), newClient(t, base, opts...), crest.Empty{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(websocket.Normal, "") })
	return conn
}

func TestConversation(t *testing.T) {
	conn := dial[say, said](t, serve(t, nil, echo), websocket.Options{})
	for _, text := range []string{"hello", strings.Repeat("x", 100_000), "€"} {
		require.NoError(t, conn.Send(t.Context(), say{text, crest.NewSecret("s3cr3t")}))
		got, err := conn.Receive(t.Context())
		require.NoError(t, err)
		require.Equal(t, said{text, "s3cr3t"}, got)
	}
	require.Empty(t, conn.Subprotocol())
	require.NoError(t, conn.Close(websocket.Normal, "bye"))
	require.NoError(t, conn.Close(websocket.Normal, "again"))
}

// sends sends one message and returns its frame.
func sends[Out any](t *testing.T, message Out, opts ...crest.ClientOption) (opcode byte, payload string) {
	t.Helper()
	type heard struct {
		first   byte
		payload string
	}
	frames := make(chan heard, 1)
	conn := dial[Out, string](t, raw(t, func(p *peer) {
		first, _, payload, _ := p.hears()
		frames <- heard{first, payload}
		p.rest()
	}), websocket.Options{}, opts...)
	require.NoError(t, conn.Send(t.Context(), message))
	got := <-frames
	return got.first, got.payload
}

// S4.74, S4.75: the type of a message says its opcode.
func TestSendKinds(t *testing.T) {
	check := func(want byte, payload string) func(byte, string) {
		return func(first byte, got string) {
			t.Helper()
			require.Equal(t, want, first)
			require.Equal(t, payload, got)
		}
	}
	check(fin|text, "héllo")(sends(t, "héllo"))
	check(fin|text, "")(sends(t, ""))
	check(fin|bytes_, "\xff\x00")(sends(t, []byte("\xff\x00")))
	check(fin|bytes_, "")(sends(t, []byte(nil)))
	check(fin|text, `{"text":"hi"}`)(sends(t, say{Text: "hi"}))
	check(fin|text, `{"text":"hi"}`)(sends(t, &say{Text: "hi"}))
	check(fin|text, `{"a":1}`)(sends(t, map[string]int{"a": 1}))
	check(fin|text, `[1,2]`)(sends(t, []int{1, 2}))
	check(fin|text, `{"text":"hi"}`)(sends[any](t, say{Text: "hi"}))
	check(fin|text, `{"text":"hi"}`)(sends[command](t, say{Text: "hi"}))
	check(fin|text, `{"Room":7}`)(sends[command](t, &leave{Room: 7}))
	check(fin|text, `"hi"`)(sends[any](t, "hi"))
	check(fin|text, `"aGk="`)(sends[any](t, []byte("hi")))
	check(fin|text, `<item><Name>x</Name></item>`)(sends(t, struct {
		XMLName struct{} `xml:"item"`
		Name    string
	}{Name: "x"}, crest.WithCodec(crest.XML())))
}

// refusing is what a message can have that no codec writes.
type refusing struct {
	Text string `json:"text" validate:"max=3"`
	Func any    `json:"func"`
}

// What cannot be sent is ErrRequest, nothing leaves, and the connection goes on.
func TestSendRefused(t *testing.T) {
	base := serve(t, nil, echo)
	model := dial[refusing, string](t, base, websocket.Options{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx     context.Context
		message refusing
		kind    crest.Kind
	}{
		"against its rules":        {t.Context(), refusing{Text: "long"}, crest.KindValidation},
		"a channel":                {t.Context(), refusing{Func: make(chan int)}, ""},
		"not a number":             {t.Context(), refusing{Func: math.NaN()}, ""},
		"a context that has ended": {ended, refusing{Text: "x"}, ""},
		"no context":               {nil, refusing{Text: "x"}, ""},
	} {
		err := model.Send(tt.ctx, tt.message)
		require.ErrorIs(t, err, crest.ErrRequest, name)
		failed, _ := errors.AsType[*crest.CallError](err)
		require.Equal(t, tt.kind, failed.Kind, name)
		require.Equal(t, crest.SentNo, failed.Sent, name)
		require.Equal(t, "GET /talk", failed.Endpoint, name)
	}
	require.NoError(t, model.Send(t.Context(), refusing{Text: "x"}))
	got, err := model.Receive(t.Context())
	require.NoError(t, err)
	require.Equal(t, `{"text":"x","func":null}`, got, "the first message that left")

	plain := dial[string, string](t, base, websocket.Options{})
	require.ErrorIs(t, plain.Send(t.Context(), "caf\xe9"), crest.ErrRequest)
	require.NoError(t, plain.Send(t.Context(), "café"))
	got, err = plain.Receive(t.Context())
	require.NoError(t, err)
	require.Equal(t, "café", got)
}

// receives receives what a server sends, and the message after it.
func receives[In any](t *testing.T, sent string, next string, opts ...crest.ClientOption) (first, second In, err error) {
	t.Helper()
	conn := dial[string, In](t, raw(t, func(p *peer) {
		p.says(sent + next)
		p.rest()
	}), websocket.Options{}, opts...)
	first, err = conn.Receive(t.Context())
	var again error
	second, again = conn.Receive(t.Context())
	require.NoError(t, again, "the connection goes on")
	return first, second, err
}

// S4.78, S4.79: what is not of the declared kind or model is said so, and the next message is received.
func TestReceiveKinds(t *testing.T) {
	first, _, err := receives[string](t, frame(fin|text, "héllo"), frame(fin|text, ""))
	require.NoError(t, err)
	require.Equal(t, "héllo", first)

	_, after, err := receives[string](t, frame(fin|bytes_, "hello"), frame(fin|text, "after"))
	require.ErrorIs(t, err, crest.ErrResponse)
	require.ErrorIs(t, err, crest.KindContentType)
	require.ErrorContains(t, err, "a BINARY message, and string takes TEXT messages")
	require.Equal(t, "after", after)

	_, more, err := receives[[]byte](t, frame(fin|text, "hello"), frame(fin|bytes_, "\xff"))
	require.ErrorIs(t, err, crest.KindContentType)
	require.Equal(t, []byte("\xff"), more)

	for name, tt := range map[string]struct {
		sent string
		kind crest.Kind
	}{
		"binary":            {frame(fin|bytes_, `{"text":"x"}`), crest.KindContentType},
		"broken":            {frame(fin|text, `{"text":`), crest.KindDecode},
		"empty":             {frame(fin|text, ``), crest.KindDecode},
		"null":              {frame(fin|text, `null`), crest.KindDecode},
		"two values":        {frame(fin|text, `{"text":"x"}{}`), crest.KindDecode},
		"another type":      {frame(fin|text, `{"text":7}`), crest.KindDecode},
		"against its rules": {frame(fin|text, `{"text":""}`), crest.KindValidation},
	} {
		_, after, err := receives[said](t, tt.sent, frame(fin|text, `{"text":"after"}`))
		require.ErrorIs(t, err, crest.ErrResponse, name)
		require.ErrorIs(t, err, tt.kind, name)
		require.Equal(t, said{Text: "after"}, after, name)
	}

	list, _, err := receives[[]int](t, frame(fin|text, `[1,2]`), frame(fin|text, `[]`))
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, list)
	anything, null, err := receives[any](t, frame(fin|text, `{"a":"b"}`), frame(fin|text, `null`))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": "b"}, anything)
	require.Nil(t, null)
	pointer, _, err := receives[*said](t, frame(fin|text, `{"text":"x"}`), frame(fin|text, `{"text":"y"}`))
	require.NoError(t, err)
	require.Equal(t, &said{Text: "x"}, pointer)
	document, _, err := receives[struct{ Name string }](t, frame(fin|text, `<a><Name>x</Name></a>`), frame(fin|text, `<a/>`), crest.WithCodec(crest.XML()))
	require.NoError(t, err)
	require.Equal(t, "x", document.Name)
}

// The settings of client and call hold for messages.
func TestReceiveSettings(t *testing.T) {
	_, _, err := receives[said](t, frame(fin|text, `{"text":"x","new":1}`), frame(fin|text, `{"text":"y"}`), crest.WithStrictFields())
	require.ErrorIs(t, err, crest.KindDecode)
	var reported error
	observe := crest.WithValidation(crest.Validation{Mode: crest.Observe, Report: func(_ context.Context, err *crest.CallError) { reported = err }})
	got, _, err := receives[said](t, frame(fin|text, `{"token":"x"}`), frame(fin|text, `{"text":"y"}`), observe)
	require.NoError(t, err)
	require.Equal(t, "x", got.Token)
	require.ErrorIs(t, reported, crest.KindValidation)
	require.ErrorContains(t, reported, "GET /talk")
}

// A120: one goroutine receives; a second one hears so at once.
func TestReceiveTwice(t *testing.T) {
	pinged := make(chan struct{})
	o := websocket.Options{OnPing: func([]byte) bool { close(pinged); return true }}
	conn := dial[string, string](t, raw(t, func(p *peer) {
		p.says(frame(fin|ping, ""))
		first, _, _, _ := p.hears()
		second, _, _, _ := p.hears()
		if first^second != fin|pong^fin|text { // the pong and "go on", in either order
			return
		}
		p.says(frame(fin|text, "for the first"))
		p.rest()
	}), o)
	var first sync.WaitGroup
	first.Go(func() {
		got, err := conn.Receive(t.Context())
		require.NoError(t, err)
		require.Equal(t, "for the first", got)
	})
	<-pinged // the first one is reading
	_, err := conn.Receive(t.Context())
	require.ErrorIs(t, err, crest.ErrRequest)
	require.ErrorContains(t, err, "one goroutine receives")
	require.NoError(t, conn.Send(t.Context(), "go on"))
	first.Wait()
}

// Sends of many goroutines arrive whole.
func TestSendConcurrently(t *testing.T) {
	const senders, each = 16, 25
	arrived := make(chan map[string]int, 1)
	conn := dial[string, string](t, serve(t, nil, func(ctx context.Context, conn *coder.Conn) {
		conn.SetReadLimit(1 << 20)
		seen := map[string]int{}
		for range senders * each {
			_, data, err := conn.Read(ctx)
			if err != nil {
				break
			}
			seen[string(data)]++
		}
		arrived <- seen
		_, _, _ = conn.Read(ctx)
	}), websocket.Options{Compression: true})
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				require.NoError(t, conn.Send(t.Context(), strings.Repeat(fmt.Sprintf("%d-%d ", s, i), 1+s*i)))
			}
		})
	}
	sending.Wait()
	seen := <-arrived
	for s := range senders {
		for i := range each {
			require.Positive(t, seen[strings.Repeat(fmt.Sprintf("%d-%d ", s, i), 1+s*i)])
		}
	}
}

// A context that ends ends the wait, and with it the connection; one that has ended before does not.
func TestReceiveContext(t *testing.T) { synctest.Test(t, testReceiveContext) }

func testReceiveContext(t *testing.T) {
	server := rawPipes(func(p *peer) { p.rest() })
	conn := dial[string, string](t, inMemory, websocket.Options{}, server)
	cause := errors.New("no longer wanted")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := conn.Receive(ended)
	require.ErrorIs(t, err, crest.ErrRequest)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
	require.NoError(t, conn.Send(t.Context(), "still open"))

	short, cancelShort := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancelShort()
	_, err = conn.Receive(short)
	require.ErrorIs(t, err, crest.ErrTransport)
	require.ErrorIs(t, err, crest.KindTimeout)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = conn.Receive(t.Context())
	require.ErrorIs(t, err, crest.KindDisconnected)
	require.ErrorContains(t, err, "the context of an earlier call ended the connection")

	conn = dial[string, string](t, inMemory, websocket.Options{}, server)
	ctx, cancelLater := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancelLater(cause) })
	_, err = conn.Receive(ctx)
	require.ErrorIs(t, err, crest.ErrTransport)
	require.NotErrorIs(t, err, crest.KindTimeout)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
}

// S4.80: the loop ends without an error where the connection is closed in good order, by either side, and with one where not.
func TestAll(t *testing.T) {
	for name, tt := range map[string]struct {
		sends string
		want  []string
		code  int // of the error; 0 for none
	}{
		"closed":            {goodbye(1000, ""), []string{"a", "b"}, 0},
		"gone away":         {goodbye(1001, "maintenance"), []string{"a", "b"}, 0},
		"without a code":    {frame(fin|closes, ""), []string{"a", "b"}, 0},
		"the server's own":  {goodbye(4000, "too slow"), []string{"a", "b"}, 4000},
		"an error of its":   {goodbye(1011, ""), []string{"a", "b"}, 1011},
		"lost":              {"", []string{"a", "b"}, 1006},
		"against the rules": {frame(fin|text, "\xff"), []string{"a", "b"}, 1007},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial[string, string](t, raw(t, func(p *peer) {
				p.says(frame(fin|text, "a") + frame(fin|text, "b") + tt.sends)
				if tt.sends != "" {
					p.rest()
				}
			}), websocket.Options{})
			var got []string
			var last error
			for message, err := range conn.All(t.Context()) {
				require.NoError(t, last, "nothing comes after an error")
				if last = err; err == nil {
					got = append(got, message)
				}
			}
			require.Equal(t, tt.want, got)
			if tt.code == 0 {
				require.NoError(t, last)
				return
			}
			end, ok := errors.AsType[*websocket.CloseError](last)
			require.True(t, ok, "%v", last)
			require.Equal(t, tt.code, end.Code)
		})
	}
	t.Run("leaving the loop leaves the connection open", func(t *testing.T) {
		conn := dial[string, string](t, serve(t, nil, echo), websocket.Options{})
		for _, text := range []string{"a", "b"} {
			require.NoError(t, conn.Send(t.Context(), text))
			for got, err := range conn.All(t.Context()) {
				require.NoError(t, err)
				require.Equal(t, text, got)
				break
			}
		}
	})
	t.Run("closed by another goroutine", func(t *testing.T) {
		conn := dial[string, string](t, serve(t, nil, echo), websocket.Options{})
		require.NoError(t, conn.Send(t.Context(), "a"))
		for _, err := range conn.All(t.Context()) {
			require.NoError(t, err)
			go func() { _ = conn.Close(websocket.GoingAway, "") }()
		}
	})
}

// A Conn that no Dial has made is an error, not a panic.
func TestZeroConn(t *testing.T) {
	for _, c := range []*websocket.Conn[string, string]{nil, {}} {
		_, err := c.Receive(t.Context())
		require.ErrorIs(t, err, crest.ErrRequest)
		require.ErrorIs(t, c.Send(t.Context(), "x"), crest.ErrRequest)
		require.ErrorIs(t, c.Ping(t.Context()), crest.ErrRequest)
		require.ErrorIs(t, c.Close(websocket.Normal, ""), crest.ErrRequest)
		require.Empty(t, c.Subprotocol())
		for _, err := range c.All(t.Context()) {
			require.ErrorIs(t, err, crest.ErrRequest)
		}
	}
}
