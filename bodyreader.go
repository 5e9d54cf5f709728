package crest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// rewound is a reader that several attempts read from its start. A transport may still be reading for one attempt when
// the next begins: only the newest turn gets bytes.
type rewound struct {
	r      io.Reader
	seeker io.Seeker
	start  int64

	busy chan struct{} // full while somebody reads or seeks: a lock that can be waited for with a context
	turn int
}

func newRewound(r io.Reader, seeker io.Seeker, start int64) *rewound {
	return &rewound{r: r, seeker: seeker, start: start, busy: make(chan struct{}, 1)}
}

// rewind waits for a Read of an earlier attempt, which may hang, no longer than ctx lasts.
func (s *rewound) rewind(ctx context.Context) (io.ReadCloser, error) {
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("a Read of an earlier attempt is still under way: %w", context.Cause(ctx))
	}
	defer s.free()
	s.turn++
	_, err := s.seeker.Seek(s.start, io.SeekStart)
	return &turn{s, s.turn}, err
}

func (s *rewound) free() { <-s.busy }

// turn is one reading of a rewound reader. Closing it leaves the reader open: it is the caller's.
type turn struct {
	shared *rewound
	n      int
}

var errTurnOver = errors.New("the reader was taken back to its start for another attempt")

func (t *turn) Read(p []byte) (int, error) {
	t.shared.busy <- struct{}{}
	defer t.shared.free()
	if t.n != t.shared.turn {
		return 0, errTurnOver
	}
	return t.shared.r.Read(p)
}

func (t *turn) Close() error { return nil }

// requestBodyError marks a failure of the caller's own reader, which net/http passes on unmarked.
type requestBodyError struct{ err error }

func (e *requestBodyError) Error() string { return "reading the request body: " + textOf(e.err) }
func (e *requestBodyError) Unwrap() error { return e.err }

// Is tells a middleware whose failure it is: what lies below may be that of another connection.
func (e *requestBodyError) Is(target error) bool { return target == KindRequestBody }

// watchedBody marks the reader's errors and turns a panic in it into one: it runs in a goroutine of the
// transport, where nobody could recover it.
type watchedBody struct {
	io.ReadCloser
	left int64 // of the declared length; -1 when there is none
	idle int   // Reads in a row that gave nothing

	once   sync.Once
	closed error
}

var (
	errBodyLong  = errors.New("the reader gave more than the size that it had, or was said to have, when the call began")
	errBodyShort = errors.New("the reader gave less than the size that it had, or was said to have, when the call began")
)

func (w *watchedBody) Read(p []byte) (n int, err error) {
	defer panicked(&err)
	n, err = w.ReadCloser.Read(p)
	if wrong := w.breach(n, len(p), err); wrong != nil {
		return 0, &requestBodyError{wrong}
	}
	if w.left >= 0 {
		if counted := w.count(n, err); counted != nil {
			return 0, &requestBodyError{counted}
		}
	}
	if err != nil && err != io.EOF {
		err = &requestBodyError{err}
	}
	return n, err
}

var errBodyCount = errors.New("the reader says that it has read more than there was room for, or less than nothing")

// breach is what the contract of [io.Reader] does not allow: a transport would panic over the one, and turn in circles over the other.
func (w *watchedBody) breach(n, room int, err error) error {
	if n < 0 || n > room {
		return errBodyCount
	}
	if w.idle++; n > 0 || err != nil || room == 0 {
		w.idle = 0
	}
	if w.idle > maxIdleReads {
		return io.ErrNoProgress
	}
	return nil
}

// count holds the reader to its declared length. The byte beyond it is looked for before the last ones are
// handed on: later the server would have the whole request and might have answered it.
func (w *watchedBody) count(n int, err error) error {
	w.left -= int64(n)
	switch {
	case w.left < 0:
		return errBodyLong
	case w.left > 0 && err == io.EOF:
		return errBodyShort
	case w.left == 0 && n > 0 && err == nil:
		if extra, _ := w.ReadCloser.Read(make([]byte, 1)); extra > 0 {
			return errBodyLong
		}
	}
	return nil
}

// Close closes the reader once: a transport that fails may call it more often.
func (w *watchedBody) Close() error {
	w.once.Do(func() { w.closed = w.close() })
	return w.closed
}

func (w *watchedBody) close() (err error) {
	defer panicked(&err)
	if err = w.ReadCloser.Close(); err != nil {
		err = &requestBodyError{err}
	}
	return err
}

func panicked(err *error) {
	if v := recover(); v != nil {
		*err = &requestBodyError{fmt.Errorf("the reader panicked: %v", v)}
	}
}
