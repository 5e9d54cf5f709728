package websocket

import (
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	coder "github.com/coder/websocket"

	"github.com/crest-go/crest"
)

// link is a Conn without its models.
type link struct {
	conn     *coder.Conn
	wire     *wire
	options  *Options
	receives atomic.Int64   // begun and ended: odd while a Receive is under way
	beating  sync.WaitGroup // the heartbeat

	mu   sync.Mutex
	end  *ending
	done chan struct{} // closed with end
}

// ending is how a connection ended, with the error that it was found by.
type ending struct {
	*CloseError
	why error // nil if the CloseError says all
}

func (e *ending) Error() string {
	if e.why == nil {
		return e.CloseError.Error()
	}
	return e.why.Error()
}

func (e *ending) Unwrap() []error {
	if e.why == nil {
		return []error{e.CloseError}
	}
	return []error{e.CloseError, e.why}
}

// finish notes how the connection ended. It reports false if that is known already.
func (l *link) finish(how *CloseError, why error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil {
		return false
	}
	l.end = &ending{how, why}
	close(l.done)
	return true
}

// ended is how the connection ended; nil while it lasts.
func (l *link) ended() *ending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// failed makes the error of a call in which no context has a part.
func (l *link) failed(step crest.Step, kind crest.Kind, err error) error {
	failed := &crest.CallError{Step: step, Kind: kind, Err: err}
	if step == crest.ErrTransport {
		failed.Sent = crest.SentMaybe
	}
	return l.wire.Failed(context.Background(), failed)
}

// over is the error of a connection that has ended.
func (l *link) over() error {
	failed := &crest.CallError{Step: crest.ErrTransport, Kind: crest.KindDisconnected, Err: l.ended()}
	return l.wire.Failed(context.Background(), failed)
}

var errBusy = errors.New("another Receive is under way: one goroutine receives")

// receive reads one message.
func (l *link) receive(ctx context.Context) (coder.MessageType, []byte, error) {
	if err := l.ready(ctx); err != nil {
		return 0, nil, err
	}
	n := l.receives.Load()
	if n%2 == 1 || !l.receives.CompareAndSwap(n, n+1) {
		return 0, nil, l.failed(crest.ErrRequest, "", errBusy)
	}
	defer l.receives.Add(1)
	kind, data, err := l.conn.Read(ctx)
	if err == nil && kind == coder.MessageText && !utf8.Valid(data) {
		err = errors.New("a text message is not UTF-8 (RFC 6455, section 8.1)")
		return 0, nil, l.refuse(coder.StatusInvalidFramePayloadData, crest.ErrTransport, crest.KindProtocol, err)
	}
	if err != nil {
		return 0, nil, l.unread(ctx, err)
	}
	return kind, data, nil
}

// ready refuses to begin with what has ended already.
func (l *link) ready(ctx context.Context) error {
	switch {
	case ctx == nil:
		return l.failed(crest.ErrRequest, "", errors.New("the context is nil: use context.Background()"))
	case l.ended() != nil:
		return l.over()
	case ctx.Err() != nil:
		return l.wire.Failed(ctx, &crest.CallError{Step: crest.ErrRequest, Err: ctx.Err()})
	}
	return nil
}

// unread says what the error of a Read means, and ends the connection.
func (l *link) unread(ctx context.Context, err error) error {
	closed, isClosed := errors.AsType[coder.CloseError](err)
	broken := l.wire.verdict()
	switch {
	case isClosed && !utf8.ValidString(closed.Reason):
		return l.refuse(coder.StatusInvalidFramePayloadData, crest.ErrTransport, crest.KindProtocol, errors.New("the reason of the close frame is not UTF-8"))
	case isClosed:
		l.finish(&CloseError{Code: int(closed.Code), Reason: closed.Reason}, nil)
	case l.ended() != nil: // closed by this side, or given up by the heartbeat
	case broken != nil:
		return l.refuse(coder.StatusProtocolError, crest.ErrTransport, crest.KindProtocol, broken)
	case errors.Is(err, coder.ErrMessageTooBig):
		return l.refuse(coder.StatusMessageTooBig, crest.ErrResponse, crest.KindTooLarge, fmt.Errorf("the message is larger than Options.MaxMessage of %d bytes", l.options.MaxMessage))
	case ctx.Err() != nil:
		return l.gaveUp(ctx, crest.SentYes)
	case isDeflate(err):
		return l.refuse(coder.StatusInvalidFramePayloadData, crest.ErrResponse, crest.KindEncoding, err)
	case l.wire.failure() == nil && !errors.Is(err, net.ErrClosed): // it was no fault of the connection's
		return l.refuse(coder.StatusProtocolError, crest.ErrTransport, crest.KindProtocol, err)
	default:
		l.lose(err)
	}
	_ = l.conn.CloseNow()
	return l.over()
}

func isDeflate(err error) bool {
	_, ok := errors.AsType[flate.CorruptInputError](err)
	return ok
}

// lose notes that the connection itself failed.
func (l *link) lose(err error) {
	why := l.wire.failure()
	if why == nil {
		why = err
	}
	l.finish(&CloseError{Code: Lost}, fmt.Errorf("the connection was lost: %w", why))
}

// refuse fails the connection (RFC 6455, section 7.1.7): it sends a close frame, unless one was sent, and does not wait for another.
func (l *link) refuse(code coder.StatusCode, step crest.Step, kind crest.Kind, why error) error {
	end := &CloseError{Code: int(code), Local: true}
	l.finish(end, why)
	l.wire.condemn(why)
	_ = l.conn.Close(code, "")
	return l.wire.Failed(context.Background(), &crest.CallError{Step: step, Kind: kind, Sent: crest.SentYes, Err: &ending{end, why}})
}

// gaveUp is the end of a connection by a context: coder/websocket closes it, since a frame may have been read or written in part.
func (l *link) gaveUp(ctx context.Context, sent crest.Sent) error {
	end := &ending{&CloseError{Code: Lost, Local: true}, ctx.Err()}
	l.finish(end.CloseError, fmt.Errorf("the context of an earlier call ended the connection: %w", end.why))
	_ = l.conn.CloseNow()
	return l.expired(ctx, sent, end)
}

// expired is the error of a call that its context ended.
func (l *link) expired(ctx context.Context, sent crest.Sent, why error) error {
	failed := &crest.CallError{Step: crest.ErrTransport, Sent: sent, Err: why}
	if ctx.Err() == context.DeadlineExceeded {
		failed.Kind = crest.KindTimeout
	}
	return l.wire.Failed(ctx, failed)
}

// send writes one message.
func (l *link) send(ctx context.Context, kind coder.MessageType, data []byte) error {
	err := l.conn.Write(ctx, kind, data)
	if err == nil {
		return nil
	}
	return l.unwritten(ctx, err)
}

// unwritten says what the error of a write means, and ends the connection.
func (l *link) unwritten(ctx context.Context, err error) error {
	switch {
	case l.ended() != nil:
	case ctx.Err() != nil:
		return l.gaveUp(ctx, crest.SentMaybe)
	default:
		l.lose(err)
		_ = l.conn.CloseNow()
	}
	return l.failed(crest.ErrTransport, crest.KindDisconnected, l.ended())
}

// ping sends a ping and waits for its pong.
func (l *link) ping(ctx context.Context) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	err := l.conn.Ping(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && l.ended() == nil:
		return l.expired(ctx, crest.SentMaybe, fmt.Errorf("no pong came: %w", ctx.Err()))
	}
	return l.unwritten(ctx, err)
}
