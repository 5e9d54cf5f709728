package cresttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// play answers a request out of the file.
func (c *cassette) play(req *http.Request) (*http.Response, error) {
	body, err := drain(req)
	if err != nil {
		return nil, err
	}
	hide := crest.RedactionOf(req)
	wanted := &exchange{method: req.Method, target: shownTarget(hide, req.URL, c.show)}
	info, called := crest.EndpointInfo(req)
	wanted.operation, wanted.foreign = oneLine(info.Endpoint), !called
	if !called {
		path, _, _ := strings.Cut(shownTarget(hide, req.URL, nil), "?")
		wanted.operation = req.Method + " " + path
	}
	header := http.Header{"Content-Encoding": req.Header["Content-Encoding"]}
	shown, ok := hide.RequestBody(uncoded(header, body), req.Header.Get("Content-Type"))
	if wanted.request.body = shown; !ok {
		wanted.request.body = []byte(redacted)
	}
	x := c.next(wanted)
	if x == nil {
		return nil, fmt.Errorf("%w: %s", ErrCassette, wanted.title())
	}
	return x.response(req), nil
}

// drain reads and closes a request's body.
func drain(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	return body, err
}

// next finds the exchange for a request, and takes it. Without one it tells the test.
func (c *cassette) next(wanted *exchange) *exchange {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var found *exchange
	for _, x := range c.left() {
		if x.operation != wanted.operation || x.foreign != wanted.foreign || x.method != wanted.method || x.target != wanted.target {
			continue
		}
		same := bytes.Equal(x.request.body, wanted.request.body)
		if found == nil || same {
			found = x
		}
		if same {
			break
		}
	}
	if found != nil {
		c.played[found] = true
	} else if c.mode != broken {
		c.t.Errorf("cresttest: %s has no answer left for %s: %s; record anew with %s", c.file, wanted.title(), c.offer(), c.again())
	}
	return found
}

// offer lists what could still be played, for messages.
func (c *cassette) offer() string {
	left := c.left()
	if len(left) == 0 {
		return fmt.Sprintf("all of its %d exchanges were played", len(c.tape.exchanges))
	}
	const most = 10
	var names []string
	for _, x := range left[:min(len(left), most)] {
		names = append(names, fmt.Sprintf("%s in line %d", x.title(), x.line))
	}
	if len(left) > most {
		names = append(names, fmt.Sprintf("%d others", len(left)-most))
	}
	return "it still has " + strings.Join(names, ", ")
}

// response is the recorded answer.
func (x *exchange) response(req *http.Request) *http.Response {
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", x.status, x.reason), StatusCode: x.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: x.answer.header.Clone(), Request: req, ContentLength: int64(len(x.answer.body)), Body: http.NoBody,
	}
	if req.Method != http.MethodHead && len(x.answer.body) > 0 {
		resp.Body = io.NopCloser(bytes.NewReader(slices.Clone(x.answer.body)))
	}
	return resp
}
