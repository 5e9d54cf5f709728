package conformance

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/crest-go/crest"
)

// prepareBody: a body of every kind; lengths and encodings as they stand on the wire.
func prepareBody(r *row) (facts, error) {
	p := &plan{method: r.method()}
	sent := bodyOf(r, &p.request)
	if r.in.get("body") != nil {
		body(&p.request, r.in.text("body"))
	}
	p.callOpts = headers(p.callOpts, r.in.fields("headers"))
	for _, name := range r.in.texts("skip") {
		p.callOpts = append(p.callOpts, crest.WithoutHeader(name))
	}
	switch r.policy {
	case "":
	case "body=get":
		p.endpointOpts = append(p.endpointOpts, crest.WithGetBody())
	default:
		panic("no setting for the policy " + r.policy)
	}
	s := r.serve(reply{}.bytes())
	if _, err := p.do(r, s.url()); err != nil {
		return nil, err
	}
	q := s.last()
	f := facts{
		"content_type":      headerOrNil(q.header(), "Content-Type"),
		"content_length":    headerOrNil(q.header(), "Content-Length"),
		"transfer_encoding": headerOrNil(q.header(), "Transfer-Encoding"),
		"content_encoding":  headerOrNil(q.header(), "Content-Encoding"),
		"body":              string(q.body),
		"body_untouched":    string(q.body) == sent,
	}
	uploadFacts(f, q.header(), q.body)
	return f, nil
}

// bodyOf gives a model the body that a row describes, and returns its bytes where they are plain.
func bodyOf(r *row, m *model) (sent string) {
	in := r.in
	chunked := in.flag("chunked")
	switch {
	case in.get("text") != nil:
		sent = in.text("text")
		body(m, sent)
	case chunked: // the length is hidden: a reader that can do nothing else
		sent = in.text("bytes")
		body[io.Reader](m, struct{ io.Reader }{strings.NewReader(sent)})
	case in.get("bytes") != nil:
		sent = in.text("bytes")
		body(m, []byte(sent))
	case in.get("data_bytes") != nil:
		sent = in.text("data_bytes")
		body(m, []byte(sent))
	}
	m.addNamed("form", in.fields("data"))
	m.addNamed("form", in.fields("form"))
	filesOf(r, m)
	m.addAll("json", asObject(in.get("json")))
	specialJSON(in.text("json_special"), m)
	streamOf(r, m)
	return sent
}

// specialJSON adds what JSON text cannot say.
func specialJSON(literal string, m *model) {
	switch literal {
	case "":
	case "{foo: NaN}":
		m.add("json", "foo", math.NaN())
	default:
		panic("no model for the literal " + literal)
	}
}

// streamOf adds a body that is read as it is sent.
func streamOf(r *row, m *model) {
	in := r.in
	content := in.text("content")
	if in.has("size") {
		content = strings.Repeat("x", in.number("size", 0))
	}
	switch kind := in.text("stream"); kind {
	case "":
	case "unseekable":
		body[io.Reader](m, struct{ io.Reader }{strings.NewReader(content)})
	case "sized", "seekable":
		reader := bytes.NewReader([]byte(content))
		must1(reader.Seek(int64(in.number("offset", 0)), io.SeekStart))
		body[io.Reader](m, reader)
	default:
		panic("no stream of the kind " + kind)
	}
	if in.has("file_size") {
		body[io.Reader](m, r.file(in.number("file_size", 0)))
	}
	if in.has("chunks") {
		body(m, inChunks(in.texts("chunks")))
	}
}

// file makes a file of a size.
func (r *row) file(size int) *os.File {
	f := must1(os.CreateTemp("", "vector"))
	r.after(func() {
		_ = f.Close()
		must(os.Remove(f.Name()))
	})
	must1(fmt.Fprint(f, strings.Repeat("x", size)))
	must1(f.Seek(0, io.SeekStart))
	return f
}

// inChunks opens a body that comes in pieces of unknown number.
func inChunks(chunks []string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		var parts []io.Reader
		for _, chunk := range chunks {
			parts = append(parts, strings.NewReader(chunk))
		}
		return io.NopCloser(io.MultiReader(parts...)), nil
	}
}
