//go:build unix

package fasthttptransport_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest/fasthttptransport"
)

// sockets counts the connections of a transport and keeps the newest.
type sockets struct {
	count  atomic.Int32
	newest atomic.Pointer[net.TCPConn]
}

func (s *sockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		s.count.Add(1)
		s.newest.Store(c.(*net.TCPConn))
	}
	return c, err
}

// arrived waits until there is something to read, if only the end.
func (s *sockets) arrived(t *testing.T) {
	t.Helper()
	raw, err := s.newest.Load().SyscallConn()
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		there := false
		err := raw.Read(func(fd uintptr) bool {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
			there = err == nil
			return true
		})
		return err != nil || there // the watch may have closed it
	}, 5*time.Second, time.Millisecond)
}

func exchangeOK(t *testing.T, rt http.RoundTripper, url string) {
	t.Helper()
	resp, err := rt.RoundTrip(newRequest(t, "POST", url, http.NoBody))
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

// TestSoonAgain uses a connection before anybody watches it, after the server has done something to it.
func TestSoonAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		after func(conn net.Conn)
		want  int32
	}{
		"nothing": {nil, 1},
		"closed":  {func(conn net.Conn) { _ = conn.Close() }, 2},
		"another": {func(conn net.Conn) { _, _ = io.WriteString(conn, okAnswer) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			again := make(chan struct{})
			url := listen(t, func(conn net.Conn, in *bufio.Reader) {
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, okAnswer)
					if tt.after != nil && req.URL.Path == "/first" {
						<-again
						tt.after(conn)
					}
				}
			})
			s := &sockets{}
			rt := &fasthttptransport.Transport{DialContext: s.dial}
			defer rt.CloseIdleConnections()
			exchangeOK(t, rt, url+"/first")
			close(again)
			if tt.after != nil {
				s.arrived(t)
			}
			exchangeOK(t, rt, url+"/second")
			exchangeOK(t, rt, url+"/third")
			require.Equal(t, tt.want, s.count.Load())
		})
	}
}

// TestRestsOfAllLengths wakes a connection around the moment when its watch begins, and closes it before that and after. Sockets have no
// virtual time; whatever the machine is busy with, the outcome is the same.
func TestRestsOfAllLengths(t *testing.T) {
	url := listen(t, polite)
	s := &sockets{}
	rt := &fasthttptransport.Transport{DialContext: s.dial}
	for wait := 15 * time.Millisecond; wait < 25*time.Millisecond; wait += time.Millisecond / 2 {
		exchangeOK(t, rt, url)
		<-time.After(wait)
	}
	require.EqualValues(t, 1, s.count.Load(), "the server closed none")
	for _, wait := range []time.Duration{0, 40 * time.Millisecond} {
		exchangeOK(t, rt, url)
		<-time.After(wait)
		rt.CloseIdleConnections()
		require.Eventually(t, func() bool { return rt.Hosts() == 0 }, 5*time.Second, time.Millisecond)
	}
}
