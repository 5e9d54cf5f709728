package crest

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// DecodeRequest reads a request as a server gets it, as [Endpoint.DecodeRequest] does.
func (s *Stream[Req, T]) DecodeRequest(r *http.Request) (Req, error) {
	if s == nil || s.plain == nil {
		return *new(Req), &CallError{Step: ErrRequest, Endpoint: s.String(), Err: errUndeclaredStream}
	}
	return received[Req](s.plain, r)
}

// WriteEvents answers with a stream, as a server would: in the first format of [WithAccept], else as text/event-stream. Each piece is sent
// before the next is asked for. At the end the first marker of [WithDone] is written. An error among the pieces ends it and is
// returned, without the marker: nothing was written if it comes first.
//
// Ids and types are written in event streams alone. A type or an id with a line break, and text with a carriage return, cannot be and are
// errors.
func (s *Stream[Req, T]) WriteEvents(w http.ResponseWriter, events iter.Seq2[Event[T], error]) error {
	if s == nil || s.plain == nil {
		return errUndeclaredStream
	}
	out, err := s.plain.newPieceWriter(w)
	if err != nil {
		return err
	}
	for e, err := range events {
		if err == nil {
			err = out.send(e.ID, e.Type, reflect.ValueOf(&e.Data).Elem())
		}
		if err != nil {
			return err
		}
	}
	return out.end()
}

// WriteError answers with a failure that the stream declares, as [Endpoint.WriteError] does.
func (s *Stream[Req, T]) WriteError(w http.ResponseWriter, err error) error {
	if s == nil || s.plain == nil {
		return errUndeclaredStream
	}
	return s.plain.answerError(w, err)
}

// pieceWriter writes the pieces of a stream.
type pieceWriter struct {
	endpoint  *endpoint
	w         http.ResponseWriter
	to        flushing
	mediaType string
	format    streamFormat
	answer    *bind.Answer // of models
	begun     bool
}

func (e *endpoint) newPieceWriter(w http.ResponseWriter) (*pieceWriter, error) {
	p := &pieceWriter{endpoint: e, w: w, to: flushing{w, http.NewResponseController(w)}}
	p.mediaType = e.settings.answerType(eventStream)
	if p.format = formatOf(p.mediaType); p.format == formatNone {
		return nil, fmt.Errorf("a stream cannot be written as %s: give WithAccept the format of a stream", p.mediaType)
	}
	m := e.result.piece.model
	if m == nil {
		return p, nil
	}
	answer, mistakes := m.bind.Answer()
	if len(mistakes) > 0 {
		return nil, declarationError(e.name, mistakes)
	}
	p.answer = answer
	return p, nil
}

// begin sends the header of the answer.
func (p *pieceWriter) begin() {
	if p.begun {
		return
	}
	p.begun = true
	if p.w.Header().Get("Content-Type") == "" {
		p.w.Header().Set("Content-Type", p.mediaType)
	}
	p.w.WriteHeader(p.endpoint.success())
	_ = p.to.control.Flush() // a writer that cannot flush sends later
}

func (p *pieceWriter) send(id, kind string, v reflect.Value) error {
	data, err := p.data(v)
	if err == nil {
		data, err = p.piece(id, kind, data)
	}
	if err != nil {
		return err
	}
	p.begin()
	_, err = p.to.Write(data)
	return err
}

// end ends the stream well.
func (p *pieceWriter) end() error {
	p.begin()
	if len(p.endpoint.settings.done) == 0 {
		return nil
	}
	data, err := p.piece("", "", []byte(p.endpoint.settings.done[0]))
	if err == nil {
		_, err = p.to.Write(data)
	}
	return err
}

// data is the text of a piece.
func (p *pieceWriter) data(v reflect.Value) ([]byte, error) {
	switch p.endpoint.result.piece.kind {
	case emptyResult:
		return []byte("{}"), nil
	case textResult:
		return []byte(v.String()), nil
	case bytesResult:
		return v.Bytes(), nil
	}
	own := p.endpoint.settings
	a := &reply{}
	if err := own.answerBody(a, p.answer, v); err != nil {
		return nil, fmt.Errorf("the piece cannot be written: %w", err)
	}
	return a.body, nil
}

// piece puts data into the stream's format.
func (p *pieceWriter) piece(id, kind string, data []byte) ([]byte, error) {
	switch {
	case p.format == formatEvents:
		return event(id, kind, data)
	case p.format == formatSequence: // RFC 7464, section 2.2
		return append(append([]byte{0x1E}, data...), '\n'), nil
	case p.format == formatLines && bytes.ContainsAny(data, "\r\n"):
		return nil, errors.New("the piece holds a line break, and its stream is cut at them: use text/event-stream, or JSON on one line")
	}
	return append(data, '\n'), nil
}

// event writes an event (WHATWG HTML, section 9.2.6).
func event(id, kind string, data []byte) ([]byte, error) {
	if strings.ContainsAny(id+kind, "\r\n\x00") || bytes.IndexByte(data, '\r') >= 0 {
		return nil, errors.New("the event holds a line break in its id or type, or a carriage return in its data, which an event stream cannot carry")
	}
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	if kind != "" && kind != "message" {
		fmt.Fprintf(&b, "event: %s\n", kind)
	}
	for line := range bytes.SplitSeq(data, []byte{'\n'}) {
		fmt.Fprintf(&b, "data: %s\n", line)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
