package bench

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
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
	received, err := consume(req.Body)
	if err != nil {
		return nil, err
	}
	if size, ok := strings.CutPrefix(req.URL.Path, filesPath+"/"); ok {
		return fileReply(req, size)
	}
	if a := route(req.Method, req.URL.Path); a != storedAnswer {
		return a.reply(req), nil
	}
	return newAnswer(http.StatusOK, Stored{Size: received}).reply(req), nil
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
func consume(body io.ReadCloser) (int64, error) {
	if body == nil {
		return 0, nil
	}
	n, err := io.Copy(io.Discard, body)
	return n, errors.Join(err, body.Close())
}

// fileReply makes up a file, as the server does.
func fileReply(req *http.Request, size string) (*http.Response, error) {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        "200 OK",
		StatusCode:    http.StatusOK,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {fileType}},
		ContentLength: n,
		Body:          io.NopCloser(newFile(n)),
		Request:       req,
	}, nil
}
