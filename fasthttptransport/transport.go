package fasthttptransport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// Transport sends requests over HTTP/1.1, with fasthttp's codec and pool. The zero value is ready to use; its fields must not be changed
// after the first request. It is safe for concurrent use, must not be copied, and belongs to whoever made it: closing a crest client leaves it
// open, [Transport.CloseIdleConnections] closes what it holds.
type Transport struct {
	// DialContext connects to an address, a host and a port. Nil is a net.Dialer that gives up after 10 seconds.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// TLSClientConfig is for https; it is copied. Nil is TLS 1.2 or later with the system's roots. An empty ServerName is the URL's host;
	// NextProtos is always HTTP/1.1.
	TLSClientConfig *tls.Config
	// TLSHandshakeTimeout is 10 seconds if 0. Negative is none.
	TLSHandshakeTimeout time.Duration
	// MaxResponseHeaderBytes bounds the head of an answer, 64 KiB if 0. A buffer of that size is held while an answer is read.
	MaxResponseHeaderBytes int
	// IdleConnTimeout closes a connection that was idle for so long, 90 seconds if 0. Negative is never.
	IdleConnTimeout time.Duration
	// MaxIdleConnsPerHost bounds the connections that are kept, each with one goroutine that watches it once it has rested for a moment:
	// 256 if 0. Negative keeps none. How many are open at once is for a limiter to say.
	MaxIdleConnsPerHost int
	// ExpectContinueTimeout is how long the body of a request with Expect: 100-continue waits for the server's word, 1 second if 0.
	// Negative sends the body at once.
	ExpectContinueTimeout time.Duration

	mu    sync.Mutex
	hosts map[target]*host
	tls   *tls.Config // made of TLSClientConfig at the first use
}

// The defaults of Transport's fields.
const (
	defaultDialTimeout      = 10 * time.Second
	defaultHandshakeTimeout = 10 * time.Second
	defaultHeaderBytes      = 64 << 10
	defaultIdleTimeout      = 90 * time.Second
	defaultIdleConns        = 256
	defaultContinueTimeout  = time.Second
)

// RoundTrip sends one request and returns when the head of its answer is here. The answer's body must be closed; read to its end, it gives
// the connection back. As [http.RoundTripper] demands, req is not changed and its body is always closed, perhaps after RoundTrip
// has returned. A body whose Read does not end with its Close holds a goroutine until it does.
//
// Errors: of the dial as net.Dialer returns them, of TLS as crypto/tls does, the context's cause when it has ended, the body's
// own when it cannot be read, io.EOF or io.ErrUnexpectedEOF for a connection that was closed too early.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	e := newExchange(t, req)
	if err := e.check(); err != nil {
		e.body.close()
		return nil, err
	}
	resp, err := e.run()
	if err != nil {
		e.body.close()
		return nil, e.because(err)
	}
	return resp, nil
}

// CloseIdleConnections closes the connections that no request uses. Those in use go on, and are kept when they are done.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	hosts := make([]*host, 0, len(t.hosts))
	for _, h := range t.hosts {
		hosts = append(hosts, h)
	}
	t.mu.Unlock()
	for _, h := range hosts {
		h.client.CloseIdleConnections()
	}
}

// orDefault is a field's value, with 0 as the default.
func orDefault[T ~int | ~int64](v, byDefault T) T {
	if v == 0 {
		return byDefault
	}
	return v
}
