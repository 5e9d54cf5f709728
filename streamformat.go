package crest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"

	"github.com/crest-go/crest/internal/bind"
	"github.com/crest-go/crest/internal/jsonstream"
	"github.com/crest-go/crest/internal/sse"
)

const eventStream = "text/event-stream"

// streamFormat is how a stream is cut.
type streamFormat int

const (
	formatNone streamFormat = iota
	formatEvents
	formatLines
	formatSequence
	formatValues
)

// formatOf is the format of a media type.
func formatOf(mediaType string) streamFormat {
	switch mediaType {
	case eventStream:
		return formatEvents
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines":
		return formatLines
	case "application/json-seq":
		return formatSequence
	}
	if isJSON(mediaType) {
		return formatValues
	}
	return formatNone
}

// format is that of an answer: what its Content-Type says, else the first that was asked for.
func (c *call) format(header http.Header) (streamFormat, *CallError) {
	m := &material{settings: c.settings, header: header}
	mediaType, label := splitMediaType(header.Get("Content-Type"))
	f := formatOf(mediaType)
	if f == formatNone && (mediaType == "" || c.settings.accept != nil) {
		f = formatOf(c.firstType())
	}
	switch {
	case c.settings.accept != nil && mediaType != "" && !m.accepts(mediaType, nil, true), f == formatNone:
		return 0, failf(ErrResponse, KindContentType, "%s instead of %s", safeText(header.Get("Content-Type")), c.endpoint.result.accept(c.settings))
	case f != formatEvents && label != "" && !isUTF8(label): // of an event stream it means nothing (WHATWG HTML, section 9.2.5)
		return 0, failf(ErrResponse, KindDecode, "the charset of the stream is %s: UTF-8 alone is read piece by piece", safeText(label))
	}
	return f, nil
}

// firstType is what was asked for first.
func (c *call) firstType() string {
	if c.settings.accept == nil {
		return eventStream
	}
	mediaType, _ := splitMediaType(c.settings.accept[0])
	return mediaType
}

// wantsEvents reports whether an event stream is asked for in the first place.
func (c *call) wantsEvents() bool {
	return c.endpoint.result.piece != nil && formatOf(c.firstType()) == formatEvents
}

// pieces cuts a body. What it returns is valid until the next piece is asked for.
type pieces interface {
	Next() (sse.Event, error)
	LastID() string // of the piece that was returned last
}

// jsonPieces are the values of a JSON stream as events without id and type.
type jsonPieces struct{ r *jsonstream.Reader }

func (jsonPieces) LastID() string { return "" }

func (p jsonPieces) Next() (sse.Event, error) {
	text, err := p.r.Next()
	return sse.Event{Data: text}, err
}

func newPieces(f streamFormat, body io.Reader, limit int64, lastID string) pieces {
	switch f {
	case formatEvents:
		return sse.NewReader(body, limit, lastID)
	case formatLines:
		return jsonPieces{jsonstream.NewReader(body, jsonstream.Lines, limit)}
	case formatSequence:
		return jsonPieces{jsonstream.NewReader(body, jsonstream.Sequence, limit)}
	}
	return jsonPieces{jsonstream.NewReader(body, jsonstream.Values, limit)}
}

// pieceFailure says what an error of pieces means. The body's own are those of a call already.
func pieceFailure(err error) *CallError {
	if known, ok := errors.AsType[*CallError](err); ok {
		return known
	}
	if large, ok := errors.AsType[*sse.TooLarge](err); ok && large.Fixed {
		return tooLarge("%w", err)
	} else if ok {
		return tooLarge("%w (Bounds.Event)", err)
	}
	if _, large := errors.AsType[*jsonstream.TooLarge](err); large {
		return tooLarge("%w (Bounds.Event)", err)
	}
	if _, wrong := errors.AsType[*jsonstream.SyntaxError](err); wrong {
		return fail(ErrResponse, KindDecode, err)
	}
	return fail(ErrResponse, KindTruncated, err)
}

var errEmptyPiece = errors.New("its data is empty, which is no model: use string, a pointer or any if that may be")

// checkPiece asks what is asked of a whole answer (see [WithCheck]).
func (f *flow) checkPiece(data []byte) *CallError {
	if f.blank == nil {
		return nil
	}
	e := *f.blank
	e.Body = data
	if !f.call.settings.check(&e) {
		return nil
	}
	e.Body = bytes.Clone(data) // the caller keeps it
	f.call.describe(&e, &material{header: f.answer.resp.Header, codec: f.codec})
	return fail(ErrStatus, "", &e)
}

// decodePiece fills v and holds it to the rules of its model.
func (f *flow) decodePiece(data []byte, v reflect.Value) *CallError {
	c, piece := f.call, f.call.endpoint.result.piece
	switch piece.kind {
	case emptyResult:
		return nil
	case textResult:
		v.SetString(string(data))
		return nil
	case bytesResult:
		v.SetBytes(slices.Clone(data))
		return nil
	}
	from := &material{settings: c.settings, header: f.answer.resp.Header, body: data, codec: f.codec}
	switch kind := piece.model.bind.BodyKind(); {
	case kind == bind.Raw:
		from.body = bytes.Clone(data) // the model keeps it
	case kind != bind.NoBody && len(bytes.TrimSpace(data)) == 0 && !nilable(piece.t):
		return fail(ErrResponse, KindDecode, errEmptyPiece)
	}
	filled, err := piece.model.decode(v, from)
	if err != nil || !filled {
		return err
	}
	return c.holdTo(f.ctx, piece.model, f.answer, v)
}

// codecOfPieces reads the pieces of a format: JSON's where the format is JSON, else the nearest.
func (s *settings) codecOfPieces(f streamFormat) Codec {
	if f == formatEvents {
		return s.codecsFor()[0]
	}
	use, _ := s.codecOf(jsonMediaType)
	return use
}
