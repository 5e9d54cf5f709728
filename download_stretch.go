package crest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// stretch is a run of bytes that is fetched by one goroutine, request after request: the whole body, or a part of it.
type stretch struct {
	d        *download
	span                       // what is missing; from goes on
	whole    bool              // it is all that is fetched, and may begin anew
	began    func() *CallError // called when the first part is accepted; nil for nothing
	ended    bool              // the body had no known size, and has ended
	broken   bool              // an answer broke off, and the next goes on with what it brought
	resumes  bool              // the answer that is read goes on with what is there
	retry    retrying
	attempts []Attempt
}

// stretch makes the one that is the whole download.
func (d *download) stretch(s span) *stretch {
	waiting := *d.call
	waiting.life = &lifetime{caller: d.ctx}
	return &stretch{d: d, span: s, whole: true, retry: retrying{call: &waiting, rules: &d.call.settings.retry}}
}

// errAnew says that the body has to be begun anew: the server has another one, or none of its parts.
var errAnew = errors.New("the server has another version of the body, or sends no parts of it")

// run sends requests until all of s is there.
func (s *stretch) run(ctx context.Context) *CallError {
	for {
		broken, err := s.piece(ctx)
		switch {
		case err == nil && s.complete():
			return nil
		case err == nil: // a part that is shorter than it might be
		case errors.Is(err, errAnew) && s.whole:
			err = s.startOver()
		case broken:
			err = s.again(err)
		}
		if err != nil {
			return s.d.call.failed(ctx, err)
		}
	}
}

func (s *stretch) complete() bool {
	size := s.d.rep.Size
	return s.ended || s.end >= 0 && s.from >= s.end || size >= 0 && s.from >= size
}

func (s *stretch) startOver() *CallError {
	s.span = span{0, -1}
	return s.d.startOver()
}

// piece is one request, and what it brings. broken says that the error came while the body was read or written.
func (s *stretch) piece(ctx context.Context) (broken bool, err *CallError) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, a, body, err := s.send(ctx)
	if err != nil {
		return false, s.refused(err)
	}
	whole := false
	defer func() { // also when the writer panics
		if !whole { // what is left is of no use
			cancel()
		}
		_ = body.Close()
	}()
	end, err := s.accept(a)
	if err == nil {
		broken = true
		err = s.copy(body, end)
	}
	if err != nil && !errors.Is(err, errAnew) {
		err = c.failed(ctx, c.answered(a.resp, err))
	}
	whole = err == nil
	return broken, err
}

// send asks for what is missing.
func (s *stretch) send(ctx context.Context) (*call, *answer, io.ReadCloser, *CallError) {
	c, out := *s.d.call, *s.d.call.out
	out.header = out.header.Clone()
	c.out, c.settings, c.attempts = &out, s.d.plain, s.attempts
	if s.asked() {
		c.settings = s.d.ranged
		out.header["Range"] = []string{s.header()}
		if s.d.known && s.d.rep.Validator != "" {
			out.header["If-Range"] = []string{s.d.rep.Validator}
		}
	}
	var body io.ReadCloser
	a, err := c.send(ctx, reflect.ValueOf(&body).Elem())
	s.attempts = c.attempts
	return &c, a, body, err
}

// asked reports whether a part is asked for.
func (s *stretch) asked() bool { return s.from > 0 || s.end >= 0 }

// refused looks at an error without a body: a part that is not there says that the body is complete, or another one.
func (s *stretch) refused(err *CallError) *CallError {
	e, ok := errors.AsType[*Error](err)
	if !ok || err.Step != ErrStatus || !s.asked() {
		return err
	}
	switch e.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		if s.reached(e.Header) {
			s.ended = true
			return nil
		}
	case http.StatusPreconditionFailed:
	default:
		return err
	}
	return fail(ErrResponse, KindRange, errAnew)
}

// reached reports whether a 416 means that nothing is missing. Where it does not name the size (RFC 9110, section 15.5.17, only asks for it), that is known for a
// body of which an answer has brought all there is so far.
func (s *stretch) reached(h http.Header) bool {
	r, ok := parseContentRange(h.Get("Content-Range"))
	switch {
	case !s.whole || s.from == 0 || !s.d.known || s.d.rep.Validator == "":
		return false
	case ok && r.from < 0:
		return r.size == s.from
	}
	return s.d.rep.Size < 0 && s.d.got.Fetched > 0
}

// accept holds an answer to what was asked for. It returns where the body that it brings ends, -1 where that is not known.
func (s *stretch) accept(a *answer) (end int64, err *CallError) {
	status, h := a.resp.StatusCode, a.resp.Header
	switch {
	case status == http.StatusPartialContent && s.asked():
		return s.acceptPart(a)
	case status == http.StatusPartialContent:
		return 0, failf(ErrResponse, KindRange, "206 Partial Content, and no part was asked for")
	case s.asked() && status != http.StatusOK && status != http.StatusNonAuthoritativeInfo:
		return 0, failf(ErrResponse, KindRange, "%s instead of a part of the body", statusText(status))
	case s.asked() && partOnly(h):
		return 0, failf(ErrResponse, KindRange, "%s with Content-Range %s: is it a part, or the whole?", statusText(status), safeText(h.Get("Content-Range")))
	case !s.whole:
		return 0, fail(ErrResponse, KindRange, errAnew)
	}
	return s.acceptWhole(a)
}

// partOnly reports whether an answer says by Content-Range that it has not all of the body, whatever its status says.
func partOnly(h http.Header) bool {
	r, ok := parseContentRange(h.Get("Content-Range"))
	return ok && (r.from != 0 || r.end != r.size)
}

// acceptWhole begins with the first byte, and anew if some were there.
func (s *stretch) acceptWhole(a *answer) (end int64, err *CallError) {
	rep := describe(a.resp.Header, a.resp.ContentLength, true)
	if a.headOnly() {
		rep.Size = 0
	}
	if err := s.d.begin(rep, a.resp); err != nil {
		return 0, err
	}
	s.span, s.broken, s.resumes = span{0, -1}, false, false
	return rep.Size, nil
}

// acceptPart goes on with what is there, if the answer is what goes on with it.
func (s *stretch) acceptPart(a *answer) (end int64, err *CallError) {
	h := a.resp.Header
	r, ok := parseContentRange(h.Get("Content-Range"))
	mediaType, _ := splitMediaType(h.Get("Content-Type"))
	length := a.resp.ContentLength
	switch {
	case mediaType == "multipart/byteranges":
		return 0, failf(ErrResponse, KindRange, "the part came as multipart/byteranges, which nobody asked for")
	case len(codings(h)) > 0:
		return 0, failf(ErrResponse, KindRange, "the part has the content coding %s: its bytes are not those of the body", safeText(strings.Join(codings(h), ", ")))
	case !ok || r.from != s.from || s.end >= 0 && r.end > s.end:
		return 0, failf(ErrResponse, KindRange, "Content-Range is %s, and %s was asked for", safeText(h.Get("Content-Range")), s.header())
	case length >= 0 && length != r.end-r.from:
		return 0, failf(ErrResponse, KindRange, "Content-Range is %s, and Content-Length %d", safeText(h.Get("Content-Range")), length)
	case s.d.known && s.d.rep.differs(h, r.size):
		return 0, fail(ErrResponse, KindRange, errAnew)
	}
	if err := s.join(a.resp, r.size); err != nil {
		return 0, err
	}
	s.resumes = true
	if began := s.began; began != nil {
		s.began = nil
		return r.end, began()
	}
	return r.end, nil
}

// join makes an answer part of what is fetched.
func (s *stretch) join(resp *http.Response, size int64) *CallError {
	d := s.d
	if !d.known {
		return d.begin(describe(resp.Header, size, false), resp)
	}
	d.tookUp(resp, s.broken)
	s.broken = false
	if !s.whole {
		return nil
	}
	if d.rep.Size < 0 {
		d.rep.Size = size
	}
	if d.rep.Size > d.limit {
		return tooLarge("the body has %d bytes, the bound Body is %d bytes", d.rep.Size, d.limit)
	}
	return d.catchUp(s.from)
}

// copyBuffer is how much is read and written at a time.
const copyBuffer = 64 << 10

// copy writes a body that ends at end.
func (s *stretch) copy(body io.Reader, end int64) *CallError {
	buf := make([]byte, copyBuffer)
	for idle := 0; idle < maxIdleReads; idle++ {
		n, err := body.Read(buf)
		if end >= 0 && s.from+int64(n) > end {
			return failf(ErrResponse, KindRange, "the answer has more bytes than it says")
		}
		if n > 0 {
			if err := s.put(buf[:n]); err != nil {
				return err
			}
			idle = -1
		}
		switch {
		case err == io.EOF && s.from < end:
			return fail(ErrResponse, KindTruncated, io.ErrUnexpectedEOF)
		case err == io.EOF:
			s.ended = s.ended || end < 0
			return nil
		case err != nil:
			return asCallError(err)
		}
	}
	return fail(ErrResponse, KindTruncated, io.ErrNoProgress)
}

// asCallError returns what a body that the caller reads gives as errors.
func asCallError(err error) *CallError {
	if failed, ok := err.(*CallError); ok {
		return failed
	}
	return fail(ErrResponse, KindTruncated, err)
}

// put writes, and sets the count of retries back when the body goes on where it had broken off.
func (s *stretch) put(p []byte) *CallError {
	if err := s.d.put(p, s.from); err != nil {
		return err
	}
	s.from += int64(len(p))
	if s.resumes && s.retry.n > 0 {
		s.retry.succeeded()
		s.retry.n = 0
	}
	return nil
}

// again decides about a body that broke off, by the rules of [Retry]: it waits and returns nil when the next request is to be sent.
func (s *stretch) again(failure *CallError) *CallError {
	resumable := s.d.resumable()
	s.retry.barred = nil
	if !resumable && s.from > 0 && !s.d.out.restartable() {
		s.retry.barred = errNoWayBack
	}
	if err := s.retry.next(failure); err != nil {
		return err
	}
	switch {
	case s.from == 0:
		return nil
	case !resumable:
		return s.startOver()
	}
	s.broken = true
	return nil
}
