package realproxies

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coder "github.com/coder/websocket"
)

// numEvents and numPages are what a whole answer has.
const (
	numEvents = 8
	numPages  = 3
)

var (
	// filler makes each answer longer than what the tests let through of one that is cut.
	filler = strings.Repeat("crest through real proxies ", 600) // 16 KiB
	// content is the file that is downloaded and uploaded.
	content = bytes.Repeat([]byte("0123456789abcdef"), 16<<10) // 256 KiB
	rex     = thing{ID: 7, Name: "Rex", Filler: filler}
)

// thing is the model of answers.
type thing struct {
	ID     int    `json:"id"`
	Name   string `json:"name" validate:"required"`
	Filler string `json:"filler"`
}

// received is the answer to an upload.
type received struct {
	Size int `json:"size"`
	thing
}

// origin is the server behind the proxies.
type origin struct {
	address string
	// middle is called with the first part of an answer on its way, or of an upload read. An error hangs up.
	middle func(r *http.Request) error

	mu      sync.Mutex
	seen    []*http.Request
	applied map[string]int // effects, by the id of the request
	open    int            // connections
}

// hangUp aborts an answer as a crash would.
func hangUp(*http.Request) error { return io.ErrUnexpectedEOF }

// startOrigin starts one. Its requests see the end of their context when it closes, so that none of them is waited for.
func startOrigin(t *testing.T, middle func(r *http.Request) error) *origin {
	t.Helper()
	o := &origin{middle: middle, applied: map[string]int{}}
	server := httptest.NewUnstartedServer(o)
	server.Config.ConnState = o.count
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	o.address = server.Listener.Addr().String()
	return o
}

// count counts connections. That of a WebSocket ends with its handler.
func (o *origin) count(_ net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch state {
	case http.StateNew:
		o.open++
	case http.StateClosed:
		o.open--
	}
}

// alone reports whether no connection is left.
func (o *origin) alone() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open == 0
}

// requests are those to a path so far, or all of them.
func (o *origin) requests(path string) []*http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	var of []*http.Request
	for _, r := range o.seen {
		if path == "" || r.URL.Path == path {
			of = append(of, r)
		}
	}
	return of
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.seen = append(o.seen, r)
	o.mu.Unlock()
	handlers := map[string]http.HandlerFunc{
		"/thing": o.thing, "/events": o.events, "/upload": o.upload, "/file": o.file, "/pages": o.pages, "/chat": o.chat, "/apply": o.apply,
	}
	h := handlers[r.URL.Path]
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

// halfway flushes what there is and calls the test's hook.
func (o *origin) halfway(w http.ResponseWriter, r *http.Request) {
	if o.middle == nil {
		return
	}
	_ = http.NewResponseController(w).Flush()
	if err := o.middle(r); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// writeJSON writes it in two halves.
func (o *origin) writeJSON(w http.ResponseWriter, r *http.Request, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Has("length") {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	_, _ = w.Write(text[:len(text)/2])
	o.halfway(w, r)
	_, _ = w.Write(text[len(text)/2:])
}

func (o *origin) thing(w http.ResponseWriter, r *http.Request) { o.writeJSON(w, r, rex) }

// events goes on behind the last one that a client names.
func (o *origin) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	text, _ := json.Marshal(rex)
	last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	_, _ = io.WriteString(w, "retry: 100\n\n")
	for id := last + 1; id <= numEvents; id++ {
		_, _ = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", id, text)
		_ = http.NewResponseController(w).Flush()
		if id == numEvents/2 {
			o.halfway(w, r)
		}
	}
}

func (o *origin) upload(w http.ResponseWriter, r *http.Request) {
	n, err := io.CopyN(io.Discard, r.Body, 1<<10)
	if o.middle != nil && err == nil {
		err = o.middle(r)
	}
	rest, err2 := io.Copy(io.Discard, r.Body)
	if err != nil && err != io.EOF || err2 != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(received{Size: int(n + rest), thing: rex})
}

// file has ranges and a strong validator.
func (o *origin) file(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Etag", `"v1"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	half := &halfReader{ReadSeeker: bytes.NewReader(content), stop: func() { o.halfway(w, r) }}
	http.ServeContent(w, r, "", time.Time{}, half)
}

// halfReader calls stop when half of the content was read, once.
type halfReader struct {
	io.ReadSeeker
	read int
	once sync.Once
	stop func()
}

func (h *halfReader) Read(p []byte) (int, error) {
	if h.read >= len(content)/2 {
		h.once.Do(h.stop)
	}
	n, err := h.ReadSeeker.Read(p[:min(len(p), 8<<10)])
	h.read += n
	return n, err
}

func (o *origin) pages(w http.ResponseWriter, r *http.Request) {
	page := max(1, atoi(r.URL.Query().Get("page")))
	if page < numPages {
		w.Header().Set("Link", fmt.Sprintf("</pages?page=%d>; rel=\"next\"", page+1))
	}
	if page == 1 { // what goes wrong goes wrong later on
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode([]thing{rex})
		return
	}
	o.writeJSON(w, r, []thing{rex})
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// chat sends each message back.
func (o *origin) chat(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer o.count(nil, http.StateClosed)
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for n := 1; ; n++ {
		kind, data, err := conn.Read(context.Background())
		if err != nil || conn.Write(context.Background(), kind, data) != nil {
			return
		}
		if n == 1 && o.middle != nil && o.middle(r) != nil {
			return
		}
	}
}

// apply has an effect, which is counted.
func (o *origin) apply(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	o.mu.Lock()
	o.applied[r.URL.Query().Get("id")]++
	o.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
