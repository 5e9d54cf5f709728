package websocket

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"unicode/utf8"

	coder "github.com/coder/websocket"

	"github.com/crest-go/crest"
)

// Conn is an open connection, made by [Endpoint.Dial]. [Conn.Receive] is for one goroutine at a time, everything else for any number. It
// must be closed: [Conn.Close]. An error that ends the connection closes it by itself. The zero value gives an error from each call.
type Conn[Out, In any] struct {
	link   *link
	models *crest.Endpoint[any, any]
}

// Send writes one message, and waits for its turn if others are writing. Errors: [crest.ErrRequest] if the message is not valid, cannot be
// encoded, or is a text that is not UTF-8, with which nothing was sent; [crest.ErrTransport] if the connection ended, with a
// [*CloseError]. A ctx that ends while a frame is being written ends the connection, since nobody could read on after half a frame.
func (c *Conn[Out, In]) Send(ctx context.Context, message Out) error {
	if err := c.undialled(); err != nil {
		return err
	}
	if err := c.link.ready(ctx); err != nil {
		return err
	}
	kind, data, err := c.encode(ctx, message)
	if err != nil {
		return err
	}
	return c.link.send(ctx, kind, data)
}

func (c *Conn[Out, In]) encode(ctx context.Context, message Out) (kind coder.MessageType, data []byte, err error) {
	switch v := any(&message).(type) {
	case *[]byte:
		return coder.MessageBinary, *v, nil
	case *string:
		data = []byte(*v)
	default:
		if data, err = c.link.wire.EncodeMessage(ctx, c.models, message); err != nil {
			return 0, nil, err
		}
	}
	if !utf8.Valid(data) {
		return 0, nil, c.link.failed(crest.ErrRequest, "", errors.New("a text message must be UTF-8: send it as []byte"))
	}
	return coder.MessageText, data, nil
}

// Receive waits for the next message. Errors: [crest.ErrResponse] if the message is not what was declared, after which the next one can be
// received; [crest.ErrTransport] if the connection ended, with a [*CloseError]; [crest.ErrRequest] at once if another Receive is under way. A ctx
// that ends while it waits ends the connection: give it a deadline that means giving up, and use Options.Heartbeat to notice a
// silent server.
func (c *Conn[Out, In]) Receive(ctx context.Context) (In, error) {
	var message In
	if err := c.undialled(); err != nil {
		return message, err
	}
	kind, data, err := c.link.receive(ctx)
	if err == nil {
		err = c.decode(ctx, kind, data, &message)
	}
	if err != nil {
		return *new(In), err
	}
	return message, nil
}

func (c *Conn[Out, In]) decode(ctx context.Context, kind coder.MessageType, data []byte, into *In) error {
	want := coder.MessageText
	switch to := any(into).(type) {
	case *[]byte:
		want, *to = coder.MessageBinary, data
	case *string:
		*to = string(data)
	default:
		if kind != want {
			break
		}
		v, err := c.link.wire.DecodeMessage(ctx, c.models, data)
		if err != nil {
			return err
		}
		if v != nil {
			*into = v.(In)
		}
	}
	if kind != want {
		return c.link.wire.Failed(ctx, &crest.CallError{Step: crest.ErrResponse, Kind: crest.KindContentType, Err: fmt.Errorf("a %s message, and %v takes %s messages", nameOf(kind), reflect.TypeFor[In](), nameOf(want))})
	}
	return nil
}

func nameOf(kind coder.MessageType) string {
	if kind == coder.MessageText {
		return "TEXT"
	}
	return "BINARY"
}

// All receives until the connection is closed in good order, by either side: with [Normal], [GoingAway] or no code at all. Any other end,
// and the first message that is not what was declared, is the sequence's last pair, with a zero message. Leaving the loop leaves the
// connection open.
func (c *Conn[Out, In]) All(ctx context.Context) iter.Seq2[In, error] {
	return func(yield func(In, error) bool) {
		for {
			message, err := c.Receive(ctx)
			if end, ok := errors.AsType[*CloseError](err); ok && end.orderly() && errors.Is(err, crest.KindDisconnected) {
				return
			}
			if !yield(message, err) || err != nil {
				return
			}
		}
	}
}

// Ping sends a ping and waits for its pong, which arrives only while another goroutine is in Receive. A ctx that ends while it waits ends the
// Ping alone.
func (c *Conn[Out, In]) Ping(ctx context.Context) error {
	if err := c.undialled(); err != nil {
		return err
	}
	return c.link.ping(ctx)
}

// Subprotocol is the one that the server chose of Options.Subprotocols, "" for none.
func (c *Conn[Out, In]) Subprotocol() string {
	if c.undialled() != nil {
		return ""
	}
	return c.link.conn.Subprotocol()
}

// undialled is the error of a Conn that no Dial has made.
func (c *Conn[Out, In]) undialled() error {
	if c == nil || c.link == nil {
		return &crest.CallError{Step: crest.ErrRequest, Endpoint: "undeclared endpoint", Err: errors.New("the Conn is nil or zero: Endpoint.Dial makes one")}
	}
	return nil
}
