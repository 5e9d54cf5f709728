package crest

import (
	"fmt"
	"time"
)

// Bounds limits what a server can make a call hold in memory. The zero value means the defaults;
// a zero field inherits from the farther level; NoBound switches one off.
type Bounds struct {
	// Body is the size of a decoded body in bytes: 10 MiB for typed answers.
	// A body that the caller reads (io.ReadCloser) is bounded only when this is set.
	Body int64
	// ErrorBody is how much of the body of a failed answer [Error.Body] keeps: 64 KiB.
	ErrorBody int64
	// Event is the size of one piece of a [Stream]: a line, an event, a JSON value: 16 MiB. The whole of a stream is
	// bounded only when Body is set.
	Event int64
}

// NoBound switches a bound off.
const NoBound = -1

// The default bounds. docs/design.md has the table of all of them.
const (
	defaultBody      = 10 << 20
	defaultErrorBody = 64 << 10
	defaultEvent     = 16 << 20
	maxRatio         = 200     // decoded bytes per byte on the wire, looked at after ratioAfter
	ratioAfter       = 1 << 20 // decoded bytes
	maxCodings       = 1       // content codings of one answer
	drainBytes       = 64 << 10
	drainTime        = time.Second
	sizedBuffer      = 512 << 10 // a buffer is sized by Content-Length up to here
)

// WithBounds bounds what is read, field by field: of the levels the nearest that sets one. A success that is
// larger ends the call in [ErrResponse], [KindTooLarge]; of a failed answer the rest is cut. Negative numbers but [NoBound] are mistakes.
func WithBounds(b Bounds) Option {
	return anyOption(func(s *settings) error {
		if b.Body < NoBound || b.ErrorBody < NoBound || b.Event < NoBound {
			return fmt.Errorf("WithBounds: a bound is a number of bytes, 0 for the default or NoBound")
		}
		s.bounds = b.over(s.bounds)
		return nil
	})
}

func (b Bounds) over(base Bounds) Bounds {
	if b.Body == 0 {
		b.Body = base.Body
	}
	if b.ErrorBody == 0 {
		b.ErrorBody = base.ErrorBody
	}
	if b.Event == 0 {
		b.Event = base.Event
	}
	return b
}

// body is the bound of a typed body, or a number that no body reaches.
func (b Bounds) body() int64 { return effective(b.Body, defaultBody) }

// errorBody is how much of a failed answer is kept.
func (b Bounds) errorBody() int64 { return effective(b.ErrorBody, defaultErrorBody) }

// event is the bound of one piece of a stream.
func (b Bounds) event() int64 { return effective(b.Event, defaultEvent) }

// streamed is the bound of a body that the caller reads.
func (b Bounds) streamed() int64 { return effective(b.Body, NoBound) }

func effective(set, standard int64) int64 {
	if set == 0 {
		set = standard
	}
	if set == NoBound {
		return 1<<63 - 1
	}
	return set
}
