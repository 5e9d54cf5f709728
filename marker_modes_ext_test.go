package crest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The ways in which a call can end. One that is added to crest is added here.

// stage is where a call takes place. A mode changes it.
type stage struct {
	t        *testing.T
	base     string
	lab      *lab // the servers; a.example is at home
	answer   http.HandlerFunc
	opts     []crest.ClientOption // the transport is the first
	call     []crest.CallOption
	ctx      context.Context
	edit     func(*markedRequest)
	ready    func(c *crest.Client[*markedFailure]) // before the call
	panics   bool
	proxy    *proxyServer
	reported []*crest.CallError
}

// serve is every server of the lab.
func (s *stage) serve(w http.ResponseWriter, req *http.Request) {
	switch {
	case strings.HasSuffix(req.URL.Path, "/fails"):
		answerMarked(500, "text/plain", marker("answer token"))(w, req)
	case req.Host != "a.example":
		answerJSON(200, goodAnswer)(w, req)
	default:
		s.answer(w, req)
	}
}

// mode is one way to end.
type mode struct {
	step   crest.Step // "" is success
	kind   crest.Kind
	answer http.HandlerFunc // of the server at home; nil is what answerJSON gives
	set    func(*stage)
	only   bool // the model of the JSON body alone
}

// modePlaces are secrets that only a mode has.
var modePlaces = []string{"proxy user", "proxy password", "location userinfo", "location query", "url query", "url userinfo", "next page"}

var errMode = errors.New("refused by the mode")

const goodAnswer = `{"token":"TOKEN","name":"Rex"}`

var modes = map[string]mode{
	"success":                     {},
	"validation reported":         {answer: answerJSON(200, `{"token":"TOKEN"}`), set: observing},
	"request rule":                {step: crest.ErrRequest, kind: crest.KindValidation, only: true, set: editing(func(m *markedRequest) { m.Pin = strings.Repeat(m.Pin, 20) })},
	"header that cannot be sent":  {step: crest.ErrRequest, only: true, set: editing(func(m *markedRequest) { m.Header = crest.NewSecret(m.Header.Reveal() + "\n") })},
	"cookie that cannot be sent":  {step: crest.ErrRequest, only: true, set: editing(func(m *markedRequest) { m.Cookie = crest.NewSecret(m.Cookie.Reveal() + ";") })},
	"path that climbs":            {step: crest.ErrRequest, only: true, set: editing(func(m *markedRequest) { m.Path = crest.NewSecret("../" + m.Path.Reveal() + "/..") })},
	"body that cannot be encoded": {step: crest.ErrRequest, only: true, set: editing(func(m *markedRequest) { m.Any = []any{m.Any, func() {}} })},

	"nothing listens":     {step: crest.ErrTransport, kind: crest.KindConnect, set: dialFails(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})},
	"unknown name":        {step: crest.ErrTransport, kind: crest.KindDNS, set: dialFails(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "a.example", IsNotFound: true}})},
	"timeout of the dial": {step: crest.ErrTransport, kind: crest.KindTimeoutConnect, set: dialFails(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})},
	"unknown authority":   {step: crest.ErrTransport, kind: crest.KindTLS, set: ownTransport(nil)},
	"no client certificate": {step: crest.ErrTransport, kind: crest.KindTLS, set: ownTransport(func(t *testing.T, at *tls.Config) []crest.ClientOption {
		at.ClientAuth, at.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 // later ones refuse after the handshake, and a request meets the end of the connection first
		return one(crest.WithTLS(markedAuthority().trusting()))
	})},
	"client certificate of nobody": {step: crest.ErrTransport, kind: crest.KindTLS, set: ownTransport(func(t *testing.T, at *tls.Config) []crest.ClientOption {
		at.ClientAuth, at.MaxVersion = tls.RequireAndVerifyClientCert, tls.VersionTLS12
		at.ClientCAs = newAuthority(t, "others").roots
		config := markedAuthority().trusting()
		config.Certificates = []tls.Certificate{markedCertificate()}
		return one(crest.WithTLS(config))
	})},
	"wrong pin": {step: crest.ErrTransport, kind: crest.KindPin, set: ownTransport(func(t *testing.T, _ *tls.Config) []crest.ClientOption {
		return []crest.ClientOption{crest.WithTLS(markedAuthority().trusting()), crest.WithPins(otherPin, "sha256/"+strings.Repeat("A", 42)+"E=")}
	})},
	"not verified": {set: ownTransport(func(*testing.T, *tls.Config) []crest.ClientOption { return one(crest.WithoutTLSVerification()) })},

	"proxy":              {set: behindProxy("http", true)},
	"proxy refuses":      {step: crest.ErrTransport, kind: crest.KindProxy, set: behindProxy("http", false)},
	"SOCKS refuses":      {step: crest.ErrTransport, kind: crest.KindProxy, set: behindProxy("socks5", false)},
	"proxy without host": {step: crest.ErrTransport, kind: crest.KindProxy, set: withProxyURL(&url.URL{Scheme: "http", User: proxyUser})},
	"proxy of the environment": {step: crest.ErrTransport, kind: crest.KindProxy, set: func(s *stage) {
		s.t.Setenv("HTTPS_PROXY", "http://"+marker("proxy user")+":"+marker("proxy password")+"@[proxy")
		s.base, s.opts = "https://api.test", s.opts[1:]
	}},
	"proxy of no scheme": {step: crest.ErrTransport, kind: crest.KindProxy, set: withProxyURL(&url.URL{Scheme: "ftp", User: proxyUser, Host: "proxy.example"})},

	"timeout, total":    {step: crest.ErrTransport, kind: crest.KindTimeoutTotal, set: within(crest.Timeouts{Total: 300 * time.Millisecond}, saysNothing)},
	"timeout, attempt":  {step: crest.ErrTransport, kind: crest.KindTimeoutAttempt, set: within(crest.Timeouts{Attempt: 60 * time.Millisecond}, saysNothing)},
	"timeout, header":   {step: crest.ErrTransport, kind: crest.KindTimeoutHeader, set: within(crest.Timeouts{Header: 5 * time.Millisecond}, saysNothing)},
	"timeout, idle":     {step: crest.ErrTransport, kind: crest.KindTimeoutIdle, set: within(crest.Timeouts{Idle: 5 * time.Millisecond}, stalling)},
	"timeout, TLS":      {step: crest.ErrTransport, kind: crest.KindTimeoutTLS, set: silentTLS},
	"deadline":          {step: crest.ErrTransport, set: deadlined},
	"cancelled before":  {step: crest.ErrRequest, set: func(s *stage) { s.ctx = cancelledWith(s.t, errLeft) }},
	"cancelled halfway": {step: crest.ErrTransport, set: cancelHalfway},
	"limiter refuses":   {step: crest.ErrLimited, set: adding(crest.WithLimiter(refusing{errMode}))},
	"limiter too slow": {step: crest.ErrLimited, set: func(s *stage) {
		slow := crest.NewLimiter(1, time.Hour)
		_, err := slow.Slot(s.ctx, nil, 1)
		require.NoError(s.t, err)
		s.opts = append(s.opts, crest.WithLimiter(slow), crest.WithTimeout(time.Second))
	}},
	"retries exhausted": {step: crest.ErrStatus, answer: answerJSON(503, `{"message":"busy","token":"TOKEN"}`), set: adding(crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait}))},
	"closed client":     {step: crest.ErrClosed, set: func(s *stage) { s.ready = func(c *crest.Client[*markedFailure]) { _ = c.Close() } }},
	"panic in a middleware": {set: func(s *stage) {
		s.panics = true
		s.opts = append(s.opts, crest.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
			return inMemory(func(*http.Request) (*http.Response, error) { panic(errMode) })
		}))
	}},
	"middleware to elsewhere": {step: crest.ErrCredentials, set: adding(crest.WithMiddleware(toEvil))},
	"http.Client below":       {step: crest.ErrTransport, set: func(s *stage) { s.opts = append(s.opts, crest.WithTransport(clientBelow{s.lab})) }},
	"http.Client below, wrapped": {step: crest.ErrTransport, set: func(s *stage) {
		s.opts = append(s.opts, crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			_, err := clientBelow{s.lab}.RoundTrip(req)
			return nil, fmt.Errorf("a recorder: %w", err)
		})))
	}},

	"redirect to another origin":      {answer: moving(303, "https://b.example/end")},
	"redirect with a signed query":    {answer: moving(303, "https://b.example/end?signature="+marker("location query"))},
	"redirect, then failure":          {step: crest.ErrStatus, answer: moving(303, "https://b.example/fails?signature="+marker("location query"))},
	"redirect at home, then failure":  {step: crest.ErrStatus, answer: moving(303, "https://a.example/fails?signature="+marker("location query"))},
	"redirect that repeats the path":  {step: crest.ErrStatus, answer: moving(307, "/"+marker("field path")+"/fails")},
	"redirect that takes the path":    {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(303, "https://b.example/"+marker("field path"))},
	"redirect that takes a key":       {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(303, "https://b.example/?api_key="+marker("key query"))},
	"redirect of a body":              {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(307, "https://b.example/end")},
	"redirect from https to http":     {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(303, "http://a.example/end?signature="+marker("location query"))},
	"redirect with userinfo":          {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(303, "https://u:"+marker("location userinfo")+"@b.example/")},
	"redirect that cannot be parsed":  {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(303, "https://u:"+marker("location userinfo")+"@[b/?x="+marker("location query"))},
	"redirect that is refused by us":  {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(303, "https://b.example/end?x="+marker("location query")), set: adding(crest.WithRedirects(crest.Redirects{SameOrigin: true}))},
	"redirect in a loop":              {step: crest.ErrTransport, kind: crest.KindRedirect, answer: moving(307, "")},
	"redirect that is not followed":   {step: crest.ErrStatus, answer: moving(303, "https://b.example/?x="+marker("location query")), set: adding(crest.WithRedirects(crest.Redirects{Max: -1}))},
	"URL of the call":                 {step: crest.ErrStatus, set: calling(crest.WithURL("https://a.example/fails?signature=" + marker("url query")))},
	"URL of the call, with userinfo":  {step: crest.ErrRequest, set: calling(crest.WithURL("https://u:" + marker("url userinfo") + "@a.example/"))},
	"URL of the call, bad":            {step: crest.ErrRequest, set: calling(crest.WithURL("https://u:" + marker("url userinfo") + "@[a/?q=" + marker("url query")))},
	"URL of the call, from elsewhere": {step: crest.ErrRequest, set: calling(crest.WithURL("https://b.example/end"))},

	"401, refused again":     {step: crest.ErrStatus, answer: challenging},
	"404 with a model":       {step: crest.ErrStatus, answer: answerJSON(404, `{"message":"none","token":"TOKEN"}`)},
	"400 broken model":       {step: crest.ErrStatus, answer: answerJSON(400, `{"token":"TOKEN","message":`)},
	"400 model of two types": {step: crest.ErrStatus, answer: answerJSON(400, `{"token":["TOKEN"],"message":"FIELD"}`)},
	"403 HTML":               {step: crest.ErrStatus, answer: answerMarked(403, "text/html", "<p>"+marker("answer token"))},
	"400 form":               {step: crest.ErrStatus, answer: answerMarked(400, "application/x-www-form-urlencoded", "token="+marker("answer token"))},
	"500":                    {step: crest.ErrStatus, answer: answerMarked(500, "text/plain", marker("answer token"))},
	"success that is none":   {step: crest.ErrStatus, answer: answerJSON(200, goodAnswer), set: adding(crest.WithCheck(func(*crest.Error) bool { return true }))},

	"truncated":         {step: crest.ErrResponse, kind: crest.KindTruncated, answer: truncated},
	"bad gzip":          {step: crest.ErrResponse, kind: crest.KindEncoding, answer: reply(200, marker("answer token"), "Content-Type", "application/json", "Content-Encoding", "gzip")},
	"unknown coding":    {step: crest.ErrResponse, kind: crest.KindEncoding, answer: reply(200, marker("answer token"), "Content-Type", "application/json", "Content-Encoding", "br")},
	"too large":         {step: crest.ErrResponse, kind: crest.KindTooLarge, answer: answerJSON(200, goodAnswer), set: adding(crest.WithBounds(crest.Bounds{Body: 40}))},
	"form for JSON":     {step: crest.ErrResponse, kind: crest.KindContentType, answer: answerMarked(200, "application/x-token", "access_token="+marker("answer token"))},
	"HTML for JSON":     {step: crest.ErrResponse, kind: crest.KindContentType, answer: answerMarked(200, "text/html", marker("answer token"))},
	"broken JSON":       {step: crest.ErrResponse, kind: crest.KindDecode, answer: answerJSON(200, `{"token":"TOKEN"`)},
	"text after JSON":   {step: crest.ErrResponse, kind: crest.KindDecode, answer: answerJSON(200, goodAnswer+"TOKEN")},
	"JSON of two types": {step: crest.ErrResponse, kind: crest.KindDecode, answer: answerJSON(200, `{"token":{"TOKEN":1},"name":"Rex"}`)},
	"name of a number":  {step: crest.ErrResponse, kind: crest.KindDecode, answer: answerJSON(200, `{"name":["FIELD"],"token":"TOKEN"}`)},
	"response rule":     {step: crest.ErrResponse, kind: crest.KindValidation, answer: answerJSON(200, `{"token":"TOKEN"}`)},
}

func adding(opts ...crest.ClientOption) func(*stage) {
	return func(s *stage) { s.opts = append(s.opts, opts...) }
}

func calling(opts ...crest.CallOption) func(*stage) { return func(s *stage) { s.call = opts } }

func editing(edit func(*markedRequest)) func(*stage) { return func(s *stage) { s.edit = edit } }

// within bounds the call, against a server that now answers so.
func within(t crest.Timeouts, answer http.HandlerFunc) func(*stage) {
	return func(s *stage) {
		s.call = []crest.CallOption{crest.WithTimeouts(t)}
		s.ready = func(c *crest.Client[*markedFailure]) {
			s.warm(c)
			s.answer = answer
		}
	}
}

// warm makes the connection and fetches the token, so that a short time is enough for all that comes before the server.
func (s *stage) warm(c *crest.Client[*markedFailure]) {
	_, _ = crest.Get[crest.Empty, crest.Empty]("/warm").Call(s.ctx, c, crest.Empty{}) // without a token it fails, as the call will
}

func observing(s *stage) {
	s.opts = append(s.opts, crest.WithValidation(crest.Validation{Mode: crest.Observe, Report: func(_ context.Context, err *crest.CallError) {
		s.reported = append(s.reported, err)
	}}))
}

func dialFails(err error) func(*stage) {
	return func(s *stage) {
		s.lab.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
}

// moving answers with a redirect, to the path that was asked for if there is none.
func moving(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		to := location
		if to == "" {
			to = req.URL.Path
		}
		answerMarked(status, "text/plain", "moved")(respondingTo{w, to}, req)
	}
}

// respondingTo adds a Location.
type respondingTo struct {
	http.ResponseWriter
	location string
}

func (r respondingTo) WriteHeader(status int) {
	r.Header().Set("Location", r.location)
	r.ResponseWriter.WriteHeader(status)
}

func challenging(w http.ResponseWriter, req *http.Request) {
	w.Header().Add("Www-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, Basic realm="r"`)
	answerJSON(401, `{"message":"who","token":"TOKEN"}`)(w, req)
}

func saysNothing(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }

// stalling sends the beginning of an answer.
func stalling(w http.ResponseWriter, req *http.Request) {
	answerJSON(200, `{"token":"TOKEN"`)(w, req)
	_ = http.NewResponseController(w).Flush()
	<-req.Context().Done()
}

// truncated promises more than it sends.
func truncated(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Length", "1000")
	answerJSON(200, `{"token":"TOKEN"`)(w, req)
}

func deadlined(s *stage) {
	s.ready = func(c *crest.Client[*markedFailure]) {
		s.warm(c)
		ctx := &deadlineContext{Context: s.ctx, done: make(chan struct{})}
		s.ctx, s.answer = ctx, func(w http.ResponseWriter, req *http.Request) {
			close(ctx.done)
			saysNothing(w, req)
		}
	}
}

// deadlineContext is one whose deadline has come when done is closed.
type deadlineContext struct {
	context.Context
	done chan struct{}
}

func (c *deadlineContext) Done() <-chan struct{} { return c.done }

func (c *deadlineContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func cancelledWith(t *testing.T, cause error) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	return ctx
}

func cancelHalfway(s *stage) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	s.ctx = ctx
	s.answer = func(_ http.ResponseWriter, req *http.Request) {
		cancel(errLeft)
		<-req.Context().Done()
	}
}

// clientBelow is a transport that is not one: its errors are url.Error, which quote the URL.
type clientBelow struct{ lab *lab }

func (c clientBelow) RoundTrip(req *http.Request) (*http.Response, error) {
	client := http.Client{Transport: inMemory(func(*http.Request) (*http.Response, error) { return nil, errMode })}
	own := req.Clone(req.Context())
	own.RequestURI = ""
	return client.Do(own)
}

// silentTLS is a server that never greets.
func silentTLS(s *stage) {
	addr := listen(s.t, func(_ net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) })
	s.base = strings.Replace(addr, "http://", "https://", 1)
	s.opts = append(s.opts[1:], crest.WithTimeouts(crest.Timeouts{TLS: 5 * time.Millisecond}), crest.WithProxy(nil))
}

// ownTransport is crest's own, towards a server of its own.
func ownTransport(options func(t *testing.T, server *tls.Config) []crest.ClientOption) func(*stage) {
	return func(s *stage) {
		config := markedAuthority().serving(s.t)
		s.opts = append(s.opts[1:], crest.WithProxy(nil))
		if options != nil {
			s.opts = append(s.opts, options(s.t, config)...)
		}
		s.base = serveTLS(s.t, config, false, answerJSON(200, goodAnswer)).URL
	}
}

var proxyUser = url.UserPassword(marker("proxy user"), marker("proxy password"))

// behindProxy sends through a proxy with a password, which takes it or not.
func behindProxy(scheme string, takes bool) func(*stage) {
	return func(s *stage) {
		ownTransport(nil)(s)
		password := marker("proxy password")
		if !takes {
			password = "another"
		}
		reach := map[string]string{"api.test:443": strings.TrimPrefix(s.base, "https://")}
		if scheme == "socks5" {
			s.proxy = socksProxy(s.t, marker("proxy user"), password, reach)
		} else {
			s.proxy = httpProxy(s.t, nil, marker("proxy user"), password, reach)
		}
		s.base = "https://api.test"
		s.opts = append(s.opts, crest.WithTLS(markedAuthority().trusting()))
		withProxyURL(&url.URL{Scheme: scheme, User: proxyUser, Host: s.proxy.url.Host})(s)
	}
}

func withProxyURL(u *url.URL) func(*stage) {
	return func(s *stage) {
		if s.proxy == nil {
			ownTransport(nil)(s)
		}
		s.opts = append(s.opts, crest.WithProxy(http.ProxyURL(u)))
	}
}

// markedAuthority is that of the servers, and of the client whose key is a secret as well.
var markedAuthority = sync.OnceValue(func() *authority { return newAuthority(&testing.T{}, "servers") })

var markedCertificate = sync.OnceValue(func() tls.Certificate { return markedAuthority().local(&testing.T{}) })
