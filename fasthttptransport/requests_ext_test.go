package fasthttptransport_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// wireHead is what a server got of a request.
type wireHead struct {
	Line   string
	Lines  []string // the rest of the head, in no order
	Fields http.Header
	Body   string
}

// record is a server that keeps what it gets, byte for byte where that matters: the request line.
func record(t *testing.T) (base string, next func() wireHead) {
	t.Helper()
	got := make(chan wireHead, 16)
	base = listen(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			if _, err := in.Peek(1); err != nil {
				return
			}
			text, _ := in.Peek(in.Buffered()) // both write a short head at once
			head, _, _ := strings.Cut(string(text), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(req.Body)
			fields := req.Header.Clone()
			fields.Set("Host", req.Host)
			for name, value := range req.Trailer {
				fields["Trailer:"+name] = value
			}
			fields["Framing"] = append(req.TransferEncoding, http.StatusText(0))
			if req.ContentLength >= 0 {
				fields["Content-Length"] = req.Header["Content-Length"]
			}
			slices.Sort(lines[1:])
			got <- wireHead{lines[0], lines[1:], fields, string(body)}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	return base, func() wireHead { return <-got }
}

// requests are sent by both transports; the server has to get the same from both.
var requests = map[string]func(base string) (*http.Request, error){
	"get":     func(base string) (*http.Request, error) { return http.NewRequest("GET", base+"/a", nil) },
	"head":    func(base string) (*http.Request, error) { return http.NewRequest("HEAD", base+"/a", nil) },
	"options": func(base string) (*http.Request, error) { return http.NewRequest("OPTIONS", base+"/a", nil) },
	"delete":  func(base string) (*http.Request, error) { return http.NewRequest("DELETE", base+"/a", nil) },
	"no method": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("GET", base, nil)
		req.Method = ""
		return req, err
	},
	"own method":   func(base string) (*http.Request, error) { return http.NewRequest("PURGE", base+"/a", nil) },
	"post without": func(base string) (*http.Request, error) { return http.NewRequest("POST", base+"/a", nil) },
	"put without":  func(base string) (*http.Request, error) { return http.NewRequest("PUT", base+"/a", http.NoBody) },
	"patch": func(base string) (*http.Request, error) {
		return http.NewRequest("PATCH", base+"/a", strings.NewReader("x"))
	},
	"no path":     func(base string) (*http.Request, error) { return http.NewRequest("GET", base, nil) },
	"query only":  func(base string) (*http.Request, error) { return http.NewRequest("GET", base+"?q=1", nil) },
	"empty query": func(base string) (*http.Request, error) { return http.NewRequest("GET", base+"/a?", nil) },
	"escapes": func(base string) (*http.Request, error) {
		return http.NewRequest("GET", base+"/a%2Fb/%41/ü/%E2%82%AC?x=%20+&&y;z=#f", nil)
	},
	"path as it is": func(base string) (*http.Request, error) { return http.NewRequest("GET", base+"//a/./b/../c//", nil) },
	"userinfo": func(base string) (*http.Request, error) {
		return http.NewRequest("GET", strings.Replace(base, "://", "://u:p@", 1)+"/a", nil)
	},
	"opaque": func(base string) (*http.Request, error) { return opaque(base, "/a%2fb;c?q=%") },
	"post known": func(base string) (*http.Request, error) {
		return http.NewRequest("POST", base+"/a", strings.NewReader("hello"))
	},
	"post unknown": func(base string) (*http.Request, error) {
		return http.NewRequest("POST", base+"/a", onlyReader("hello"))
	},
	"post long": func(base string) (*http.Request, error) {
		return http.NewRequest("POST", base+"/a", strings.NewReader(long))
	},
	"post long many": func(base string) (*http.Request, error) { return http.NewRequest("POST", base+"/a", onlyReader(long)) },
	"get with body": func(base string) (*http.Request, error) {
		return http.NewRequest("GET", base+"/a", strings.NewReader("hello"))
	},
	"delete, length": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("DELETE", base+"/a", http.NoBody)
		req.TransferEncoding = []string{"identity"}
		return req, err
	},
	"delete, no body": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("DELETE", base+"/a", nil)
		req.TransferEncoding, req.Body = []string{"identity"}, nil
		return req, err
	},
	"trailers": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("POST", base+"/a", onlyReader("hello"))
		req.Trailer = http.Header{"X-Sum": {"5"}, "X-Other": {"a", "b"}}
		return req, err
	},
	"host": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("GET", base+"/a", nil)
		req.Host = "api.example.com:8443"
		return req, err
	},
	"host in other letters": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("GET", base+"/a", nil)
		req.Host = "bücher.example"
		return req, err
	},
	"close": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("GET", base+"/a", nil)
		req.Close = true
		return req, err
	},
	"fields": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("POST", base+"/a", strings.NewReader("x"))
		req.Header = http.Header{
			"User-Agent": {"crest"}, "Content-Type": {"text/plain"}, "Cookie": {"a=1; b=2", "c=3"}, "Accept": {"a", "b"}, "X-Empty": {""},
			"lower-case": {"kept"}, "Connection": {"keep-alive"}, "X-Utf8": {"ü"}, "Content-Length": {"7"}, "Host": {"x"},
			"Transfer-Encoding": {"chunked"}, "X-Tab": {"a\tb"}, "X-None": nil,
		}
		return req, err
	},
	"no agent": func(base string) (*http.Request, error) {
		req, err := http.NewRequest("GET", base+"/a", nil)
		req.Header["User-Agent"] = []string{""}
		return req, err
	},
}

var long = strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB

// onlyReader hides the length.
func onlyReader(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }

func opaque(base, text string) (*http.Request, error) {
	req, err := http.NewRequest("GET", base, nil)
	req.URL.Opaque = text
	return req, err
}

// TestSameRequests holds what goes out to net/http's bytes: the request line as it is, the fields, the framing, the body.
func TestSameRequests(t *testing.T) {
	for name, make := range requests {
		t.Run(name, func(t *testing.T) {
			base, next := record(t)
			sent := map[string]wireHead{}
			for transportName, makeTransport := range makers {
				rt := makeTransport(nil)
				defer rt.CloseIdleConnections()
				req, err := make(base)
				require.NoError(t, err)
				if _, ok := req.Header["User-Agent"]; !ok {
					req.Header.Set("User-Agent", "test") // ours sends none of its own
				}
				before := req.Header.Clone()
				resp, err := rt.RoundTrip(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, before, req.Header, "a RoundTripper must not change the request")
				sent[transportName] = next()
			}
			require.Equal(t, sent["net/http"], sent["fasthttp"])
		})
	}
}

// TestRefusedRequests sees that what net/http refuses is refused, before anything is sent, and that the body is closed.
func TestRefusedRequests(t *testing.T) {
	for name, spoil := range map[string]func(*http.Request){
		"URL with a control character": func(r *http.Request) { r.URL.Opaque = "\x00" },
		"URL with a line":              func(r *http.Request) { r.URL.Opaque = "/a HTTP/1.1\r\nX: y" },
		"scheme":                       func(r *http.Request) { r.URL.Scheme = "ftp" },
		"no host":                      func(r *http.Request) { r.URL.Host = "" },
		"method":                       func(r *http.Request) { r.Method = "GET /" },
		"name":                         func(r *http.Request) { r.Header["X y"] = []string{"1"} },
		"value":                        func(r *http.Request) { r.Header["X"] = []string{"s3cret\r\nY: 1"} },
		"trailer":                      func(r *http.Request) { r.Trailer = http.Header{"X": {"\n"}} },
		"no URL":                       func(r *http.Request) { r.URL = nil },
		"no header":                    func(r *http.Request) { r.Header = nil },
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
			onBoth(t, nil, func(t *testing.T, rt transport) {
				body := &closable{Reader: strings.NewReader("x")}
				req := newRequest(t, "POST", server.URL, body)
				spoil(req)
				resp, err := rt.RoundTrip(req)
				require.Error(t, err)
				require.Nil(t, resp)
				require.NotContains(t, err.Error(), "s3cret")
				require.True(t, body.closed())
			})
		})
	}
}

// closable knows whether it was closed, and fails when it is read after that.
type closable struct {
	io.Reader
	done context.Context
	end  context.CancelFunc
}

func (c *closable) context() context.Context {
	if c.done == nil {
		c.done, c.end = context.WithCancel(context.Background())
	}
	return c.done
}
func (c *closable) Close() error { c.context(); c.end(); return nil }
func (c *closable) closed() bool { return c.context().Err() != nil }

// TestBodiesThatFail sees that a body that cannot be sent as announced ends the call with the body's error, without a byte too many.
func TestBodiesThatFail(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, tt := range map[string]struct {
		body   func() io.Reader
		length int64
		want   string
	}{
		"too short":    {func() io.Reader { return strings.NewReader("abc") }, 5, "ContentLength=5 with Body length 3"},
		"too long":     {func() io.Reader { return strings.NewReader("abcdefgh") }, 5, "ContentLength=5 with Body length"},
		"fails":        {func() io.Reader { return io.MultiReader(strings.NewReader("abc"), failing{broken}) }, 5, broken.Error()},
		"fails, live":  {func() io.Reader { return io.MultiReader(strings.NewReader("abc"), failing{broken}) }, -1, broken.Error()},
		"fails at one": {func() io.Reader { return failing{broken} }, 5, broken.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			base := listen(t, func(_ net.Conn, in *bufio.Reader) { // waits for the whole request
				all, _ := io.ReadAll(in)
				_, body, _ := strings.Cut(string(all), "\r\n\r\n")
				if strings.Contains(body, "f") {
					t.Errorf("a byte too many was sent: %q", body)
				}
			})
			onBoth(t, nil, func(t *testing.T, rt transport) {
				req := newRequest(t, "POST", base, tt.body())
				req.ContentLength = tt.length
				var err error
				soon(t, func() { _, err = rt.RoundTrip(req) })
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestRequestBodyKind sees that crest knows whose fault it was.
func TestRequestBodyKind(t *testing.T) {
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	onBoth(t, nil, func(t *testing.T, rt transport) {
		upload := crest.Post[struct{ Body io.Reader }, crest.Empty]("/up")
		_, err := upload.Call(t.Context(), client(t, server.URL, rt), struct{ Body io.Reader }{failing{errors.New("gone")}})
		require.ErrorIs(t, err, crest.ErrTransport)
		require.ErrorIs(t, err, crest.KindRequestBody)
	})
}

// TestBothDirectionsAtOnce sends a body larger than any buffer to a server that answers as it reads: neither may wait for the other.
func TestBothDirectionsAtOnce(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	onBoth(t, nil, func(t *testing.T, rt transport) {
		body := strings.Repeat(long, 8)
		echo := crest.Post[struct{ Body io.Reader }, io.ReadCloser]("/echo")
		c := client(t, server.URL, rt)
		var got []byte
		var err error
		soon(t, func() {
			var answer io.ReadCloser
			if answer, err = echo.Call(t.Context(), c, struct{ Body io.Reader }{onlyReader(body)}); err == nil {
				defer answer.Close()
				got, err = io.ReadAll(answer)
			}
		})
		require.NoError(t, err)
		require.True(t, string(got) == body)
	})
}

// TestRequestStreams sees each piece at the server before the next one is written.
func TestRequestStreams(t *testing.T) {
	arrived := make(chan string)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		b := make([]byte, 16)
		for {
			n, err := r.Body.Read(b)
			if n > 0 {
				arrived <- string(b[:n])
			}
			if err != nil {
				return
			}
		}
	})
	onBoth(t, nil, func(t *testing.T, rt transport) {
		if _, ok := rt.(*http.Transport); ok {
			return // net/http collects 4 KiB
		}
		reader, writer := io.Pipe()
		go func() {
			for _, piece := range []string{"one", "two", "three"} {
				_, _ = io.WriteString(writer, piece)
				if got := <-arrived; got != piece {
					t.Errorf("%q arrived instead of %q", got, piece)
				}
			}
			_ = writer.Close()
		}()
		resp, err := rt.RoundTrip(newRequest(t, "POST", server.URL, reader))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})
}

// TestAddresses sees which address a URL leads to.
func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"http://example.com/":        "example.com:80",
		"https://example.com/":       "example.com:443",
		"https://example.com:8443/":  "example.com:8443",
		"http://[::1]/":              "[::1]:80",
		"http://[fe80::1%25eth0]/":   "[fe80::1%eth0]:80",
		"http://bücher.example/":     "xn--bcher-kva.example:80",
		"http://127.0.0.1:1/":        "127.0.0.1:1",
		"http://under_score.example": "under_score.example:80",
	} {
		t.Run(text, func(t *testing.T) {
			var dialled string
			stop := errors.New("stop")
			onBoth(t, func(_ context.Context, _, address string) (net.Conn, error) {
				dialled = address
				return nil, stop
			}, func(t *testing.T, rt transport) {
				u, err := url.Parse(text)
				require.NoError(t, err)
				_, err = rt.RoundTrip((&http.Request{Method: "GET", URL: u, Header: http.Header{}}).WithContext(t.Context()))
				require.ErrorIs(t, err, stop)
				require.Equal(t, want, dialled)
			})
		})
	}
}
