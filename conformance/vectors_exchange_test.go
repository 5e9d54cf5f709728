package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crest-go/crest"
)

// trip is an exchange in the making: a plan, and what its server answers.
type trip struct {
	plan
	r             *row
	sent          string        // the body, where it is plain
	answers       [][]byte      // in turn, and the last one again
	delay         time.Duration // before each
	connect, read time.Duration // timeouts
	target        string        // a URL of the row; "" is the server's
	path          string        // with query and fragment, after the server's origin
	codec         *countingCodec
	raw           string // the body of an answer whose status is a success, before it was decoded
}

// exchange: a call against a server of the row.
func exchange(r *row) (facts, error) {
	if walks(r.in) {
		return walked(r)
	}
	if drive := sessionOf(r.in); drive != nil {
		return drive(r)
	}
	switch {
	case r.when.values["log"] != nil:
		return loggedExchange(r)
	case asksForAuth(r.in):
		return authExchange(r)
	case r.in.has("box"):
		return boxed(r)
	case r.in.values["post_init"] != nil:
		return postInit(r)
	}
	x := &trip{r: r, plan: plan{method: r.method(), result: bytesBody}}
	x.readRequest()
	x.readLevels()
	x.readAnswer()
	s := r.serving(x.answered)
	base := s.url()
	switch {
	case x.target != "":
		base = x.at(x.target)
	case x.path != "":
		x.at(base + x.path)
	}
	resp, err := x.do(r, base)
	f := x.wireFacts(s)
	x.answerFacts(f, resp, err)
	x.rereadFacts(f, s, resp)
	x.retryFacts(f, s, resp, err)
	if late := x.late(err); late != nil {
		return f, late
	}
	if _, failed := errors.AsType[*crest.Error](err); failed && r.want["error"] == nil && r.want["error_any"] == nil {
		err = nil // status, class, model and body were read from it
	}
	return f, err
}

// readRequest reads what is sent and where to.
func (x *trip) readRequest() {
	in := x.r.in
	x.target, x.path = in.text("url"), in.text("url_path")
	if x.target != "" {
		x.clientOpts = append(x.clientOpts, crest.WithTransport(x.r.dialing(unknownNames)))
	}
	x.readRoute(x.r.when.text("path") + in.text("path"))
	x.sent = bodyOf(x.r, &x.request)
	x.request.addNamed("form", x.r.when.fields("form"))
	x.request.addNamed("query", in.fields("params"))
	if !in.has("status") { // else they are the answer's
		x.callOpts = headers(x.callOpts, in.fields("headers"))
	}
	if in.flag("expect100") {
		x.callOpts = append(x.callOpts, crest.WithHeader("Expect", "100-continue"))
	}
	switch words := in.text("call"); words {
	case "":
	case "stream_file":
		body[io.Reader](&x.request, struct{ io.Reader }{strings.NewReader("the content of a file")})
	default:
		panic("no call that is a " + words)
	}
	if in.flag("custom_encoder") {
		x.codec = &countingCodec{Codec: crest.JSON()}
		x.callOpts = append(x.callOpts, crest.WithCodec(x.codec))
	}
}

// readRoute takes a path whose placeholders are other inputs of the row.
func (x *trip) readRoute(path string) {
	if path == "" {
		return
	}
	x.route = "/" + strings.TrimPrefix(path, "/")
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return
		}
		var name string
		name, rest, _ = strings.Cut(after, "}")
		x.request.add("path", name, x.r.in.number(name, 0))
	}
}

// unknownNames is a dialer for which the names of the rows do not exist.
func unknownNames(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err == nil && strings.HasSuffix(host, ".google.com") {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// readLevels reads what client and call set on their own.
func (x *trip) readLevels() {
	in := x.r.in
	x.clientOpts = append(x.clientOpts, errorsOption(in.get("client_errors"))...)
	for _, o := range errorsOption(in.get("request_errors")) {
		x.callOpts = append(x.callOpts, o.(crest.CallOption))
	}
	if v := in.get("client"); v != nil {
		x.clientOpts = append(x.clientOpts, raising(v.(bool)))
	}
	if v := in.get("request"); v != nil {
		x.callOpts = append(x.callOpts, raising(v.(bool)))
	}
	x.connect, x.read = in.seconds("connect"), in.seconds("read")
	x.clientOpts = append(x.clientOpts, crest.WithRetry(x.r.retry()),
		crest.WithTimeouts(crest.Timeouts{Connect: x.connect, Header: x.read, Idle: x.read}))
	if in.null("transport_options") {
		x.clientOpts = append(x.clientOpts, nil)
	}
	if _, ok := x.r.want["raw"]; ok { // a decode error shows nothing of the body: who wants it looks before the decoder does
		x.callOpts = append(x.callOpts, crest.WithCheck(func(e *crest.Error) bool {
			x.raw = string(e.Body)
			return false
		}))
	}
	if in.has("into") {
		x.result = typeOf(in.get("into"))
	} else if x.r.in.has("body") && in.has("status") {
		x.result = anyModel
	}
}

// raising says whether a status that is no success is an error.
func raising(on bool) crest.Option {
	if on {
		return crest.WithSuccess(http.StatusOK)
	}
	return crest.WithSuccess(crest.AnyStatus)
}

// Error models that rows choose by status.
type (
	modelA struct{ apiError }
	modelB struct{ apiError }
	modelC struct{ apiError }
)

func errorsOption(statuses any) []crest.ClientOption {
	models := map[string]crest.ErrorModel{
		"ModelA": crest.As[*modelA](), "ModelB": crest.As[*modelB](), "ModelC": crest.As[*modelC](),
	}
	m := crest.ErrorMap{}
	for status, name := range asObject(statuses) {
		m[must1(strconv.Atoi(status))] = models[name.(string)]
	}
	return []crest.ClientOption{crest.WithErrors(m)}
}

// chosenModel is the name of the model that an error holds.
func chosenModel(err error) any {
	switch answer, _ := errors.AsType[*crest.Error](err); answer.Model.(type) {
	case *modelA:
		return "ModelA"
	case *modelB:
		return "ModelB"
	case *modelC:
		return "ModelC"
	}
	return nil
}

// wireFacts are the keys that look at what the server saw.
func (x *trip) wireFacts(s *wire) facts {
	f := facts{}
	if s.count() == 0 {
		return f
	}
	q := s.last()
	f["request_line"] = q.line
	f["transfer_encoding"] = headerOrNil(q.header(), "Transfer-Encoding")
	f["content_type"] = headerOrNil(q.header(), "Content-Type")
	f["server_body"] = string(q.body)
	f["server_query"] = sameQuery(q.query())
	f["server_form"] = sameQuery(string(q.body))
	f["server_json"] = check(func(want any) error { return compare(want, json.RawMessage(q.body)) })
	f["header"] = check(func(want any) error { return equalHeaders(q.header(), want) })
	f["wire_header_once"] = f["header"]
	f["body_sent_only_after"] = check(func(any) error {
		if q.early {
			return errors.New("the body began before it was asked for")
		}
		return nil
	})
	f["wire_absent"] = check(func(want any) error {
		for _, text := range asTexts(want) {
			if strings.Contains(q.head(), text) {
				return fmt.Errorf("%q was sent: %s", text, q.head())
			}
		}
		return nil
	})
	if x.codec != nil {
		f["custom_encoder_used"] = x.codec.used.Load() > 0
	}
	return f
}

// answerFacts add the keys that look at what the caller got.
func (x *trip) answerFacts(f facts, resp *crest.Response[any], err error) {
	answer, failed := errors.AsType[*crest.Error](err)
	call, _ := errors.AsType[*crest.CallError](err)
	h := http.Header{}
	switch {
	case failed:
		h = answer.Header
		f["status"], f["body"], f["raw"] = answer.StatusCode, string(answer.Body), string(answer.Body)
		f["class"], f["model"] = classCheck(err, answer.StatusCode), chosenModel(err)
	case resp != nil:
		h = resp.Header
		f["status"], f["body"], f["value"] = resp.StatusCode, string(resp.Body), resp.Model
	case call != nil && len(call.Attempts) > 0:
		f["status"] = call.Attempts[len(call.Attempts)-1].StatusCode
		f["raw"] = x.raw
	}
	f["absent"] = headerFacts(h)["absent"]
	f["raw_headers_contains"] = check(func(want any) error {
		for _, field := range gather(asList(want)) {
			if got, ok := h[field.name]; !ok || !reflect.DeepEqual(got, field.values) {
				return fmt.Errorf("%s is %q", field.name, got)
			}
		}
		return nil
	})
}

// rereadFacts add the keys about reading a body again.
func (x *trip) rereadFacts(f facts, s *wire, resp *crest.Response[any]) {
	if resp == nil {
		return
	}
	content, _ := resp.Model.([]byte)
	f["read_twice_equal"] = string(content) == string(resp.Body)
	f["read_after_close"] = check(func(want any) error {
		if want != "error:closed" {
			panic("no such end of a read: " + want.(string))
		}
		stream, err := x.r.live(s)
		if err != nil {
			return err
		}
		if err := stream.Close(); err != nil {
			return err
		}
		if _, err := stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
			return fmt.Errorf("a read after Close ends with %v", err)
		}
		return nil
	})
}

// countingCodec is a codec of the user.
type countingCodec struct {
	crest.Codec
	used atomic.Int32
}

func (c *countingCodec) Marshal(v any) ([]byte, error) {
	c.used.Add(1)
	return c.Codec.Marshal(v)
}
