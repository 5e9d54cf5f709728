package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/crest-go/crest"
)

// recipe: lively

// errSilent ends a stream that had nothing to say for too long.
var errSilent = errors.New("the stream has said nothing for too long")

// lively is the loop of a stream that has to say something: it ends with errSilent when no event came for d, counted from the beginning of the loop
// and then from the end of the work on the event before.
func lively[T any](ctx context.Context, d time.Duration, loop func(ctx context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(d, func() { cancel(errSilent) })
		defer silence.Stop()
		for event, err := range loop(ctx) {
			silence.Stop()
			if err != nil && context.Cause(ctx) == errSilent {
				err = errSilent // instead of a cancellation that nobody asked for
			}
			if !yield(event, err) {
				return
			}
			silence.Reset(d)
		}
	}
}

// end of recipe

// The server keeps the connection and has nothing to say but a comment. Timeouts.Idle is content with that for five minutes, and anew with each comment.
func Example_livelyStream() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": still here\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	c, err := crest.New[*crest.Problem](server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	// recipe: lively-use
	talk := crest.NewStream[crest.Empty, string](http.MethodGet, "/talk")
	words := func(ctx context.Context) iter.Seq2[string, error] { return talk.Call(ctx, c, crest.Empty{}) }
	for word, err := range lively(context.Background(), 50*time.Millisecond, words) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(word)
	}
	// end of recipe

	// Output: the stream has said nothing for too long
}
