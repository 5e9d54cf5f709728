package bench

import (
	"bytes"
	"io"
	"net/http"
)

// memory is a RoundTripper that answers from memory, so that what remains to
// be measured is the client. One allocation per call is its own.
type memory struct{}

// reply keeps a response and its body in one allocation.
type reply struct {
	http.Response
	content content
}

type content struct{ bytes.Reader }

func (*content) Close() error { return nil }

// RoundTrip implements [http.RoundTripper].
func (memory) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := consume(req.Body); err != nil {
		return nil, err
	}
	return route(req.Method, req.URL.Path).reply(req), nil
}

// reply makes the response to req.
func (a *answer) reply(req *http.Request) *http.Response {
	r := &reply{Response: http.Response{
		Status:        a.statusLine,
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		ContentLength: int64(len(a.body)),
		Request:       req,
	}}
	r.content.Reset(a.body)
	r.Body = &r.content
	return &r.Response
}

// consume reads a request body to its end and closes it, as a transport must.
func consume(body io.ReadCloser) error {
	if body == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	return body.Close()
}
