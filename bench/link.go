package bench

import (
	"net/http"
	"slices"
)

// idlePerHost is the same for all, and above the number of goroutines of any
// workload: the default of net/http, 2, would throw connections away.
const idlePerHost = 512

// The names of the links, as they stand in a [Key].
const (
	linkMemory   = "memory"
	linkLoopback = "loopback"
	linkOwn      = "defaults"
)

// Link is what the calls run over.
type Link struct {
	Name string
	Base string                   // origin of the server, without a path
	New  func() http.RoundTripper // nil: each library makes its own

	server *server // nil in memory
}

// Memory answers without a socket: what is measured is the client alone.
func Memory() *Link {
	return &Link{
		Name: linkMemory,
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
	return &Link{Name: linkLoopback, Base: s.url(), New: newTransport, server: s}, nil
}

// own is the same server, reached by what each library makes of its defaults.
func (l *Link) own() *Link { return &Link{Name: linkOwn, Base: l.Base, server: l.server} }

// workloads are those that are timed over the link.
func (l *Link) workloads() []Workload { return workloadsOver(l.Name) }

func workloadsOver(link string) []Workload {
	return slices.DeleteFunc(Workloads(), func(w Workload) bool {
		switch link {
		case linkMemory:
			return w.Wire
		case linkOwn:
			return w.Name != workloadGet && w.Name != workloadGet256
		default:
			return false
		}
	})
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
