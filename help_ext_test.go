package crest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// failure is the error model of the tests' client.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

// thing is the response model of most tests.
type thing struct {
	ID   int    `json:"id"`
	Name string `json:"name" validate:"required"`
}

const thingJSON = `{"id":7,"name":"Rex"}`

// getThing is for tests that look at something other than the declaration.
var getThing = crest.Get[crest.Empty, thing]("/thing")

// inMemory is a transport without a network.
type inMemory func(*http.Request) (*http.Response, error)

func (f inMemory) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// once switches retries off.
var once = crest.WithRetry(crest.Retry{Max: -1})

// newClient makes a client that is closed with the test. It tries once: tests about retries ask for them.
func newClient(t testing.TB, base string, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	c, err := crest.New[*failure](base, append([]crest.ClientOption{once}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// serve starts a server on a real socket.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// reply answers every request alike. Headers are given as name, value, name, value.
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // nothing is guessed
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// replyJSON answers with a JSON body.
func replyJSON(status int, body string, headers ...string) http.HandlerFunc {
	return reply(status, body, append(headers, "Content-Type", "application/json")...)
}

// listen starts a server that speaks bytes: each connection is handed to serve, which gets the requests' reader as well.
func listen(t testing.TB, serve func(conn net.Conn, in *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// canned reads one request, writes text and closes.
func canned(t testing.TB, text string) string {
	t.Helper()
	return listen(t, func(conn net.Conn, in *bufio.Reader) {
		if readRequest(in) == nil {
			return
		}
		_, _ = io.WriteString(conn, text)
	})
}

// readRequest reads one request with its body; nil at the end of the connection.
func readRequest(in *bufio.Reader) *http.Request {
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil
	}
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	return req
}

// seen is a request as it left, with its body and credentials.
type seen struct {
	*http.Request
	body string
}

// recorder is a transport that remembers what it was asked for and answers with nothing.
type recorder struct {
	mu     sync.Mutex
	all    []seen
	answer func(*http.Request) *http.Response
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, seen{req, string(body)})
	if r.answer != nil {
		return r.answer(req), nil
	}
	return response(req, http.StatusNoContent, ""), nil
}

// last returns the newest request and forgets all of them; it fails the test if there is none.
func (r *recorder) last(t testing.TB) seen {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotEmpty(t, r.all, "nothing was sent")
	s := r.all[len(r.all)-1]
	r.all = nil
	return s
}

// none fails the test if anything was sent.
func (r *recorder) none(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(t, r.all, "something was sent")
}

// response makes an answer without a network. Headers are given as name, value.
func response(req *http.Request, status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// fixed is a transport that always answers alike.
func fixed(status int, body string, headers ...string) inMemory {
	return func(req *http.Request) (*http.Response, error) { return response(req, status, body, headers...), nil }
}

// ping is the smallest call: no models, no body.
var ping = crest.Get[crest.Empty, crest.Empty]("/ping")

// callError finds the *CallError in err, which every failed call has.
func callError(t testing.TB, err error) *crest.CallError {
	t.Helper()
	require.Error(t, err)
	var failed *crest.CallError
	require.ErrorAs(t, err, &failed)
	return failed
}

// fails checks step, kind and Sent of a failed call, and that no other step matches.
func fails(t testing.TB, err error, step crest.Step, kind crest.Kind, sent crest.Sent) *crest.CallError {
	t.Helper()
	failed := callError(t, err)
	require.ErrorIs(t, err, step)
	require.Equal(t, kind, failed.Kind, "%v", err)
	require.Equal(t, sent, failed.Sent, "%v", err)
	for _, other := range []crest.Step{
		crest.ErrRequest, crest.ErrClosed, crest.ErrLimited, crest.ErrCredentials, crest.ErrTransport, crest.ErrStatus, crest.ErrResponse,
	} {
		require.Equal(t, other == step, errors.Is(err, other), "step %v of %v", other, err)
	}
	return failed
}
