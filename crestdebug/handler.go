package crestdebug

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"strconv"

	"github.com/crest-go/crest"
)

// Named gives a client a name on the page, in place of its origin. It is for programs that have several clients of one API.
func Named(name string, c crest.Caller) crest.Caller { return named{c, name} }

type named struct {
	crest.Caller
	name string
}

// Handler shows the figures of clients, in their order. It answers GET and HEAD, whatever the path. Clients are told apart by the origin of
// their base URL, or by [Named]. A nil one is a mistake of the program and panics at once; a client that does not count is told of
// on the page. The Handler is safe for concurrent use.
func Handler(clients ...crest.Caller) http.Handler {
	var h handler
	for i, c := range clients {
		var name string
		if n, ok := c.(named); ok {
			c, name = n.Caller, n.name
		}
		if v := reflect.ValueOf(c); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
			panic(fmt.Sprintf("crestdebug: Handler: client %d of %d is nil: make it before its page", i+1, len(clients)))
		}
		h = append(h, source{name, func() crest.Stats { return crest.StatsOf(c) }})
	}
	return h
}

// source is a client as the page sees it.
type source struct {
	name  string
	stats func() crest.Stats
}

type handler []source

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
	policy       = contentPolicy(pageStyle)
)

// contentPolicy lets a browser apply the page's own style and load nothing.
func contentPolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// ServeHTTP writes the page.
func (h handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "the page is there to be read: use GET", http.StatusMethodNotAllowed)
		return
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, h.page(refresh(req))); err != nil {
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(text.Len()))
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	if req.Method == http.MethodGet {
		_, _ = w.Write(text.Bytes())
	}
}

// Seconds between two readings of the page.
const (
	refreshDefault = 3
	refreshMost    = 3600
)

// refresh reads what the query asks for. 0 is never.
func refresh(req *http.Request) int {
	asked := req.URL.Query().Get("refresh")
	n, err := strconv.Atoi(asked)
	if err != nil {
		return refreshDefault
	}
	return min(max(n, 0), refreshMost)
}
