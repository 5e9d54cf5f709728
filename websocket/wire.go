package websocket

import (
	"errors"
	"io"
	"sync"
)

// wire is the connection below coder/websocket. It looks at the frames that arrive, for the rules that coder/websocket leaves open, and
// remembers what went wrong: coder/websocket has no types for that.
type wire struct {
	upgraded

	mu     sync.Mutex
	open   bool // the handshake is over; before that, coder/websocket would read what it does not like for 3 s
	frames frames
	count  int64 // bytes that arrived
	lost   error // the connection's own
	broken error // a frame against the rules, or what the reader of messages did not like: nothing is read after it
}

// Read reads bytes whose frames are within the rules.
func (w *wire) Read(p []byte) (int, error) {
	if err := w.closedBy(); err != nil {
		return 0, err
	}
	n, err := w.upgraded.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count += int64(n)
	if broken := w.frames.scan(p[:n]); broken != nil && w.broken == nil {
		w.broken = broken
	}
	if w.broken != nil {
		return 0, w.broken
	}
	if err == io.EOF { // which coder/websocket would take for the end of a message
		err = errHungUp
	}
	if err != nil {
		w.lost = err
	}
	return n, err
}

var errHungUp = errors.New("the server hung up without a close frame")

// closedBy is why nothing may be read.
func (w *wire) closedBy() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.open {
		return io.EOF
	}
	return w.broken
}

// begin lets messages be read.
func (w *wire) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = true
}

// condemn ends reading.
func (w *wire) condemn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = err
	}
}

// verdict is the rule that was broken.
func (w *wire) verdict() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// failure is what the connection itself failed with.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// arrived is how many bytes have come so far.
func (w *wire) arrived() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

var _ io.ReadWriteCloser = (*wire)(nil)
