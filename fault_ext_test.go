package crest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The rows of the fault catalogue, as far as they need neither redirects nor retries nor proxies.

// dialing is a client whose dials end in err.
func dialing(t *testing.T, err error) *crest.Client[*failure] {
	rt := crest.NewTransport()
	rt.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
	t.Cleanup(rt.CloseIdleConnections)
	return newClient(t, "http://api.example.com", crest.WithTransport(rt))
}

func TestFaultRow1Refused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for _, e := range everyMethod {
		_, err = e.Call(t.Context(), newClient(t, "http://"+l.Addr().String()), crest.Empty{})
		failed := fails(t, err, crest.ErrTransport, crest.KindConnect, crest.SentNo)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorIs(t, err, crest.KindConnect)
		require.Len(t, failed.Attempts, 1)
		require.Error(t, failed.Attempts[0].Err)
	}
}

// everyMethod is an endpoint for each method.
var everyMethod = func() map[string]*crest.Endpoint[crest.Empty, crest.Empty] {
	m := map[string]*crest.Endpoint[crest.Empty, crest.Empty]{}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		m[method] = crest.NewEndpoint[crest.Empty, crest.Empty](method, "/x")
	}
	return m
}()

func TestFaultRows2And3And49Dial(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tt := range map[string]struct {
		err  error
		kind crest.Kind
		also []error
	}{
		"row 2 unknown name": {dial(&net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}), crest.KindDNS, nil},
		"row 2 temporary":    {dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true, IsTimeout: true}), crest.KindDNS, nil},
		"row 3 black hole":   {dial(os.ErrDeadlineExceeded), crest.KindTimeoutConnect, []error{crest.KindTimeout, crest.KindConnect, os.ErrDeadlineExceeded}},
		"row 49 ports":       {dial(os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)), crest.KindConnect, []error{syscall.EADDRNOTAVAIL}},
		"row 49 descriptors": {dial(os.NewSyscallError("socket", syscall.EMFILE)), crest.KindConnect, []error{syscall.EMFILE}},
		"unreachable":        {dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), crest.KindConnect, []error{syscall.ENETUNREACH}},
		"reset in the dial":  {dial(os.NewSyscallError("connect", syscall.ECONNRESET)), crest.KindConnect, []error{syscall.ECONNRESET}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), dialing(t, tt.err), crest.Empty{})
			failed := fails(t, err, crest.ErrTransport, tt.kind, crest.SentNo)
			for _, want := range tt.also {
				require.ErrorIs(t, err, want)
			}
			require.Equal(t, tt.kind == crest.KindTimeoutConnect, failed.Timeout() && !failed.Is(crest.KindDNS))
			if tt.kind == crest.KindDNS {
				found, ok := errors.AsType[*net.DNSError](err)
				require.True(t, ok)
				require.Equal(t, name == "row 2 unknown name", found.IsNotFound)
			}
		})
	}
}

func TestFaultRowsOfLostConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		wire string
		kind crest.Kind
		is   error
	}{
		"row 9 no byte":            {"", crest.KindDisconnected, io.EOF},
		"row 11 status line":       {"HTTP/1.1 200 O", crest.KindDisconnected, io.ErrUnexpectedEOF},
		"row 11 header value":      {"HTTP/1.1 200 OK\r\nContent-Length: 1", crest.KindDisconnected, io.ErrUnexpectedEOF},
		"row 11 between headers":   {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", crest.KindDisconnected, io.ErrUnexpectedEOF},
		"row 12 not HTTP":          {"SSH-2.0-OpenSSH_9.9\r\n", crest.KindProtocol, nil},
		"row 12 binary":            {"\x15\x03\x01\x00\x02\x02\n", crest.KindProtocol, nil},
		"row 16 length 20 digits":  {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", crest.KindProtocol, nil},
		"row 16 length negative":   {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", crest.KindProtocol, nil},
		"row 16 two lengths":       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", crest.KindProtocol, nil},
		"row 24 NUL":               {"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n", crest.KindProtocol, nil},
		"row 24 header of 11 MB":   {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 11<<20) + "\r\n\r\n", crest.KindProtocol, nil},
		"row 23 101":               {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", crest.KindProtocol, nil},
		"row 15 unknown encoding":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nx", crest.KindProtocol, nil},
		"row 23 103s without end":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 20_000), crest.KindProtocol, nil},
		"status line of one digit": {"HTTP/1.1 2\r\n\r\n", crest.KindProtocol, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, tt.wire))
			for _, call := range []func() error{
				func() error { _, err := getThing.Call(t.Context(), c, crest.Empty{}); return err },
				func() error { _, err := download.Call(t.Context(), c, crest.Empty{}); return err },
				func() error { _, err := everyMethod["POST"].Call(t.Context(), c, crest.Empty{}); return err },
			} {
				err := call()
				sent := crest.SentMaybe
				if name == "row 23 101" {
					sent = crest.SentYes
				}
				failed := fails(t, err, crest.ErrTransport, tt.kind, sent)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				if sent == crest.SentMaybe {
					require.ErrorContains(t, err, "(the request may have been received)")
				}
				require.Len(t, failed.Attempts, 1)
			}
		})
	}
}

func TestFaultRowsOfTruncatedBodies(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, wire := range map[string]string{
		"row 13 short":           head + "Content-Length: 100\r\n\r\n" + thingJSON,
		"row 15 no terminator":   head + "Transfer-Encoding: chunked\r\n\r\n15\r\n" + thingJSON + "\r\n",
		"row 15 cut chunk":       head + "Transfer-Encoding: chunked\r\n\r\nff\r\n" + thingJSON,
		"row 15 zz":              head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"row 15 seventeen f":     head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("f", 17) + "\r\n",
		"row 15 bad second size": head + "Transfer-Encoding: chunked\r\n\r\n15\r\n" + thingJSON + "\r\n-1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, wire))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
			require.Len(t, failed.Attempts, 1)
			require.Equal(t, 200, failed.Attempts[0].StatusCode)
			if strings.Contains(name, "short") || strings.Contains(name, "cut") || strings.Contains(name, "no ") {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			}
			body, err := download.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			_, err = io.ReadAll(body)
			fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
			require.NoError(t, body.Close())
		})
	}
	t.Run("of a failed answer", func(t *testing.T) { // its status wins
		c := newClient(t, canned(t, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"mess"))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrStatus, "", crest.SentYes)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

func TestFaultRow14Reset(t *testing.T) {
	c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
		if readRequest(in) == nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
		_, _ = in.ReadByte() // until the client has the beginning
		_ = conn.(*net.TCPConn).SetLinger(0)
	}))
	body, err := download.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = io.ReadFull(body, make([]byte, 3))
	require.NoError(t, err)
	require.NoError(t, body.Close(), "the rest is cut")
}

// resetBody is a body that is reset in its middle.
type resetBody struct{ io.Reader }

func (r resetBody) Close() error { return nil }

func TestFaultRow14ResetError(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	c := newClient(t, "https://x.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "", "Content-Type", "application/json")
		resp.Body = resetBody{io.MultiReader(strings.NewReader("abc"), failingReader{reset})}
		return resp, nil
	})))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

// Row 10: a reused connection is lost. net/http itself sends a GET again on a fresh one; a POST comes back.
func TestFaultRow10StaleConnection(t *testing.T) {
	for method, ok := range map[string]bool{"GET": true, "POST": false, "PUT": false, "DELETE": false} {
		t.Run(method, func(t *testing.T) {
			c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
				if readRequest(in) == nil {
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				_ = readRequest(in) // and close
			}))
			_, err := everyMethod[method].Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			_, err = everyMethod[method].Call(t.Context(), c, crest.Empty{})
			if ok {
				require.NoError(t, err)
				return
			}
			fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
		})
	}
}

func TestFaultRowsThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct{ wire, want string }{
		"row 17 length and chunked": {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"},
		"row 23 100 and 103":        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
		"row 24 obs-fold":           {"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 3\r\n\r\nabc", "abc"},
		"row 25 no reason":          {"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc"},
		"HTTP/1.0 until the end":    {"HTTP/1.0 200 OK\r\n\r\nabc", "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, tt.wire))
			for range 2 {
				got, err := crest.Get[crest.Empty, string]("/x").Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
			}
		})
	}
	for name, tt := range map[string]struct{ wire, want string }{ // the next request must not read what was left
		"row 18 204 with a body": {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", ""},
		"row 19 extra bytes":     {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcEXTRA", "abc"},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			net := &pipes{serve: func(conn net.Conn, in *bufio.Reader) {
				for readRequest(in) != nil {
					_, _ = io.WriteString(conn, tt.wire)
				}
			}}
			c, end := net.client(t)
			defer end()
			for range 2 {
				got, err := crest.Get[crest.Empty, string]("/x").Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
				synctest.Wait() // until net/http has seen that the connection is not fit for another request
			}
		}))
	}
	t.Run("row 18 304 with a body", func(t *testing.T) {
		c := newClient(t, canned(t, "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc"))
		_, err := crest.Get[crest.Empty, thing]("/x").Call(t.Context(), c, crest.Empty{}, crest.WithSuccess(200, 304))
		require.NoError(t, err)
	})
	t.Run("row 18 HEAD with a body", func(t *testing.T) {
		c := newClient(t, canned(t, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
		_, err := crest.Head[crest.Empty, thing]("/x").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	})
}

// Rows 25 and 36: any status that is no declared success is an *Error with the raw code.
func TestFaultRows25And36Statuses(t *testing.T) {
	for _, code := range []int{99, 300, 301, 302, 307, 400, 401, 403, 404, 405, 407, 408, 409, 410, 413, 415, 422, 425, 429, 500, 501, 502, 503, 504, 505, 599, 600, 999} {
		c := newClient(t, canned(t, fmt.Sprintf("HTTP/1.1 %03d \r\nContent-Length: 0\r\nLocation: /elsewhere\r\n\r\n", code)), crest.WithRedirects(crest.Redirects{Max: -1}))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrStatus, "", crest.SentYes)
		var failed *crest.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, code, failed.StatusCode)
		require.ErrorIs(t, err, crest.Status(code))
	}
}

// Row 44: a server that answers while the request is still going up is heard.
func TestFaultRow44EarlyAnswer(t *testing.T) {
	type upload struct{ Body io.Reader }
	for name, linger := range map[string]bool{"waits": true, "closes": false} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			c := newClient(t, listen(t, func(conn net.Conn, in *bufio.Reader) {
				_, _ = io.ReadFull(in, make([]byte, 4096))
				_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{\"message\":\"big\"}")
				if linger {
					<-done
					return
				}
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, in)
			}))
			_, err := crest.Post[upload, crest.Empty]("/x").Call(t.Context(), c, upload{io.LimitReader(endless{}, 64<<20)})
			close(done)
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(413))
			require.ErrorContains(t, err, "413 Request Entity Too Large: big")
		})
	}
}

// endless reads for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Row 45: the wait for 100 Continue ends with an answer, or by itself.
func TestFaultRow45Expect(t *testing.T) {
	type upload struct{ Body string }
	rt := crest.NewTransport()
	rt.ExpectContinueTimeout = time.Millisecond
	t.Cleanup(rt.CloseIdleConnections)
	for name, tt := range map[string]struct {
		serve func(conn net.Conn, in *bufio.Reader)
		ok    bool
	}{
		"refused": {func(conn net.Conn, in *bufio.Reader) {
			_, _ = http.ReadRequest(in)
			_, _ = io.WriteString(conn, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}, false},
		"ignored": {func(conn net.Conn, in *bufio.Reader) {
			if req := readRequest(in); req != nil {
				body, _ := io.ReadAll(req.Body)
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, listen(t, tt.serve), crest.WithTransport(rt))
			got, err := crest.Post[upload, string]("/x").Call(t.Context(), c, upload{"hello"}, crest.WithHeader("Expect", "100-continue"))
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, "hello", got)
				return
			}
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(417))
		})
	}
}

// seeking is a body that says one size and has another.
type seeking struct {
	io.Reader
	size int64
}

func (s *seeking) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return s.size, nil
	}
	return offset, nil
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("broken reader") }

// Row 46: what goes wrong in the caller's own reader is told apart from the network.
func TestFaultRow46RequestBody(t *testing.T) {
	own := errors.New("disk is gone")
	type fromReader struct{ Body io.Reader }
	type fromFactory struct{ Body func() (io.ReadCloser, error) }
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(204)
	}))
	reader := func(r io.Reader) func() error {
		return func() error {
			_, err := crest.Post[fromReader, crest.Empty]("/x").Call(t.Context(), c, fromReader{r})
			return err
		}
	}
	factory := func(f func() (io.ReadCloser, error)) func() error {
		return func() error {
			_, err := crest.Post[fromFactory, crest.Empty]("/x").Call(t.Context(), c, fromFactory{f})
			return err
		}
	}
	for name, tt := range map[string]struct {
		call func() error
		step crest.Step
		sent crest.Sent
		is   error
	}{
		"fails at once":  {reader(failingReader{own}), crest.ErrTransport, crest.SentMaybe, own},
		"fails later":    {reader(io.MultiReader(strings.NewReader(strings.Repeat("x", 100<<10)), failingReader{own})), crest.ErrTransport, crest.SentMaybe, own},
		"panics":         {reader(panicking{}), crest.ErrTransport, crest.SentMaybe, nil},
		"too short":      {reader(&seeking{strings.NewReader("abc"), 10}), crest.ErrTransport, crest.SentMaybe, nil},
		"too long":       {reader(&seeking{strings.NewReader(strings.Repeat("x", 20)), 10}), crest.ErrTransport, crest.SentMaybe, nil},
		"factory fails":  {factory(func() (io.ReadCloser, error) { return nil, own }), crest.ErrRequest, crest.SentNo, own},
		"factory of nil": {factory(func() (io.ReadCloser, error) { return nil, nil }), crest.ErrRequest, crest.SentNo, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.call()
			fails(t, err, tt.step, crest.KindRequestBody, tt.sent)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}

// A body that ends with its connection has no mark of its end: what its type shows is found, and the rest is documented in docs/faults.md.
func TestBodiesWithoutALength(t *testing.T) {
	for name, tt := range map[string]struct {
		head, body string
		kind       crest.Kind // of the call for a thing
	}{
		"HTTP/1.0 whole": {"HTTP/1.0 200 OK", thingJSON, ""},
		"HTTP/1.0 cut":   {"HTTP/1.0 200 OK", thingJSON[:9], crest.KindDecode},
		"HTTP/1.1 cut":   {"HTTP/1.1 200 OK", thingJSON[:9], crest.KindDecode},
		"gzip cut":       {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip", gzipped(thingJSON)[:25], crest.KindTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, canned(t, tt.head+"\r\nContent-Type: application/json\r\n\r\n"+tt.body), crest.WithRetry(crest.Retry{Max: -1}))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			if tt.kind == "" {
				require.NoError(t, err)
				return
			}
			fails(t, err, crest.ErrResponse, tt.kind, crest.SentYes)
		})
	}
}
