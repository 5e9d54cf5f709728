package fasthttptransport

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
)

// requestBody is closed once, by whoever comes first.
type requestBody struct {
	io.ReadCloser
	once sync.Once
}

func (b *requestBody) exists() bool { return b.ReadCloser != nil && b.ReadCloser != http.NoBody }

func (b *requestBody) close() {
	if b.ReadCloser != nil {
		b.once.Do(func() { _ = b.Close() })
	}
}

// errBodyUnsent ends the writing of a body that the server has answered without asking for it.
var errBodyUnsent = errors.New("fasthttptransport: the server did not ask for the body")

// send writes the head, and the body in a goroutine.
func (e *exchange) send() {
	out := e.host.client.AcquireWriter(e.conn)
	err := e.sendHead(out)
	if err != nil || !e.body.exists() {
		e.sent(out, err)
		return
	}
	if httpguts.HeaderValuesContainsToken(e.req.Header["Expect"], "100-continue") {
		e.proceed, e.answered = make(chan struct{}), make(chan struct{})
	}
	go func() { e.sent(out, e.sendBody(out)) }()
}

// sendHead writes and flushes the head. The hook is called before the flush: what fails in it may have arrived.
func (e *exchange) sendHead(out *bufio.Writer) error {
	head := heads.Get().(*fasthttp.RequestHeader)
	defer func() { head.Reset(); heads.Put(head) }()
	e.encode(head)
	if err := head.Write(out); err != nil {
		return err
	}
	if e.trace.WroteHeaders != nil {
		e.trace.WroteHeaders()
	}
	return out.Flush()
}

// heads are written to, and read by nobody else.
var heads = sync.Pool{New: func() any { return &fasthttp.RequestHeader{} }}

// sent is the end of the writing. If the connection is what failed, an answer may have come before that: the reader gets a moment
// to find it.
func (e *exchange) sent(out *bufio.Writer, err error) {
	e.host.client.ReleaseWriter(out)
	if e.trace.WroteRequest != nil {
		e.trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
	e.wrote <- err
	e.body.close()
	switch failed := (*bodyError)(nil); {
	case err == nil || err == errBodyUnsent:
	case errors.As(err, &failed):
		e.conn.abort()
	default:
		_ = e.conn.SetReadDeadline(time.Now().Add(time.Second))
	}
}

// bodyError is a failure of the request's body, not of the connection.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// sendBody writes the body as the head has announced it.
func (e *exchange) sendBody(out *bufio.Writer) error {
	if e.proceed != nil && !e.awaitContinue() {
		return errBodyUnsent
	}
	if length := e.length(); length >= 0 {
		return e.sendSized(out, length)
	}
	chunks := httputil.NewChunkedWriter(out)
	if err := e.copyPieces(&flushing{chunks: chunks, out: out}); err != nil {
		return err
	}
	if err := chunks.Close(); err != nil {
		return err
	}
	if err := e.req.Trailer.Write(out); err != nil {
		return err
	}
	if _, err := io.WriteString(out, "\r\n"); err != nil {
		return err
	}
	return out.Flush()
}

// sendSized writes a body of a known length, and never a byte more: the next request follows on the same connection.
func (e *exchange) sendSized(out *bufio.Writer, length int64) error {
	if err := e.copyBody(out, length); err != nil {
		return err
	}
	return out.Flush()
}

// copyPieces copies a body of unknown length, in the pieces that it makes by itself if it does.
func (e *exchange) copyPieces(to *flushing) error {
	own, ok := e.body.ReadCloser.(io.WriterTo)
	if !ok {
		return e.copyBody(to, -1)
	}
	_, err := own.WriteTo(to)
	if err != nil && to.failed == nil {
		return &bodyError{err}
	}
	return cmp.Or(to.failed, err)
}

// copyBody copies the body; length is -1 if it is not known.
func (e *exchange) copyBody(to io.Writer, length int64) error {
	var buffer []byte
	if size := bufferSize(length); size < largeBuffer {
		buffer = make([]byte, size)
	} else {
		large := buffers.Get().(*[largeBuffer]byte)
		defer buffers.Put(large)
		buffer = large[:]
	}
	var total int64
	for {
		n, err := e.body.Read(buffer)
		if total += int64(n); length >= 0 && total > length {
			return &bodyError{wrongLength(length, total)}
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && length >= 0 && total < length:
			return &bodyError{wrongLength(length, total)}
		case err == io.EOF:
			return nil
		case err != nil:
			return &bodyError{err}
		}
	}
}

// bufferSize is enough to see whether a short body is longer than it says.
func bufferSize(length int64) int64 {
	if length < 0 {
		return largeBuffer
	}
	return min(length+1, largeBuffer)
}

// largeBuffer makes chunks that are worth their system calls.
const largeBuffer = 128 << 10

var buffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// wrongLength is worded as net/http words it, since that is what programs look for.
func wrongLength(said, is int64) error {
	return fmt.Errorf("fasthttptransport: http: ContentLength=%d with Body length %d", said, is)
}

// flushing sends each chunk on its way, since the next one may take its time.
type flushing struct {
	chunks io.Writer
	out    *bufio.Writer
	failed error
}

func (f *flushing) Write(p []byte) (int, error) {
	n, err := f.chunks.Write(p)
	if err == nil {
		err = f.out.Flush()
	}
	f.failed = err
	return n, err
}

// awaitContinue waits until the server wants the body, or has said nothing for too long; false if it has answered.
func (e *exchange) awaitContinue() bool {
	limit := orDefault(e.transport.ExpectContinueTimeout, defaultContinueTimeout)
	if limit < 0 {
		return true
	}
	if e.trace.Wait100Continue != nil {
		e.trace.Wait100Continue()
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-e.proceed:
		return true
	case <-timer.C:
		return true
	case <-e.answered:
		return false
	}
}
