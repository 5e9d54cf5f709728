package crest

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// liveBody is a body that the caller reads. Its errors are typed like those of a call; closing it
// gives the connection back when little is left, and ends the call's context.
type liveBody struct {
	body  io.Reader     // decompressed
	wire  io.ReadCloser // what is closed
	hop   *hop
	left  int64 // decoded bytes until the bound
	limit int64
	call  *call
	given atomic.Int64 // bytes
	seen  sight

	mu      sync.Mutex // guards what follows: Close may come from another goroutine
	reading bool
	ended   error
}

func newLiveBody(c *call, h *hop, body io.Reader, wire io.ReadCloser) *liveBody {
	limit := c.settings.bounds.streamed()
	return &liveBody{call: c, hop: h, body: body, wire: wire, left: limit, limit: limit}
}

// Read reads the decompressed body. After Close it is an error.
func (b *liveBody) Read(p []byte) (int, error) {
	if err := b.begin(); err != nil {
		return 0, err
	}
	defer b.pause()
	if b.left == 0 && len(p) > 0 {
		p = p[:1] // one byte more tells the end from too much
	} else if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	if int64(n) > b.left {
		return 0, b.end(b.failed(tooLarge("the body is larger than the bound Body of %d bytes", b.limit)))
	}
	b.left -= int64(n)
	b.given.Add(int64(n))
	if err != nil && err != io.EOF {
		err = b.end(b.failed(readFailure(b.hop, err)))
	}
	return n, err
}

// begin reports what has ended the body, or marks that a Read is under way.
func (b *liveBody) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = b.ended == nil
	return b.ended
}

func (b *liveBody) pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
}

// end remembers the first error, which all later reads give again, and returns what is remembered.
func (b *liveBody) end(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		b.ended = err
	}
	return b.ended
}

// endsWith replaces the error that ended the body with the one that its reader made of what it read.
func (b *liveBody) endsWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !errors.Is(b.ended, errBodyClosed) {
		b.ended = err
	}
}

func (b *liveBody) failed(err *CallError) error {
	err.Sent = SentYes
	return b.call.failed(b.hop, err)
}

func (b *liveBody) inSight(s sight) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = s
	return !errors.Is(b.ended, errBodyClosed)
}

func (b *liveBody) moved() (received, sent int64) { return b.given.Load(), 0 }

var errBodyClosed = errors.New("crest: the body was closed")

// Close drains a small rest so that the connection can be used again, and closes. It may be called more than once.
func (b *liveBody) Close() error {
	b.mu.Lock()
	again := errors.Is(b.ended, errBodyClosed)
	healthy := b.ended == nil && !b.reading && b.hop.Err() == nil
	if b.reading {
		b.hop.stop() // a Read hangs in another goroutine
	}
	broken := b.ended
	b.ended = errBodyClosed
	b.mu.Unlock()
	if again {
		return nil
	}
	if healthy {
		drain(b.wire, b.hop.stop)
	}
	err := b.wire.Close()
	b.hop.end()
	b.call.life.end()
	b.call.core.sweep()
	b.seen.bodyEnded(b.given.Load(), 0, broken)
	return err
}
