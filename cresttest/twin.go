package cresttest

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// key tells what is declared apart. An endpoint and a stream may have the same method and route: then the body of the request says
// which is meant, in words of the API's own, and its Accept.
type key struct {
	name   string
	stream bool
}

func keyOf(of fmt.Stringer) key {
	_, stream := reflect.TypeOf(of).MethodByName("WriteEvents")
	return key{of.String(), stream}
}

// twin is the route of the same name and the other kind, if there is one.
func (one *route) twin(routes []*route) *route {
	other := key{one.name, !one.stream}
	if i := slices.IndexFunc(routes, func(r *route) bool { return r.key == other }); i >= 0 {
		return routes[i]
	}
	return nil
}

// isTwins reports whether a request for the name of the route is for its twin.
func (one *route) isTwins(routes []*route, r *http.Request) bool {
	twin := one.twin(routes)
	return twin != nil && one.stream != accepts(r.Header, cmp.Or(one.mediaType, twin.mediaType))
}

// accepts reports whether a request's header names a media type.
func accepts(header http.Header, mediaType string) bool {
	for one := range strings.SplitSeq(strings.Join(header["Accept"], ","), ",") {
		one, _, _ = strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(one), mediaType) {
			return true
		}
	}
	return false
}

// mediaTypeOf is what a stream is written as. One that cannot be written says so when it is.
func mediaTypeOf[Req, T any](st *crest.Stream[Req, T]) string {
	w := unsent{}
	_ = st.WriteEvents(w, func(func(crest.Event[T], error) bool) {})
	return cmp.Or(http.Header(w).Get("Content-Type"), "text/event-stream")
}

// unsent is the header of an answer that nobody gets.
type unsent http.Header

func (u unsent) Header() http.Header         { return http.Header(u) }
func (u unsent) Write(p []byte) (int, error) { return len(p), nil }
func (u unsent) WriteHeader(int)             {}
