package crest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crest-go/crest/internal/bind"
)

// WithUpgrade asks the server to switch to another protocol, such as "websocket" (RFC 9110, section 7.8): the request says Connection:
// Upgrade, and 101 alone is a success. Res must be io.ReadCloser, or a model with a Body of it; it then is an io.ReadWriteCloser, the
// connection itself, which one goroutine may read while another writes. The context and the timeouts of the call end the handshake alone:
// afterwards the connection lives until Close, and keeps its place in the [Pool] that long. Redirects are not followed. An answer that
// names another protocol is [ErrTransport], [KindProtocol].
//
// HTTP/2 has no upgrade. A websocket is asked for over HTTP/1.1 by itself; for another protocol over https the server, or the transport,
// must leave HTTP/2 out. Package websocket is built on this option.
func WithUpgrade(protocol string) EndpointOption {
	return endpointOption(func(s *settings) error {
		name, version, versioned := strings.Cut(protocol, "/")
		if !bind.ValidToken(name) || versioned && !bind.ValidToken(version) {
			return fmt.Errorf("WithUpgrade: %q is no protocol such as websocket", protocol)
		}
		s.upgrade = protocol
		return nil
	})
}

// checkUpgrade refuses a response model that could not be the connection.
func (e *endpoint) checkUpgrade() error {
	if e.settings.upgrade == "" || e.result == nil || e.result.live() {
		return nil
	}
	return errors.New("WithUpgrade: the response model is not io.ReadCloser, and nobody could use the connection")
}

// asksForUpgrade adds the headers of the handshake.
func (s *settings) asksForUpgrade(h http.Header) {
	if s.upgrade != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{s.upgrade}
	}
}

// switched reports whether a is the answer to an upgrade.
func (a *answer) switched() bool {
	return a.call.settings.upgrade != "" && a.resp.StatusCode == http.StatusSwitchingProtocols
}

// takeOver makes the connection the body of the answer.
func (a *answer) takeOver(h *hop) *CallError {
	want, got := a.call.settings.upgrade, a.resp.Header.Get("Upgrade")
	conn, writable := a.resp.Body.(io.ReadWriteCloser)
	var err *CallError
	switch {
	case !strings.EqualFold(got, want):
		err = failf(ErrTransport, KindProtocol, "the server switched to the protocol %s instead of %s", safeText(got), want)
	case !writable:
		err = failf(ErrTransport, KindProtocol, "the answer to the upgrade is no connection: it lacks Connection: Upgrade, or a transport or a middleware wrapped its body (%T)", a.resp.Body)
	case !a.call.life.handshake.finish():
		err = fail(ErrTransport, "", context.Cause(a.call.life.handshake.caller))
		err.endedBy(a.call.life.handshake.caller)
	}
	if err != nil {
		_ = a.resp.Body.Close()
		return err
	}
	h.bodyIsCallers()
	a.call.life.headerArrived()
	a.live = &upgraded{conn: conn, answer: a, hop: h}
	return nil
}

// upgraded is the connection after a 101. Its methods that are exported beside those of an io.ReadWriteCloser are for package websocket,
// which finds them by an interface of its own: they are how messages get the settings of the call.
type upgraded struct {
	conn   io.ReadWriteCloser
	answer *answer
	hop    *hop
	closed atomic.Bool

	received, sent atomic.Int64
	seen           sight
}

// Read reads from the connection. Its end is io.EOF; other errors are typed like those of a call.
func (u *upgraded) Read(p []byte) (int, error) {
	n, err := u.conn.Read(p)
	u.received.Add(int64(n))
	return n, u.typed(err, SentYes)
}

// Write writes to the connection.
func (u *upgraded) Write(p []byte) (int, error) {
	n, err := u.conn.Write(p)
	u.sent.Add(int64(n))
	return n, u.typed(err, SentMaybe)
}

func (u *upgraded) typed(err error, sent Sent) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case u.closed.Load():
		return errBodyClosed
	}
	failed := fail(ErrTransport, transportKind(err), err)
	failed.Sent = sent
	return u.Failed(context.Background(), failed)
}

func (u *upgraded) inSight(s sight) bool {
	u.seen = s
	return !u.closed.Load()
}

func (u *upgraded) moved() (received, sent int64) { return u.received.Load(), u.sent.Load() }

// CloseWrite ends one direction of a connection that can: the server reads its end, and may still write.
func (u *upgraded) CloseWrite() error {
	if half, ok := u.conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return fmt.Errorf("crest: CloseWrite: %w", http.ErrNotSupported)
}

// Close closes the connection. It may be called more than once, and ends a Read and a Write of other goroutines.
func (u *upgraded) Close() error {
	if u.closed.Swap(true) {
		return nil
	}
	err := u.conn.Close()
	u.hop.end()
	u.answer.call.life.end()
	u.answer.call.core.sweep()
	u.seen.bodyEnded(u.received.Load(), u.sent.Load(), nil)
	return err
}

// Failed completes an error of the connection with what is known of its call.
func (u *upgraded) Failed(ctx context.Context, err *CallError) *CallError {
	c := u.answer.call
	err.RequestID = requestID(u.answer.resp.Header)
	return (&call{endpoint: c.endpoint, settings: c.settings, at: c.at, redirects: c.redirects, challenge: c.challenge}).failed(ctx, err)
}

// speaker is the call as one of messages: m declares their models, the rest is that of the handshake.
func (u *upgraded) speaker(m *Endpoint[any, any]) *call {
	c, models := u.answer.call, m.plain
	return &call{
		endpoint: &endpoint{method: c.endpoint.method, name: c.endpoint.name, request: models.request, requestRules: models.requestRules, result: models.result, dynamic: true},
		core:     c.core, settings: c.settings, out: c.out, at: c.at,
	}
}

// EncodeMessage validates v as the request model of m and writes it with the codec of the call.
func (u *upgraded) EncodeMessage(ctx context.Context, m *Endpoint[any, any], v any) ([]byte, error) {
	c, out := u.speaker(m), &outgoing{}
	req, err := c.endpoint.model(reflect.ValueOf(&v).Elem())
	if err == nil {
		err = c.validateRequest(req)
	}
	if err == nil {
		err = c.bindMessage(req, out)
	}
	if err != nil {
		return nil, u.Failed(ctx, err)
	}
	return out.body.bytes, nil
}

func (c *call) bindMessage(req reflect.Value, out *outgoing) *CallError {
	err := c.bindBody(req, out)
	switch {
	case err != nil:
		return fail(ErrRequest, "", nested(err))
	case out.body.streamed:
		return failf(ErrRequest, "", "a message is written whole: use a model, []byte or string instead of a reader")
	case c.away() && out.body.secret:
		return fail(ErrRequest, "", errSecretAway)
	}
	return nil
}

// DecodeMessage reads data with the codec of the call and validates it as the response model of m.
func (u *upgraded) DecodeMessage(ctx context.Context, m *Endpoint[any, any], data []byte) (any, error) {
	c := u.speaker(m)
	a := &answer{call: c, at: c.at, resp: &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, body: data}
	var v any
	res := reflect.ValueOf(&v).Elem()
	err := c.decode(a, res)
	if err == nil {
		err = c.validateResponse(ctx, a, res)
	}
	if err != nil {
		return nil, u.Failed(ctx, err)
	}
	return v, nil
}

// handshake is the context of a call that ends in an upgrade: it ends with the caller's until the connection is there, and is free of it
// afterwards. Nil is that of any other call.
type handshake struct {
	context.Context
	caller context.Context
	cancel context.CancelCauseFunc
	stop   func() bool
	over   atomic.Bool
}

func newHandshake(caller context.Context) *handshake {
	h := &handshake{caller: caller}
	h.Context, h.cancel = context.WithCancelCause(context.WithoutCancel(caller))
	h.stop = context.AfterFunc(caller, func() { h.cancel(handedOn(caller)) })
	return h
}

// Deadline is the caller's, as long as that counts.
func (h *handshake) Deadline() (deadline time.Time, ok bool) {
	if h.over.Load() {
		return time.Time{}, false
	}
	return h.caller.Deadline()
}

// finish leaves the caller's context. It is too late when that has ended.
func (h *handshake) finish() bool {
	h.over.Store(true)
	return h.stop()
}

// end frees what the context holds.
func (h *handshake) end() {
	if h != nil {
		h.stop()
		h.cancel(nil)
	}
}

// deadlinePassed is the cause of a context to which the end of another was handed on whose deadline has passed.
type deadlinePassed struct{ error }

func (d *deadlinePassed) Unwrap() error { return d.error }

func handedOn(from context.Context) error {
	cause := context.Cause(from)
	if from.Err() == context.DeadlineExceeded {
		return &deadlinePassed{cause}
	}
	return cause
}
