package crest

import (
	"io"
	"net/http"
	"sync"
)

// keptBody stays open until it is used or settled: net/http closes the body of a request that got no connection.
type keptBody struct {
	body io.ReadCloser

	mu      sync.Mutex
	used    bool // nobody can have it again
	closed  bool // but not yet the body below
	settled bool
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	closed := b.closed
	b.used = true
	b.mu.Unlock()
	if closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.body.Read(p)
}

func (b *keptBody) Close() error {
	b.mu.Lock()
	b.closed = true
	keep := !b.used && !b.settled
	b.mu.Unlock()
	if keep {
		return nil
	}
	return b.body.Close()
}

// again opens it once more, if nobody has read of it.
func (b *keptBody) again() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = b.used
	return !b.used
}

// settle says that nobody will want it again.
func (b *keptBody) settle() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.settled = true
	waiting := b.closed && !b.used
	b.mu.Unlock()
	if waiting {
		_ = b.body.Close()
	}
}
