package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// wire is a server of a test that keeps requests as they stood on the wire and answers with bytes. It closes each connection
// after one answer.
type wire struct {
	listener net.Listener
	respond  func(n int, conn net.Conn) error // to request n, counted from 0

	mu       sync.Mutex
	requests []*wireRequest
	open     map[net.Conn]bool
	written  chan error // how the writing of each answer ended
	done     sync.WaitGroup
}

// wireRequest is a request as it was received.
type wireRequest struct {
	line  string
	lines []string // the header lines, as written
	body  []byte
	early bool // with Expect: 100-continue, the body began before the server asked for it
	at    time.Time
}

// serve starts a server that gives these answers to its requests, in turn, and the last one to all further requests.
func (r *row) serve(answers ...[]byte) *wire {
	return r.serving(func(n int, conn net.Conn) error {
		_, err := conn.Write(answers[min(n, len(answers)-1)])
		return err
	})
}

// serving starts a server that answers each request, once it has been read, by a function.
func (r *row) serving(respond func(n int, conn net.Conn) error) *wire {
	s := &wire{listener: r.listen(), respond: respond, open: map[net.Conn]bool{}, written: make(chan error, 16)}
	s.done.Go(s.accept)
	r.after(s.close)
	return s
}

func (s *wire) url() string { return "http://" + s.listener.Addr().String() }

func (s *wire) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[conn] = true
		s.mu.Unlock()
		s.done.Go(func() { s.exchange(conn) })
	}
}

// close ends the server and waits for its goroutines.
func (s *wire) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

func (s *wire) exchange(conn net.Conn) {
	defer conn.Close()
	q, err := readWire(conn)
	if err != nil {
		return // the client went away, or sent what is no request: the row sees that none came
	}
	q.at = time.Now()
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, q)
	s.mu.Unlock()
	s.written <- s.respond(n, conn)
}

// last is the request that came last.
func (s *wire) last() *wireRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		panic("the server has seen no request")
	}
	return s.requests[len(s.requests)-1]
}

func (s *wire) count() int { return len(s.all()) }

// all are the requests in the order in which they came.
func (s *wire) all() []*wireRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// readWire reads one request without net/http, which would hide what is wrong with it.
func readWire(conn net.Conn) (*wireRequest, error) {
	r := bufio.NewReader(conn)
	q := &wireRequest{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimSuffix(line, "\r\n")
		switch {
		case line == "" && q.line != "":
			return q, q.readBody(conn, r)
		case q.line == "":
			q.line = line
		default:
			q.lines = append(q.lines, line)
		}
	}
}

func (q *wireRequest) readBody(conn net.Conn, r *bufio.Reader) (err error) {
	if q.header().Get("Expect") != "" {
		must(conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
		_, waited := r.Peek(1)
		q.early = waited == nil
		must(conn.SetReadDeadline(time.Time{}))
		if _, err := io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return err
		}
	}
	if q.header().Get("Transfer-Encoding") == "chunked" {
		q.body, err = io.ReadAll(httputil.NewChunkedReader(r))
		return err
	}
	length, _ := strconv.Atoi(q.header().Get("Content-Length"))
	q.body = make([]byte, length)
	_, err = io.ReadFull(r, q.body)
	return err
}

func (q *wireRequest) header() http.Header {
	h := http.Header{}
	for _, line := range q.lines {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

// target is the middle of the request line.
func (q *wireRequest) target() string { return strings.Fields(q.line)[1] }

func (q *wireRequest) query() string { return must1(url.ParseRequestURI(q.target())).RawQuery }

// head is everything before the body.
func (q *wireRequest) head() string { return q.line + "\n" + strings.Join(q.lines, "\n") }

// reply is an answer of a well-behaved server.
type reply struct {
	status int    // 0 is 200
	reason string // "" is the standard text
	header []string
	body   string
}

func (a reply) bytes() []byte {
	status := a.status
	if status == 0 {
		status = http.StatusOK
	}
	reason := a.reason
	if reason == "" {
		reason = http.StatusText(status)
	}
	lines := append([]string{fmt.Sprintf("HTTP/1.1 %d %s", status, reason)}, a.header...)
	if status != http.StatusNoContent && status != http.StatusNotModified {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(a.body)))
	}
	lines = append(lines, "Connection: close", "", a.body)
	return []byte(strings.Join(lines, "\r\n"))
}

// jsonReply is an answer in JSON.
func jsonReply(status int, body string) reply {
	return reply{status: status, header: []string{"Content-Type: application/json"}, body: body}
}

// transportTo returns a transport that reaches addr whatever the host is called.
func (r *row) transportTo(addr string) http.RoundTripper {
	return r.dialing(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	})
}

// dialing returns a transport over a dialer of the test.
func (r *row) dialing(dial func(ctx context.Context, network, addr string) (net.Conn, error)) http.RoundTripper {
	rt := &http.Transport{DialContext: dial, DisableCompression: true}
	r.after(rt.CloseIdleConnections)
	return rt
}
