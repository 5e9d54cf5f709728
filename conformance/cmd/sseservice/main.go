// Command sseservice lets LaunchDarkly's sse-contract-tests, which are built elsewhere, run against crest's streams:
//
//	go run ./cmd/sseservice -addr 127.0.0.1:8000 &
//	sse-contract-tests --url http://127.0.0.1:8000 --host 127.0.0.1 --port 8111 --stop-service-at-end
//
// It opens the streams that the suite asks for and tells it what arrives.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

// capabilities are what the suite may test: all that it knows but event-type-listeners, which is for clients that have to
// name the types of events.
var capabilities = []string{
	"bom", "comments", "headers", "last-event-id", "post", "read-timeout", "report", "restart", "server-directed-shutdown-request",
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8000", "where to listen")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	return serve(l)
}

// serve serves until the suite says that it is over.
func serve(l net.Listener) error {
	s := newService(l.Addr().String())
	server := &http.Server{Handler: s.routes()}
	go func() {
		<-s.over
		_ = server.Shutdown(context.Background())
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	s.running.Wait()
	return nil
}

// service keeps the streams that are open.
type service struct {
	host    string
	over    chan struct{}
	end     sync.Once
	running sync.WaitGroup

	mu      sync.Mutex
	number  int
	streams map[string]*instance
}

func newService(host string) *service {
	return &service{host: host, over: make(chan struct{}), streams: map[string]*instance{}}
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"capabilities": capabilities})
	})
	mux.HandleFunc("DELETE /{$}", func(http.ResponseWriter, *http.Request) { s.end.Do(s.stop) })
	mux.HandleFunc("POST /{$}", s.open)
	mux.HandleFunc("POST /streams/{id}", s.command)
	mux.HandleFunc("DELETE /streams/{id}", s.drop)
	return mux
}

// stop ends what is still open.
func (s *service) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.streams {
		i.stop()
	}
	close(s.over)
}

// open starts a stream.
func (s *service) open(w http.ResponseWriter, r *http.Request) {
	var p params
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	i, err := newInstance(p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.number++
	id := fmt.Sprint(s.number)
	s.streams[id] = i
	s.mu.Unlock()
	s.running.Go(i.run)
	w.Header().Set("Location", "http://"+s.host+"/streams/"+id)
	w.WriteHeader(http.StatusCreated)
}

func (s *service) find(w http.ResponseWriter, r *http.Request) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.streams[r.PathValue("id")]
	if i == nil {
		http.NotFound(w, r)
	}
	return i
}

func (s *service) command(w http.ResponseWriter, r *http.Request) {
	var c struct{ Command string }
	i := s.find(w, r)
	if i == nil {
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil || strings.ToLower(c.Command) != "restart" {
		http.Error(w, "no such command", http.StatusBadRequest)
		return
	}
	i.restart()
}

func (s *service) drop(w http.ResponseWriter, r *http.Request) {
	if i := s.find(w, r); i != nil {
		i.stop()
	}
}
