package fasthttptransport_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/fasthttptransport"
)

// head is what a program sees of an answer.
type head struct {
	Status           string
	StatusCode       int
	Proto            string
	Header, Trailer  http.Header
	ContentLength    int64
	TransferEncoding []string
	Close            bool
	Body             string
	Cut              bool
}

func read(t *testing.T, rt transport, method, url string) head {
	t.Helper()
	resp, err := rt.RoundTrip(newRequest(t, method, url, nil))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	got := head{
		resp.Status, resp.StatusCode, resp.Proto, resp.Header, resp.Trailer, resp.ContentLength, resp.TransferEncoding, resp.Close, string(body), err != nil,
	}
	got.Header.Del("Connection") // said by Close
	return got
}

// TestSameAnswers holds what comes back to what net/http makes of the same bytes.
func TestSameAnswers(t *testing.T) {
	for name, tt := range map[string]struct{ method, wire string }{
		"length":               {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"},
		"nothing":              {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"chunked":              {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"},
		"to the end":           {"GET", "HTTP/1.1 200 OK\r\n\r\nhello"},
		"HTTP/1.0":             {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
		"HTTP/1.0, kept":       {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"},
		"no reason":            {"GET", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n"},
		"own reason":           {"GET", "HTTP/1.1 799 Out of tea\r\nContent-Length: 0\r\n\r\n"},
		"close":                {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"},
		"close among others":   {"GET", "HTTP/1.1 200 OK\r\nConnection: X-A, Close\r\nContent-Length: 2\r\n\r\nok"},
		"204":                  {"DELETE", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"},
		"304":                  {"GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\nContent-Length: 7\r\n\r\n"},
		"HEAD":                 {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"},
		"HEAD without":         {"HEAD", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
		"HEAD chunked":         {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"redirect":             {"GET", "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"},
		"fields":               {"GET", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nset-cookie: a=3\r\nx-a: 1\r\nX-A: 2\r\nX-Empty:\r\nVary: a, b\r\nServer: s\r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
		"gzip stays":           {"GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"},
		"no type":              {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"trailers":             {"GET", "HTTP/1.1 200 OK\r\nTrailer: X-Sum, x-other\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\nx-other: a\r\nX-Other: b\r\n\r\n"},
		"trailers unannounced": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n"},
		"interim":              {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"cut, length":          {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"},
		"cut, chunk":           {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"},
		"cut, chunks":          {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"},
		"cut, trailers":        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n"},
		"more than said":       {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			base := canned(t, tt.wire)
			got := map[string]head{}
			onBoth(t, nil, func(t *testing.T, rt transport) { got[fmt.Sprintf("%T", rt)] = read(t, rt, tt.method, base) })
			require.Equal(t, got["*http.Transport"], got["*fasthttptransport.Transport"])
		})
	}
}

var get = crest.Get[crest.Empty, []byte]("/x")

// TestRefusedAnswers sees what kind of failure crest makes of answers that are none, and that no part of them gets into the text.
func TestRefusedAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		wire string
		kind crest.Kind
	}{
		"nothing":             {"", crest.KindDisconnected},
		"half a head":         {"HTTP/1.1 200 OK\r\nX-A: s3cret", crest.KindDisconnected},
		"not HTTP":            {"SSH-2.0-s3cret\r\n\r\n", crest.KindProtocol},
		"a bad status":        {"HTTP/1.1 2x0 OK\r\nX: s3cret\r\n\r\n", crest.KindProtocol},
		"a low status":        {"HTTP/1.1 099 s3cret\r\n\r\n", crest.KindProtocol},
		"two lengths":         {"HTTP/1.1 200 OK\r\nX: s3cret\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", crest.KindProtocol},
		"another encoding":    {"HTTP/1.1 200 OK\r\nX: s3cret\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", crest.KindProtocol},
		"a name with a space": {"HTTP/1.1 200 OK\r\n: s3cret\r\n\r\n", crest.KindProtocol},
		"switching":           {"HTTP/1.1 101 Switching Protocols\r\nX: s3cret\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", crest.KindProtocol},
		"endless hints":       {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: s3cret\r\n\r\n", 100), crest.KindProtocol},
		"a long head":         {"HTTP/1.1 200 OK\r\nX: s3cret" + strings.Repeat("x", 70<<10) + "\r\n\r\n", crest.KindProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			rt := &fasthttptransport.Transport{}
			defer rt.CloseIdleConnections()
			_, err := get.Call(t.Context(), client(t, canned(t, tt.wire), rt), crest.Empty{})
			require.ErrorIs(t, err, crest.ErrTransport)
			require.ErrorIs(t, err, tt.kind)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

// TestHeaderBound moves the bound.
func TestHeaderBound(t *testing.T) {
	wire := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + strings.Repeat("x", 3000) + "\r\n\r\n"
	for bound, ok := range map[int]bool{2000: false, 4000: true} {
		rt := &fasthttptransport.Transport{MaxResponseHeaderBytes: bound}
		defer rt.CloseIdleConnections()
		resp, err := rt.RoundTrip(newRequest(t, "GET", canned(t, wire), nil))
		if !ok {
			require.ErrorContains(t, err, "headers exceeded 2000 bytes")
			continue
		}
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
}

// TestBodyPieces reads each piece of a stream before the next one is sent.
func TestBodyPieces(t *testing.T) {
	next := make(chan string)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for piece := range next {
			_, _ = io.WriteString(w, piece)
			w.(http.Flusher).Flush()
			if piece == "end" {
				return
			}
		}
	})
	onBoth(t, nil, func(t *testing.T, rt transport) {
		live := crest.Get[crest.Empty, io.ReadCloser]("/live")
		go func() { next <- "first" }()
		body, err := live.Call(t.Context(), client(t, server.URL, rt), crest.Empty{})
		require.NoError(t, err)
		defer body.Close()
		b := make([]byte, 16)
		for _, piece := range []string{"first", "second", "end"} {
			if piece != "first" {
				next <- piece
			}
			n, err := body.Read(b)
			require.True(t, err == nil || err == io.EOF && piece == "end")
			require.Equal(t, piece, string(b[:n]))
		}
		_, err = body.Read(b)
		require.Equal(t, io.EOF, err)
	})
}

// TestInterimHook hears of answers before the answer, and can end the exchange.
func TestInterimHook(t *testing.T) {
	base := canned(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	onBoth(t, nil, func(t *testing.T, rt transport) {
		stop := errors.New("stop")
		for _, verdict := range []error{nil, stop} {
			var got []string
			req := newRequest(t, "GET", base, nil)
			req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
					got = append(got, fmt.Sprint(code, h))
					return verdict
				},
			}))
			resp, err := rt.RoundTrip(req)
			require.ErrorIs(t, err, verdict)
			require.Equal(t, []string{"103 map[Link:[</a>]]"}, got)
			if err == nil {
				require.NoError(t, resp.Body.Close())
			}
			rt.CloseIdleConnections()
		}
	})
}

// TestExpectContinue sends a body when it is asked for, or nobody says anything, and keeps it when the answer is no.
func TestExpectContinue(t *testing.T) {
	for name, tt := range map[string]struct {
		status int // 0 says nothing before the body is here
		sent   bool
	}{"yes": {100, true}, "no": {417, false}, "silence": {0, true}} {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 1)
			base := listen(t, func(conn net.Conn, in *bufio.Reader) {
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				switch tt.status {
				case 100:
					_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				case 417:
					_, _ = io.WriteString(conn, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
				}
				body, _ := io.ReadAll(req.Body)
				got <- string(body)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			})
			onBoth(t, nil, func(t *testing.T, rt transport) {
				if std, ok := rt.(*http.Transport); ok {
					std.ExpectContinueTimeout = 1e9
				}
				req := newRequest(t, "POST", base, strings.NewReader("body"))
				req.Header.Set("Expect", "100-continue")
				resp, err := rt.RoundTrip(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				rt.CloseIdleConnections()
				want := ""
				if tt.sent {
					want = "body"
				}
				body := <-got
				if _, ok := rt.(*http.Transport); !ok || tt.sent { // net/http sends it all the same
					require.Equal(t, want, body)
				}
			})
		})
	}
}

// TestEarlyAnswer gets the answer of a server that does not want the rest of the body.
func TestEarlyAnswer(t *testing.T) {
	base := listen(t, func(conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, in)
	})
	onBoth(t, nil, func(t *testing.T, rt transport) {
		reader, writer := io.Pipe() // a body that never ends
		defer writer.Close()
		upload := crest.Post[struct{ Body io.Reader }, crest.Empty]("/up")
		_, err := upload.Call(t.Context(), client(t, base, rt), struct{ Body io.Reader }{reader})
		require.ErrorIs(t, err, crest.Status(413))
		if _, ok := rt.(*http.Transport); ok {
			return // net/http reads once more
		}
		soon(t, func() { _, err = writer.Write([]byte("x")) })
		require.ErrorIs(t, err, io.ErrClosedPipe, "the request's body was not closed")
	})
}
