package crest

import (
	"context"
	"errors"
	"io"
)

// abortable makes the Reads of a request body end with ctx. net/http waits for a Read that is under way before it
// gives a cancelled request back, and a caller's reader may take its time: a pipe that nobody writes to, a slow disk.
func abortable(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	return &abortableBody{ctx: ctx, body: body}
}

// abortableBody reads in a goroutine of its own, into a buffer of its own: a Read that was given up may still end, and
// what it reads then is nobody's.
type abortableBody struct {
	ctx     context.Context
	body    io.ReadCloser
	buf     []byte
	givenUp bool
}

// readPiece is how much one Read asks for, as net/http's own copies do.
const readPiece = 32 << 10

type readResult struct {
	n   int
	err error
}

var errReaderLeft = &requestBodyError{errors.New("the reader ended its goroutine, as runtime.Goexit does")}

func (b *abortableBody) Read(p []byte) (int, error) {
	if b.givenUp || b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if size := min(len(p), readPiece); len(b.buf) < size {
		b.buf = make([]byte, size)
	}
	buf, done := b.buf[:min(len(p), readPiece)], make(chan readResult, 1)
	go func() {
		r := readResult{err: errReaderLeft}
		defer func() { done <- r }()
		r.n, r.err = b.body.Read(buf)
	}()
	select {
	case r := <-done:
		return copy(p, buf[:r.n]), r.err
	case <-b.ctx.Done():
		b.givenUp = true
		return 0, context.Cause(b.ctx)
	}
}

// Close closes the reader, at once: that is what ends the Read of a pipe, a file or a connection.
func (b *abortableBody) Close() error { return b.body.Close() }
