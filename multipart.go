package crest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
)

// form is a multipart/form-data body in the making (RFC 7578): what stands between the files as text, and how each file
// is read. Nothing of a file is read before the request is sent, and never more than a piece at a time.
type form struct {
	boundary string
	text     []byte // since the last file
	pieces   []piece
	started  bool
}

// piece is a part of the body that is read from one source.
type piece struct {
	payload
	field string // of a file, for messages
	name  string // of a file, as it is sent
	from  io.Reader
}

// bindMultipart encodes a form with files. Its boundary is made once, so that each attempt sends the same bytes.
func (c *call) bindMultipart(req reflect.Value, out *outgoing) error {
	f := form{boundary: rand.Text()} // 130 random bits: nobody can put it into a file beforehand
	if err := c.endpoint.request.EachPart(req, f.addText, f.addFile); err != nil {
		return err
	}
	f.text = append(f.delimiter(), "--\r\n"...)
	f.flush()
	out.body = f.payload()
	out.body.secret = c.looksForSecrets() && holdsSecret(req)
	return nil
}

// delimiter begins a part: text so far, boundary and all.
func (f *form) delimiter() []byte {
	if f.started {
		f.text = append(f.text, "\r\n"...)
	}
	f.started = true
	return append(append(f.text, "--"...), f.boundary...)
}

func (f *form) addText(name, value string) error {
	head, err := partHeader(name, nil, "")
	if err == nil {
		f.text = append(append(append(f.delimiter(), "\r\n"...), head...), value...)
	}
	return err
}

func (f *form) addFile(name string, v reflect.Value) error {
	file := v.Convert(fileType).Interface().(File)
	if file.isZero() {
		return nil
	}
	body, err := file.payload()
	if err != nil {
		return err
	}
	if f.reads(file.Content) {
		return errors.New("the file's Content is that of another file of the form: give each its own reader")
	}
	head, err := partHeader(name, &file, body.contentType)
	if err != nil {
		return err
	}
	f.text = append(append(f.delimiter(), "\r\n"...), head...)
	f.flush()
	f.pieces = append(f.pieces, piece{body, name, behindFolders(file.Name), file.Content})
	return nil
}

// reads reports whether another file has the reader: one of them would get what is left by the other.
func (f *form) reads(r io.Reader) bool {
	if r == nil || !reflect.TypeOf(r).Comparable() {
		return false
	}
	for _, p := range f.pieces {
		if p.from == r {
			return true
		}
	}
	return false
}

// flush makes a piece of the text.
func (f *form) flush() {
	var p payload
	p.fixed(f.text, "")
	f.pieces, f.text = append(f.pieces, piece{payload: p}), nil
}

// payload is the whole body. Its length is known if that of each piece is.
func (f *form) payload() payload {
	contentType := "multipart/form-data; boundary=" + f.boundary
	if len(f.pieces) == 1 {
		var p payload
		p.fixed(f.pieces[0].bytes, contentType)
		return p
	}
	p := payload{contentType: contentType, declared: true, streamed: true, open: f.open, form: f}
	replays := true
	for _, one := range f.pieces {
		if p.length += one.length; one.length < 0 {
			p.length = -1
			break
		}
	}
	for _, one := range f.pieces {
		p.once = p.once || one.once
		replays = replays && one.replay != nil
	}
	if replays {
		p.replay = func() (io.ReadCloser, error) { return f.open(context.Background()) }
	}
	return p
}

// named keeps the boundary: without it in the header the server could not read a form.
func (p *payload) named(h http.Header) error {
	if !strings.HasPrefix(p.contentType, "multipart/") || h.Get("Content-Type") == p.contentType {
		return nil
	}
	return errors.New("a form with files is multipart/form-data with a boundary that crest draws: the header Content-Type cannot be set or removed for it")
}

// open begins to read the body. Readers that attempts share are taken back to their start now, which an earlier attempt that
// is still being read notices; of the functions that open files the first is called now, so that a file that is not there is noticed before
// anything is sent, and the others when their turn comes.
func (f *form) open(ctx context.Context) (io.ReadCloser, error) {
	r := &formReader{ctx: ctx, pieces: f.pieces, opened: make([]io.ReadCloser, len(f.pieces))}
	first := true
	for i := range f.pieces {
		p := &f.pieces[i]
		if !p.streamed || p.replay != nil && !first {
			continue
		}
		first = first && p.replay == nil
		body, err := p.begin(ctx)
		if err != nil {
			_ = r.Close()
			return nil, err
		}
		r.opened[i] = body
	}
	return r, nil
}

// begin opens a piece; its error names the field.
func (p *piece) begin(ctx context.Context) (io.ReadCloser, error) {
	body, err := p.payload.open(ctx)
	return body, p.failed(err)
}

func (p *piece) failed(err error) error {
	if err == nil || err == io.EOF || p.field == "" {
		return err
	}
	return fmt.Errorf("the file of the form field %q: %w", p.field, err)
}

// formReader reads the pieces of a form one after the other. Close may come while a Read is under way: whoever takes a reader out of
// opened closes it, so that each is closed once.
type formReader struct {
	ctx    context.Context
	pieces []piece

	mu     sync.Mutex
	opened []io.ReadCloser
	at     int
	closed bool
}

var errFormClosed = &requestBodyError{errors.New("it was closed")}

func (r *formReader) Read(p []byte) (int, error) {
	for {
		body, err := r.current()
		if err != nil {
			return 0, err
		}
		n, err := body.Read(p)
		if err != io.EOF {
			return n, r.pieces[r.at].failed(err)
		}
		if err = r.next(); n > 0 || err != nil {
			return n, err
		}
	}
}

// current is the reader whose turn it is; io.EOF after the last.
func (r *formReader) current() (io.ReadCloser, error) {
	if r.at == len(r.pieces) {
		return nil, io.EOF
	}
	body, closed := r.state()
	switch {
	case closed:
		return nil, errFormClosed
	case body != nil:
		return body, nil
	}
	body, err := r.pieces[r.at].begin(r.ctx)
	if err == nil {
		err = r.keep(body)
	}
	return body, err
}

func (r *formReader) state() (body io.ReadCloser, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened[r.at], r.closed
}

// keep remembers a reader that Close has to close, unless that has come meanwhile.
func (r *formReader) keep(body io.ReadCloser) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = body.Close()
		return errFormClosed
	}
	r.opened[r.at] = body
	return nil
}

// next closes a reader that has given everything. What it says then counts: some only know at their end that they were cut.
func (r *formReader) next() (err error) {
	if body := r.take(r.at); body != nil {
		err = r.pieces[r.at].failed(body.Close())
	}
	r.at++
	return err
}

func (r *formReader) take(i int) io.ReadCloser {
	r.mu.Lock()
	defer r.mu.Unlock()
	body := r.opened[i]
	r.opened[i] = nil
	return body
}

// Close closes what is open.
func (r *formReader) Close() (err error) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for i := range r.opened {
		if body := r.take(i); body != nil {
			err = errors.Join(err, body.Close())
		}
	}
	return err
}
