package crest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/crest-go/crest/internal/sse"
)

// flow is one loop over a stream: its connection, or several after each other. It belongs to the goroutine of the loop.
type flow struct {
	ctx    context.Context // the caller's
	first  *call           // as it was bound
	call   *call           // of the newest connection
	count  int             // pieces so far
	resume resume

	// of the connection; pieces is nil without one
	pieces pieces
	answer *answer
	codec  Codec
	blank  *Error             // what a check is shown with each piece as its body; nil without a check
	stop   context.CancelFunc // ends whatever waits there
}

func newFlow(ctx context.Context, c *call) *flow {
	return &flow{ctx: ctx, first: c, call: c, resume: resume{lastID: c.out.header.Get(lastEventID)}}
}

// next fills into with the next piece. io.EOF is the end of a stream that is whole; any other error is a *CallError.
func (f *flow) next(into reflect.Value) (sse.Event, error) {
	for {
		piece, err := f.read()
		if err == nil || err == io.EOF {
			if err == nil {
				err = f.take(piece, into)
			}
			return piece, err
		}
		failure, _ := errors.AsType[*CallError](err)
		if failure = f.reconnect(failure); failure != nil {
			return piece, failure
		}
	}
}

// read returns the next piece, over a connection that it makes if there is none.
func (f *flow) read() (sse.Event, error) {
	if f.pieces == nil {
		if err := f.connect(); err != nil {
			return sse.Event{}, err
		}
		if f.pieces == nil {
			return sse.Event{}, io.EOF // there is nothing to read, and there will not be
		}
	}
	if f.ctx.Err() != nil { // what is there already is not what the caller wants any more
		return sse.Event{}, f.failed(readFailure(f.ctx, context.Cause(f.ctx)))
	}
	piece, err := f.pieces.Next()
	if err == nil {
		return piece, nil
	}
	if err == io.EOF && !f.resumes() {
		return piece, f.ended()
	}
	return piece, f.failed(f.lost(err))
}

// take makes a piece the caller's: io.EOF if it is the mark of the end.
func (f *flow) take(piece sse.Event, into reflect.Value) error {
	f.count++
	f.resume.healthy()
	if f.isDone(piece.Data) {
		f.finish()
		return io.EOF
	}
	err := f.checkPiece(piece.Data)
	if err == nil {
		err = f.decodePiece(piece.Data, into)
	}
	if err != nil {
		err.Err = fmt.Errorf("piece %d of the stream: %w", f.count, err.Err)
		return f.failed(err)
	}
	return nil
}

// isDone tells the mark of the end, whatever white space is around it.
func (f *flow) isDone(data []byte) bool {
	for _, mark := range f.call.settings.done {
		if string(bytes.TrimSpace(data)) == mark {
			return true
		}
	}
	return false
}

// ended is what the end of the body means.
func (f *flow) ended() error {
	if done := f.call.settings.done; done != nil {
		return f.failed(f.after(failf(ErrResponse, KindTruncated, "the stream ended without %s", strings.Join(done, " or "))))
	}
	f.disconnect()
	return io.EOF
}

// lost is the failure that broke the connection off.
func (f *flow) lost(err error) *CallError {
	if err == io.EOF {
		return failf(ErrResponse, KindTruncated, "the server ended the stream after %d events", f.count)
	}
	return f.after(pieceFailure(err))
}

// after says how far the loop had come when its connection broke off.
func (f *flow) after(err *CallError) *CallError {
	if f.count > 0 && err.Step == ErrResponse {
		err.Err = fmt.Errorf("after piece %d of the stream: %w", f.count, err.Err)
	}
	return err
}

func (f *flow) failed(err *CallError) *CallError {
	if !err.told {
		err.Sent, err.RequestID = SentYes, requestID(f.answer.resp.Header)
	}
	return f.call.failed(f.ctx, err)
}

// connect sends the request. Without an error and without pieces the answer has nothing to read.
func (f *flow) connect() *CallError {
	ctx, stop := context.WithCancel(f.ctx)
	f.stop = stop
	seen := f.call.inSight(f.ctx)
	defer seen.left()
	a, err := f.call.attempt(ctx)
	if err == nil {
		err = f.open(a)
	}
	if err != nil {
		f.disconnect()
		a, err = nil, f.call.failed(f.ctx, err)
	}
	seen.ended(a, err)
	return err
}

// open finds out what the body is.
func (f *flow) open(a *answer) *CallError {
	f.answer = a
	f.resume.opened(len(a.call.attempts) - 1)
	if a.resp.StatusCode == 204 || a.resp.StatusCode == 205 {
		f.disconnect()
		return nil
	}
	format, err := f.call.format(a.resp.Header)
	if err != nil {
		a.abandon(err)
		return err
	}
	f.codec = f.call.settings.codecOfPieces(format)
	if f.call.settings.check != nil {
		blank := f.call.newError(a)
		f.blank = &blank
	}
	f.pieces = newPieces(format, a.live, f.call.settings.bounds.event(), f.resume.lastID)
	return nil
}

// fails closes the connection after what the loop gets last, which observers get as well: the body may know of nothing.
func (f *flow) fails(err error) {
	if f.answer != nil {
		if body, ok := f.answer.live.(*liveBody); ok {
			body.endsWith(err)
		}
	}
	f.leave()
}

// leave closes the connection at once: more may be under way, for which nobody waits.
func (f *flow) leave() {
	if f.stop != nil {
		f.stop()
	}
	f.disconnect()
}

// doneTime is how long the end of the body may take after the mark of the end, so that the connection can be used again.
const doneTime = 50 * time.Millisecond

// finish gives the connection back after the mark of the end.
func (f *flow) finish() {
	timer := time.AfterFunc(doneTime, f.stop)
	defer timer.Stop()
	f.disconnect()
}

// disconnect closes the body. One that was read to its end leaves a connection that can be used again.
func (f *flow) disconnect() {
	if f.answer != nil && f.answer.live != nil {
		_ = f.answer.live.Close()
	}
	if f.stop != nil {
		f.stop()
	}
	f.pieces, f.answer, f.stop = nil, nil, nil
}
