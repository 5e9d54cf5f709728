package cresttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/crest-go/crest"
)

// Handle answers the calls of an endpoint. The request was decoded and is valid. A model that the handler returns is sent with the
// endpoint's success; an error of the kinds that [crest.Endpoint.WriteError] knows is sent as the failure that it is; any other
// fails the test and is a 501, which no client tries again. Handlers run in goroutines of their own. A second Handle for an endpoint replaces the first.
//
// A request is handed to the endpoint with the most literal route that fits it. Where a [HandleStream] has the same method and route, the
// requests that accept what the stream is written as are the stream's.
func Handle[Req, Res any](s *Server, e *crest.Endpoint[Req, Res], h func(ctx context.Context, req Req) (Res, error)) {
	s.add(&route{
		key:    keyOf(e),
		decode: func(r *http.Request) (any, error) { return decoded(e.DecodeRequest(r)) },
		answer: func(ctx context.Context, w *answer, req any) error {
			in, _ := req.(Req)
			res, err := h(ctx, in)
			if err != nil {
				return e.WriteError(w, err)
			}
			return e.WriteResponse(w, res)
		},
	})
}

// HandleStream answers the calls of a stream. send sends one piece at once; its error says that the client is gone, and the handler
// returns then. A nil error ends the stream well, with the marker of [crest.WithDone] if it has one. An error before the first piece is
// answered as in [Handle]; a later one, which may be any, cuts the connection.
func HandleStream[Req, T any](s *Server, st *crest.Stream[Req, T], h func(ctx context.Context, req Req, send func(crest.Event[T]) error) error) {
	s.add(&route{
		key:       keyOf(st),
		mediaType: mediaTypeOf(st),
		decode:    func(r *http.Request) (any, error) { return decoded(st.DecodeRequest(r)) },
		answer: func(ctx context.Context, w *answer, req any) error {
			in, _ := req.(Req)
			var own error // the handler's
			err := st.WriteEvents(w, pushed(func(send func(crest.Event[T]) error) error {
				own = h(ctx, in, send)
				return own
			}))
			switch {
			case err == nil:
				return nil
			case w.status == 0:
				return st.WriteError(w, err)
			case own != nil && errors.Is(err, own):
				panic(http.ErrAbortHandler) // closes the connection, and nothing is logged
			}
			return err
		},
	})
}

func decoded[Req any](req Req, err error) (any, error) { return req, err }

var errGone = errors.New("the client is gone")

// pushed is a sequence of what f sends.
func pushed[T any](f func(send func(crest.Event[T]) error) error) iter.Seq2[crest.Event[T], error] {
	return func(yield func(crest.Event[T], error) bool) {
		gone := false
		err := f(func(e crest.Event[T]) error {
			if gone = gone || !yield(e, nil); gone {
				return errGone
			}
			return nil
		})
		if err != nil && !gone {
			yield(crest.Event[T]{}, err)
		}
	}
}

// route is an endpoint or a stream without its types.
type route struct {
	key
	mediaType string // of a stream
	decode    func(r *http.Request) (any, error)
	answer    func(ctx context.Context, w *answer, req any) error
}

// add puts a route in its place.
func (s *Server) add(r *route) {
	s.t.Helper()
	s.mu.Lock()
	routes := slices.Clone(s.routes) // requests walk the old list
	if i := slices.IndexFunc(routes, func(old *route) bool { return old.key == r.key }); i >= 0 {
		routes[i] = r
	} else {
		routes = append(routes, r)
		slices.SortStableFunc(routes, func(a, b *route) int { return compareRoutes(a.name, b.name) })
	}
	s.routes = routes
	s.mu.Unlock()
	if twin := r.twin(routes); twin != nil && cmp.Or(r.mediaType, twin.mediaType) == "application/json" {
		s.t.Errorf("cresttest: %s is an endpoint and a stream of application/json, and nothing in a request says which: handle one of them on each server", r.name)
	}
}

// exchange answers one request of an endpoint.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, one *route, req any, err error) {
	if err != nil {
		s.refuse(w, r, http.StatusBadRequest, fmt.Sprintf("%s got a request that it does not take: %v", one.name, err))
		return
	}
	record := s.record(one, r, req)
	reply := &Reply{Header: w.Header(), Request: r}
	out := &answer{ResponseWriter: w, reply: reply, note: func(status int) { s.answered(record, status) }}
	defer out.finish(s)
	if !s.fault(one.key).happen(out, r) {
		return
	}
	ctx := context.WithValue(r.Context(), replyKey{}, reply)
	if err := one.answer(ctx, out, req); err != nil && !out.gone && r.Context().Err() == nil {
		if out.status != 0 {
			s.t.Errorf("cresttest: %s: the answer could not be written to its end: %v", one.name, err)
			panic(http.ErrAbortHandler)
		}
		s.refuse(out, r, http.StatusNotImplemented, fmt.Sprintf("%s: %v", one.name, err))
	}
}
