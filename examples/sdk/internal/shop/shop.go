// Package shop is a small server of the Bookshop API, in memory: what the SDK is tried against. It knows net/http alone, and nothing
// of crest.
package shop

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Shop is the server. Make it with [New]. It is safe for concurrent use.
type Shop struct {
	token string
	now   func() time.Time
	mux   *http.ServeMux

	mu      sync.Mutex
	books   map[string]*stocked // by ISBN
	created map[string]*stocked // by idempotency key
	changes []change
	news    chan struct{} // closed at the next change
}

// New makes a shop without books, whose callers have to know the token. Changes happen at the time that now gives.
func New(token string, now func() time.Time) *Shop {
	s := &Shop{
		token: token, now: now, mux: http.NewServeMux(),
		books: make(map[string]*stocked), created: make(map[string]*stocked), news: make(chan struct{}),
	}
	s.mux.HandleFunc("GET /v1/books", s.list)
	s.mux.HandleFunc("POST /v1/books", s.create)
	s.mux.HandleFunc("GET /v1/books/{isbn}", s.get)
	s.mux.HandleFunc("PATCH /v1/books/{isbn}", s.update)
	s.mux.HandleFunc("DELETE /v1/books/{isbn}", s.remove)
	s.mux.HandleFunc("PUT /v1/books/{isbn}/cover", s.putCover)
	s.mux.HandleFunc("GET /v1/books/{isbn}/cover", s.getCover)
	s.mux.HandleFunc("GET /v1/changes", s.watch)
	return s
}

// ServeHTTP answers a request.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.token)) == 0 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, problem{Status: http.StatusUnauthorized, Title: "Unauthorized", Detail: "the token is not known"})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// problem is what is wrong, as RFC 9457 has it.
type problem struct {
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail,omitempty"`
	Errors []mistake `json:"errors,omitempty"`
}

// mistake is what is wrong with one field.
type mistake struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func refuse(w http.ResponseWriter, p problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	write(w, p.Status, p)
}

func missing(w http.ResponseWriter, detail string) {
	refuse(w, problem{Status: http.StatusNotFound, Title: "Not Found", Detail: detail})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	write(w, status, v)
}

func write(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // when it fails the client is gone
}
