package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// row is one line of the classifier's table: what goes wrong, and who may be tried again.
type row struct {
	fails       step
	safe, plain bool
	body        bool // it is about the body, which HEAD has not
	also        crest.Option
}

// The part of the table (SECURITY.md, 5.3) that needs no network.
var rows = func() map[string]row {
	json := func(body string, headers ...string) step {
		return givesBody(200, body, append([]string{"Content-Type", "application/json"}, headers...)...)
	}
	m := map[string]row{
		"sending: refused stream": {fails: breaks(errors.New("stream error: stream ID 1; REFUSED_STREAM; received from peer")), safe: true, plain: true},
		"sending: GOAWAY above":   {fails: breaks(errors.New("http2: Transport received Server's graceful shutdown GOAWAY")), safe: true, plain: true},
		"sending: EOF":            {fails: breaks(io.EOF), safe: true},
		"sending: cut header":     {fails: breaks(io.ErrUnexpectedEOF), safe: true},
		"sending: reset":          {fails: breaks(fmt.Errorf("read: %w", syscall.ECONNRESET)), safe: true},
		"sending: broken pipe":    {fails: breaks(fmt.Errorf("write: %w", syscall.EPIPE)), safe: true},
		// what HTTP/2 has for the other streams of a connection, when one of them finds that it is gone
		"sending: force closed":   {fails: breaks(errors.New("http2: client connection force closed via ClientConn.Close")), safe: true},
		"sending: conn closed":    {fails: breaks(errors.New("http2: client conn is closed")), safe: true},
		"sending: conn lost":      {fails: breaks(errors.New("http2: client connection lost")), safe: true},
		"sending: conn unusable":  {fails: breaks(errors.New("http2: client conn not usable")), safe: true, plain: true},
		"sending: conn gone":      {fails: breaks(errors.New("http2: client conn could not be established")), safe: true, plain: true},
		"sending: header timeout": {fails: breaks(errors.New("net/http: timeout awaiting response headers")), safe: true},
		"sending: attempt":        {fails: hang, safe: true, also: crest.WithTimeouts(crest.Timeouts{Attempt: time.Second})},
		"sending: not HTTP":       {fails: breaks(errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "x"`))},
		"sending: bad length":     {fails: breaks(errors.New(`bad Content-Length "x"`))},
		"sending: header cap":     {fails: breaks(errors.New("net/http: server response headers exceeded 262144 bytes; aborted"))},
		"sending: 1xx flood":      {fails: breaks(errors.New("net/http: too many 1xx informational responses"))},
		"sending: switched":       {fails: gives(101)},

		"redirect: down to http": {fails: gives(307, "Location", "http://api.example.com/x")},
		"redirect: bad place":    {fails: gives(307, "Location", "https:///x")},
		"redirect: checked":      {fails: gives(308, "Location", "/x"), also: crest.WithRedirects(crest.Redirects{Check: func(*url.URL, []crest.Hop) error { return io.EOF }})},

		"body: truncated":    {fails: brokenOff, safe: true, body: true},
		"body: idle":         {fails: silentBody, safe: true, body: true},
		"body: over a cap":   {fails: json(`{"id":1,"name":"` + strings.Repeat("x", 200) + `"}`), body: true, also: crest.WithBounds(crest.Bounds{Body: 100})},
		"body: bad encoding": {fails: json("x", "Content-Encoding", "br"), body: true},
		"body: broken gzip":  {fails: json("this is not gzip at all", "Content-Encoding", "gzip"), body: true},
		"body: content type": {fails: givesBody(200, "<html>", "Content-Type", "text/html"), body: true},
		"body: decode":       {fails: json(`{"id":`), body: true},
		"body: empty":        {fails: json(""), body: true},
		"body: validation":   {fails: json(`{"id":1}`), body: true},
	}
	for _, code := range []int{408, 425, 500, 502, 503, 504} {
		m[fmt.Sprintf("status: %d", code)] = row{fails: gives(code), safe: true}
	}
	m["status: 429"] = row{fails: gives(429), safe: true, plain: true}
	for _, code := range []int{300, 304, 400, 403, 404, 405, 409, 410, 413, 414, 415, 421, 422, 423, 428, 431, 451, 499, 501, 505, 507, 511, 599, 999} {
		m[fmt.Sprintf("status: %d", code)] = row{fails: gives(code)}
	}
	return m
}()

// hang answers nothing until the attempt is over.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

// silentBody begins a body and says nothing more.
func silentBody(req *http.Request) (*http.Response, error) {
	resp := response(req, 200, "", "Content-Type", "application/json")
	resp.Body, resp.ContentLength = &waitingBody{waits: waits{func() {}}, ctx: req.Context()}, 100
	return resp, nil
}

func TestR55Classifier(t *testing.T) {
	for name, tt := range rows {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, way string, e *crest.Endpoint[crest.Empty, thing], safe bool) {
				synctest.Test(t, func(t *testing.T) { tt.check(t, way, e, safe) })
			})
		})
	}
}

func (r row) check(t *testing.T, way string, e *crest.Endpoint[crest.Empty, thing], safe bool) {
	server := play(r.fails)
	var opts []crest.CallOption
	if r.also != nil {
		opts = append(opts, r.also)
	}
	_, err := e.Call(t.Context(), retried(t, server), crest.Empty{}, opts...)
	if way == "HEAD" && r.body {
		require.NoError(t, err)
		require.Equal(t, 1, server.sent())
		return
	}
	failed := callError(t, err)
	want := attempts(safe && r.safe || !safe && r.plain)
	require.Equal(t, want, server.sent(), "%v", err)
	require.Len(t, failed.Attempts, want)
	if want > 1 {
		require.ErrorContains(t, err, "(4 attempts)")
	}
	if answer, ok := errors.AsType[*crest.Error](err); ok {
		require.Equal(t, want, answer.Attempts)
	}
}

func overdue(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, 0)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func cancelled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// What goes wrong before sending is never tried again: it says nothing of the server.
func TestR55BeforeSending(t *testing.T) {
	type model struct {
		ID   string `path:"id" validate:"max=5"`
		Body any
	}
	good := model{ID: "7"}
	for name, tt := range map[string]struct {
		step   crest.Step
		client []crest.ClientOption
		req    model
		opts   []crest.CallOption
		ctx    func(ctx context.Context) context.Context
	}{
		"model":       {step: crest.ErrRequest, req: model{ID: "too long"}},
		"bind":        {step: crest.ErrRequest, req: model{ID: ".."}},
		"encode":      {step: crest.ErrRequest, req: model{ID: "7", Body: func() {}}},
		"header":      {step: crest.ErrRequest, req: good, opts: []crest.CallOption{crest.WithHeader("X-A", "a\nb")}},
		"closed":      {step: crest.ErrClosed, req: good},
		"credentials": {step: crest.ErrCredentials, req: good, client: []crest.ClientOption{crest.WithBearer(tokenFunc(func(context.Context) (crest.Secret, error) { return crest.Secret{}, io.EOF }))}},
		"limiter":     {step: crest.ErrLimited, req: good, client: []crest.ClientOption{crest.WithLimiter(refusing{io.EOF})}},
		"deadline":    {step: crest.ErrRequest, req: good, ctx: overdue},
		"cancelled":   {step: crest.ErrRequest, req: good, ctx: cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"PUT", "POST"} {
				server := play(gives(204))
				asked := 0
				c := retried(t, server, append(tt.client, crest.WithRetry(crest.Retry{
					If:      func(error) bool { asked++; return true },
					Backoff: func(int, error) time.Duration { asked++; return 0 },
				}))...)
				if name == "closed" {
					require.NoError(t, c.Close())
				}
				ctx := t.Context()
				if tt.ctx != nil {
					ctx = tt.ctx(ctx)
				}
				_, err := crest.NewEndpoint[model, crest.Empty](method, "/x/{id}").Call(ctx, c, tt.req, tt.opts...)
				fails(t, err, tt.step, callError(t, err).Kind, crest.SentNo)
				require.Zero(t, server.sent())
				require.Zero(t, asked, "no rule is asked")
				require.Empty(t, callError(t, err).Attempts)
			}
		})
	}
}
