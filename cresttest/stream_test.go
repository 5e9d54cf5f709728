package cresttest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

type watchRequest struct {
	Kind string `query:"kind,omitzero"`
}

// collect ranges over a stream.
func collect[T any](t *testing.T, srv *cresttest.Server, st *crest.Stream[watchRequest, T], opts ...crest.CallOption) (got []crest.Event[T], err error) {
	t.Helper()
	for e, err := range st.Events(t.Context(), client(t, srv), watchRequest{Kind: "dog"}, opts...) {
		if err != nil {
			return got, err
		}
		got = append(got, e)
	}
	return got, nil
}

func TestHandleStream(t *testing.T) {
	events := []crest.Event[pet]{{ID: "1", Type: "message", Data: pet{ID: 1, Name: "a\nb"}}, {ID: "2", Type: "gone", Data: pet{ID: 2}}}
	for name, accept := range map[string]string{
		"events": "text/event-stream", "lines": "application/x-ndjson", "sequence": "application/json-seq", "values": "application/json",
	} {
		t.Run(name, func(t *testing.T) {
			watch := crest.NewStream[watchRequest, pet](http.MethodGet, "/watch", crest.WithAccept(accept))
			srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
			cresttest.HandleStream(srv, watch, func(_ context.Context, req watchRequest, send func(crest.Event[pet]) error) error {
				require.Equal(t, "dog", req.Kind)
				for _, e := range events {
					if err := send(e); err != nil {
						return err
					}
				}
				return nil
			})
			got, err := collect(t, srv, watch)
			require.NoError(t, err)
			want := events
			if name != "events" {
				want = []crest.Event[pet]{{Data: events[0].Data}, {Data: events[1].Data}}
			}
			require.Equal(t, want, got)
			require.Len(t, cresttest.Calls(srv, watch), 1)
		})
	}
}

func TestHandleStreamText(t *testing.T) {
	watch := crest.NewStream[watchRequest, string](http.MethodPost, "/chat", crest.WithDone("[DONE]"))
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	say := []string{"hello", "", "two\nlines\n", " spaced"}
	cresttest.HandleStream(srv, watch, func(_ context.Context, _ watchRequest, send func(crest.Event[string]) error) error {
		for _, text := range say {
			if err := send(crest.Event[string]{Data: text}); err != nil {
				return err
			}
		}
		return nil
	})
	events, err := collect(t, srv, watch)
	require.NoError(t, err)
	var got []string
	for _, e := range events {
		got = append(got, e.Data)
	}
	require.Equal(t, say, got)
}

func TestHandleStreamFailures(t *testing.T) {
	watch := crest.NewStream[watchRequest, pet](http.MethodGet, "/watch", crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound]()}))
	tests := map[string]struct {
		handle func(send func(crest.Event[pet]) error) error
		fault  cresttest.Fault
		want   error
		events int
	}{
		"before": {func(func(crest.Event[pet]) error) error { return &notFound{} }, cresttest.Fault{}, crest.Status(404), 0},
		"in between": {func(send func(crest.Event[pet]) error) error {
			return errors.Join(send(crest.Event[pet]{Data: pet{ID: 1}}), errors.New("oops"))
		}, cresttest.Fault{}, crest.KindTruncated, 1},
		"cut": {func(send func(crest.Event[pet]) error) error {
			return errors.Join(send(crest.Event[pet]{Data: pet{ID: 1}}), send(crest.Event[pet]{Data: pet{ID: 2}}))
		}, cresttest.Fault{Cut: true, After: 40}, crest.KindTruncated, 1},
		"status": {nil, cresttest.Fault{Status: 503}, crest.Status(503), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
			cresttest.HandleStream(srv, watch, func(_ context.Context, _ watchRequest, send func(crest.Event[pet]) error) error {
				return tt.handle(send)
			})
			srv.Fail(1, tt.fault, watch)
			got, err := collect(t, srv, watch)
			require.ErrorIs(t, err, tt.want)
			require.Len(t, got, tt.events)
		})
	}
}

func TestHandleStreamThatCannotBeWritten(t *testing.T) {
	watch := crest.NewStream[watchRequest, string](http.MethodGet, "/watch")
	for name, e := range map[string]crest.Event[string]{
		"id": {ID: "1\n2"}, "type": {Type: "a\r"}, "data": {Data: "a\rb"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
			cresttest.HandleStream(srv, watch, func(_ context.Context, _ watchRequest, send func(crest.Event[string]) error) error { return send(e) })
			_, err := collect(t, srv, watch)
			require.Error(t, err)
			require.Contains(t, w.text(), "which an event stream cannot carry")
		})
	}
}

// A reconnect goes on behind the last event; each piece is there when it was sent.
func TestHandleStreamReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := crest.NewStream[watchRequest, int](http.MethodGet, "/watch", crest.WithReconnect())
		srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
		cresttest.HandleStream(srv, watch, func(ctx context.Context, _ watchRequest, send func(crest.Event[int]) error) error {
			switch cresttest.ReplyOf(ctx).Request.Header.Get("Last-Event-ID") {
			case "":
				if err := send(crest.Event[int]{ID: "a", Data: 1}); err != nil {
					return err
				}
				return errors.New("lost")
			case "a":
				if err := send(crest.Event[int]{ID: "b", Data: 2}); err != nil {
					return err
				}
				time.Sleep(time.Hour) // the client leaves at once
				return nil
			}
			return crest.Status(500)
		})
		var got []int
		for n, err := range watch.Call(t.Context(), client(t, srv, crest.WithRetry(crest.Retry{Max: 3})), watchRequest{}) {
			require.NoError(t, err)
			if got = append(got, n); n == 2 {
				break
			}
		}
		require.Equal(t, []int{1, 2}, got)
	})
}
