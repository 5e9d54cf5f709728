package crest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"

	"github.com/crest-go/crest/internal/bind"
)

// received is DecodeRequest for endpoints and streams.
func received[Req any](e *endpoint, r *http.Request) (Req, error) {
	var req Req
	into := reflect.ValueOf(&req).Elem()
	v := into
	if e.dynamic {
		v = reflect.New(e.request.Type()).Elem()
	}
	if err := e.receive(r, v); err != nil {
		err.Endpoint = e.name
		return *new(Req), err
	}
	if e.dynamic {
		into.Set(v)
	}
	return req, nil
}

// receive fills v, a fresh model.
func (e *endpoint) receive(r *http.Request, v reflect.Value) *CallError {
	side, err := e.served()
	if err != nil {
		return fail(ErrRequest, "", err)
	}
	path := r.URL.EscapedPath()
	if r.Method != e.method || !side.incoming.Match(path, r.URL.RawQuery) {
		return failf(ErrRequest, KindRoute, "the request %s %s is for another endpoint", safeText(r.Method), safeText(r.URL.Path))
	}
	if err := side.incoming.Decode(v, bind.Received{Path: path, Query: r.URL.RawQuery, Header: r.Header}); err != nil {
		return fail(ErrRequest, KindDecode, nested(err))
	}
	if err := e.receiveBody(side.incoming, r, v); err != nil {
		return err
	}
	if e.requestRules == nil {
		return nil
	}
	if err := e.requestRules.Check(v); err != nil {
		return fail(ErrRequest, KindValidation, err)
	}
	return nil
}

func (e *endpoint) receiveBody(in *bind.Incoming, r *http.Request, v reflect.Value) *CallError {
	kind := e.request.Body()
	if kind == bind.NoBody {
		return nil
	}
	data, failed := e.bodyOf(r)
	if failed != nil {
		return failed
	}
	header := r.Header.Get("Content-Type")
	if len(data) == 0 && header == "" {
		return e.withoutBody(in, kind, v)
	}
	var err error
	switch kind {
	case bind.Form:
		err = expectType(header, "application/x-www-form-urlencoded")
		if err == nil {
			err = in.DecodeForm(v, data)
		}
	case bind.Multipart:
		err = receiveForm(in, header, data, v)
	case bind.Whole, bind.JSONFields:
		err = e.receiveModel(in, kind, header, data, v)
	default:
		receiveBytes(kind, header, data, in.BodyTarget(v))
	}
	if known, ok := errors.AsType[*CallError](err); ok {
		return known
	}
	if err != nil {
		return fail(ErrRequest, KindDecode, fmt.Errorf("the body cannot be read: %w", nested(err)))
	}
	return nil
}

// withoutBody decides whether a request may come without one.
func (e *endpoint) withoutBody(in *bind.Incoming, kind bind.BodyKind, v reflect.Value) *CallError {
	if kind == bind.JSONFields || kind == bind.Multipart || kind == bind.Whole && !nilable(in.BodyTarget(v).Type()) {
		return failf(ErrRequest, KindDecode, "the request has no body, and its model wants one")
	}
	return nil
}

// bodyOf reads the body of a request, decompressed and bounded.
func (e *endpoint) bodyOf(r *http.Request) ([]byte, *CallError) {
	if r.Body == nil {
		return nil, nil
	}
	var body io.Reader = r.Body
	announced := r.ContentLength
	if list := codings(r.Header); len(list) > 0 {
		decoder, err := newDecoder(list[0], r.Body)
		if err != nil || len(list) > maxCodings {
			return nil, failf(ErrRequest, KindEncoding, "the request has content codings that are not understood: use one, gzip or deflate")
		}
		body, announced = decoder, -1
	}
	limit := e.settings.bounds.body()
	data, err := readAtMost(nil, body, limit, announced)
	switch {
	case errors.Is(err, errBound):
		return nil, failf(ErrRequest, KindTooLarge, "the request's body is larger than the bound Body of %d bytes (WithBounds raises it)", limit)
	case err != nil:
		return nil, fail(ErrRequest, KindRequestBody, err)
	}
	return data, nil
}

func expectType(header string, want string) error {
	if got, _ := splitMediaType(header); got != want {
		return failf(ErrRequest, KindContentType, "%s instead of %s", safeText(header), want)
	}
	return nil
}

// receiveModel hands the body to the codec that its type names: one of the endpoint's, or one that a client may have been given.
func (e *endpoint) receiveModel(in *bind.Incoming, kind bind.BodyKind, header string, data []byte, v reflect.Value) error {
	mediaType, label := splitMediaType(header)
	use, known := e.settings.codecOf(mediaType)
	if mediaType != "" && !known {
		i := slices.IndexFunc(clientCodecs, func(c Codec) bool { return matchesAny(c.MediaTypes(), mediaType) })
		if i < 0 {
			return failf(ErrRequest, KindContentType, "%s instead of %s", safeText(header), sendType(use))
		}
		use = clientCodecs[i]
	}
	text, err := toUTF8(data, label, isJSON(sendType(use)))
	if err != nil {
		return err
	}
	if kind == bind.JSONFields {
		return in.DecodeJSON(v, text, use.Unmarshal)
	}
	return use.Unmarshal(text, in.BodyTarget(v).Addr().Interface())
}

var clientCodecs = []Codec{jsonCodec{}, xmlCodec{}, textCodec{}, formCodec{}}

// receiveBytes fills a Body that no codec reads.
func receiveBytes(kind bind.BodyKind, header string, data []byte, to reflect.Value) {
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	switch {
	case kind == bind.Factory:
		to.Set(reflect.ValueOf(open).Convert(to.Type()))
	case kind == bind.Reader:
		body, _ := open()
		to.Set(reflect.ValueOf(body))
	case kind == bind.File:
		if to.Kind() == reflect.Pointer {
			to.Set(reflect.New(to.Type().Elem()))
			to = to.Elem()
		}
		setFile(to, File{ContentType: header}, data)
	case to.Kind() == reflect.String:
		to.SetString(string(data))
	case len(data) > 0:
		to.SetBytes(data)
	}
}

func setFile(to reflect.Value, f File, data []byte) {
	f.Content, f.Size = bytes.NewReader(data), int64(len(data))
	to.Set(reflect.ValueOf(f).Convert(to.Type()))
}

// receivedFile is a part of a form with its content.
type receivedFile struct {
	File
	data []byte
}

// receiveForm reads a multipart form (RFC 7578). Which parts are files is the model's to say.
func receiveForm(in *bind.Incoming, header string, data []byte, v reflect.Value) error {
	mediaType, params, err := mime.ParseMediaType(header)
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return failf(ErrRequest, KindContentType, "%s instead of multipart/form-data", safeText(header))
	}
	var texts []bind.Pair
	files := make(map[string][]receivedFile)
	for parts := multipart.NewReader(bytes.NewReader(data), params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(p) // the whole body is in memory, and bounded
		if err != nil {
			return err
		}
		name := p.FormName()
		texts = append(texts, bind.Pair{Name: name, Value: string(content)})
		files[name] = append(files[name], receivedFile{fileOf(p), content})
	}
	if err := in.DecodeParts(v, texts); err != nil {
		return err
	}
	return in.DecodeFiles(v, func(name string) int { return len(files[name]) }, func(name string, i int, to reflect.Value) {
		setFile(to, files[name][i].File, files[name][i].data)
	})
}

func fileOf(p *multipart.Part) File {
	f := File{Name: p.FileName(), ContentType: p.Header.Get("Content-Type")}
	for name, values := range p.Header {
		if slices.Contains(writtenHeaders, name) {
			continue
		}
		if f.Header == nil {
			f.Header = make(http.Header)
		}
		f.Header[name] = values
	}
	return f
}
