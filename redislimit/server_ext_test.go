package redislimit_test

import (
	"context"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a Redis that can be hanged, killed and started again.
type server interface {
	addr() string
	hang()
	goOn()
	kill()
	start()
}

// backend says which one the tests use: the real redis-server where there is one.
func backend() string {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "an embedded server, since redis-server is not in PATH"
	}
	out, _ := exec.Command(path, "--version").Output()
	return path + ": " + strings.TrimSpace(string(out))
}

func startServer(t *testing.T) server {
	t.Helper()
	var s server
	if path, err := exec.LookPath("redis-server"); err == nil {
		s = &realServer{t: t, path: path, at: freeAddr(t)}
	} else {
		s = newEmbedded(t)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// newClient is a client with the default settings of go-redis, which does not heed contexts.
func newClient(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// realServer is a redis-server process.
type realServer struct {
	t    *testing.T
	path string
	at   string
	cmd  *exec.Cmd
}

func (s *realServer) addr() string { return s.at }
func (s *realServer) hang()        { s.signal(syscall.SIGSTOP) }
func (s *realServer) goOn()        { s.signal(syscall.SIGCONT) }

func (s *realServer) signal(sig syscall.Signal) { require.NoError(s.t, s.cmd.Process.Signal(sig)) }

func (s *realServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *realServer) start() {
	_, port, err := net.SplitHostPort(s.at)
	require.NoError(s.t, err)
	s.waitForPort()
	s.cmd = exec.Command(s.path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	require.NoError(s.t, s.cmd.Start())
	waitUntilUp(s.t, s.at)
}

// waitForPort waits while somebody else has the port: in the time in which it was nobody's, another test may have got it.
func (s *realServer) waitForPort() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		l, err := net.Listen("tcp", s.at)
		if err == nil {
			_ = l.Close()
		}
		return err == nil
	}, time.Minute, time.Millisecond)
}

func waitUntilUp(t *testing.T, addr string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	require.Eventually(t, func() bool { return c.Ping(context.Background()).Err() == nil }, time.Minute, 10*time.Millisecond)
}

// embedded is a server in this process behind a proxy that can stop to forward.
type embedded struct {
	t      *testing.T
	redis  *miniredis.Miniredis
	proxy  net.Listener
	held   atomic.Bool
	killed atomic.Bool
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newEmbedded(t *testing.T) *embedded {
	s := &embedded{t: t}
	s.killed.Store(true)
	var err error
	s.proxy, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.wg.Go(s.accept)
	t.Cleanup(s.wg.Wait)
	t.Cleanup(func() { _ = s.proxy.Close() })
	return s
}

func (s *embedded) addr() string { return s.proxy.Addr().String() }
func (s *embedded) hang()        { s.held.Store(true) }
func (s *embedded) goOn()        { s.held.Store(false) }

func (s *embedded) kill() {
	if s.killed.Swap(true) {
		return
	}
	s.redis.Close()
	s.held.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

func (s *embedded) start() {
	s.redis = miniredis.NewMiniRedis()
	require.NoError(s.t, s.redis.Start())
	s.killed.Store(false)
}

func (s *embedded) accept() {
	for {
		c, err := s.proxy.Accept()
		if err != nil {
			return
		}
		if s.killed.Load() {
			_ = c.Close()
			continue
		}
		up, err := net.Dial("tcp", s.redis.Addr())
		if err != nil {
			_ = c.Close()
			continue
		}
		s.mu.Lock()
		s.conns = append(s.conns, c, up)
		s.mu.Unlock()
		s.wg.Go(func() { s.forward(c, up) })
		s.wg.Go(func() { s.forward(up, c) })
	}
}

func (s *embedded) forward(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		for s.held.Load() {
			time.Sleep(time.Millisecond)
		}
		if n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err == io.EOF || err != nil {
			return
		}
	}
}
