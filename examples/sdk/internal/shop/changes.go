package shop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// change is one event. Its id is its place in the list, counted from 1.
type change struct {
	kind string
	ISBN string    `json:"isbn"`
	At   time.Time `json:"at"`
}

// tell remembers a change and wakes who watches. The lock is held.
func (s *Shop) tell(kind, isbn string) {
	s.changes = append(s.changes, change{kind, isbn, s.now()})
	close(s.news)
	s.news = make(chan struct{})
}

// since returns the changes after the first n, and what is closed when there are more.
func (s *Shop) since(n int) ([]change, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes[min(n, len(s.changes)):], s.news
}

// watch sends changes as server-sent events until the client leaves.
func (s *Shop) watch(w http.ResponseWriter, r *http.Request) {
	sent, err := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	if err != nil || sent < 0 {
		all, _ := s.since(0)
		sent = len(all)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		fresh, news := s.since(sent)
		for _, c := range fresh {
			sent++
			data, err := json.Marshal(c)
			if err != nil {
				return
			}
			fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", sent, c.kind, data)
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-news:
		case <-r.Context().Done():
			return
		}
	}
}
