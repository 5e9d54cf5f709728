package crest_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// moody is a server that answers as it should or breaks, by chance.
type moody struct {
	calm   atomic.Bool // then it never breaks
	faults atomic.Int64
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.calm.Load() && rand.IntN(3) == 0 {
		m.faults.Add(1)
		moods[rand.IntN(len(moods))](w, r)
		return
	}
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	answer, ok := soakAnswers[kind]
	if !ok {
		http.NotFound(w, r)
		return
	}
	answer(w, r, rest)
}

// moods are the ways to break.
var moods = []http.HandlerFunc{
	func(w http.ResponseWriter, _ *http.Request) { cutOff(w, "", false) },
	func(w http.ResponseWriter, _ *http.Request) { cutOff(w, "", true) },
	func(w http.ResponseWriter, _ *http.Request) { cutOff(w, "HTTP/1.1 200 O", false) },
	func(w http.ResponseWriter, _ *http.Request) {
		cutOff(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"id\":", true)
	},
	func(w http.ResponseWriter, _ *http.Request) {
		cutOff(w, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n", false)
	},
	func(w http.ResponseWriter, _ *http.Request) { cutOff(w, "SSH-2.0-x\r\n\r\n", false) },
	reply(200, "<html>sign in</html>", "Content-Type", "text/html"),
	replyJSON(200, `{"id":`),
	reply(200, "\x1f\x8bnot gzip", "Content-Type", "application/json", "Content-Encoding", "gzip"),
	replyJSON(503, `{"message":"busy"}`, "Retry-After", "0"),
	replyJSON(429, `{"message":"slower"}`, "Retry-After", "0"),
	replyJSON(500, `{"message":"broken"}`),
	reply(302, "", "Location", "/get/1"),
	reply(302, "", "Location", "ftp://example.com/"),
	reply(307, "", "Location", "/loop"),
	func(_ http.ResponseWriter, r *http.Request) { // silence, until the caller has had enough
		select {
		case <-r.Context().Done():
		case <-time.After(1200 * time.Millisecond):
		}
		panic(http.ErrAbortHandler)
	},
}

// cutOff writes bytes and closes, with a reset or without.
func cutOff(w http.ResponseWriter, text string, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(conn, text)
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// soakAnswers are what it should say to each kind of call.
var soakAnswers = map[string]func(w http.ResponseWriter, r *http.Request, rest string){
	"get":  func(w http.ResponseWriter, r *http.Request, id string) { soakThing(id)(w, r) },
	"post": func(w http.ResponseWriter, r *http.Request, id string) { drained(r); soakThing(id)(w, r) },
	"gone": func(w http.ResponseWriter, r *http.Request, _ string) {
		replyJSON(404, `{"code":"gone","message":"no such thing"}`)(w, r)
	},
	"loop": func(w http.ResponseWriter, r *http.Request, _ string) {
		drained(r)
		reply(307, "", "Location", "/loop")(w, r)
	},
	"moved": func(w http.ResponseWriter, r *http.Request, id string) {
		drained(r)
		reply(307, "", "Location", "/post/"+id)(w, r)
	},
	"events": func(w http.ResponseWriter, r *http.Request, _ string) {
		var b strings.Builder
		for i := range soakPieces {
			fmt.Fprintf(&b, "id: %d\ndata: {\"id\":%d,\"name\":\"piece\"}\n\n", i, i)
		}
		reply(200, b.String(), "Content-Type", "text/event-stream")(w, r)
	},
	"lines": func(w http.ResponseWriter, r *http.Request, _ string) {
		var b strings.Builder
		for i := range soakPieces {
			fmt.Fprintf(&b, "{\"id\":%d,\"name\":\"piece\"}\n", i)
		}
		reply(200, b.String(), "Content-Type", "application/jsonl")(w, r)
	},
	"upload": func(w http.ResponseWriter, r *http.Request, _ string) {
		n, _ := io.Copy(io.Discard, r.Body)
		replyJSON(200, fmt.Sprintf(`{"id":%d,"name":"upload"}`, n))(w, r)
	},
	"file": func(w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(soakFile))
	},
	"pages": func(w http.ResponseWriter, r *http.Request, _ string) {
		page, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		next := ""
		if page+1 < soakPieces {
			next = strconv.Itoa(page + 1)
		}
		replyJSON(200, fmt.Sprintf(`{"data":[{"title":"book %d"}],"next_cursor":%q}`, page, next))(w, r)
	},
}

const soakPieces = 8

var soakFile = strings.Repeat("0123456789abcdef", 16<<10) // 256 KiB

func soakThing(id string) http.HandlerFunc {
	return replyJSON(200, fmt.Sprintf(`{"id":%s,"name":"thing"}`, id))
}

func drained(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
