package cresttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// operation is an endpoint or a stream without its types.
type operation struct {
	name      string
	mediaType string    // that a stream is written as; "" of an endpoint
	secrets   []located // of the request, which are attached below a cassette
	answers   []located // of the answer: Secrets, and cookies
	headers   []string  // that the answer's model reads
	read      func(*http.Request) (any, error)
	call      func(c *checker, req any) error
}

// declared is what endpoints and streams have both.
type declared[Req any] interface {
	fmt.Stringer
	DecodeRequest(*http.Request) (Req, error)
}

func operationOf[Req any](of declared[Req], mediaType string, res reflect.Type, call func(*checker, Req) error) CassetteOption {
	op := &operation{
		name:      of.String(),
		mediaType: mediaType,
		secrets:   locatedIn(reflect.TypeFor[Req](), false),
		answers:   locatedIn(res, true),
		headers:   headersIn(res),
		read:      func(r *http.Request) (any, error) { return decoded(of.DecodeRequest(r)) },
		call: func(c *checker, req any) error {
			model, _ := req.(Req)
			return call(c, model)
		},
	}
	return func(c *cassette) { c.ops = append(c.ops, op) }
}

// located is a field of a model that lies outside of the body.
type located struct{ place, name string }

// locatedIn finds the fields that are Secrets; and cookies of answers, which are never shown.
func locatedIn(t reflect.Type, answer bool) (list []located) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		secret := f.Type == reflect.TypeFor[crest.Secret]() || f.Type == reflect.TypeFor[*crest.Secret]() || f.Type == reflect.TypeFor[crest.Opt[crest.Secret]]()
		for _, place := range []string{"query", "header", "cookie"} {
			name, _, _ := strings.Cut(f.Tag.Get(place), ",")
			if name != "" && (secret || answer && place == "cookie") {
				list = append(list, located{place, name})
			}
		}
	}
	return list
}

// headersIn are the names of the headers that a model reads.
func headersIn(t reflect.Type) (names []string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("header"), ","); name != "" {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	return names
}

// keepSecrets lets an answer have the headers that its model reads and nobody may see, with a mark in place of the value.
func (op *operation) keepSecrets(header http.Header, resp *http.Response) {
	for _, l := range op.answers {
		switch {
		case l.place == "header" && len(resp.Header.Values(l.name)) > 0:
			header.Set(l.name, redacted)
		case l.place == "cookie" && slices.ContainsFunc(resp.Cookies(), func(c *http.Cookie) bool { return c.Name == l.name }):
			header.Add("Set-Cookie", l.name+"="+redacted)
		}
	}
}

// What a challenge of Digest says of its kind (RFC 7616, section 3.3), which can only be one of a few words.
var (
	digestScheme    = regexp.MustCompile(`(?i)(^|,)\s*digest\s`)
	digestAlgorithm = regexp.MustCompile(`(?i)\balgorithm\s*=\s*"?([A-Za-z0-9-]+)`)
	digestQop       = regexp.MustCompile(`(?i)\bqop\s*=\s*(?:"([a-z, -]+)"|([a-z-]+))`)
)

// keepChallenge lets a 401 that wants Digest want it when it is played, with marks in place of realm and nonce: without it nobody would answer.
func keepChallenge(header http.Header, resp *http.Response) {
	if resp.StatusCode != http.StatusUnauthorized {
		return
	}
	for _, line := range resp.Header["Www-Authenticate"] {
		if !digestScheme.MatchString(line) {
			continue
		}
		text := fmt.Sprintf(`Digest realm=%q, nonce=%[1]q`, redacted)
		if qop := digestQop.FindStringSubmatch(line); qop != nil {
			text += fmt.Sprintf(", qop=%q", qop[1]+qop[2])
		}
		if algorithm := digestAlgorithm.FindStringSubmatch(line); algorithm != nil {
			text += ", algorithm=" + algorithm[1]
		}
		header.Add("Www-Authenticate", text)
	}
}

// decode reads the request of an exchange. Where something in it is hidden, and it may be that which does not fit, req is nil with a nil error.
func (op *operation) decode(x *exchange) (req any, err error) {
	_, query, _ := strings.Cut(x.target, "?")
	sure := !x.request.partial && !strings.Contains(query, redacted) && !bytes.Contains(x.request.body, []byte(redacted))
	var mistake error
	for _, text := range standIns {
		req, err = op.decodeWith(x, text)
		switch {
		case err == nil, errors.Is(err, crest.KindRoute):
			return req, err
		case mistake == nil && (sure || !x.request.partial && isShown(err, text, x.request.body)):
			mistake = err
		}
	}
	return nil, mistake
}

func (op *operation) decodeWith(x *exchange, text string) (any, error) {
	path, query, _ := strings.Cut(x.target, "?")
	if text == nothing {
		query = withoutHidden(query)
	}
	query = strings.ReplaceAll(query, redacted, url.QueryEscape(text))
	for {
		r, err := op.incoming(x, path, query, text)
		if err != nil {
			return nil, err
		}
		req, err := op.read(r)
		next := strings.IndexByte(strings.TrimPrefix(path, "/"), '/')
		if !errors.Is(err, crest.KindRoute) || next < 0 {
			return req, err
		}
		path = path[1+next:] // the path of the API's base URL
	}
}

// incoming is a request as a server gets it, with the Secrets that were attached later.
func (op *operation) incoming(x *exchange, path, query, text string) (*http.Request, error) {
	u, err := url.Parse("https://cassette.invalid" + path)
	if err != nil {
		return nil, err
	}
	u.RawQuery = query
	r := &http.Request{Method: x.method, URL: u, Header: x.request.header.Clone(), Body: io.NopCloser(bytes.NewReader(x.request.with(text)))}
	for _, l := range op.secrets {
		switch l.place {
		case "query":
			r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&"+url.QueryEscape(l.name)+"="+url.QueryEscape(redacted), "&")
		case "header":
			r.Header.Set(l.name, redacted)
		case "cookie":
			r.Header.Add("Cookie", l.name+"="+redacted)
		}
	}
	return r, nil
}

// checker calls operations that get the answers of a file.
type checker struct {
	ctx    context.Context
	client *crest.Client[*otherFailure]
	answer *exchange
	text   string // for what is hidden in it
	pieces int    // of a stream
}

// otherFailure stands for the error model of the client, which a cassette does not know: no answer is one.
type otherFailure struct{}

func (*otherFailure) Error() string { return errOtherFailure.Error() }

// Validate refuses every answer.
func (*otherFailure) Validate() error { return errOtherFailure }

var errOtherFailure = errors.New("the endpoint declares no error model for the status")

// check holds all exchanges to the declared models.
func (c *cassette) check() (mistakes []string) {
	k := &checker{}
	client, err := crest.New[*otherFailure]("https://cassette.invalid", crest.WithCodec(crest.Text()), crest.WithCodec(crest.Form()), crest.WithCodec(crest.XML()),
		crest.WithCodec(crest.JSON()), crest.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return roundTrip(k.reply) }))
	if err != nil {
		return []string{err.Error()}
	}
	k.client = client
	defer func() { _ = client.Close() }()
	latest := map[*operation]any{}
	for _, x := range c.tape.exchanges {
		if x.foreign {
			continue
		}
		if err := c.checkOne(k, x, latest); err != nil {
			mistakes = append(mistakes, fmt.Sprintf("%s:%d: %s: %v", c.file, x.line, x.title(), err))
		}
	}
	return mistakes
}

func (c *cassette) checkOne(k *checker, x *exchange, latest map[*operation]any) error {
	op := c.operation(x.operation, x.request.header)
	if op == nil {
		return fmt.Errorf("the operation is not among those of the cassette: add cresttest.Of; %s", c.known())
	}
	if !x.elsewhere {
		req, err := op.decode(x)
		if err != nil {
			return fmt.Errorf("the model does not accept the request: %w", err)
		}
		latest[op] = req
	}
	req := latest[op]
	if req == nil {
		return nil // hidden, or elsewhere: nothing to call with
	}
	if err := k.accepts(op, x, req); err != nil {
		return fmt.Errorf("the model does not accept the answer: %w", err)
	}
	return nil
}

// accepts makes the call that gets the answer.
func (k *checker) accepts(op *operation, x *exchange, req any) (mistake error) {
	hidden := bytes.Contains(x.answer.body, []byte(redacted))
	for _, text := range standIns {
		ctx, cancel := context.WithCancel(context.Background())
		k.ctx, k.answer, k.text, k.pieces = ctx, x, text, 0
		err := mistakeIn(op.call(k, req), x)
		cancel()
		if err == nil && op.mediaType != "" && k.pieces == 0 {
			return x.lostPieces()
		}
		if err == nil || !hidden {
			return err
		}
		if mistake == nil && isShown(err, text, x.answer.body) {
			mistake = err
		}
	}
	return mistake
}

// mistakeIn tells what a model does not accept from what else can end a call.
func mistakeIn(err error, x *exchange) error {
	switch {
	case err == nil, x.answer.partial:
		return nil
	case errors.Is(err, crest.ErrResponse):
		return err
	case errors.Is(err, crest.ErrStatus):
		failed, ok := errors.AsType[*crest.Error](err)
		if ok && failed.Model == nil && len(x.answer.body) > 0 && !errors.Is(err, errOtherFailure) {
			return fmt.Errorf("%w: %w", err, errors.Join(failed.Unwrap()...))
		}
	}
	return nil
}

// options are those of each call of a check: nobody is asked for credentials, and nothing is followed or tried again.
func (k *checker) options() []crest.CallOption {
	nobody := crest.AuthFunc(func(*http.Request) error { return nil })
	return []crest.CallOption{crest.WithAuth(nobody), crest.WithRetry(crest.Retry{Max: -1}), crest.WithRedirects(crest.Redirects{Max: -1})}
}

// reply is the answer that is checked.
func (k *checker) reply(req *http.Request) (*http.Response, error) {
	if _, err := drain(req); err != nil {
		return nil, err
	}
	shown := *k.answer
	shown.answer.body = shown.answer.with(k.text)
	return shown.response(req), nil
}

// closeBody closes what the caller of an endpoint would read.
func closeBody(res any) {
	if body, ok := res.(io.Closer); ok {
		_ = body.Close()
	}
}
