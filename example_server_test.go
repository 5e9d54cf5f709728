package crest_test

import (
	"net/http"
	"net/http/httptest"
)

// fakeServer is an API inside the process: it answers in place of a transport, so that the examples need no network.
type fakeServer func(w http.ResponseWriter, r *http.Request)

// RoundTrip makes a fakeServer fit crest.WithTransport.
func (s fakeServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	s(w, r)
	return w.Result(), nil
}

// answering is a server that always answers with this JSON.
func answering(status int, body string) fakeServer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
