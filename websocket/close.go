package websocket

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	coder "github.com/coder/websocket"

	"github.com/crest-go/crest"
)

// Close codes of RFC 6455, section 7.4.1, that programs ask for. Others are numbers as well: 3000 to 4999 are free for applications.
const (
	Normal    = 1000 // the purpose is fulfilled
	GoingAway = 1001 // the server stops, or the program leaves
	Policy    = 1008 // a message broke the receiver's rules
	NoCode    = 1005 // never sent: the close frame named no code
	Lost      = 1006 // never sent: the connection ended without a close frame
)

// CloseError says how a connection ended. [errors.As] finds it in the errors of a [Conn].
type CloseError struct {
	Code   int    // Normal, GoingAway …; Lost without a close frame
	Reason string // of the close frame, "" for none
	Local  bool   // this side closed the connection; else the server did, or it was lost
}

// Error returns "the server closed the connection: 1001 (bye)".
func (e *CloseError) Error() string {
	text := "the server closed the connection: "
	switch {
	case e.Code == Lost:
		text = "the connection was lost: "
	case e.Local:
		text = "the connection was closed: "
	}
	text += strconv.Itoa(e.Code)
	if e.Reason != "" {
		text += fmt.Sprintf(" (%q)", e.Reason)
	}
	return text
}

// orderly reports an end that is no failure: 1005 is what a close frame without a code stands for.
func (e *CloseError) orderly() bool {
	return e.Code == Normal || e.Code == GoingAway || e.Code == NoCode
}

// Close sends the close frame with code and reason, waits for the server's (Options.CloseTimeout) and closes the connection, whatever
// comes of it. Messages that arrive meanwhile are dropped. [Normal] is the usual code. It may be called at any time, by any goroutine; a
// second one, or one after the end of the connection, does nothing and returns nil. Errors: [crest.ErrRequest] for a code that cannot be
// sent or a reason above 123 bytes, with which the connection goes on; [crest.ErrTransport] with [crest.KindTimeout] if the server did not answer
// in time, or [crest.KindDisconnected] if it hung up.
func (c *Conn[Out, In]) Close(code int, reason string) error {
	if err := c.undialled(); err != nil {
		return err
	}
	if !sendable(code) || len(reason) > 123 || !utf8.ValidString(reason) {
		return c.link.failed(crest.ErrRequest, "", fmt.Errorf("a close frame cannot have the code %d and this reason: codes are 1000 to 1003, 1007 to 1014 and 3000 to 4999, reasons at most 123 bytes of UTF-8", code))
	}
	return c.link.close(code, reason)
}

func sendable(code int) bool {
	return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006) || code >= 3000 && code <= 4999
}

func (l *link) close(code int, reason string) error {
	defer l.beating.Wait()
	if !l.finish(&CloseError{Code: code, Reason: reason, Local: true}, nil) {
		_ = l.conn.CloseNow()
		return nil
	}
	begun := time.Now()
	var late atomic.Bool
	timer := time.AfterFunc(l.options.CloseTimeout, func() {
		late.Store(true)
		_ = l.wire.Close()
	})
	err := l.conn.Close(coder.StatusCode(code), reason)
	timer.Stop()
	switch {
	case err == nil || coder.CloseStatus(err) != -1:
		return nil
	case late.Load() || errors.Is(err, context.DeadlineExceeded):
		return l.failed(crest.ErrTransport, crest.KindTimeout, fmt.Errorf("the server did not answer the close frame within %v", time.Since(begun).Round(time.Millisecond)))
	}
	return l.failed(crest.ErrTransport, crest.KindDisconnected, fmt.Errorf("the server did not answer the close frame: %w", err))
}
