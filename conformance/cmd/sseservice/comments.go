package main

import (
	"bytes"
	"io"
	"net/http"
)

// comments is a middleware that tells the suite of comments, which are no events and which a Stream therefore leaves out.
func (t *teller) comments(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && resp.StatusCode == http.StatusOK {
			resp.Body = &commentReader{ReadCloser: resp.Body, tell: t, newLine: true}
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// commentReader tells of the comments in a stream, which it leaves as it is. It hands out what is before one, and tells of it when it
// is asked for more, so that events and comments keep their order.
type commentReader struct {
	io.ReadCloser
	tell    *teller
	buf     []byte
	err     error
	newLine bool
	later   bool // the byte order mark is behind
}

func (r *commentReader) Read(p []byte) (int, error) {
	for {
		if r.newLine && len(r.buf) > 0 && r.buf[0] == ':' {
			if !r.comment() {
				return 0, r.err
			}
			continue
		}
		if len(r.buf) > 0 {
			n := copy(p, r.buf[:r.plain()])
			last := r.buf[n-1]
			r.newLine = last == '\n' || last == '\r' || !r.later && n == len(mark) && bytes.Equal(p[:n], mark)
			r.buf, r.later = r.buf[n:], true
			return n, nil
		}
		if !r.more() {
			return 0, r.err
		}
	}
}

var mark = []byte("\xEF\xBB\xBF")

// plain is how much of what is there comes before a comment.
func (r *commentReader) plain() int {
	if !r.later && bytes.HasPrefix(r.buf, mark) {
		return len(mark)
	}
	for i := 1; i < len(r.buf); i++ {
		if r.buf[i] == ':' && (r.buf[i-1] == '\n' || r.buf[i-1] == '\r') {
			return i
		}
	}
	return len(r.buf)
}

// comment tells of one; false says that the stream ended first.
func (r *commentReader) comment() bool {
	i := bytes.IndexAny(r.buf, "\r\n")
	for ; i < 0; i = bytes.IndexAny(r.buf, "\r\n") {
		if !r.more() {
			return false
		}
	}
	r.tell.send(tellRequest{Kind: "comment", Comment: string(r.buf[1:i])})
	r.newLine = false
	return true
}

func (r *commentReader) more() bool {
	if r.err != nil {
		return false
	}
	buf := make([]byte, 32<<10)
	n, err := r.ReadCloser.Read(buf)
	r.buf, r.err = append(r.buf, buf[:n]...), err
	return n > 0
}
