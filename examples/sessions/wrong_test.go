package main

import (
	"net/http"
	"net/http/httputil"

	"github.com/crest-go/crest"
)

func withClient(opts ...crest.ClientOption) func(*setting) {
	return func(s *setting) { s.client = opts }
}

// header is a middleware that adds one to each request.
func header(name, value string) crest.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set(name, value)
			return next.RoundTrip(req)
		})
	}
}

// twice sends what has no body two times.
func twice(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodGet {
			resp, err := next.RoundTrip(req.Clone(req.Context()))
			if err != nil {
				return nil, err
			}
			_ = resp.Body.Close()
		}
		return next.RoundTrip(req)
	})
}

type roundTripper func(req *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// tellingProxy is plainProxy with its mistake.
func tellingProxy() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Header["Proxy-Authorization"] = r.In.Header["Proxy-Authorization"]
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}
}

// without takes a header from what next answers.
func without(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&stripper{w, name}, r)
	})
}

type stripper struct {
	http.ResponseWriter
	name string
}

func (s *stripper) WriteHeader(status int) {
	s.Header().Del(s.name)
	s.ResponseWriter.WriteHeader(status)
}

// forgetful answers the account once to whoever has a cookie.
func forgetful(next http.Handler) http.Handler {
	asked := false
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/account" && r.Header.Get("Cookie") != "" {
			if asked {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			asked = true
		}
		next.ServeHTTP(w, r)
	})
}
