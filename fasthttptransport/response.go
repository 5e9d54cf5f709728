package fasthttptransport

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
)

// response turns fasthttp's answer into net/http's. Without a body the exchange is over.
func (e *exchange) response() *http.Response {
	head := &e.answer.Header
	resp := &http.Response{
		StatusCode: head.StatusCode(), Status: statusLine(head), Proto: protocol(head.Protocol()),
		Header: headerOf(head), Body: http.NoBody, Close: head.ConnectionClose(), Request: e.req,
	}
	resp.Close = resp.Close || httpguts.HeaderValuesContainsToken(resp.Header["Connection"], "close")
	resp.ProtoMajor, resp.ProtoMinor, _ = http.ParseHTTPVersion(resp.Proto)
	if secure, ok := e.conn.Conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		resp.TLS = &state
	}
	e.closes = e.closes || resp.Close
	length := max(int64(head.ContentLength()), -1)
	switch {
	case methodOf(e.req) == http.MethodHead:
		if resp.ContentLength = length; resp.Header.Get("Content-Length") == "" {
			resp.ContentLength = -1
		}
	case resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified:
	default:
		resp.ContentLength = length
	}
	if head.ContentLength() == -1 {
		resp.TransferEncoding = []string{"chunked"}
	}
	if length == 0 || bodiless(e.req, resp.StatusCode) {
		e.finish(true)
		return resp
	}
	e.stream(resp)
	return resp
}

// statusLine is code and phrase. The one that nearly all answers have is not made anew.
func statusLine(head *fasthttp.ResponseHeader) string {
	if head.StatusCode() == http.StatusOK && string(head.StatusMessage()) == "OK" {
		return "200 OK"
	}
	return strings.TrimSpace(strconv.Itoa(head.StatusCode()) + " " + string(head.StatusMessage()))
}

func protocol(name []byte) string {
	if string(name) == "HTTP/1.1" {
		return "HTTP/1.1"
	}
	return string(name)
}

func bodiless(req *http.Request, status int) bool {
	return methodOf(req) == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
}

// stream hands the body over.
func (e *exchange) stream(resp *http.Response) {
	head := &e.answer.Header
	for name := range head.Trailers() {
		if resp.Trailer == nil {
			resp.Trailer = http.Header{}
		}
		resp.Trailer[http.CanonicalHeaderKey(string(name))] = nil
	}
	e.answer.StreamBody = true
	_ = e.answer.ReadBody(e.in, 0) // with StreamBody it reads nothing
	head.Reset()                   // from here on it collects the trailers
	head.SetNoDefaultContentType(true)
	resp.Body = &responseBody{exchange: e, stream: e.answer.BodyStream(), resp: resp}
}

// headerOf copies a head's fields, but for those that [http.Response] has fields of its own for.
func headerOf(head *fasthttp.ResponseHeader) http.Header {
	lines, size := 0, 0
	for _, value := range head.All() {
		lines, size = lines+1, size+len(value)
	}
	h := make(http.Header, lines)
	values := make([]string, 0, lines) // one allocation for all lines, and one for their text
	var text strings.Builder
	text.Grow(size)
	for name, value := range head.All() {
		from := text.Len()
		text.Write(value)
		key, line := canonical(name), text.String()[from:]
		switch {
		case key == "Transfer-Encoding" || key == "Trailer" || key == "Connection" && line == "close":
		case h[key] != nil:
			h[key] = append(h[key], line)
		default:
			values = append(values, line)
			h[key] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	return h
}

// canonical is a header's name; that of a common one is not made anew.
func canonical(name []byte) string {
	if key, ok := commonNames[string(name)]; ok {
		return key
	}
	return http.CanonicalHeaderKey(string(name))
}

var commonNames = func() map[string]string {
	names := map[string]string{}
	for _, name := range []string{
		"Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Etag", "Last-Modified", "Link", "Location",
		"Retry-After", "Server", "Set-Cookie", "Strict-Transport-Security", "Vary", "X-Request-Id",
	} {
		names[name] = name
	}
	return names
}()

// responseBody reads the answer's body. At its end, or with Close, the connection is given back.
type responseBody struct {
	exchange *exchange
	stream   io.Reader
	resp     *http.Response
	closed   atomic.Bool

	mu  sync.Mutex
	err error // why there is no more; the exchange is over
}

func (b *responseBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed.Load():
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil:
		return 0, b.err
	}
	n, err := b.stream.Read(p)
	if err == nil {
		return n, nil
	}
	if err == io.EOF && !b.cutOff() {
		b.keepTrailers()
		b.err = io.EOF
		b.exchange.finish(true)
		return n, io.EOF
	}
	b.err = b.exchange.because(b.failure(err))
	b.exchange.finish(false)
	return n, b.err
}

// cutOff tells a chunked body whose connection ended within the trailers, which fasthttp lets pass.
func (b *responseBody) cutOff() bool {
	return b.resp.TransferEncoding != nil && b.exchange.conn.failed != nil
}

// failure is what a Read of fasthttp's failed with.
func (b *responseBody) failure(err error) error {
	if b.exchange.conn.failed != nil {
		return b.exchange.conn.readError(err, true)
	}
	if _, ok := errors.AsType[*fasthttp.ErrSmallBuffer](err); ok {
		return errors.New("fasthttptransport: the answer's trailers exceeded the bound of its headers")
	}
	return malformed{err}
}

// keepTrailers fills what came after the last chunk.
func (b *responseBody) keepTrailers() {
	for key, values := range headerOf(&b.exchange.answer.Header) {
		if b.resp.Trailer == nil {
			b.resp.Trailer = http.Header{}
		}
		b.resp.Trailer[key] = append(b.resp.Trailer[key], values...)
	}
}

// Close ends a Read that is waiting. A body that was not read to its end takes its connection along.
func (b *responseBody) Close() error {
	b.closed.Store(true)
	if !b.mu.TryLock() {
		b.exchange.conn.abort()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		b.exchange.finish(false)
	}
	return nil
}
