package shop

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// book is the model of the API.
type book struct {
	ISBN   string   `json:"isbn"`
	Title  string   `json:"title"`
	Author string   `json:"author"`
	Genres []string `json:"genres"`
	Price  int64    `json:"price"`
}

// mistakes are what the shop does not accept.
func (b book) mistakes() []mistake {
	var found []mistake
	if b.Title == "" {
		found = append(found, mistake{"title", "is missing"})
	}
	if b.Price > 1_000_00 {
		found = append(found, mistake{"price", "is more than anybody would pay"})
	}
	return found
}

// stocked is a book with what belongs to it.
type stocked struct {
	book
	version   int
	cover     []byte
	coverType string
	coverSum  string // SHA-256
}

func (b *stocked) etag() string { return fmt.Sprintf(`"v%d"`, b.version) }

func (b *stocked) send(w http.ResponseWriter, status int) {
	w.Header().Set("ETag", b.etag())
	answer(w, status, b.book)
}

// locked looks the book up that a request names, and answers where there is none.
func (s *Shop) locked(w http.ResponseWriter, r *http.Request) (*stocked, bool) {
	isbn := r.PathValue("isbn")
	b, ok := s.books[isbn]
	if !ok {
		missing(w, "no book "+isbn)
	}
	return b, ok
}

func (s *Shop) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.locked(w, r); ok {
		b.send(w, http.StatusOK)
	}
}

// create makes a book once for each idempotency key.
func (s *Shop) create(w http.ResponseWriter, r *http.Request) {
	var b book
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		refuse(w, problem{Status: http.StatusBadRequest, Title: "Bad Request", Detail: err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	made := s.created[key]
	if made == nil {
		found := b.mistakes()
		if s.books[b.ISBN] != nil {
			found = append(found, mistake{"isbn", "is in the shop already"})
		}
		if len(found) > 0 {
			refuse(w, problem{Status: http.StatusUnprocessableEntity, Title: "The book was not accepted", Errors: found})
			return
		}
		made = &stocked{book: b, version: 1}
		s.books[b.ISBN] = made
		s.tell("created", b.ISBN)
	}
	if key != "" {
		s.created[key] = made
	}
	w.Header().Set("Location", "/v1/books/"+made.ISBN)
	made.send(w, http.StatusCreated)
}

// update changes the version that the caller has read, and no other.
func (s *Shop) update(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.locked(w, r)
	switch {
	case !ok:
		return
	case r.Header.Get("If-Match") == "":
		refuse(w, problem{Status: http.StatusPreconditionRequired, Title: "Precondition Required", Detail: "If-Match is missing"})
		return
	case r.Header.Get("If-Match") != b.etag():
		refuse(w, problem{Status: http.StatusPreconditionFailed, Title: "Precondition Failed", Detail: "the book is another version by now"})
		return
	}
	next := b.book
	if err := json.NewDecoder(r.Body).Decode(&next); err != nil { // what is not there stays as it was
		refuse(w, problem{Status: http.StatusBadRequest, Title: "Bad Request", Detail: err.Error()})
		return
	}
	next.ISBN = b.ISBN
	if found := next.mistakes(); len(found) > 0 {
		refuse(w, problem{Status: http.StatusUnprocessableEntity, Title: "The change was not accepted", Errors: found})
		return
	}
	b.book = next
	b.version++
	s.tell("updated", b.ISBN)
	b.send(w, http.StatusOK)
}

func (s *Shop) remove(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.locked(w, r); ok {
		delete(s.books, b.ISBN)
		s.tell("deleted", b.ISBN)
		w.WriteHeader(http.StatusNoContent)
	}
}

// list answers a page. Its cursor is the ISBN of the last book.
func (s *Shop) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		limit = 20
	}
	page := struct {
		Books []book `json:"books"`
		Next  string `json:"next,omitempty"`
	}{Books: []book{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, isbn := range slices.Sorted(maps.Keys(s.books)) {
		b := s.books[isbn].book
		if isbn <= query.Get("after") || !b.fits(query.Get("q"), query["genre"], query.Get("max_price")) {
			continue
		}
		if len(page.Books) == limit {
			page.Next = page.Books[limit-1].ISBN
			break
		}
		page.Books = append(page.Books, b)
	}
	answer(w, http.StatusOK, page)
}

// fits reports whether a filter lets the book through.
func (b book) fits(text string, genres []string, maxPrice string) bool {
	text = strings.ToLower(text)
	named := strings.Contains(strings.ToLower(b.Title), text) || strings.Contains(strings.ToLower(b.Author), text)
	listed := len(genres) == 0 || slices.ContainsFunc(b.Genres, func(g string) bool { return slices.Contains(genres, g) })
	most, err := strconv.ParseInt(maxPrice, 10, 64)
	return named && listed && (err != nil || b.Price <= most)
}
