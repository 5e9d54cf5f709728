package crest

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// Curl returns the request as a curl command line for a POSIX shell, to be read, logged or sent to somebody: what is or may be secret stands
// in it as [redacted], by the rules of the log. That are credentials and cookies, each [Secret], a body that holds one, the values of a query but for
// a short list, those of headers but for the ones that say what is wanted and not who wants it, and what [WithRedact] names. Otherwise
// the body is shown as a whole.
//
// The command sends one request, with the method, URL, headers and body of the first attempt. What comes from elsewhere is not in it: middleware,
// retries, redirects (curl follows them with -L), proxies and TLS settings. A body of bytes that a terminal would spoil is piped into curl by printf.
// A body that is read as it is sent is not touched: the command reads it from its standard input, as it would be sent. Of a form with files the command has the
// text, and reads the files by their names where it is run.
//
// A failed call has a command line too, if it was prepared: [Prepared.Send] leaves the Prepared as it is. A [CallError] keeps no request, and has
// none. Curl asks no token source and sends nothing. The zero value gives "".
func (p *Prepared[Res]) Curl() string {
	if p == nil || p.call == nil {
		return ""
	}
	return p.call.maskedCurl()
}

// CurlWithSecrets is [Prepared.Curl] in clear: the command can be run, and whoever reads it has the credentials, as have a shell's history and,
// while it runs, the list of processes. Token sources and signers are asked as by [Prepared.Send], under ctx; nothing else is sent. A Digest is in it
// only if the client has answered a challenge before, and a server takes it once. Errors are those of Send: ErrRequest for the zero value and a nil
// context, ErrCredentials where there are none to be had or they may not go there.
func (p *Prepared[Res]) CurlWithSecrets(ctx context.Context) (string, error) {
	if p == nil || p.call == nil {
		return "", failf(ErrRequest, "", "the Prepared is zero: get one from Endpoint.Prepare")
	}
	own := *p.call
	if ctx == nil {
		return "", own.failed(ctx, failf(ErrRequest, "", "the context is nil: use context.Background()"))
	}
	if err := ended(ctx); err != nil {
		return "", own.failed(ctx, err)
	}
	line, err := own.clearCurl(ctx)
	if err != nil {
		return "", own.failed(ctx, err)
	}
	return line, nil
}

// clearCurl goes the way of a request up to the wire.
func (c *call) clearCurl(ctx context.Context) (string, *CallError) {
	h := c.onPaper(ctx)
	defer h.stop()
	if err := h.obtain(h, h.credentials); err != nil {
		return "", err
	}
	req, err := h.authorize(c.out.unopened(h))
	if err != nil {
		return "", fail(ErrCredentials, "", nested(err))
	}
	sent := *req.URL
	sent.Fragment, sent.RawFragment = "", ""
	return curlOf(req, sent.String(), c.out.body.written()), nil
}

// maskedCurl attaches masks where the credentials would be.
func (c *call) maskedCurl() string {
	h := c.onPaper(context.Background())
	defer h.stop()
	req := h.withJar(c.out.unopened(h))
	for _, f := range c.out.credentials.fields {
		f.Value = redacted
		attach(req, f)
	}
	if c.settings.authorizes() {
		req.Header.Set("Authorization", redacted)
	} else if named, err := h.withNetrc(req); err == nil {
		req = named
	}
	rules := c.settings.redact
	for name, values := range req.Header {
		if harmless[name] && !rules.hides(name) && !c.out.credentials.has(bind.Header, name) {
			continue
		}
		for i := range values {
			values[i] = redacted
		}
	}
	return curlOf(req, rules.url(req.URL), c.out.body.masked(rules))
}

// onPaper is a hop that is not sent.
func (c *call) onPaper(ctx context.Context) *hop {
	own := c.out.credentials
	h := &hop{core: c.core, settings: c.settings, home: &c.out.home, call: c, attempt: 1, number: 1, credentials: &own}
	h.begin(&lifetime{caller: ctx}, 0)
	return h
}

// unopened is the request with a body that its reader was not asked for: signers have GetBody.
func (o *outgoing) unopened(ctx context.Context) *http.Request {
	req := &http.Request{}
	o.carrying(ctx, req, http.NoBody, true)
	if again := req.GetBody; again != nil && !o.body.streamed {
		req.Body = &lazyBody{open: again}
	}
	return req
}

// lazyBody is opened by its first Read.
type lazyBody struct {
	open func() (io.ReadCloser, error)
	body io.ReadCloser
}

func (b *lazyBody) Read(p []byte) (n int, err error) {
	if b.body == nil {
		if b.body, err = b.open(); err != nil {
			return 0, err
		}
	}
	return b.body.Read(p)
}

func (b *lazyBody) Close() error { return nil } // it is bytes

// authorizes reports whether each request gets an Authorization header. A signer may set any, and Digest sets none at first.
func (s *settings) authorizes() bool {
	if s.auth == nil {
		return false
	}
	switch s.auth.scheme.(type) {
	case *bearer, *fixedTicket:
		return true
	}
	return false
}

// has reports whether a field of that name is a credential.
func (c *credentials) has(in bind.Place, name string) bool {
	return slices.ContainsFunc(c.fields, func(f bind.SecretPair) bool { return f.In == in && f.Name == name })
}

// writtenBody is what a command line says of a body.
type writtenBody struct {
	bytes    []byte
	declared bool    // although there are no bytes
	stream   bool    // it is read from the standard input
	pieces   []piece // that are piped there: text, and files by their names
}

func (p *payload) written() writtenBody {
	return writtenBody{p.coding.whole(p.bytes), p.declared, p.streamed, p.pieces()}
}

// pieces are those of a form with files, if a command can get hold of them: nil if a file has no name.
func (p *payload) pieces() []piece {
	if p.form == nil || p.coding != nil || slices.ContainsFunc(p.form.pieces, func(one piece) bool { return one.field != "" && one.name == "" }) {
		return nil
	}
	return p.form.pieces
}

func (p *payload) masked(rules *redaction) writtenBody {
	w := writtenBody{nil, p.declared, p.streamed, p.pieces()}
	if p.secret || rules.hidesSome() { // nobody can tell the fields of its text apart
		w.pieces = nil
	}
	mediaType, _ := splitMediaType(p.contentType)
	shown, ok := rules.body(p.bytes, mediaType)
	switch {
	case len(p.bytes) == 0:
	case !ok || p.secret:
		w.bytes = []byte(redacted)
	default:
		w.bytes = p.coding.whole(shown)
	}
	return w
}

// curlOf writes the command line.
func curlOf(req *http.Request, url string, body writtenBody) string {
	var c shellCommand
	c.word("curl")
	sends := len(body.bytes) > 0 || body.stream || body.declared || assumesBody(req.Method) || req.Method == http.MethodDelete
	switch {
	case req.Method == http.MethodHead && !sends:
		c.word("--head") // with -X curl would wait for a body
	case req.Method != http.MethodGet || sends:
		c.word("-X", req.Method)
	}
	if strings.ContainsAny(url, "[]{}") {
		c.word("--globoff")
	}
	if strings.Contains(url, "/.") {
		c.word("--path-as-is")
	}
	c.word(url)
	c.headers(req, sends, body)
	if sends {
		c.body(body)
	}
	return c.String()
}

// expectsBytes is the size from which on some releases of curl would ask with Expect: 100-continue before they send a body.
const expectsBytes = 1024

// headers are those of the request, and the ones that curl must not add by itself.
func (c *shellCommand) headers(req *http.Request, sends bool, body writtenBody) {
	if slices.Equal(req.Header["Accept-Encoding"], []string{acceptEncoding}) {
		c.word("--compressed")
	}
	if req.Host != "" && req.Host != req.URL.Host {
		c.word("-H", "Host: "+req.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			if value = strings.TrimSpace(value); value == "" {
				c.word("-H", name+";") // which is how curl is told of a header without a value
			} else {
				c.word("-H", name+": "+value)
			}
		}
	}
	owns := []string{"User-Agent", "Accept"}
	if sends {
		owns = append(owns, "Content-Type")
	}
	if body.stream || len(body.bytes) > expectsBytes {
		owns = append(owns, "Expect")
	}
	for _, name := range owns {
		if len(req.Header[name]) == 0 {
			c.word("-H", name+":")
		}
	}
}

// body is an argument where that keeps it as it is.
func (c *shellCommand) body(b writtenBody) {
	switch {
	case b.stream:
		c.word("--data-binary", "@-")
		for _, p := range b.pieces {
			if p.field != "" {
				c.pipeFile(p.name)
			} else {
				c.pipe(p.bytes)
			}
		}
	case argument(b.bytes):
		c.word("--data-raw", string(b.bytes)) // --data would take a leading @ for the name of a file
	default:
		c.word("--data-binary", "@-")
		c.pipe(b.bytes)
	}
}
