package bench

import (
	"bufio"
	"bytes"
	"errors"
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
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		a, err := readRequest(r)
		if err != nil {
			return
		}
		s.requests.Add(1)
		if _, err := conn.Write(a.wire); err != nil {
			return
		}
	}
}

var errMalformed = errors.New("malformed request")

// readRequest reads one request to the end of its body.
func readRequest(r *bufio.Reader) (*answer, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	method, rest, _ := bytes.Cut(line, []byte{' '})
	target, _, ok := bytes.Cut(rest, []byte{' '})
	if !ok {
		return nil, errMalformed
	}
	path, _, _ := bytes.Cut(target, []byte{'?'})
	a := route(method, path)
	length, err := readHead(r)
	if err != nil {
		return nil, err
	}
	return a, skipBody(r, length)
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

func skipBody(r *bufio.Reader, length int) error {
	if length != chunked {
		_, err := r.Discard(length)
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := number(line, 16)
		if err != nil {
			return err
		}
		if _, err := r.Discard(size + len("\r\n")); err != nil || size == 0 {
			return err
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
