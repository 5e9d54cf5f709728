package websocket

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"

	coder "github.com/coder/websocket"

	"github.com/crest-go/crest"
)

// upgraded is the connection that a call with [crest.WithUpgrade] gives. It knows the settings of its call.
type upgraded interface {
	io.ReadWriteCloser
	EncodeMessage(ctx context.Context, models *crest.Endpoint[any, any], v any) ([]byte, error)
	DecodeMessage(ctx context.Context, models *crest.Endpoint[any, any], data []byte) (any, error)
	Failed(ctx context.Context, err *crest.CallError) *crest.CallError
}

// dialling is the transport that coder/websocket makes its handshake over: a call of crest. It serves one request.
type dialling struct {
	call func(ctx context.Context, opts ...crest.CallOption) (*crest.Response[io.ReadCloser], error)
	wire *wire // of the connection, when there is one
}

// connect makes the handshake.
func (e *endpoint[Req]) connect(ctx context.Context, c crest.Caller, req Req, opts []crest.CallOption) (*link, error) {
	d := &dialling{call: func(ctx context.Context, own ...crest.CallOption) (*crest.Response[io.ReadCloser], error) {
		return e.dial.Do(ctx, c, req, append(opts[:len(opts):len(opts)], own...)...)
	}}
	if ctx == nil { // the call says so; coder/websocket would panic
		_, err := d.call(ctx)
		return nil, err
	}
	l := &link{options: &e.options, done: make(chan struct{})}
	conn, _, err := coder.Dial(ctx, "http://websocket.invalid/", l.dialOptions(d))
	if err != nil {
		return nil, d.failed(ctx, err)
	}
	conn.SetReadLimit(e.options.MaxMessage)
	l.conn, l.wire = conn, d.wire
	l.wire.begin()
	l.startHeartbeat()
	return l, nil
}

func (l *link) dialOptions(d *dialling) *coder.DialOptions {
	o := &coder.DialOptions{HTTPClient: &http.Client{Transport: d}, Subprotocols: l.options.Subprotocols}
	if l.options.Compression {
		o.CompressionMode = coder.CompressionContextTakeover
	}
	if l.options.OnPing != nil {
		o.OnPingReceived = func(_ context.Context, payload []byte) bool { return l.options.OnPing(payload) }
	}
	if l.options.OnPong != nil {
		o.OnPongReceived = func(_ context.Context, payload []byte) { l.options.OnPong(payload) }
	}
	return o
}

// RoundTrip makes the call in place of the request, of which it takes the headers of the handshake.
func (d *dialling) RoundTrip(req *http.Request) (*http.Response, error) {
	keys := &nonces{first: req.Header.Get(keyHeader)}
	opts := []crest.CallOption{crest.WithMiddleware(keys.middleware)}
	for _, name := range []string{"Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"} {
		if v := req.Header.Get(name); v != "" {
			opts = append(opts, crest.WithHeader(name, v))
		}
	}
	resp, err := d.call(req.Context(), opts...)
	if err != nil {
		return nil, err
	}
	conn, ok := resp.Model.(upgraded)
	if !ok {
		_ = resp.Model.Close()
		return nil, fmt.Errorf("the connection is a %T", resp.Model)
	}
	d.wire = &wire{upgraded: conn}
	return &http.Response{
		StatusCode: resp.StatusCode, Status: resp.Status, Proto: resp.Proto, ProtoMajor: 1, ProtoMinor: 1,
		Header: resp.Header, Body: d.wire, Request: req,
	}, nil
}

// failed is the error of a dial: that of the call, or what RFC 6455 finds wrong with a 101.
func (d *dialling) failed(ctx context.Context, err error) error {
	if own, ok := errors.AsType[*crest.CallError](err); ok {
		return own
	}
	if d.wire == nil {
		return &crest.CallError{Step: crest.ErrRequest, Err: err}
	}
	_ = d.wire.Close()
	return d.wire.Failed(ctx, &crest.CallError{Step: crest.ErrTransport, Kind: crest.KindProtocol, Sent: crest.SentYes, Err: err})
}

// The names as net/http spells them.
const (
	keyHeader    = "Sec-Websocket-Key"
	acceptHeader = "Sec-Websocket-Accept"
)

// nonces gives each request of the call a key of its own (RFC 6455, section 4.1: the nonce is chosen anew for each connection), where
// coder/websocket has one for all. The answer is checked against it, and then says what coder/websocket expects.
type nonces struct{ first string }

func (n *nonces) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		var nonce [16]byte
		_, _ = rand.Read(nonce[:]) // never fails
		key := base64.StdEncoding.EncodeToString(nonce[:])
		req = req.Clone(req.Context())
		req.Header[keyHeader] = []string{key}
		resp, err := next.RoundTrip(req)
		if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
			if got := resp.Header.Get(acceptHeader); got == accepted(key) {
				resp.Header[acceptHeader] = []string{accepted(n.first)}
			}
		}
		return resp, err
	})
}

// accepted is the answer to a key (RFC 6455, section 4.2.2).
func accepted(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
