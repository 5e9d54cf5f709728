package crest

import (
	"context"
	"errors"
	"io"
	"time"
)

// abortable makes the Reads of a request body end with ctx. net/http waits for a Read that is under way before it
// gives a cancelled request back, and a caller's reader may take its time: a pipe that nobody writes to, a slow disk.
func abortable(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	return &abortableBody{ctx: ctx, hop: hopOf(ctx), body: body}
}

// abortableBody reads in a goroutine of its own, into a buffer of its own: a Read that was given up may still end, and
// what it reads then is nobody's.
type abortableBody struct {
	ctx     context.Context
	hop     *hop // which is told of each piece
	body    io.ReadCloser
	buf     []byte
	done    chan readResult // of the Read that is under way
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
	piece, err := b.piece(min(len(p), readPiece))
	return copy(p, piece), err
}

// writePiece is how much is asked for at once where nothing is copied: a chunk is two writes to the connection, whatever its size.
const writePiece = 128 << 10

// WriteTo is what net/http asks for a body whose length is not known.
func (b *abortableBody) WriteTo(w io.Writer) (written int64, err error) {
	size := readPiece // a small body takes no large buffer, and over a slow connection a large piece would look like silence
	for err == nil {
		var piece []byte
		if piece, err = b.piece(size); len(piece) == 0 {
			continue
		}
		begun := time.Now()
		n, failed := w.Write(piece)
		written += int64(n)
		if failed != nil {
			return written, failed
		}
		if size = writePiece; time.Since(begun) > time.Second {
			size = readPiece
		}
	}
	if err == io.EOF {
		err = nil
	}
	return written, err
}

// piece reads up to size bytes, which are good until the next.
func (b *abortableBody) piece(size int) ([]byte, error) {
	if b.givenUp || b.ctx.Err() != nil {
		return nil, context.Cause(b.ctx)
	}
	b.hop.isBack()
	defer b.hop.gave()
	if len(b.buf) < size {
		b.buf = make([]byte, size)
	}
	if b.done == nil {
		b.done = make(chan readResult, 1)
	}
	buf := b.buf[:size]
	go b.fill(buf)
	select {
	case r := <-b.done:
		return buf[:r.n], r.err
	case <-b.ctx.Done():
		b.givenUp = true
		return nil, context.Cause(b.ctx)
	}
}

// fill is one Read. Of one that was given up the result stays where it is.
func (b *abortableBody) fill(buf []byte) {
	r := readResult{err: errReaderLeft}
	defer func() { b.done <- r }()
	r.n, r.err = b.body.Read(buf)
}

// Close closes the reader, at once: that is what ends the Read of a pipe, a file or a connection.
func (b *abortableBody) Close() error { return b.body.Close() }
