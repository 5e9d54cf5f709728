package crest

import (
	"context"
	"io"
	"iter"
	"reflect"
)

// Stream is an operation whose answer comes in pieces: events, lines, the elements of one large array. Declare it once, as a
// package variable, and range over a call of it:
//
//	var watchPets = crest.NewStream[WatchRequest, Pet](http.MethodGet, "/pets/events")
//
//	for pet, err := range watchPets.Call(ctx, c, WatchRequest{}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(pet.Name)
//	}
//
// [Stream.Call] gives the data alone, which most callers want, [Stream.Events] the id and the type of each event as well. A
// Stream is immutable and safe for concurrent use; the zero value gives an error from each call.
//
// What the Content-Type of the answer says decides how it is cut: text/event-stream into events (WHATWG HTML, section 9.2);
// application/x-ndjson, application/ndjson, application/jsonl and application/json-lines into lines; application/json-seq into
// texts (RFC 7464); application/json and types that end in +json into the elements of the one array that they hold, or else into values
// that follow each other. Another type is [KindContentType]. text/event-stream is asked for; [WithAccept] asks for others, and
// an answer that names no type, or an accepted one that is none of these, is read as the first of them.
//
// Req is as in [Endpoint]. T may be a model, which is decoded by the codec and validated; string or []byte, which get the data as it
// is; or any. One piece is held at a time, of up to [Bounds.Event]; the stream may be endless.
type Stream[Req, T any] struct{ plain *endpoint }

// Event is one piece of a [Stream] with what came along.
type Event[T any] struct {
	ID   string // the last event id: this event's, or that of the newest before it that had one; "" in JSON streams
	Type string // "message" where the event names none; "" in JSON streams
	Data T
}

// NewStream declares a stream with any method but HEAD, whose answers have nothing to stream. Mistakes panic as in [NewEndpoint].
func NewStream[Req, T any](method, route string, opts ...EndpointOption) *Stream[Req, T] {
	plain, err := declareStream(method, route, reflect.TypeFor[Req](), reflect.TypeFor[T](), opts)
	if err != nil {
		panic(err.Error())
	}
	return &Stream[Req, T]{plain}
}

// String returns method and route: "GET /pets/events".
func (s *Stream[Req, T]) String() string {
	if s == nil || s.plain == nil {
		return "undeclared stream"
	}
	return s.plain.name
}

// Call sends req when a loop over the result begins, and gives the data of each piece. A pair is a real T and a nil error, or
// a zero T and a [*CallError], which is the last: what fails is not gone on with, unless [WithReconnect] says so. Each loop sends
// the request anew. Leaving the loop closes the connection at once.
//
// [Timeouts.Total] bounds the way to the header of the answer, as for all bodies that the caller reads; [Timeouts.Idle] bounds the
// silence between two reads, not the time that the loop takes for a piece. The error of a cancelled loop matches ctx's
// error and cause.
func (s *Stream[Req, T]) Call(ctx context.Context, c Caller, req Req, opts ...CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		s.each(ctx, c, req, opts, func(_ *flow, _ string, data T, err error) bool { return yield(data, err) })
	}
}

// Events is [Stream.Call] with the id and the type of each event.
func (s *Stream[Req, T]) Events(ctx context.Context, c Caller, req Req, opts ...CallOption) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		s.each(ctx, c, req, opts, func(f *flow, kind string, data T, err error) bool {
			if err != nil {
				return yield(Event[T]{}, err)
			}
			return yield(Event[T]{f.pieces.LastID(), kind, data}, nil)
		})
	}
}

// each is one loop. req is its own: defaults are filled in there.
func (s *Stream[Req, T]) each(ctx context.Context, c Caller, req Req, opts []CallOption, yield func(f *flow, kind string, data T, err error) bool) {
	var data, none T
	flow, err := s.begin(ctx, c, &req, opts)
	if err != nil {
		yield(nil, "", none, err)
		return
	}
	defer flow.leave() // also when the body of the loop panics
	into := reflect.ValueOf(&data).Elem()
	for {
		piece, err := flow.next(into)
		if err == io.EOF {
			return
		}
		if err != nil {
			flow.fails(err)
			yield(nil, "", none, err)
			return
		}
		if !yield(flow, piece.Type, data, nil) {
			return
		}
		data = none
	}
}

// begin binds the request. Nothing is sent.
func (s *Stream[Req, T]) begin(ctx context.Context, c Caller, req *Req, opts []CallOption) (*flow, error) {
	if s == nil || s.plain == nil {
		return nil, &CallError{Step: ErrRequest, Endpoint: s.String(), Err: errUndeclaredStream}
	}
	call, err := s.plain.prepare(ctx, c, reflect.ValueOf(req).Elem(), opts)
	if err == nil {
		err = call.checkReconnect(ctx)
	}
	if err != nil {
		return nil, err
	}
	return newFlow(ctx, call), nil
}
