package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// server speaks just enough HTTP/1.1 over TCP to answer the contenders, and
// allocates nothing per request, so that a benchmark counts the client alone.
// It reads bodies with a Content-Length and in chunks.
type server struct {
	listener net.Listener
	wg       sync.WaitGroup
	requests atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once closed
	total int                   // connections accepted so far
}

func newServer() (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{listener: l, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s, nil
}

func (s *server) url() string { return "http://" + s.listener.Addr().String() }

// close ends every connection and waits for the goroutines that served them.
func (s *server) close() {
	s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.add(conn) {
			conn.Close()
			return
		}
		s.wg.Go(func() { s.serve(conn) })
	}
}

func (s *server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return false
	}
	s.total++
	s.conns[conn] = struct{}{}
	return true
}

func (s *server) serve(conn net.Conn) {
	r := readers.Get().(*bufio.Reader)
	r.Reset(conn)
	defer func() {
		conn.Close()
		r.Reset(nil)
		readers.Put(r)
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	scratch := make([]byte, 0, 256)
	for {
		req, err := readRequest(r)
		if err != nil {
			return
		}
		s.requests.Add(1)
		if err := req.reply(conn, scratch); err != nil {
			return
		}
	}
}

// readers keeps the buffers of connections that have ended: clients that throw
// connections away must not be seen to allocate what is the server's.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

var errMalformed = errors.New("malformed request")

// request is one that was read to the end of its body.
type request struct {
	answer   *answer // nil for a file
	size     int64   // of the file that is asked for
	received int64   // bytes of the body
}

// reply writes the answer. Scratch is room for a head.
func (r request) reply(w io.Writer, scratch []byte) error {
	switch r.answer {
	case nil:
		return writeFile(w, scratch, r.size)
	case storedAnswer:
		_, err := w.Write(appendStored(scratch, r.received))
		return err
	default:
		_, err := w.Write(r.answer.wire)
		return err
	}
}

func readRequest(r *bufio.Reader) (req request, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return req, err
	}
	method, rest, _ := bytes.Cut(line, []byte{' '})
	target, _, ok := bytes.Cut(rest, []byte{' '})
	if !ok {
		return req, errMalformed
	}
	path, _, _ := bytes.Cut(target, []byte{'?'})
	if size, ok := bytes.CutPrefix(path, []byte(filesPath+"/")); ok {
		n, err := number(size, 10)
		if err != nil {
			return req, err
		}
		req.size = int64(n)
	} else {
		req.answer = route(method, path)
	}
	length, err := readHead(r)
	if err != nil {
		return req, err
	}
	req.received, err = skipBody(r, length)
	return req, err
}

// chunked stands for a body whose length only its chunks tell.
const chunked = -1

// readHead reads the header fields and returns the length of the body.
func readHead(r *bufio.Reader) (length int, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, nil
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = number(value, 10); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = chunked
		}
	}
}

// skipBody returns how long the body was.
func skipBody(r *bufio.Reader, length int) (total int64, err error) {
	if length != chunked {
		n, err := r.Discard(length)
		return int64(n), err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return total, err
		}
		size, err := number(line, 16)
		if err != nil {
			return total, err
		}
		total += int64(size)
		if _, err := r.Discard(size + len("\r\n")); err != nil || size == 0 {
			return total, err
		}
	}
}

// number parses without keeping the string, so the conversion is free.
func number(b []byte, base int) (int, error) {
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), base, 31)
	if err != nil {
		return 0, errMalformed
	}
	return int(n), nil
}
