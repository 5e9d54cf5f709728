package crest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/crest-go/crest/internal/bind"
	"github.com/crest-go/crest/internal/codec"
)

// payload is a request body as it will be opened for each attempt.
// Bodies are never pooled: a server may answer, and the transport still be reading (CVE-2023-45286).
type payload struct {
	bytes       []byte
	open        func(ctx context.Context) (io.ReadCloser, error)
	replay      func() (io.ReadCloser, error) // for net/http's own replays; nil where the reader is shared
	length      int64                         // before its coding; -1 when it is not known
	contentType string
	declared    bool // the model has a body, be it empty
	streamed    bool
	once        bool    // it can be read one time only
	coding      *coding // what it is compressed with on its way out; nil for nothing
	secret      bool    // a Secret stands in it in clear; looked for only when the call leaves its origin
	form        *form   // of a form with files
}

// again reports whether the body can be sent once more.
func (p *payload) again() bool { return !p.once }

// size is the number of bytes that are sent, -1 where it is not known. That of what is compressed never is.
func (p *payload) size() int64 {
	if p.coding != nil {
		return -1
	}
	return p.length
}

// replayed is the body for net/http's own replays and for signers; nil where it cannot be had again.
func (p *payload) replayed(ctx context.Context) func() (io.ReadCloser, error) {
	if p.replay == nil || !p.streamed && p.coding == nil {
		return p.replay
	}
	return func() (io.ReadCloser, error) {
		body, err := p.replay()
		if err != nil {
			return nil, err
		}
		return p.sent(ctx, body), nil
	}
}

// sent is an opened body as the transport reads it. Reads of the caller's reader end with ctx; what compresses it
// lies above that, and so belongs to the transport's goroutine alone.
func (p *payload) sent(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	if body == http.NoBody {
		return body
	}
	if p.streamed {
		body = abortable(ctx, body)
	}
	if p.coding != nil {
		body = p.coding.compressed(body)
	}
	return body
}

// anyTime is an open that waits for nothing.
func anyTime(open func() (io.ReadCloser, error)) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return open() }
}

// noBody is what a request without a body opens.
func noBody(context.Context) (io.ReadCloser, error) { return http.NoBody, nil }

// bindBody encodes the model's body.
func (c *call) bindBody(req reflect.Value, out *outgoing) error {
	plan := c.endpoint.request
	out.body.open = noBody
	switch plan.Body() {
	case bind.NoBody:
		return nil
	case bind.JSONFields:
		return c.bindFields(req, out)
	case bind.Form:
		data, err := plan.AppendForm(nil, req)
		err = out.body.encoded(data, formMediaType, err)
		out.body.secret = c.looksForSecrets() && holdsSecret(req)
		return err
	case bind.Multipart:
		return c.bindMultipart(req, out)
	}
	v := plan.BodyField(req)
	if !v.IsValid() {
		return nil // it would lie behind an embedded pointer that is nil
	}
	switch plan.Body() {
	case bind.Raw:
		return out.body.raw(v)
	case bind.Reader:
		return out.body.reader(v)
	case bind.Factory:
		return out.body.factory(v)
	case bind.File:
		return out.body.file(v)
	}
	return c.bindWhole(v, out)
}

// bindFields writes the json fields of a model one by one.
func (c *call) bindFields(req reflect.Value, out *outgoing) error {
	use, secret := c.fieldCodec(), false
	data, err := c.endpoint.request.AppendJSON(nil, req, func(v any) ([]byte, error) {
		secret = secret || c.looksForSecrets() && holdsSecret(reflect.ValueOf(v))
		return marshal(use, v)
	})
	err = out.body.encoded(data, sendType(use), err)
	out.body.secret = secret
	return err
}

// bindWhole hands a model to the codec. A nil pointer is no body.
func (c *call) bindWhole(v reflect.Value, out *outgoing) error {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		return nil
	}
	model := v.Interface()
	if v.CanAddr() {
		model = v.Addr().Interface() // methods on the pointer count, and nothing is copied
	}
	use := c.requestCodec()
	data, err := marshal(use, model)
	err = out.body.encoded(data, sendType(use), err)
	out.body.secret = c.looksForSecrets() && holdsSecret(v)
	return err
}

// requestCodec is the one that requests are written with.
func (c *call) requestCodec() Codec {
	if len(c.settings.codecs) > 0 {
		return c.settings.codecs[0]
	}
	return jsonCodec{}
}

// fieldCodec is the one for a body of json fields that is written field by field.
func (c *call) fieldCodec() Codec {
	if use := c.requestCodec(); isJSON(sendType(use)) {
		return use
	}
	return jsonCodec{}
}

// marshal writes one value. A codec that would write [redacted] for a Secret is refused.
func marshal(use Codec, v any) ([]byte, error) {
	if _, own := use.(secretWriter); !own && codec.HoldsSecret(reflect.TypeOf(v)) {
		return nil, fmt.Errorf("the body holds a Secret, which only crest's own JSON codec and forms can write in clear; %T would write %s", use, redacted)
	}
	return use.Marshal(v)
}

func (p *payload) encoded(data []byte, mediaType string, err error) error {
	if err != nil {
		return fmt.Errorf("the body cannot be encoded: %w", err)
	}
	p.fixed(data, mediaType)
	return nil
}

// fixed makes p a body of bytes that nobody else may change.
func (p *payload) fixed(data []byte, mediaType string) {
	*p = payload{bytes: data, length: int64(len(data)), contentType: mediaType, declared: true, open: noBody}
	if len(data) > 0 {
		p.replay = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		p.open = anyTime(p.replay)
	}
}

// raw takes bytes and text as they are.
func (p *payload) raw(v reflect.Value) error {
	if v.Kind() == reflect.String {
		p.fixed([]byte(v.String()), "text/plain; charset=utf-8")
		return nil
	}
	if v.IsNil() {
		return nil
	}
	p.fixed(bytes.Clone(v.Bytes()), octets)
	return nil
}

const octets = "application/octet-stream"

// factory asks for a new reader for each attempt. A nil one is no body.
func (p *payload) factory(v reflect.Value) error {
	open, _ := v.Convert(reflect.TypeFor[func() (io.ReadCloser, error)]()).Interface().(func() (io.ReadCloser, error))
	if open != nil {
		p.opened(open, -1)
	}
	return nil
}

// opened is a body of the length that a function's readers are said to have; -1 when that is not known.
func (p *payload) opened(open func() (io.ReadCloser, error), length int64) {
	again := func() (body io.ReadCloser, err error) {
		defer panicked(&err)
		r, err := open()
		if err == nil && isNil(r) {
			err = errors.New("the function that opens it returned no reader")
		}
		if err != nil {
			return nil, &requestBodyError{err}
		}
		return &watchedBody{ReadCloser: r, left: length}, nil
	}
	if length == 0 {
		again = emptied(again)
	}
	*p = payload{open: anyTime(again), replay: again, length: length, contentType: octets, declared: true, streamed: true}
}

// emptied makes sure that there is nothing to read: net/http takes a length of 0 beside a reader for one that is not known.
func emptied(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		body, err := open()
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, body)
		if err = errors.Join(err, body.Close()); err != nil {
			return nil, err
		}
		return http.NoBody, nil
	}
}

// reader sends what a reader has left. One that can seek is sent from where it stands, each time.
func (p *payload) reader(v reflect.Value) error {
	r, _ := v.Interface().(io.Reader)
	if isNil(r) {
		return nil
	}
	return p.read(r)
}

func (p *payload) read(r io.Reader) error {
	*p = payload{length: -1, contentType: octets, declared: true, streamed: true}
	seeker, ok := r.(io.Seeker)
	if !ok {
		p.open, p.once = once(r, -1), true
		return nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		p.open, p.once = once(r, -1), true // such as a pipe: it has the method and cannot do it
		return nil
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		p.open, p.once = once(r, -1), true // it tells where it stands, and goes nowhere
		return nil
	}
	if start >= end && end > 0 {
		return errReadBefore
	}
	p.length = max(end-start, 0)
	shared := newRewound(r, seeker, start)
	p.open = func(ctx context.Context) (io.ReadCloser, error) {
		turn, err := shared.rewind(ctx)
		if err != nil {
			return nil, &requestBodyError{err}
		}
		return &watchedBody{ReadCloser: turn, left: p.length}, nil
	}
	if _, err := seeker.Seek(start, io.SeekStart); err != nil {
		return fmt.Errorf("the body reader cannot go back: %w", err)
	}
	if p.length == 0 {
		p.open = noBody
	}
	return nil
}

// errReadBefore is more likely than a wish to send nothing: the reader was given to a call before.
var errReadBefore = errors.New("the reader stands at its end: it was read before. Give each call its own, seek back, or use a function (in a File: Open)")

// once opens a reader that cannot be read again, of a length that may be known.
func once(r io.Reader, length int64) func(context.Context) (io.ReadCloser, error) {
	used := false
	return func(context.Context) (io.ReadCloser, error) {
		if used {
			return nil, &requestBodyError{errors.New("the body was read already and cannot be read again: use a function or an io.Seeker as Body")}
		}
		used = true
		rc, ok := r.(io.ReadCloser)
		if !ok {
			rc = io.NopCloser(r)
		}
		return &watchedBody{ReadCloser: rc, left: length}, nil
	}
}
