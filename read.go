package crest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// read takes the body as far as the declaration asks: whole for typed answers, its beginning for failed ones,
// not at all for bodies that the caller reads. Sizes are counted in decompressed bytes.
func (a *answer) read(h *hop) *CallError {
	c, result := a.call, a.call.endpoint.result
	h.bodyBegins()
	if a.switched() {
		return a.takeOver(h)
	}
	wire := a.watched(h)
	decoded, err := a.decompressed(wire)
	switch {
	case a.resp.StatusCode == http.StatusSwitchingProtocols && !a.success():
		_ = wire.Close() // the connection is no longer HTTP: reading it could wait for ever
		return failf(ErrTransport, KindProtocol, "the server switched protocols, which nobody asked for")
	case !a.success():
		if err == nil {
			err = a.keep(decoded)
		}
		if err != nil && h.Err() != nil {
			err = errors.Join(err, contextError(h))
		}
		a.bodyErr = err
		if err != nil || a.cut || a.headOnly() || decoded != io.Reader(wire) { // else it was read to its end
			drain(wire, h.stop)
		}
		_ = wire.Close()
		return nil
	case result.kind == emptyResult && c.settings.check == nil:
		release(wire, h.stop) // whatever it is and however coded
		return nil
	case err != nil:
		_ = wire.Close()
		return fail(ErrResponse, KindEncoding, err)
	}
	decoded = c.meter.download(h, decoded, a.resp)
	switch {
	case result.live():
		h.bodyIsCallers()
		c.life.headerArrived()
		a.live = newLiveBody(c, h, decoded, wire)
		return nil
	case a.headOnly():
		release(wire, h.stop)
		return nil
	}
	defer wire.Close()
	return a.readWhole(h, decoded)
}

// watched bounds the silence inside the body: a Read that waits longer than Idle for a byte ends the attempt.
func (a *answer) watched(h *hop) io.ReadCloser {
	a.idle = idleBody{a.resp.Body, &h.phases}
	return &a.idle
}

func (a *answer) headOnly() bool { return a.at.method == http.MethodHead }

// keep reads a failed answer's body as far as a typed one is by default, so that its model can be decoded, and cuts
// what is larger. Where the caller would read a success, it is read no further than it is kept.
// The status wins over whatever goes wrong here.
func (a *answer) keep(r io.Reader) (err error) {
	if a.headOnly() {
		return nil
	}
	bounds := a.call.settings.bounds
	limit := bounds.errorBody()
	if !a.call.endpoint.result.live() {
		limit = max(limit, min(bounds.body(), defaultBody))
	}
	a.body, err = readAtMost(nil, r, limit, a.resp.ContentLength)
	if errors.Is(err, errBound) {
		a.cut, err = true, nil
	}
	return err
}

// readWhole reads a typed body. A body of exactly the bound is fine, one byte more is an error; nothing is cut silently.
func (a *answer) readWhole(ctx context.Context, r io.Reader) *CallError {
	limit := a.call.settings.bounds.body()
	if a.resp.ContentLength > limit && !encoded(a.resp) {
		return tooLarge("Content-Length is %d, the bound Body is %d bytes", a.resp.ContentLength, limit)
	}
	var err error
	a.body, err = readAtMost(a.borrow(), r, limit, a.resp.ContentLength)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBound):
		return tooLarge("the body is larger than the bound Body of %d bytes (WithBounds raises it)", limit)
	}
	return readFailure(ctx, err)
}

func tooLarge(format string, args ...any) *CallError {
	return failf(ErrResponse, KindTooLarge, format, args...)
}

// readFailure says what an error inside a body means.
func readFailure(ctx context.Context, err error) *CallError {
	if ctx.Err() != nil {
		failed := fail(ErrTransport, "", err)
		failed.endedBy(ctx)
		return failed
	}
	if known, ok := errors.AsType[*CallError](err); ok {
		return known
	}
	if isEncoding(err) {
		return fail(ErrResponse, KindEncoding, err)
	}
	return fail(ErrResponse, KindTruncated, err)
}

// maxIdleReads is how often in a row a Read may give nothing, as in package bufio.
const maxIdleReads = 100

// errBound says that there was more to read than allowed.
var errBound = errors.New("the bound is reached")

// readAtMost reads r to its end, up to limit bytes, into buf, which is empty, or a larger one. A new one is sized by the announced length
// only up to 512 KiB, and then up to four times what has come: the announcement may be a lie.
func readAtMost(buf []byte, r io.Reader, limit, announced int64) ([]byte, error) {
	size := int64(512)
	if announced >= 0 {
		size = min(announced, limit, sizedBuffer) + 1 // room to see the end without growing
	}
	if int64(cap(buf)) < size {
		buf = make([]byte, 0, size)
	}
	for idle := 0; ; {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf[:limit], errBound
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case n > 0:
			idle = 0
		default:
			if idle++; idle == maxIdleReads {
				return buf, io.ErrNoProgress
			}
		}
		if len(buf) == cap(buf) { // what has come makes the announcement likelier
			more := min(max(announced-int64(len(buf)), 0), 3*int64(len(buf)), limit) + 1
			buf = slices.Grow(buf, int(more))
		}
	}
}

// release gives a connection back: a small rest of the body is read and thrown away, undecoded, so that the connection
// can be used again; with a larger or slower one the connection is closed.
func release(wire io.ReadCloser, cancel func()) {
	drain(wire, cancel)
	_ = wire.Close()
}

func drain(r io.Reader, cancel func()) {
	timer := time.AfterFunc(drainTime, cancel) // ends a Read that hangs
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, r, drainBytes)
}

// encoded reports whether the body has a content coding.
func encoded(resp *http.Response) bool { return len(codings(resp.Header)) > 0 }

// codings are the content codings of an answer, in the order they were applied, without identity.
func codings(h http.Header) []string {
	var list []string
	for _, line := range h["Content-Encoding"] {
		for coding := range strings.SplitSeq(line, ",") {
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "" && coding != "identity" {
				list = append(list, coding)
			}
		}
	}
	return list
}

// decompressed returns the body without its content coding.
func (a *answer) decompressed(wire io.Reader) (io.Reader, error) {
	list := codings(a.resp.Header)
	if len(list) == 0 || a.headOnly() || a.resp.StatusCode == http.StatusNoContent || a.resp.StatusCode == http.StatusNotModified {
		return wire, nil
	}
	if len(list) > maxCodings {
		return nil, fmt.Errorf("the answer has %d content codings, %s: at most %d is decoded", len(list), safeText(strings.Join(list, ", ")), maxCodings)
	}
	counted := &countingReader{r: wire}
	r, err := newDecoder(list[0], counted)
	if err != nil {
		return nil, err
	}
	return &ratioReader{r: r, wire: counted}, nil
}
