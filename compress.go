package crest

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// newDecoder returns a reader for one content coding (RFC 9110, section 8.4.1). Nothing is read before the
// first Read, so that an empty body under a coding is an empty body.
func newDecoder(coding string, r io.Reader) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		return &lazyDecoder{src: bufio.NewReader(r), open: func(b *bufio.Reader) (io.Reader, error) { return gzip.NewReader(b) }}, nil
	case "deflate":
		return &lazyDecoder{src: bufio.NewReader(r), open: openDeflate}, nil
	}
	return nil, fmt.Errorf("the content coding %s is not one that crest asks for (gzip, deflate)", safeText(coding))
}

// lazyDecoder opens its decoder when the first byte is there.
type lazyDecoder struct {
	src  *bufio.Reader
	open func(*bufio.Reader) (io.Reader, error)
	r    io.Reader
}

func (d *lazyDecoder) Read(p []byte) (int, error) {
	if d.r == nil {
		if _, err := d.src.Peek(1); err != nil {
			return 0, err
		}
		r, err := d.open(d.src)
		if err != nil {
			return 0, err
		}
		d.r = r
	}
	return d.r.Read(p)
}

// openDeflate takes both forms that go by the name: zlib (RFC 1950), as the standard says, and raw deflate
// (RFC 1951), as some servers send. A zlib header is told by its check bits.
func openDeflate(b *bufio.Reader) (io.Reader, error) {
	head, err := b.Peek(2)
	if len(head) == 2 && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	if len(head) == 0 {
		return nil, err
	}
	return flate.NewReader(b), nil
}

// countingReader counts what came over the wire.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ratioReader stops a body that grows out of proportion to its bytes on the wire: a decompression bomb.
type ratioReader struct {
	r    io.Reader
	wire *countingReader
	n    int64
}

func (r *ratioReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += int64(n)
	if r.n > ratioAfter && r.n/maxRatio > r.wire.n {
		return 0, tooLarge("the body grew to more than %d times its size on the wire", maxRatio)
	}
	return n, err
}

// isEncoding reports whether err comes from a decompressor: the bytes are damaged, not missing.
func isEncoding(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, zlib.ErrHeader) || errors.Is(err, zlib.ErrChecksum) || errors.Is(err, zlib.ErrDictionary)
}
