package realproxies

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// site is what a test wants of nginx, beside passing everything on to an origin.
type site struct {
	origin   string // its address
	listen   string // options of the port: "ssl http2"
	main     string // directives of each context
	http     string
	server   string
	location string
	files    bool   // serves those of its folder in place of the origin
	faulty   string // the address behind requests with the header X-Fault
	fault    string // directives of their location
}

const nginxConf = `daemon off;
%[1]s
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
%[2]s
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxied;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	default_type application/octet-stream;
	add_header X-Generation %[3]d always;
	map $http_upgrade $upgrading { default upgrade; '' ''; }
	proxy_http_version 1.1;
	proxy_set_header Host $http_host;
	proxy_set_header Upgrade $http_upgrade;
	proxy_set_header Connection $upgrading;
	ssl_certificate server.pem;
	ssl_certificate_key server.pem;
	%[4]s
	server {
		listen %[5]s %[6]s;
		%[7]s
		if ($http_x_fault) { rewrite ^/(.*)$ /faulty/$1 last; }
		location = /generation { return 204; }
		location /faulty/ {
			proxy_pass http://%[10]s/;
			%[11]s
		}
		location / {
			%[8]s
			%[9]s
		}
	}
}
`

// nginx is one that runs until the test ends.
type nginx struct {
	*running
	site       site
	dir        string
	address    string
	base       string // the URL of its first port
	trusting   crest.ClientOption
	generation int
}

func startNginx(t *testing.T, s site) *nginx {
	t.Helper()
	program := find(t, "nginx")
	n := &nginx{site: s, dir: t.TempDir(), address: freePort(t), generation: 1}
	_, n.trusting = certificate(t, n.dir)
	n.base = "http://" + n.address
	if strings.Contains(s.listen, "ssl") {
		n.base = "https://" + n.address
	}
	n.configure(t)
	n.running = run(t, program, "-p", n.dir, "-e", "stderr", "-c", "nginx.conf")
	n.serves(t)
	return n
}

func (n *nginx) configure(t *testing.T) {
	t.Helper()
	var user string
	if os.Geteuid() == 0 { // the workers keep it, since they read the test's folders
		user = "user root;"
	}
	serves := "root " + filepath.Join(n.dir, "files") + ";"
	if !n.site.files {
		serves = "proxy_pass http://" + n.site.origin + ";"
	}
	s := n.site
	if s.faulty == "" {
		s.faulty = "127.0.0.1:9"
	}
	write(t, n.dir, "nginx.conf", fmt.Sprintf(nginxConf, user, s.main, n.generation, s.http, n.address, s.listen, s.server, serves, s.location, s.faulty, s.fault))
}

// client makes one that tries once, unless options say otherwise.
func (n *nginx) client(t *testing.T, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	return newClient(t, n.base, append([]crest.ClientOption{n.trusting}, opts...)...)
}

// reload does what an operator does after a change, and waits until new workers serve and the old ones are told to end.
func (n *nginx) reload(t *testing.T, change func(s *site)) {
	t.Helper()
	if change != nil {
		change(&n.site)
	}
	n.generation++
	n.configure(t)
	n.signal(syscall.SIGHUP)
	n.serves(t)
	n.says(t, "gracefully shutting down", n.generation-1)
}

// serves waits until a worker with the newest configuration answers. Before the first one does, nginx overlooks signals.
func (n *nginx) serves(t *testing.T) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	eventually(t, func() bool {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, n.base+"/generation", nil)
		if err != nil {
			return false
		}
		resp, err := client.Do(req)
		if err != nil {
			return n.ended()
		}
		_ = resp.Body.Close()
		return resp.Header.Get("X-Generation") == fmt.Sprint(n.generation)
	}, "the new configuration")
	require.False(t, n.ended(), "%s", &n.said)
}

// says waits until it has said something so many times.
func (n *nginx) says(t *testing.T, text string, times int) {
	t.Helper()
	eventually(t, func() bool { return strings.Count(n.said.String(), text) >= times }, text)
	require.False(t, n.ended())
}
