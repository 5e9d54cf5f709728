package crest_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// digestServer is the other side of RFC 7616, written for the tests alone: it says what was wrong with an answer.
type digestServer struct {
	algorithm, qop string
	more           string                  // further parameters of the challenge
	nonce          func(n int) string      // of the n-th challenge, counted from 1; nil is one that never changes
	fresh          func(nonce string) bool // nil takes every nonce

	mu         sync.Mutex
	requests   int
	challenges int
	seen       []string          // the Authorization of each request, "" without
	bodies     []string          // of each request
	used       map[string]bool   // nonce and nc
	wrong      []string          // answers that were not right
	keys       map[string]string // of -sess, by nonce: the first cnonce
}

const digestUser, digestPassword, digestRealm = "me", "s3cr3t", "a, \"realm\""

var digestTestHashes = map[string]func() hash.Hash{"": md5.New, "MD5": md5.New, "SHA-256": sha256.New, "SHA-512-256": sha512.New512_256, "SHA-512": sha512.New}

func (s *digestServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	if challenge := s.admit(req, req.Header.Get("Authorization"), body); challenge != "" {
		w.Header().Set("Www-Authenticate", challenge)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, thingJSON)
}

// admit looks at what a request gave, and returns the next challenge if that was not enough.
func (s *digestServer) admit(req *http.Request, given string, body []byte) (challenge string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	s.seen = append(s.seen, given)
	s.bodies = append(s.bodies, string(body))
	stale := ""
	if strings.HasPrefix(given, "Digest ") {
		p := digestParams(given)
		switch problem := s.problem(p, req, body); {
		case problem != "":
			s.wrong = append(s.wrong, problem)
		case s.fresh == nil || s.fresh(p["nonce"]):
			return ""
		default:
			stale = ", stale=true"
		}
	}
	return s.challenge() + stale
}

// challenge is the next one; s.mu is held.
func (s *digestServer) challenge() string {
	s.challenges++
	nonce := "n0nce"
	if s.nonce != nil {
		nonce = s.nonce(s.challenges)
	}
	text := fmt.Sprintf(`Digest realm="%s", nonce="%s", opaque="0p"`, strings.ReplaceAll(digestRealm, `"`, `\"`), nonce)
	if s.algorithm != "" {
		text += ", algorithm=" + s.algorithm
	}
	if s.qop != "" {
		text += `, qop="` + s.qop + `"`
	}
	return text + s.more
}

// problem holds an answer to RFC 7616, section 3.4.
func (s *digestServer) problem(p map[string]string, req *http.Request, body []byte) string {
	base, session := strings.CutSuffix(s.algorithm, "-sess")
	sum := func(parts ...string) string {
		h := digestTestHashes[base]()
		_, _ = io.WriteString(h, strings.Join(parts, ":"))
		return hex.EncodeToString(h.Sum(nil))
	}
	if s.used == nil {
		s.used, s.keys = map[string]bool{}, map[string]string{}
	}
	if s.keys[p["nonce"]] == "" {
		s.keys[p["nonce"]] = p["cnonce"]
	}
	key := sum(digestUser, digestRealm, digestPassword)
	if session {
		key = sum(key, p["nonce"], s.keys[p["nonce"]])
	}
	what := sum(req.Method, p["uri"])
	if p["qop"] == "auth-int" {
		what = sum(req.Method, p["uri"], sum(string(body)))
	}
	want := sum(key, p["nonce"], what)
	if p["qop"] != "" {
		want = sum(key, p["nonce"], p["nc"], p["cnonce"], p["qop"], what)
		turn := p["nonce"] + " " + p["nc"]
		if s.used[turn] {
			return "used twice: " + turn
		}
		s.used[turn] = true
	}
	switch {
	case p["username"] != digestUser:
		return "user " + p["username"]
	case p["realm"] != digestRealm || p["opaque"] != "0p":
		return "realm or opaque"
	case p["uri"] != req.RequestURI:
		return "uri " + p["uri"]
	case p["response"] != want:
		return "response"
	}
	return ""
}

var digestParam = regexp.MustCompile(`([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^", ]+))`)

func digestParams(header string) map[string]string {
	p := map[string]string{}
	for _, m := range digestParam.FindAllStringSubmatch(strings.TrimPrefix(header, "Digest "), -1) {
		p[m[1]] = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2]) + m[3]
	}
	return p
}
