package crest

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// WithCompression compresses request bodies as they are sent and says so in Content-Encoding: "gzip", "deflate" (the zlib form of RFC 9110,
// section 8.4.1.2), or "identity", with which an endpoint takes back what its client says. Another coding is an error of [New] or of the
// declaration. Servers that cannot read a coding answer 415 or 400: use it where the API documents it.
//
// Every body is compressed: models, forms, bytes, readers, functions; a call without one is sent as it would be without the option, and so are
// an empty body, a call that leaves the client's origin by [WithURL], and requests that come by [RoundTripper]. A Content-Encoding that a
// header of any level, or a field of the model, sets already is an error (ErrRequest; of New or the declaration, where both stand at one level):
// the body would be said to be what it is not. [WithoutHeader] of that name, at a nearer level, sends the body as it is.
//
// The body is compressed each time that it is read, in pieces and in little memory: it goes out without a Content-Length (chunked in HTTP/1.1). What can be
// sent again still can, and comes out the same: middleware, signatures and Digest's auth-int see the compressed bytes. Bytes wait in the
// compressor until there are enough of them or the body ends, so a stream whose pieces the server answers one by one is not for it.
// Where a body holds a secret beside text that someone else chooses, its compressed length tells of the secret through TLS (CRIME, CVE-2012-4929).
func WithCompression(coding string) SharedOption {
	return sharedOption(func(s *settings) error {
		use, known := requestCodings[coding]
		if !known {
			return fmt.Errorf("WithCompression: %q is no coding that crest writes: use gzip or deflate, or identity for none", coding)
		}
		s.compression = &compression{use, s.level}
		return nil
	})
}

// compression is what an option said, and where.
type compression struct {
	coding *coding // nil for none
	level  level
}

const contentEncoding = "Content-Encoding"

// levelNames are for messages.
var levelNames = [...]string{levelClient: "client", levelEndpoint: "endpoint", levelCall: "call"}

// contradicts reports a header of the same level that says something else.
func (c *compression) contradicts(headers fields) error {
	f := headers.find(contentEncoding)
	switch {
	case c == nil || c.coding == nil || f == nil:
		return nil
	case f.removed:
		return fmt.Errorf("WithCompression(%q) and WithoutHeader(%q) at one level: keep one of them", c.coding.name, contentEncoding)
	}
	return fmt.Errorf("WithCompression(%q) and WithHeader(%q) at one level: keep one of them; WithCompression sets the header", c.coding.name, contentEncoding)
}

// compress gives a request with a body its coding, unless a nearer level took the header away.
func (c *call) compress(out *outgoing) error {
	use := c.settings.compression
	if use == nil || use.coding == nil || out.body.length == 0 {
		return nil
	}
	option := c.settings.headers.find(contentEncoding)
	if option != nil && option.removed && option.level > use.level {
		return nil
	}
	if out.encoded() {
		return use.collides(option)
	}
	out.header[contentEncoding] = []string{use.coding.name}
	out.body.coding = use.coding
	return nil
}

// encoded reports whether somebody has said that the body is encoded.
func (o *outgoing) encoded() bool {
	return len(o.header[contentEncoding]) > 0 || slices.ContainsFunc(o.credentials.fields, func(p bind.SecretPair) bool {
		return p.In == bind.Header && p.Name == contentEncoding
	})
}

// collides is the error for a header that is set already, be it by an option.
func (c *compression) collides(option *field) error {
	where := "a field of the model or of WithDefaults"
	if option != nil && !option.removed {
		where = "an option of the " + levelNames[option.level]
	}
	return fmt.Errorf("the header %s is set by %s, and by WithCompression(%q) of the %s: leave the header out, "+
		"or give the endpoint WithCompression(\"identity\") for a body that is compressed already", contentEncoding, where, c.coding.name, levelNames[c.level])
}

// coding is a content coding (RFC 9110, section 8.4.1) that requests are written in.
//
// Nothing compressed is kept. A copy of the compressed body would have a length to declare, and would cost memory as long as the call lasts, for
// streams without a bound. It is made anew at each opening instead, out of pieces that do not depend on how the source hands out its bytes: two
// openings of one body give the same bytes, which a signature over the one relies on when the other is sent.
type coding struct {
	name string
	make func() compressor
	idle sync.Pool // of encoders: their tables take most of a megabyte. Bodies are not in it.
}

// compressor is what gzip.Writer and zlib.Writer have in common.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// requestCodings are those that WithCompression takes.
var requestCodings = map[string]*coding{
	"gzip":     {name: "gzip", make: func() compressor { return gzip.NewWriter(nil) }},
	"deflate":  {name: "deflate", make: func() compressor { return zlib.NewWriter(nil) }},
	"identity": nil,
}

// encoder is a compressor that lets go of what it wrote to.
type encoder struct {
	compressor
	to struct{ io.Writer }
}

func (c *coding) encoder(to io.Writer) *encoder {
	e, ok := c.idle.Get().(*encoder)
	if !ok {
		e = &encoder{compressor: c.make()}
	}
	e.to.Writer = to
	e.Reset(&e.to)
	return e
}

// finish writes the end. Only an encoder that came so far is used again, and only its reader can bring it there: one whose
// request was given up may still be at work, and is left to the garbage collector.
func (c *coding) finish(e *encoder) {
	_ = e.Close() // to memory
	e.to.Writer = nil
	c.idle.Put(e)
}

// whole returns data as it is sent; a nil coding changes nothing.
func (c *coding) whole(data []byte) []byte {
	if c == nil {
		return append([]byte(nil), data...) // nil for none
	}
	var out bytes.Buffer
	_, _ = io.Copy(&out, c.compressed(io.NopCloser(bytes.NewReader(data)))) // memory does not fail
	return out.Bytes()
}

// compressed is the body r under the coding.
func (c *coding) compressed(r io.ReadCloser) io.ReadCloser {
	return &compressedBody{source: r, coding: c}
}

// compressedBody compresses as it is read, in the goroutine that reads: nothing is left behind when nobody reads on.
// Close may come while a Read is under way, and touches the source alone.
type compressedBody struct {
	source io.ReadCloser
	coding *coding
	piece  []byte       // nil before the first Read
	out    bytes.Buffer // compressed, and not read yet
	to     *encoder     // nil before the first Read
	err    error        // that of the source, io.EOF at its end
	once   sync.Once
	closed error
}

// leastOut is how much is gathered before it is handed on, for each Read of net/http becomes a chunk, and a write to the connection.
const leastOut = 4 << 10

func (b *compressedBody) Read(p []byte) (int, error) {
	for b.err == nil && b.out.Len() < leastOut {
		b.fill()
	}
	if b.out.Len() == 0 {
		return 0, b.err
	}
	return b.out.Read(p)
}

// fill compresses one piece, which is full unless the source ends.
func (b *compressedBody) fill() {
	if b.piece == nil {
		b.piece, b.to = make([]byte, readPiece), b.coding.encoder(&b.out)
	}
	n := 0
	for n < len(b.piece) && b.err == nil {
		var more int
		more, b.err = b.source.Read(b.piece[n:])
		n += more
	}
	switch b.err {
	case nil:
		_, _ = b.to.Write(b.piece) // to memory
	case io.EOF:
		_, _ = b.to.Write(b.piece[:n])
		b.coding.finish(b.to)
	}
}

// Close closes the source, once however often it is called.
func (b *compressedBody) Close() error {
	b.once.Do(func() { b.closed = b.source.Close() })
	return b.closed
}
