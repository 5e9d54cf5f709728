package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// faultWay is one way to use a client, from the request to the last byte of the answer. A run ends in nil if the answer was good.
type faultWay struct {
	contentType string
	body        string // of a good answer
	raw         bool   // the body is bytes to it, whatever they are called
	streams     bool   // it gives what came before the fault
	resends     bool   // net/http sends its request again on a connection that was kept and is dead
	keeps       bool   // the request at fault has a connection that was kept in any case
	before      int    // good answers that one run gets before the one at fault
	parts       bool   // it asks for ranges, at the same time
	run         func(t *testing.T, c crest.Caller) error
}

const faultItems = 4

type faultForm struct {
	Title string     `form:"title"`
	File  crest.File `form:"file"`
}

type faultBody struct{ Body io.Reader }

type faultJSON struct {
	Name string `json:"name"`
}

var (
	faultEvents = crest.NewStream[crest.Empty, thing](http.MethodGet, "/events")
	faultLines  = crest.NewStream[crest.Empty, thing](http.MethodGet, "/lines", crest.WithAccept("application/x-ndjson"))
	faultPages  = crest.NewPager[thing](crest.Get[crest.Empty, []thing]("/pages"), crest.Paging{Link: "next"})
	faultPost   = crest.Post[faultJSON, thing]("/thing")
	faultUpload = crest.Post[faultForm, thing]("/form")
	faultReader = crest.Post[faultBody, thing]("/reader")
)

// faultWays are all of them.
func faultWays() map[string]faultWay {
	typed := faultWay{contentType: "application/json", body: thingJSON, resends: true}
	way := func(base faultWay, run func(t *testing.T, c crest.Caller) error) faultWay {
		base.run = run
		return base
	}
	post := typed
	post.resends = false
	raw := faultWay{contentType: "application/octet-stream", body: strings.Repeat("0123456789", 30), raw: true, resends: true}
	parts := raw
	parts.before, parts.parts, parts.resends = 1, true, false
	pages := typed
	pages.body, pages.before, pages.keeps = "["+thingJSON+"]", 1, true
	stream := faultWay{contentType: "text/event-stream", body: strings.Repeat("data: "+thingJSON+"\n\n", faultItems), streams: true, resends: true}
	lines := stream
	lines.contentType, lines.body = "application/x-ndjson", strings.Repeat(thingJSON+"\n", faultItems)
	return map[string]faultWay{
		"call": way(typed, func(t *testing.T, c crest.Caller) error {
			got, err := getThing.Call(t.Context(), c, crest.Empty{})
			return whole(t, got == thing{7, "Rex"}, got == thing{}, err)
		}),
		"call POST": way(post, func(t *testing.T, c crest.Caller) error {
			_, err := faultPost.Call(t.Context(), c, faultJSON{"Rex"})
			return err
		}),
		"Do": way(typed, func(t *testing.T, c crest.Caller) error {
			got, err := getThing.Do(t.Context(), c, crest.Empty{})
			return whole(t, got != nil, got == nil, err)
		}),
		"Prepared": way(typed, func(t *testing.T, c crest.Caller) error {
			p, err := getThing.Prepare(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			got, err := p.Send(t.Context())
			return whole(t, got != nil, got == nil, err)
		}),
		"raw body":     way(raw, readRaw),
		"events":       way(stream, func(t *testing.T, c crest.Caller) error { return loop(t, faultEvents, c) }),
		"lines":        way(lines, func(t *testing.T, c crest.Caller) error { return loop(t, faultLines, c) }),
		"form":         way(post, sendForm),
		"reader":       way(post, sendReader),
		"Download":     way(raw, fetch),
		"DownloadFile": way(raw, func(t *testing.T, c crest.Caller) error { return fetchFile(t, c) }),
		"parts":        way(parts, func(t *testing.T, c crest.Caller) error { return fetchFile(t, c, inParts(2, int64(len(raw.body)/2))) }),
		"pages": way(pages, func(t *testing.T, c crest.Caller) error {
			_, err := all(faultPages.Items(t.Context(), c, crest.Empty{}))
			return err
		}),
	}
}

// whole holds a way to promise 1: the model is real, or it is zero and there is an error.
func whole(t *testing.T, is, zero bool, err error) error {
	t.Helper()
	require.True(t, err == nil && is || err != nil && zero || err == nil && zero, "a model that is neither real nor zero: %v", err)
	return err
}

func readRaw(t *testing.T, c crest.Caller) error {
	body, err := download.Call(t.Context(), c, crest.Empty{})
	if err != nil {
		require.Nil(t, body)
		return err
	}
	_, err = io.ReadAll(body)
	require.NoError(t, body.Close())
	return err
}

// loop counts what a stream gives: never more than there is.
func loop(t *testing.T, s *crest.Stream[crest.Empty, thing], c crest.Caller) error {
	got, err := all(s.Call(t.Context(), c, crest.Empty{}))
	require.LessOrEqual(t, len(got), faultItems)
	for _, one := range got {
		require.Equal(t, thing{7, "Rex"}, one)
	}
	return err
}

func sendForm(t *testing.T, c crest.Caller) error {
	_, err := faultUpload.Call(t.Context(), c, faultForm{"a title", textFile("a.txt", "some text")})
	return err
}

func sendReader(t *testing.T, c crest.Caller) error {
	_, err := faultReader.Call(t.Context(), c, faultBody{struct{ io.Reader }{strings.NewReader("some text")}})
	return err
}

func fetch(t *testing.T, c crest.Caller) error {
	var to bytes.Buffer
	_, err := crest.Download(t.Context(), c, download, crest.Empty{}, &to)
	return err
}

// fetchFile also sees that a file is there if, and only if, the call says so.
func fetchFile(t *testing.T, c crest.Caller, opts ...crest.CallOption) error {
	path := filepath.Join(t.TempDir(), "file.bin")
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, path, opts...)
	_, missing := os.Stat(path)
	require.Equal(t, err == nil, missing == nil, "the error is %v", err)
	return err
}

// faultAnswer is what a fault is made of: the good answer, without the lines that frame its body.
type faultAnswer struct{ head, body string }

// answer is the good one to a request, and failure one that is none and as whole.
func (w faultWay) answer(req *http.Request) faultAnswer {
	head, body := "HTTP/1.1 200 OK\r\n", w.body
	var from, to int
	if n, _ := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-%d", &from, &to); n == 2 {
		body = body[from : to+1]
		head = fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n", from, to, len(w.body))
	}
	if w.parts {
		head += "Connection: close\r\n" // so that each part has a connection of its own, and the cases are all alike
	}
	if w.raw {
		head += "ETag: \"v1\"\r\n"
	}
	if w.before == 1 && !w.parts && req.URL.Query().Get("page") == "" {
		head += "Link: </pages?page=2>; rel=\"next\"\r\n"
	}
	return faultAnswer{head + "Content-Type: " + w.contentType + "\r\n", body}
}

func (a faultAnswer) failure() faultAnswer {
	return faultAnswer{"HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\n", `{"code":"x","message":"no"}`}
}

// text is the answer as it should be.
func (a faultAnswer) text() string { return a.with(a.body) }

// with is an answer with another body.
func (a faultAnswer) with(body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", a.head, len(body), body)
}

// chunked has chunks in place of a length; what stands for the body is written as it is.
func (a faultAnswer) chunked(raw string) string {
	return a.head + "Transfer-Encoding: chunked\r\n\r\n" + raw
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// faultServer answers as a way wants it, but for one request.
type faultServer struct {
	way    faultWay
	at     int                        // the number of the request that meets the fault
	fault  func(a faultAnswer) string // what it gets
	failed bool                       // the fault is in the answer of a failure
	closes bool                       // the server closes the connection then
	resets bool                       // or resets it, once the client has read all of it

	mu       sync.Mutex
	changed  *sync.Cond
	requests int
	written  int // by the server
	read     int // by the client
	dials    int
	open     int // connections of the client
}

func (s *faultServer) serve(conn net.Conn, in *bufio.Reader) {
	for req := readRequest(in); req != nil; req = readRequest(in) {
		s.mu.Lock()
		s.requests++
		n := s.requests
		s.mu.Unlock()
		if n != s.at && req.URL.Path != "/loop" {
			s.write(conn, s.way.answer(req).text())
			continue
		}
		a := s.way.answer(req)
		if s.failed {
			a = a.failure()
		}
		s.write(conn, s.fault(a))
		if s.resets {
			s.settle()
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		if s.closes || s.resets {
			return
		}
	}
}

func (s *faultServer) write(conn net.Conn, text string) {
	n, _ := io.WriteString(conn, text)
	s.mu.Lock()
	s.written += n
	s.mu.Unlock()
}

// settle waits until the client has read what was written: a reset takes away what still lies in between.
func (s *faultServer) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.read < s.written && s.open > 0 {
		s.changed.Wait()
	}
}

// dial makes a connection that is counted.
func (s *faultServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials, s.open = s.dials+1, s.open+1
	return &countedConn{Conn: conn, server: s}, nil
}

type countedConn struct {
	net.Conn
	server *faultServer
	once   sync.Once
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.server.note(func() { c.server.read += n })
	return n, err
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.server.note(func() { c.server.open-- }) })
	return c.Conn.Close()
}

func (s *faultServer) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.changed.Broadcast()
}

// empty reports whether no connection is left.
func (s *faultServer) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open == 0
}

// start makes a client of the server.
func (s *faultServer) start(t *testing.T) (c *crest.Client[*failure], end func()) {
	t.Helper()
	return s.client(t, listen(t, s.serve))
}

// client makes one whose connections are counted. The function ends the idle ones and sees that no other is left.
func (s *faultServer) client(t *testing.T, base string, change ...func(*http.Transport)) (c *crest.Client[*failure], end func()) {
	t.Helper()
	s.changed = sync.NewCond(&s.mu)
	rt := crest.NewTransport()
	rt.Proxy, rt.DialContext = nil, s.dial
	for _, f := range change {
		f(rt)
	}
	c = newClient(t, base, crest.WithTransport(rt))
	t.Cleanup(rt.CloseIdleConnections)
	return c, func() {
		t.Helper()
		require.NoError(t, c.Close())
		eventually(t, func() bool {
			rt.CloseIdleConnections() // again: over HTTP/2 a stream that was given up ends a little after its call
			return s.empty()
		})
	}
}

// faultWant is what a fault ends in: a success if step is "".
type faultWant struct {
	step crest.Step
	kind crest.Kind
	sent crest.Sent
}

func (w faultWant) check(t *testing.T, err error) {
	t.Helper()
	if w.step == "" {
		require.NoError(t, err)
		return
	}
	failed := fails(t, err, w.step, w.kind, w.sent)
	require.NotEmpty(t, failed.Attempts)
	require.Less(t, len(err.Error()), 1500)
	if answered, ok := errors.AsType[*crest.Error](err); ok {
		require.Equal(t, crest.ErrStatus, w.step)
		require.NotZero(t, answered.StatusCode)
	}
}
