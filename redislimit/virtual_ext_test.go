package redislimit_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest/redislimit"
)

// network is an embedded Redis that is reached through memory, for virtual time.
type network struct {
	t       *testing.T
	redis   *miniredis.Miniredis
	latency atomic.Int64 // nanoseconds, of every command

	mu    sync.Mutex
	hung  bool
	dead  bool
	conns []*conn
}

// virtual runs a test in virtual time.
func virtual(t *testing.T, test func(t *testing.T, net *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{t: t, redis: miniredis.NewMiniRedis()}
		n.redis.ClockTTL(true)
		t.Cleanup(n.redis.Close)
		test(t, n)
		time.Sleep(time.Minute) // whatever is under way ends by itself
	})
}

// client has the default settings of go-redis: three retries, three seconds for each, and no heed of contexts.
func (n *network) client() *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379", Dialer: n.dial, // an address that needs no DNS
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	n.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (n *network) limiter(units int, per time.Duration, o redislimit.Options) *redislimit.Limiter {
	n.t.Helper()
	l, err := redislimit.New(n.client(), "key", units, per, o)
	require.NoError(n.t, err)
	return l
}

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return nil, errors.New("connection refused")
	}
	inner, err := n.redis.Dial()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, network: n}
	n.conns = append(n.conns, c)
	return c, nil
}

// hang stops Redis as SIGSTOP does: it takes what is written and does nothing until goOn.
func (n *network) hang() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hung = true
}

func (n *network) goOn() {
	n.mu.Lock()
	n.hung = false
	conns := n.conns
	n.mu.Unlock()
	for _, c := range conns {
		c.thaw()
	}
}

// kill ends Redis, which forgets everything.
func (n *network) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
	for _, c := range n.conns {
		_ = c.Conn.Close()
	}
	n.conns = nil
	n.redis.FlushAll()
}

func (n *network) restart() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = false
}

func (n *network) stopped() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hung
}

// conn keeps what is written to a stopped Redis, which will read it later even if the client is gone by then.
type conn struct {
	net.Conn
	network *network

	mu     sync.Mutex
	frozen []byte
	closed bool
}

func (c *conn) Write(b []byte) (int, error) {
	if d := c.network.latency.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
	if !c.network.stopped() {
		return c.Conn.Write(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = append(c.frozen, b...)
	return len(b), nil
}

func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed = true; c.network.stopped() && len(c.frozen) > 0 {
		return nil
	}
	return c.Conn.Close()
}

func (c *conn) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.SetDeadline(time.Time{})
	if len(c.frozen) > 0 {
		if c.closed {
			go func() { _, _ = discard(c.Conn) }()
		}
		_, _ = c.Conn.Write(c.frozen)
		c.frozen = nil
	}
	if c.closed {
		_ = c.Conn.Close()
	}
}

func discard(from net.Conn) (n int, err error) {
	buf := make([]byte, 4096)
	for err == nil {
		_, err = from.Read(buf)
	}
	return n, err
}
