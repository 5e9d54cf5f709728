package cresttest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// copied is what was read of a body. A transport may still read one when the answer is there.
type copied struct {
	mu      sync.Mutex
	data    []byte
	ended   bool
	current *copying
}

// of is a body that is written down from its beginning.
func (c *copied) of(body io.ReadCloser) io.ReadCloser {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data, c.ended = nil, false
	c.current = &copying{body, c}
	return c.current
}

// bytes are those so far, at most one more than are held.
func (c *copied) bytes() (data []byte, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.data), c.ended || c.current == nil
}

func (c *copied) add(p []byte, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = append(c.data, p[:min(len(p), maxBody+1-len(c.data))]...)
	c.ended = c.ended || ended
}

// copying is one opening of a request's body.
type copying struct {
	io.ReadCloser
	into *copied
}

// Read reads on, and notes what it reads if no newer opening does.
func (c *copying) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.into.mu.Lock()
	newest := c.into.current == c
	c.into.mu.Unlock()
	if newest {
		c.into.add(p[:n], err == io.EOF)
	}
	return n, err
}

// takenBody is the body of an answer.
type takenBody struct {
	io.ReadCloser
	take *take
}

// Read reads on, and notes what it reads.
func (b *takenBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.take.came.add(p[:n], err == io.EOF)
	switch {
	case err == io.EOF:
		b.take.done(false)
	case err != nil && b.take.req.Context().Err() != nil: // the caller has ended it
		b.take.done(true)
	case err != nil:
		b.take.lose("had an answer that broke off")
	}
	return n, err
}

// Close ends the recording.
func (b *takenBody) Close() error {
	err := b.ReadCloser.Close()
	b.take.done(b.take.more())
	return err
}

// more reports whether something is left of a body that was not read to its end.
func (r *take) more() bool {
	raw, _ := r.came.bytes()
	return r.req.Method != http.MethodHead && r.resp.StatusCode != http.StatusNoContent &&
		r.resp.StatusCode != http.StatusNotModified && int64(len(raw)) != r.resp.ContentLength
}
