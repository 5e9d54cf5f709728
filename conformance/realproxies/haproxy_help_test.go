package realproxies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crest-go/crest"
)

// setup is what a test wants of haproxy, beside passing everything on to an origin.
type setup struct {
	origin   string // its address
	faulty   string // that of the server behind requests with the header X-Fault
	bind     string // options of the port: withTLS
	global   string // lines of each section
	defaults string
	frontend string
	backend  string // of the requests with the header
	server   string // options of their server
}

const withTLS = "ssl crt server.pem alpn h2,http/1.1"

const haproxyConf = `global
	maxconn 200
	%[1]s
defaults
	mode http
	retries 0
	timeout connect 5s
	timeout client 1m
	timeout server 1m
	timeout tunnel 1m
	%[2]s
frontend port
	bind %[3]s %[4]s
	acl fault req.hdr(X-Fault) -m found
	%[5]s
	use_backend faulty if fault
	default_backend works
backend works
	server origin %[6]s
backend faulty
	%[7]s
	server origin %[8]s %[9]s
`

// faultHeader asks for what a test has set up.
var faultHeader = crest.WithHeader("X-Fault", "please")

// haproxy is one that runs until the test ends.
type haproxy struct {
	*running
	program  string
	dir      string
	address  string
	base     string
	trusting crest.ClientOption
}

func startHAProxy(t *testing.T, s setup) *haproxy {
	t.Helper()
	h := &haproxy{program: find(t, "haproxy"), dir: t.TempDir(), address: freePort(t)}
	_, h.trusting = certificate(t, h.dir)
	h.base = "http://" + h.address
	if s.bind != "" {
		h.base = "https://" + h.address
	}
	if s.faulty == "" {
		s.faulty = s.origin
	}
	bind := strings.ReplaceAll(s.bind, "server.pem", h.dir+"/server.pem")
	write(t, h.dir, "haproxy.cfg", fmt.Sprintf(haproxyConf, s.global, s.defaults, h.address, bind, s.frontend, s.origin, s.backend, s.faulty, s.server))
	h.running = run(t, h.program, "-db", "-f", h.dir+"/haproxy.cfg")
	h.listening(t, h.address)
	return h
}

// client makes one that tries once, unless options say otherwise.
func (h *haproxy) client(t *testing.T, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	return newClient(t, h.base, append([]crest.ClientOption{h.trusting}, opts...)...)
}

// reload starts another process in place of this one, which ends when its connections have.
func (h *haproxy) reload(t *testing.T) (old *running) {
	t.Helper()
	old = h.running
	h.running = run(t, h.program, "-db", "-f", h.dir+"/haproxy.cfg", "-sf", fmt.Sprint(old.cmd.Process.Pid))
	return old
}
