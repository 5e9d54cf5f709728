package crest_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// getEvents is an event stream of plain text, which most tests are about.
var getEvents = crest.NewStream[crest.Empty, string](http.MethodGet, "/events")

// events is a step that answers with an event stream, and then ends it.
func events(text string) step { return givesBody(200, text, "Content-Type", "text/event-stream") }

// body is what a live answer does: it gives its pieces one by one, and rests between them as long as they say.
type body struct {
	ctx    context.Context
	pieces []any // string, time.Duration, error
	closed bool
}

// live is a step that answers with an event stream that takes its time.
func live(pieces ...any) step {
	return func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "", "Content-Type", "text/event-stream")
		resp.Body, resp.ContentLength = &body{ctx: req.Context(), pieces: slices.Clone(pieces)}, -1
		return resp, nil
	}
}

func (b *body) Read(p []byte) (int, error) {
	if len(b.pieces) == 0 {
		return 0, io.EOF
	}
	next := b.pieces[0]
	if text, ok := next.(string); ok {
		n := copy(p, text)
		if b.pieces[0] = text[n:]; n == len(text) {
			b.pieces = b.pieces[1:]
		}
		return n, nil
	}
	b.pieces = b.pieces[1:]
	if err, ok := next.(error); ok {
		return 0, err
	}
	select {
	case <-time.After(next.(time.Duration)):
		return b.Read(p)
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

// all loops to the end.
func all[T any](loop iter.Seq2[T, error]) (got []T, err error) {
	for v, e := range loop {
		if e != nil {
			if err != nil {
				panic("a loop had two errors")
			}
			err = e
			continue
		}
		if err != nil {
			panic("a loop went on after an error")
		}
		got = append(got, v)
	}
	return got, err
}

// datas are the data of events.
func datas(es []crest.Event[string]) (got []string) {
	for _, e := range es {
		got = append(got, e.Data)
	}
	return got
}

// streaming serves h, flushed after each line that it is given to write.
func streaming(h func(w io.StringWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		h(flushed{w}, r)
	}
}

type flushed struct{ http.ResponseWriter }

func (f flushed) WriteString(s string) (int, error) {
	n, err := io.Copy(f.ResponseWriter, strings.NewReader(s))
	if err == nil {
		err = http.NewResponseController(f.ResponseWriter).Flush()
	}
	return int(n), err
}

// soon fails the test unless done is closed within the time that R56 gives. It belongs into a bubble: on a busy machine the server may be late
// by itself.
func soon(t testing.TB, done <-chan time.Time, since time.Time) {
	t.Helper()
	select {
	case at := <-done:
		require.Less(t, at.Sub(since), 100*time.Millisecond, "the server saw the close too late")
	case <-time.After(5 * time.Second):
		t.Fatal("the server never saw the close")
	}
}
