package realproxies

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// Row 44: nginx answers 413 while the body is on its way, by its length at once, and in chunks when there are too many.
func TestNginxUploadTooLarge(t *testing.T) {
	for name, port := range nginxPorts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t, nil)
			n := startNginx(t, site{origin: o.address, listen: port, server: "client_max_body_size 64k;", location: "proxy_request_buffering off;"})
			c := n.client(t)
			for name, w := range map[string]way{"length": uploadFile, "chunks": uploadChunks, "endless": uploadEndless} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					for range 5 {
						status(http.StatusRequestEntityTooLarge).is(t, inTime(t, w, c))
						require.NoError(t, inTime(t, call, c), "the next call")
					}
				})
			}
		})
	}
}

// uploadEndless sends until it is stopped.
func uploadEndless(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	_, err := uploadRaw.Call(ctx, c, readerBody{struct{ io.Reader }{endless{}}}, opts...)
	return err
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestNginxUpstream has nginx in front of a server that fails: rows 13, 15, 30 and 36.
func TestNginxUpstream(t *testing.T) {
	const h2, unbuffered = "ssl http2", "proxy_buffering off;"
	const gzip = "gzip on; gzip_proxied any; gzip_min_length 1; gzip_types application/json text/event-stream;"
	within := func(unavailable want) map[string]want {
		return map[string]want{"upload": unavailable, "chunks": unavailable, "WebSocket": broken}
	}
	for name, tt := range map[string]struct {
		site   site
		faulty string // what the server behind it is: dead, hanging in the middle, hanging up there
		want   want
		except map[string]want
	}{
		"dead":                      {faulty: "dead", want: status(502)},
		"dead, HTTP/2":              {faulty: "dead", site: site{listen: h2}, want: status(502)},
		"slow":                      {faulty: "hangs", site: site{fault: "proxy_read_timeout 300ms;" + unbuffered}, want: truncated, except: within(status(504))},
		"slow, HTTP/2":              {faulty: "hangs", site: site{listen: h2, fault: "proxy_read_timeout 300ms;" + unbuffered}, want: truncated, except: within(status(504))},
		"breaks off":                {want: truncated, except: within(status(502))},
		"breaks off, unbuffered":    {site: site{fault: unbuffered}, want: truncated, except: within(status(502))},
		"breaks off, gzip":          {site: site{http: gzip}, want: truncated, except: within(status(502))},
		"breaks off, HTTP/2":        {site: site{listen: h2}, want: truncated, except: within(status(502))},
		"breaks off, HTTP/2, gzip":  {site: site{listen: h2, http: gzip, fault: unbuffered}, want: truncated, except: within(status(502))},
		"breaks off within uploads": {site: site{fault: "proxy_request_buffering off;"}, want: truncated, except: within(status(502))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tt.site
			s.origin = startOrigin(t, nil).address
			switch tt.faulty {
			case "dead":
				s.faulty = freePort(t)
			case "hangs":
				s.faulty = startHeld(t).address
			default:
				s.faulty = startOrigin(t, hangUp).address
			}
			n := startNginx(t, s)
			each(t, func(t *testing.T, name string, w way) {
				c := n.client(t)
				expected, ok := tt.except[name]
				if !ok {
					expected = tt.want
				}
				expected.is(t, inTime(t, w, c, faultHeader))
				require.NoError(t, inTime(t, w, c), "the next call")
			})
		})
	}
}

// A client that keeps to the rate of nginx's limit_req is never refused, and one that does not is.
func TestNginxLimitReq(t *testing.T) {
	t.Parallel()
	for code, port := range map[int]string{503: "", 429: "ssl http2"} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t, nil)
			s := site{origin: o.address, listen: port, http: "limit_req_zone $server_port zone=calls:1m rate=20r/s;", location: "limit_req zone=calls burst=19 nodelay;"}
			if code == 429 {
				s.location += "limit_req_status 429;"
			}
			n := startNginx(t, s)
			errs := make([]error, 50)
			limited := n.client(t, crest.WithRateLimit(20, time.Second, crest.Margin(500*time.Millisecond)))
			together(t, limited, errs)
			for _, err := range errs {
				require.NoError(t, err)
			}
			together(t, n.client(t), errs)
			refused := 0
			for _, err := range errs {
				if err != nil {
					status(code).is(t, err)
					refused++
				}
			}
			require.NotZero(t, refused)
		})
	}
}

// together makes as many calls as there is room for errors, all at once.
func together(t *testing.T, c crest.Caller, errs []error) {
	t.Helper()
	var running sync.WaitGroup
	for i := range errs {
		running.Go(func() { errs[i] = call(t.Context(), c) })
	}
	running.Wait()
}

// Rows 10 and 42: nginx closes idle connections in the moment in which they are used again. What is idempotent does not notice, without a
// single retry of crest's; a POST may have been received, or not, and its error says which.
func TestNginxKeepAliveTimeout(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, nil)
	n := startNginx(t, site{origin: o.address, http: "keepalive_timeout 1ms;"})
	c := n.client(t)
	each(t, func(t *testing.T, name string, w way) {
		for range 60 {
			err := inTime(t, w, c)
			if err != nil && (name == "upload" || name == "chunks") {
				want{crest.ErrTransport, crest.KindDisconnected, either, 0}.is(t, err)
				continue
			}
			require.NoError(t, err)
		}
	})
}

// Row 33: the redirect to https that most sites have. Credentials do not come along, since it leads to another origin, nor does the
// body of a POST: a 301 makes a GET of it, and a 308 is not followed.
func TestNginxRedirectToHTTPS(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, nil)
	n := startNginx(t, site{origin: o.address, listen: "ssl http2"})
	for code, from := range map[string]string{"301": freePort(t), "308": freePort(t)} {
		n.site.http += "server { listen " + from + "; return " + code + " https://" + n.address + "$request_uri; }"
		t.Run(code, func(t *testing.T) {
			n.reload(t, nil)
			n.listening(t, from)
			c := newClient(t, "http://"+from, n.trusting, crest.WithPlainCredentials(), crest.WithBasic("user", crest.NewSecret("m4rker")))
			for _, name := range []string{"call", "stream", "download"} {
				require.NoError(t, inTime(t, ways[name], c), name)
			}
			err := inTime(t, uploadFile, c)
			if code == "301" {
				require.Equal(t, http.MethodGet, o.requests("/upload")[0].Method)
				require.ErrorIs(t, err, errWrong)
			} else {
				want{crest.ErrTransport, crest.KindRedirect, crest.SentYes, 0}.is(t, err)
			}
			status(atoi(code)).is(t, inTime(t, talk, c)) // a dial follows none
			for _, r := range o.requests("") {
				require.Empty(t, r.Header.Values("Authorization"), r.URL.Path)
			}
		})
	}
}

// TestNginxWebSocket has nginx hang up on a connection that says nothing, unless heartbeats go over it.
func TestNginxWebSocket(t *testing.T) {
	o := startOrigin(t, nil)
	for name, tt := range map[string]struct {
		silence string
		e       *websocket.Endpoint[crest.Empty, note, note]
		lives   bool
	}{"silence": {"100ms", chat, false}, "heartbeats": {"2s", heartbeats, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNginx(t, site{origin: o.address, location: "proxy_read_timeout " + tt.silence + ";"})
			conn, err := tt.e.Dial(t.Context(), n.client(t), crest.Empty{})
			require.NoError(t, err)
			defer conn.Close(websocket.Normal, "")
			require.NoError(t, exchange(t.Context(), conn, "hello"))
			if !tt.lives {
				_, err = conn.Receive(t.Context())
				broken.is(t, err)
				var closed *websocket.CloseError
				require.ErrorAs(t, err, &closed)
				require.Equal(t, websocket.Lost, closed.Code)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err = conn.Receive(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// TestNginxFiles fetches a file of nginx's own: in one piece and in parts, continued where an earlier one was given up, and begun anew when
// it is another one meanwhile.
func TestNginxFiles(t *testing.T) {
	for name, port := range nginxPorts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNginx(t, site{files: true, listen: port, server: "limit_rate 0;"})
			dir := filepath.Join(n.dir, "files")
			require.NoError(t, os.Mkdir(dir, 0o755))
			write(t, dir, "file", string(content))
			c := n.client(t)
			t.Run("one piece", func(t *testing.T) { require.NoError(t, inTime(t, download, c)) })
			t.Run("parts", func(t *testing.T) {
				d := fetch(t, c, filepath.Join(t.TempDir(), "file"), content, crest.WithTransfer(crest.Transfer{Parallel: 4, PartSize: 30_000}))
				require.Equal(t, http.StatusPartialContent, d.StatusCode)
				require.EqualValues(t, len(content), d.Fetched)
			})
			t.Run("continued", func(t *testing.T) {
				path := giveUp(t, n, c)
				d := fetch(t, c, path, content)
				require.Equal(t, http.StatusPartialContent, d.StatusCode)
				require.Less(t, d.Fetched, d.Size)
			})
			t.Run("another one", func(t *testing.T) {
				path := giveUp(t, n, c)
				other := bytes.ToUpper(content[1:])
				write(t, dir, "file", string(other))
				d := fetch(t, c, path, other)
				require.Equal(t, http.StatusOK, d.StatusCode)
			})
		})
	}
}

// fetch downloads the file, which is whole then.
func fetch(t *testing.T, c crest.Caller, path string, whole []byte, opts ...crest.CallOption) *crest.Downloaded {
	t.Helper()
	d, err := crest.DownloadFile(t.Context(), c, getFile, crest.Empty{}, path, opts...)
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(whole, got))
	return d
}

// giveUp begins a download that nginx makes a slow one, and ends it when a part is there.
func giveUp(t *testing.T, n *nginx, c crest.Caller) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	n.reload(t, func(s *site) { s.server = "limit_rate_after 64k; limit_rate 4k;" })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := crest.DownloadFile(ctx, c, getFile, crest.Empty{}, path, crest.WithProgress(func(p crest.Progress) {
		if p.Done >= 32<<10 {
			cancel()
		}
	}))
	require.ErrorIs(t, err, context.Canceled)
	n.reload(t, func(s *site) { s.server = "limit_rate 0;" })
	return path
}
