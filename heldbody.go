package crest

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// endWith ends a context when the body has been read or closed. Without that, a context that lives as long as
// the program would remember each request that was sent under it.
func endWith(body io.ReadCloser, cancel context.CancelCauseFunc) io.ReadCloser {
	held := &heldBody{body, cancel}
	if w, ok := body.(io.Writer); ok { // 101 Switching Protocols: the body is the connection
		return &heldConn{held, w}
	}
	return held
}

type heldBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.cancel(nil)
	}
	return n, err
}

func (b *heldBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

type heldConn struct {
	*heldBody
	io.Writer
}

// Read keeps the context: the other direction may still be in use.
func (c *heldConn) Read(p []byte) (int, error) { return c.ReadCloser.Read(p) }

// CloseWrite ends one direction of a connection that can, as net/http's own body does.
func (c *heldConn) CloseWrite() error {
	if half, ok := c.Writer.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return fmt.Errorf("crest: CloseWrite: %w", http.ErrNotSupported)
}
