package shop

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"
)

func (s *Shop) putCover(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "image/") {
		refuse(w, problem{Status: http.StatusUnsupportedMediaType, Title: "Unsupported Media Type", Detail: "a cover is an image"})
		return
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		refuse(w, problem{Status: http.StatusRequestEntityTooLarge, Title: "Content Too Large", Detail: err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.locked(w, r)
	if !ok {
		return
	}
	sum := sha256.Sum256(content)
	b.cover, b.coverType, b.coverSum = content, r.Header.Get("Content-Type"), hex.EncodeToString(sum[:])
	answer(w, http.StatusOK, struct {
		Type   string `json:"type"`
		Size   int    `json:"size"`
		SHA256 string `json:"sha256"`
	}{b.coverType, len(content), b.coverSum})
}

func (s *Shop) getCover(w http.ResponseWriter, r *http.Request) {
	content, ok := s.cover(w, r)
	if ok {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// cover writes the head and returns the content.
func (s *Shop) cover(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.locked(w, r)
	if ok && b.cover == nil {
		missing(w, "no cover of "+b.ISBN)
		return nil, false
	}
	if ok {
		w.Header().Set("Content-Type", b.coverType)
		w.Header().Set("ETag", `"`+b.coverSum+`"`)
		return b.cover, true
	}
	return nil, false
}
