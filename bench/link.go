package bench

import "net/http"

// idlePerHost is the same for all, and above the number of goroutines of any
// workload: the default of net/http, 2, would throw connections away.
const idlePerHost = 512

// Link is what the calls run over.
type Link struct {
	Name string
	Base string // origin of the server, without a path
	New  func() http.RoundTripper

	server *server // nil in memory
}

// Memory answers without a socket: what is measured is the client alone.
func Memory() *Link {
	return &Link{
		Name: "memory",
		Base: "http://orders.example",
		New:  func() http.RoundTripper { return memory{} },
	}
}

// Loopback starts an HTTP/1.1 server in this process. The caller closes it.
func Loopback() (*Link, error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	return &Link{Name: "loopback", Base: s.url(), New: newTransport, server: s}, nil
}

// Close stops the server of a loopback link. In memory it does nothing.
func (l *Link) Close() {
	if l.server != nil {
		l.server.close()
	}
}

func newTransport() http.RoundTripper {
	return &http.Transport{MaxIdleConns: idlePerHost, MaxIdleConnsPerHost: idlePerHost}
}

// closeIdle ends the connections that a link's transport keeps.
func closeIdle(rt http.RoundTripper) {
	if t, ok := rt.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}
