package crest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// resultKind says what becomes of the body of a success.
type resultKind int

const (
	modelResult resultKind = iota
	bytesResult
	textResult
	liveResult // the caller reads it
	emptyResult
)

// result is the compiled response side of an endpoint.
type result struct {
	kind  resultKind
	t     reflect.Type
	model *modelPlan // of modelResult
	piece *result    // of a stream: what each piece of the live body is
}

func compileResult(t reflect.Type) (*result, []error) {
	switch t {
	case reflect.TypeFor[Empty]():
		return &result{kind: emptyResult, t: t}, nil
	case reflect.TypeFor[[]byte]():
		return &result{kind: bytesResult, t: t}, nil
	case reflect.TypeFor[string]():
		return &result{kind: textResult, t: t}, nil
	case reflect.TypeFor[io.ReadCloser]():
		return &result{kind: liveResult, t: t}, nil
	case reflect.TypeFor[io.Reader]():
		return nil, []error{errors.New("the response model is io.Reader, which nobody could close: use io.ReadCloser")}
	}
	model, mistakes := compileModel(t)
	r := &result{kind: modelResult, t: t, model: model}
	if len(mistakes) == 0 && model.bind.BodyKind() == bind.Reader {
		r.kind = liveResult
	}
	return r, mistakes
}

// live reports whether the body is left for the caller to read.
func (r *result) live() bool { return r.kind == liveResult }

// secret reports whether a body of the model, or a piece of it, can hold a secret.
func (r *result) secret() bool {
	if r.piece != nil {
		return r.piece.secret()
	}
	return r.model != nil && r.model.secret()
}

// accept is the Accept header that fits.
func (r *result) accept(s *settings) string {
	if s.accept != nil {
		return joinTypes(s.accept)
	}
	if r.piece != nil {
		return eventStream
	}
	if r.kind == modelResult && (r.model.bind.BodyKind() == bind.Whole || r.model.bind.BodyKind() == bind.JSONFields) {
		return s.expected()
	}
	return "*/*"
}

func joinTypes(types []string) string { return strings.Join(types, ", ") }

// decode fills res, the variable that the caller gets.
func (c *call) decode(a *answer, res reflect.Value) *CallError {
	r := c.endpoint.result
	v := res
	if c.endpoint.dynamic {
		v = reflect.New(r.t).Elem()
	}
	err := r.decode(v, a)
	if c.endpoint.dynamic && err == nil {
		res.Set(v)
	}
	return err
}

func (r *result) decode(v reflect.Value, a *answer) (err *CallError) {
	from := &material{settings: a.call.settings, header: a.resp.Header, body: a.body, bodiless: a.bodiless()}
	if r.raw() {
		err = from.checkType()
	}
	if err == nil {
		err = r.fill(v, a, from)
	}
	if err != nil && a.live != nil {
		_ = a.live.Close()
	}
	return err
}

// raw reports whether the body goes to the caller without a codec.
func (r *result) raw() bool {
	return r.kind == bytesResult || r.kind == textResult || r.kind == liveResult || r.kind == modelResult && r.model.bind.BodyKind() == bind.Raw
}

func (r *result) fill(v reflect.Value, a *answer, from *material) (err *CallError) {
	switch {
	case r.kind == emptyResult:
		return nil
	case r.kind == bytesResult:
		v.SetBytes(a.body)
		return nil
	case r.kind == textResult:
		return r.decodeString(v, from)
	case r.model == nil:
		v.Set(reflect.ValueOf(a.live))
		return nil
	}
	a.decoded, err = r.model.decode(v, from)
	if r.model.bind.BodyKind() == bind.Reader && err == nil {
		r.model.bind.BodyTarget(v).Set(reflect.ValueOf(a.live))
	}
	return err
}

func (r *result) decodeString(v reflect.Value, from *material) *CallError {
	_, label := splitMediaType(from.header.Get("Content-Type"))
	text, err := decodeText(from.body, label)
	if err != nil {
		return fail(ErrResponse, KindDecode, err)
	}
	v.SetString(string(text))
	return nil
}

// statuses are what counts as success; nil means any 2xx.
type statuses []int

// WithSuccess declares which statuses are a success; without it any 2xx is. AnyStatus makes every answer one,
// to look at [Response.StatusCode] instead of errors. A 204, 205 or 304 that is declared has no body to
// decode: header and cookie fields of the model are read, the rest stays zero. No code at all is a mistake.
func WithSuccess(codes ...int) Option {
	codes = slices.Clone(codes)
	return anyOption(func(s *settings) error {
		if len(codes) == 0 {
			return fmt.Errorf("WithSuccess: no status: name at least one, or leave the option out for any 2xx")
		}
		for _, code := range codes {
			if code != AnyStatus && (code < 100 || code > 999) {
				return fmt.Errorf("WithSuccess: %d is not a status", code)
			}
		}
		s.success = codes
		return nil
	})
}

func (s statuses) contains(code int) bool {
	if s == nil {
		return code/100 == 2
	}
	return slices.Contains(s, code) || slices.Contains(s, AnyStatus)
}

// bodiless reports whether the answer has no body and the declaration says so.
func (a *answer) bodiless() bool {
	if a.headOnly() {
		return true
	}
	switch a.resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return a.call.settings.success != nil && len(bytes.TrimSpace(a.body)) == 0
	}
	return false
}

// WithCheck looks at answers whose status is a success, for APIs that answer 200 with an error inside. When
// failed returns true the answer is treated as any other failure: an [*Error] with its status, and the model
// that the error maps name. e has status, header and body and must not be kept. The nearest level's check is the one that is asked.
//
//	crest.WithCheck(func(e *crest.Error) bool { return bytes.HasPrefix(e.Body, []byte(`{"error":`)) })
//
// Of a [Stream] each piece is looked at, with its data as the body, before it is decoded: that is how an error in the middle
// becomes the API's own. The mark of [WithDone] is no piece. A body that the caller reads is not looked at; to declare an endpoint of one with a check is a mistake.
// nil is a mistake.
func WithCheck(failed func(e *Error) bool) Option {
	return anyOption(func(s *settings) error {
		if failed == nil {
			return errors.New("WithCheck: the function is nil")
		}
		s.check = failed
		return nil
	})
}

// mapError answers whether a is a success, and if not, which error it is.
func (c *call) mapError(a *answer) *CallError {
	failed := !a.success()
	if !failed && (c.settings.check == nil || c.endpoint.result.live()) {
		return nil
	}
	both := &statusError{answer: c.newError(a)}
	e := &both.answer
	if !failed && !c.settings.check(e) {
		return nil
	}
	c.describe(e, &material{header: a.resp.Header})
	if a.bodyErr != nil {
		e.bodyErr = asReason(a.bodyErr)
	}
	both.call = CallError{Step: ErrStatus, Err: e, URL: e.URL, RequestID: e.RequestID, Sent: SentYes}
	return &both.call
}

// statusError is the error of a failed answer, in one allocation.
type statusError struct {
	call   CallError
	answer Error
}

// describe finds the model for the body of e, whatever else there is to decode from, and keeps as much of the body as may be kept.
func (c *call) describe(e *Error, from *material) {
	from.settings, from.body, from.failed, from.hidden = c.settings, e.Body, true, c.endpoint.result.secret()
	e.Body, e.Truncated = cutBody(e.Body, c.settings.bounds.errorBody(), e.Truncated)
	c.settings.errors.describe(e, c.core.fallback, from)
	e.hidden, e.rules = from.hidden, c.settings.redact
}

func (c *call) newError(a *answer) Error {
	return Error{
		Endpoint: c.endpoint.name, Method: a.at.method, URL: c.shownURL(a.at.url),
		StatusCode: a.resp.StatusCode, Header: a.resp.Header, Body: a.body, Truncated: a.cut,
		RequestID: requestID(a.resp.Header), Attempts: len(c.attempts), RetryAfter: retryAfter(a.resp.Header, a.received),
	}
}

func cutBody(body []byte, limit int64, cut bool) ([]byte, bool) {
	if int64(len(body)) > limit {
		return bytes.Clone(body[:limit]), true
	}
	return body, cut
}

func (a *answer) success() bool {
	if a.call.settings.upgrade != "" {
		return a.switched()
	}
	return a.call.settings.success.contains(a.resp.StatusCode)
}
