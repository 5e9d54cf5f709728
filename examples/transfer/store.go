package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// store is a server that keeps one file. It takes its time, so that there is something to see.
type store struct {
	server *httptest.Server

	mu      sync.Mutex
	content []byte
	ranges  []string // of the requests for the file
}

func newStore() *store {
	s := &store{}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /file", s.put)
	mux.HandleFunc("GET /file", s.get)
	s.server = httptest.NewServer(mux)
	return s
}

func (s *store) put(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(slowReader{r.Body})
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content = content
	w.WriteHeader(http.StatusNoContent)
}

// get answers ranges, and says what the whole must come to: that is all a download needs to go on and to be checked.
func (s *store) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	content := s.content
	s.mu.Unlock()
	sum := sha256.Sum256(content)
	w.Header().Set("ETag", `"v1"`)
	w.Header().Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	http.ServeContent(slowWriter{w}, r, "", time.Time{}, bytes.NewReader(content))
}

func (s *store) size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.content))
}

func (s *store) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ranges
}

const pause = time.Millisecond

type slowReader struct{ io.Reader }

func (r slowReader) Read(p []byte) (int, error) {
	time.Sleep(pause)
	return r.Reader.Read(p)
}

type slowWriter struct{ http.ResponseWriter }

func (w slowWriter) Write(p []byte) (int, error) {
	time.Sleep(pause)
	return w.ResponseWriter.Write(p)
}
