package har

import (
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// watch returns the request with hooks and a body that report to the entry.
func (e *entry) watch(req *http.Request) *http.Request {
	sent := req.WithContext(httptrace.WithClientTrace(req.Context(), e.hooks()))
	if req.Body == nil || req.Body == http.NoBody {
		return sent
	}
	sent.Body = e.sending(req.Body)
	again := req.GetBody
	if again == nil {
		return sent
	}
	sent.GetBody = func() (io.ReadCloser, error) {
		body, err := again()
		if err != nil || body == nil || body == http.NoBody {
			return body, err
		}
		return e.sending(body), nil
	}
	return sent
}

// hooks follow the last try of several below: a request that net/http sends again by itself, or that a proxy wants again.
func (e *entry) hooks() *httptrace.ClientTrace {
	mark := func(set func(c *clock, now time.Time)) {
		e.do(func(f *flight) {
			if f.clock.answered.IsZero() {
				set(&f.clock, time.Now())
			}
		})
	}
	return &httptrace.ClientTrace{
		GetConn:           func(string) { mark((*clock).asks) },
		DNSStart:          func(httptrace.DNSStartInfo) { mark((*clock).looksUp) },
		DNSDone:           func(httptrace.DNSDoneInfo) { mark((*clock).lookedUp) },
		ConnectStart:      func(string, string) { mark((*clock).dials) },
		TLSHandshakeStart: func() { mark((*clock).greets) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { mark((*clock).greeted) },
		GotConn: func(info httptrace.GotConnInfo) {
			mark(func(c *clock, now time.Time) { c.got(now, info) })
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { mark((*clock).wrote) },
	}
}

// ends are the addresses of a connection: the server's, or its proxy's, and the port of this side, by which connections are told apart.
func ends(conn net.Conn) (server, port string) {
	if far, _, err := net.SplitHostPort(address(conn.RemoteAddr())); err == nil && net.ParseIP(far) != nil {
		server = far
	}
	_, port, _ = net.SplitHostPort(address(conn.LocalAddr()))
	return server, port
}

func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// capture is the beginning of a body that was seen going by.
type capture struct {
	limit int
	kept  []byte
	n     int64
	whole bool   // its end was seen
	err   string // what broke it off
}

// room is how much is kept of a body as it goes by: what is compressed can be larger than what it was.
func (f *flight) room(coding string) int {
	if f.limit == 0 || coding == "" {
		return f.limit
	}
	return f.limit + min(f.limit/1000+1<<10, math.MaxInt-f.limit)
}

func (c *capture) note(p []byte, err error) {
	c.n += int64(len(p))
	if room := c.limit - len(c.kept); room > 0 {
		c.kept = append(c.kept, p[:min(room, len(p))]...)
	}
	switch err {
	case nil:
	case io.EOF:
		c.whole = true
	default:
		c.err = errorText(err)
	}
}

// read is what a Read that returned n has put into p.
func read(p []byte, n int) []byte { return p[:max(0, min(n, len(p)))] }

// sentBody is a request's. Who signs requests reads a body of its own beforehand; the one that is begun last is the one that was sent.
type sentBody struct {
	io.ReadCloser
	entry *entry
	seen  *capture // nil before the first Read
}

func (e *entry) sending(body io.ReadCloser) io.ReadCloser {
	return &sentBody{ReadCloser: body, entry: e}
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.entry.do(func(f *flight) {
		if b.seen == nil {
			b.seen = &capture{limit: f.room(f.asked.coding)}
			f.sent = b.seen
		}
		b.seen.note(read(p, n), err)
	})
	return n, err
}

// receivedBody is an answer's.
type receivedBody struct {
	io.ReadCloser
	entry *entry
}

func (b *receivedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.entry.do(func(f *flight) { f.body.note(read(p, n), err) })
	if err != nil {
		b.entry.end()
	}
	return n, err
}

func (b *receivedBody) Close() error {
	b.entry.end()
	return b.ReadCloser.Close()
}
