package crest

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// owned is the model of an endpoint whose types are known at run time only.
func (r *result) owned(res reflect.Value) (reflect.Value, error) {
	own := reflect.New(r.t).Elem()
	v := res.Elem()
	switch {
	case v.IsValid() && v.Type().AssignableTo(r.t):
		own.Set(v)
	case v.IsValid() || r.kind != emptyResult:
		return own, fmt.Errorf("the answer is not a %v", r.t)
	}
	return own, nil
}

// success is the status that an answer has.
func (e *endpoint) success() int {
	for _, status := range e.settings.success {
		if status != AnyStatus {
			return status
		}
	}
	if e.result.kind == emptyResult {
		return http.StatusNoContent
	}
	return http.StatusOK
}

// reply is an answer as it is written: what WriteHeader gets, and the body.
type reply struct {
	status    int
	mediaType string
	body      []byte
	live      io.ReadCloser // in place of body
}

// write puts it on the wire. Headers were set before.
func (a *reply) write(w http.ResponseWriter) error {
	h := w.Header()
	bodiless := a.status == http.StatusNoContent || a.status == http.StatusNotModified || a.status < 200
	if h.Get("Content-Type") == "" && a.mediaType != "" && !bodiless {
		h.Set("Content-Type", a.mediaType)
	}
	if a.live == nil && !bodiless {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if a.live != nil {
		return a.copy(w)
	}
	if bodiless || len(a.body) == 0 {
		return nil
	}
	_, err := w.Write(a.body)
	return err
}

// copy sends a live body as it comes.
func (a *reply) copy(w http.ResponseWriter) error {
	defer func() { _ = a.live.Close() }()
	_, err := io.Copy(flushing{w, http.NewResponseController(w)}, a.live)
	return err
}

// flushing sends each write at once, so that a reader is not kept waiting.
type flushing struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		_ = f.control.Flush() // a writer that cannot flush sends later
	}
	return n, err
}

// answer writes a success.
func (e *endpoint) answer(w http.ResponseWriter, v reflect.Value) error {
	a := &reply{status: e.success()}
	switch e.result.kind {
	case emptyResult:
	case bytesResult:
		a.mediaType, a.body = e.settings.answerType(octets), v.Bytes()
	case textResult:
		a.mediaType, a.body = e.settings.answerType("text/plain; charset=utf-8"), []byte(v.String())
	case liveResult, modelResult:
		side, err := e.served()
		if err != nil {
			return err
		}
		if side.answer == nil { // the model is the body
			a.mediaType = e.settings.answerType(octets)
			a.live, _ = v.Interface().(io.ReadCloser)
			break
		}
		if err := e.settings.answerModel(w.Header(), a, side.answer, v); err != nil {
			return err
		}
	}
	return a.write(w)
}

// answerType is the media type of an answer: the first of WithAccept that is one, else the usual.
func (s *settings) answerType(usual string) string {
	for _, t := range s.accept {
		if t, _, _ = strings.Cut(t, ";"); !strings.Contains(t, "*") {
			return strings.TrimSpace(t)
		}
	}
	return usual
}

// answerModel encodes a model into headers and a body.
func (s *settings) answerModel(h http.Header, a *reply, plan *bind.Answer, v reflect.Value) error {
	if err := s.answerBody(a, plan, v); err != nil {
		return fmt.Errorf("the answer cannot be written: %w", err)
	}
	var parts bind.Parts
	if err := plan.Encode(v, &parts); err != nil {
		return err
	}
	for name, lines := range parts.Header {
		h[name] = lines
	}
	for _, p := range parts.Secrets {
		if p.In == bind.Header {
			h.Add(p.Name, p.Value)
			continue
		}
		parts.Cookies = append(parts.Cookies, bind.Pair{Name: p.Name, Value: p.Value})
	}
	for _, p := range parts.Cookies {
		h.Add("Set-Cookie", p.Name+"="+p.Value)
	}
	return nil
}

func (s *settings) answerBody(a *reply, plan *bind.Answer, v reflect.Value) (err error) {
	use := s.codecsFor()[0]
	kind := plan.BodyKind()
	if kind == bind.JSONFields && !isJSON(sendType(use)) {
		use = jsonCodec{}
	}
	write := func(v any) ([]byte, error) { return marshal(use, v) }
	switch kind {
	case bind.NoBody:
		return nil
	case bind.JSONFields:
		a.mediaType = s.answerType(sendType(use))
		a.body, err = plan.AppendJSON(nil, v, write)
		return err
	}
	body := plan.BodyField(v)
	if !body.IsValid() {
		return nil
	}
	switch {
	case kind == bind.Reader:
		a.mediaType = s.answerType(octets)
		a.live = readCloser(body)
	case kind == bind.Raw && body.Kind() == reflect.String:
		a.mediaType, a.body = s.answerType("text/plain; charset=utf-8"), []byte(body.String())
	case kind == bind.Raw:
		a.mediaType, a.body = s.answerType(octets), body.Bytes()
	default:
		a.mediaType = s.answerType(sendType(use))
		a.body, err = write(body.Addr().Interface())
	}
	return err
}

func readCloser(v reflect.Value) io.ReadCloser {
	switch r := v.Interface().(type) {
	case io.ReadCloser:
		return r
	case io.Reader:
		return io.NopCloser(r)
	}
	return nil
}
