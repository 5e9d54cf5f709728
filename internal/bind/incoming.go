package bind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// Incoming is a [Request] from the server's side: it reads what a client's plan has written. It is immutable and safe for
// concurrent use. A request is read in this order: [Incoming.Decode] on a fresh model, then the body.
type Incoming struct {
	r        *Request
	segments []segment
	holes    []hole // the route's placeholders, in its order
	query    pairReader
	headers  []*decoder
	cookies  pairReader
	form     pairReader
}

// Received is what a server has got of a request, apart from its body.
type Received struct {
	Path   string // escaped, as url.URL.EscapedPath gives it
	Query  string // escaped, without "?"
	Header http.Header
}

// Incoming compiles the other side of r and returns all reasons why a server can't fill the model at once.
func (r *Request) Incoming() (*Incoming, []error) {
	in := &Incoming{r: r, segments: segmentsOf(r.steps)}
	c := incomingCompiler{in: in}
	for _, s := range r.steps {
		if s.e != nil {
			in.holes = append(in.holes, hole{c.decoder(s.e), s.rest})
		}
	}
	in.query = newPairReader(c.decoders(r.pairs))
	in.headers = c.decoders(r.headers)
	in.cookies = newPairReader(c.decoders(r.cookies))
	in.form = newPairReader(c.decoders(r.body.form))
	in.form.clear = r.body.kind == Multipart
	c.body()
	if len(c.mistakes) > 0 {
		return nil, c.mistakes
	}
	return in, nil
}

type incomingCompiler struct {
	in       *Incoming
	mistakes []error
}

func (c *incomingCompiler) mistake(f *field, err error) {
	if err == nil && f.sealed {
		err = errText("is behind an embedded pointer that is not exported, which can't be set: export the type, or embed it by value")
	}
	if err != nil {
		c.mistakes = append(c.mistakes, f.mistake("%v", err))
	}
}

func (c *incomingCompiler) decoders(encoders []*encoder) []*decoder {
	list := make([]*decoder, len(encoders))
	for i, e := range encoders {
		list[i] = c.decoder(e)
	}
	return list
}

func (c *incomingCompiler) decoder(e *encoder) *decoder {
	c.mistake(e.field, e.node.readable())
	d := &decoder{encoder: e, repeated: true}
	if e.hasDefault {
		d.fallback, _ = newFallback(e.field) // it was compiled with the request
	}
	return d
}

// body looks for what a body of the model's can't be read into.
func (c *incomingCompiler) body() {
	b := c.in.r.body
	for _, j := range b.json {
		c.mistake(j.field, decodable(j.typ))
	}
	for _, p := range b.parts {
		if p.file != nil {
			c.mistake(p.file, nil)
		}
	}
	var err error
	switch {
	case b.kind == Whole && !c.in.r.model.forXML():
		err = decodable(b.typ)
	case b.kind == Reader && b.typ != readerType && b.typ != readCloserType:
		err = fmt.Errorf("is a %s, which a server can't fill: use io.Reader or io.ReadCloser", b.typ)
	}
	switch {
	case b.field != nil:
		c.mistake(b.field, err)
	case err != nil:
		c.mistakes = append(c.mistakes, fmt.Errorf("%s %w", typeName(b.typ), err))
	}
}

// Match reports whether a request's path and query are of the route: its literal text and its constants are there, and
// something stands where its placeholders are.
func (in *Incoming) Match(path, query string) bool {
	if _, ok := in.match(path); !ok {
		return false
	}
	if in.r.constant == "" {
		return true
	}
	there := strings.Split(query, "&")
	for constant := range strings.SplitSeq(in.r.constant, "&") {
		if !containsText(there, constant) {
			return false
		}
	}
	return true
}

func containsText(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

// Decode fills the path, query, header and cookie fields of v, which is addressable and zero. What the request
// lacks is left at its default, else zero. The error is a [*FieldError], or says what is wrong with the request.
func (in *Incoming) Decode(v reflect.Value, from Received) error {
	values, ok := in.match(from.Path)
	if !ok {
		return errText("the path is not of the route")
	}
	v = in.open(v)
	for _, d := range in.r.defaults {
		d.set(d.alloc(v))
	}
	for i, d := range in.holes {
		if err := d.decode(d.alloc(v), values[i]); err != nil {
			return d.fail(err)
		}
	}
	found, err := splitPairs(from.Query)
	if err == nil {
		err = in.query.read(v, found)
	}
	if err != nil {
		return err
	}
	for _, d := range in.headers {
		if err := d.header(v, from.Header); err != nil {
			return d.fail(err)
		}
	}
	return in.cookies.read(v, cookiePairs(from.Header["Cookie"]))
}

// open takes the pointer off a model, and allocates it first if need be.
func (in *Incoming) open(v reflect.Value) reflect.Value {
	if !in.r.pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

// BodyTarget is the value that takes a body of the kinds Whole, Raw, Reader, Factory and File: the field Body, or v itself.
func (in *Incoming) BodyTarget(v reflect.Value) reflect.Value {
	if f := in.r.body.field; f != nil {
		return f.alloc(in.open(v))
	}
	return v
}

// DecodeJSON reads a JSON object into the json fields of v, as [Response.DecodeJSON] does.
func (in *Incoming) DecodeJSON(v reflect.Value, data []byte, unmarshal func(data []byte, v any) error) error {
	return decodeJSON(in.open(v), in.r.body.json, data, unmarshal)
}

// DecodeForm reads a body of the kind Form.
func (in *Incoming) DecodeForm(v reflect.Value, data []byte) error {
	pairs, err := splitPairs(string(bytes.TrimSpace(data)))
	if err != nil {
		return err
	}
	return in.form.read(in.open(v), pairs)
}

// DecodeParts reads the parts of a multipart form that are no files.
func (in *Incoming) DecodeParts(v reflect.Value, parts []Pair) error {
	return in.form.read(in.open(v), newPairs(parts))
}

// DecodeFiles asks for the files of each field of a multipart form, by the field's name, and has each set.
func (in *Incoming) DecodeFiles(v reflect.Value, count func(name string) int, set func(name string, i int, to reflect.Value)) error {
	v = in.open(v)
	for _, p := range in.r.body.parts {
		if p.file == nil {
			continue
		}
		if n := count(p.file.name); n > 0 {
			if err := p.file.receive(p.file.alloc(v), n, set); err != nil {
				return p.file.fail(err)
			}
		}
	}
	return nil
}

// receive sets the n files of a field.
func (f *field) receive(v reflect.Value, n int, set func(name string, i int, to reflect.Value)) error {
	switch {
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			set(f.name, i, v.Index(i))
		}
		return nil
	case n > 1:
		return &problem{text: "is one file, and the form has several: use a list"}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	set(f.name, 0, v)
	return nil
}

// decodeJSON reads the members of an object into fields, and into nothing else.
func decodeJSON(v reflect.Value, fields []*jsonField, data []byte, unmarshal func(data []byte, v any) error) error {
	var object map[string]json.RawMessage
	if err := unmarshal(data, &object); err != nil {
		return err
	}
	members := jsonMembers{object: object, fields: fields}
	for _, j := range fields {
		raw, ok := members.of(j)
		if !ok {
			continue
		}
		if err := j.read(j.alloc(v), raw, unmarshal); err != nil {
			return j.fail(inDocument(err, j.name, data, raw))
		}
	}
	return nil
}
