package main

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
)

// proxy sends on what it is asked for with its password: plain http as a request with a whole URL, everything else through a tunnel
// that CONNECT opens (RFC 9110, section 9.3.6).
type proxy struct{ forward http.Handler }

// plainProxy forwards requests as they came, without what is meant for the proxy itself (RFC 9110, section 11.7.2).
func plainProxy() http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: &http.Transport{DisableKeepAlives: true}}
}

func (p proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))
	switch {
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("Proxy-Authorization")), []byte(want)) == 0:
		w.Header().Set("Proxy-Authenticate", `Basic realm="office"`)
		http.Error(w, "the proxy has a password", http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		connect(w, r)
	default:
		p.forward.ServeHTTP(w, r)
	}
}

// connect opens a tunnel, which lives until one of its ends hangs up.
func connect(w http.ResponseWriter, r *http.Request) {
	target, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, "the server does not answer", http.StatusBadGateway)
		return
	}
	defer target.Close()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "no tunnel can be opened", http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	defer context.AfterFunc(r.Context(), func() { _ = conn.Close() })() // the context ends with the server
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(conn, target)
		_ = conn.Close()
	})
	_, _ = io.Copy(target, buffered)
	_ = target.Close()
	back.Wait()
}
