package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/crest-go/crest"
)

// What nobody else may learn. A session's cookie begins with sessionPrefix.
const (
	user, password           = "ada", "correct-horse"
	token                    = "t0k3n-of-ada"
	apiKey                   = "k3y-of-this-program"
	proxyUser, proxyPassword = "office", "pr0xy-password"
	sessionPrefix            = "s3ssion-"
)

type loginRequest struct {
	User     string       `json:"user"`
	Password crest.Secret `json:"password"`
}

type account struct {
	User string `json:"user"`
}

type report struct {
	Title string `json:"title"`
}

var (
	login      = crest.Post[loginRequest, crest.Empty]("/login")
	getAccount = crest.Get[crest.Empty, account]("/account")
	getReport  = crest.Get[crest.Empty, report]("/report")
)

// api knows its users by a cookie. It is safe for concurrent use.
type api struct {
	mu       sync.Mutex
	sessions map[string]string // the user's name by the cookie's value
}

// newAPI serves login and account.
func newAPI() http.Handler {
	a := &api{sessions: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("GET /account", a.account)
	return mux
}

func (a *api) login(w http.ResponseWriter, r *http.Request) {
	var form struct{ User, Password string }
	if json.NewDecoder(r.Body).Decode(&form) != nil || form.User != user || form.Password != password {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	id := sessionPrefix + rand.Text()
	a.mu.Lock()
	a.sessions[id] = form.User
	a.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: id, Path: "/", HttpOnly: true, MaxAge: 3600, SameSite: http.SameSiteLaxMode})
	w.WriteHeader(http.StatusNoContent)
}

func (a *api) account(w http.ResponseWriter, r *http.Request) {
	name := ""
	if cookie, err := r.Cookie("sid"); err == nil {
		a.mu.Lock()
		name = a.sessions[cookie.Value]
		a.mu.Unlock()
	}
	if name == "" {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	answer(w, account{User: name})
}

// giveReport answers everybody.
func giveReport(w http.ResponseWriter, _ *http.Request) {
	answer(w, report{Title: "The year in numbers"})
}

// movedTo answers a report's reader with where it is now, and all else as the API does.
func movedTo(elsewhere string, api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("GET /report", http.RedirectHandler(elsewhere+"/report", http.StatusTemporaryRedirect))
	return mux
}

func answer(w http.ResponseWriter, model any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(model) // a client that hangs up is the only reason to fail
}
