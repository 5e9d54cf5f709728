package crestdebug

import (
	"net/http"

	"github.com/crest-go/crest"
)

// Shown are figures that no client has counted.
type Shown struct {
	Name string
	crest.Stats
}

// Showing is a page of clients, then of figures.
func Showing(clients []crest.Caller, figures ...Shown) http.Handler {
	h, _ := Handler(clients...).(handler)
	for _, f := range figures {
		h = append(h, source{f.Name, func() crest.Stats { return f.Stats }})
	}
	return h
}
