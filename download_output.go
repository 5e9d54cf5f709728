package crest

import (
	"errors"
	"io"
)

// output is where a download is written.
type output interface {
	begin(rep representation) error              // before the first byte of a body
	writeAt(p []byte, at int64) error            // a plain writer gets its bytes in order
	readInto(w io.Writer, from, end int64) error // what was written
	restartable() bool                           // restart may succeed
	restart() error                              // takes back all that was written
	finish() error                               // all is there and as it should be
	close(finished bool, failure *CallError)     // in the end, whatever happened
}

// writerOutput is a writer of the caller's.
type writerOutput struct {
	w io.Writer
	n int64 // bytes that it took
}

func (o *writerOutput) begin(representation) error { return nil }
func (o *writerOutput) finish() error              { return nil }
func (o *writerOutput) close(bool, *CallError)     {}

func (o *writerOutput) writeAt(p []byte, _ int64) error {
	n, err := o.w.Write(p)
	o.n += int64(max(n, 0))
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// readInto has nothing to read: what a writer gets is added up as it goes.
func (o *writerOutput) readInto(io.Writer, int64, int64) error { return nil }

// rewindable is a writer that can be taken back.
type rewindable interface {
	io.Seeker
	Truncate(size int64) error
}

func (o *writerOutput) restartable() bool {
	_, ok := o.w.(rewindable)
	return ok || o.n == 0
}

// restart cuts off what was written. What the caller had before it stays, and what lies behind it would be lost with it: then nothing is done.
func (o *writerOutput) restart() error {
	if o.n == 0 {
		return nil
	}
	w, ok := o.w.(rewindable)
	if !ok {
		return errNoWayBack
	}
	at, err := w.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	end, err := w.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if at != end || at < o.n {
		_, err = w.Seek(at, io.SeekStart)
		return errors.Join(errNoWayBack, err)
	}
	if err := w.Truncate(at - o.n); err != nil {
		return err
	}
	_, err = w.Seek(at-o.n, io.SeekStart)
	o.n = 0
	return err
}
