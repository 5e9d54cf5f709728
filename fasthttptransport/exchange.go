package fasthttptransport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"time"

	"github.com/valyala/fasthttp"
)

// exchange is one request with its answer. A goroutine of its own writes the request's body; the head, and a request without a body,
// are written by the caller of RoundTrip, who then reads.
type exchange struct {
	transport *Transport
	req       *http.Request
	ctx       context.Context
	trace     *httptrace.ClientTrace // never nil
	body      requestBody
	uri       string // path and query

	host     *host
	conn     *conn
	giveBack func(keep bool)
	unwatch  func() bool // ends the watch of the context; false: it has ended

	in       *bufio.Reader
	answer   *fasthttp.Response
	closes   bool          // the connection is not for another request
	wrote    chan error    // one value: how the writing ended
	proceed  chan struct{} // closed by 100 Continue; nil if none is waited for
	answered chan struct{} // closed by the head of the answer, if proceed is waited for
}

func newExchange(t *Transport, req *http.Request) *exchange {
	e := &exchange{transport: t, req: req, ctx: req.Context(), wrote: make(chan error, 1)}
	e.body.ReadCloser = req.Body
	e.trace = httptrace.ContextClientTrace(e.ctx)
	if e.trace == nil {
		e.trace = noTrace
	}
	return e
}

var noTrace = &httptrace.ClientTrace{}

// run sends the request and waits for the head of the answer.
func (e *exchange) run() (*http.Response, error) {
	if err := context.Cause(e.ctx); err != nil {
		return nil, err
	}
	if err := e.connect(); err != nil {
		return nil, err
	}
	e.unwatch = context.AfterFunc(e.ctx, e.abort)
	e.answer = fasthttp.AcquireResponse()
	e.in = e.host.client.AcquireReader(e.conn)
	e.send()
	err := e.readHead()
	if e.answered != nil {
		close(e.answered)
	}
	if err != nil {
		e.finish(false)
		return nil, err
	}
	return e.response(), nil
}

// connect gets a connection.
func (e *exchange) connect() error {
	at := targetOf(e.req.URL)
	if e.trace.GetConn != nil {
		e.trace.GetConn(at.address)
	}
	e.host = e.transport.enter(at)
	var err error
	if e.conn, e.giveBack, err = e.transport.acquire(e.host); err != nil {
		e.transport.leave(e.host)
		return err
	}
	reused := e.conn.Conn != nil
	if !reused {
		if err := e.conn.connect(e.ctx, e.transport, at, e.trace); err != nil {
			e.giveBack(false)
			return err
		}
	}
	e.conn.failed = nil
	e.conn.gotConn(e.trace, reused)
	return nil
}

// abort ends the exchange from outside.
func (e *exchange) abort() {
	e.conn.abort()
	e.body.close()
}

// because is the error of an exchange that ended with err. That the connection was closed is only what followed when the context had ended,
// or the request could not be written.
func (e *exchange) because(err error) error {
	if deadline, ok := e.ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-e.ctx.Done() // a dialer looks at the clock, and may be ahead of the context by a moment
	}
	if e.ctx.Err() != nil {
		return context.Cause(e.ctx)
	}
	select {
	case failed := <-e.wrote:
		if failed != nil && failed != errBodyUnsent {
			return failed
		}
	default:
	}
	return err
}

// finish gives back what the exchange holds; it is called once. The connection is kept if it has nothing left to say.
func (e *exchange) finish(keep bool) {
	live := e.unwatch()
	keep = keep && live && !e.closes && e.in.Buffered() == 0 && e.written()
	_ = e.answer.CloseBodyStream()
	e.host.client.ReleaseReader(e.in)
	fasthttp.ReleaseResponse(e.answer)
	e.giveBack(keep)
	if !keep {
		e.body.close()
	} else if e.trace.PutIdleConn != nil {
		e.trace.PutIdleConn(nil)
	}
}

// written waits a moment for a writer that is about to end: the answer of a quick server overtakes it.
func (e *exchange) written() bool {
	select {
	case err := <-e.wrote:
		return err == nil
	default:
	}
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case err := <-e.wrote:
		return err == nil
	case <-timer.C:
		return false
	}
}

// maxInterim bounds the answers before the answer, as in net/http.
const maxInterim = 5

// readHead reads up to the head of the final answer.
func (e *exchange) readHead() error {
	if e.trace.GotFirstResponseByte != nil {
		if _, err := e.in.Peek(1); err == nil {
			e.trace.GotFirstResponseByte()
		}
	}
	head := &e.answer.Header
	head.SetNoDefaultContentType(true)
	for n := 0; ; n++ {
		if err := head.Read(e.in); err != nil {
			return e.headError(err)
		}
		switch code := head.StatusCode(); {
		case code == http.StatusSwitchingProtocols:
			return errors.New("fasthttptransport: unsupported answer: 101 Switching Protocols; use net/http.Transport")
		case code >= 200:
			return nil
		case code < 100:
			return fmt.Errorf("fasthttptransport: malformed answer: the status is %d", code)
		case n == maxInterim:
			return errors.New("fasthttptransport: too many 1xx informational responses")
		default:
			if err := e.interim(code); err != nil {
				return err
			}
		}
	}
}

// interim reports an answer before the answer.
func (e *exchange) interim(code int) error {
	if code == http.StatusContinue && e.proceed != nil {
		select {
		case <-e.proceed:
		default:
			close(e.proceed)
			if e.trace.Got100Continue != nil {
				e.trace.Got100Continue()
			}
		}
	}
	if e.trace.Got1xxResponse == nil {
		return nil
	}
	return e.trace.Got1xxResponse(code, textproto.MIMEHeader(headerOf(&e.answer.Header)))
}

// malformed is fasthttp's complaint about an answer, without the excerpt of it that fasthttp puts into the text.
type malformed struct{ err error }

func (e malformed) Error() string {
	return "fasthttptransport: malformed answer: fasthttp cannot parse it"
}
func (e malformed) Unwrap() error { return e.err }

// headError says why no head could be read.
func (e *exchange) headError(err error) error {
	if e.conn.failed != nil {
		return e.conn.readError(err, e.in.Buffered() > 0)
	}
	if _, ok := errors.AsType[*fasthttp.ErrSmallBuffer](err); ok {
		return fmt.Errorf("fasthttptransport: the answer's headers exceeded %d bytes: raise MaxResponseHeaderBytes if they are meant",
			orDefault(e.transport.MaxResponseHeaderBytes, defaultHeaderBytes))
	}
	return malformed{err}
}
