package cresttest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

type (
	askRequest struct {
		Question string `json:"question" validate:"required"`
	}
	streamRequest struct {
		askRequest
		Stream bool `json:"stream" default:"true"`
	}
	word struct {
		Text string `json:"text"`
	}
)

var askWhole = crest.Post[askRequest, word]("/ask")

// An endpoint and a stream of one route, as the APIs of language models have them, are told apart by what the request accepts.
func TestEndpointAndStreamOfOneRoute(t *testing.T) {
	for name, accept := range map[string][]string{"events": {"text/event-stream"}, "lines": {"application/x-ndjson"}, "several": {"application/jsonl", "text/plain"}} {
		for order, streamFirst := range map[string]bool{"endpoint first": false, "stream first": true} {
			t.Run(name+"/"+order, func(t *testing.T) {
				stream := crest.NewStream[streamRequest, word](http.MethodPost, "/ask", crest.WithAccept(accept...))
				srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
				if streamFirst {
					handleWords(srv, stream, "streamed")
				}
				cresttest.Handle(srv, askWhole, func(_ context.Context, req askRequest) (word, error) { return word{"whole " + req.Question}, nil })
				if !streamFirst {
					handleWords(srv, stream, "streamed")
				}
				answersWords(t, srv, stream, "whole why", "streamed why")

				calls := cresttest.Calls(srv, askWhole)
				require.Len(t, calls, 1)
				require.Equal(t, askRequest{"why"}, calls[0].Req)
				streamed := cresttest.Calls(srv, stream)
				require.Len(t, streamed, 1)
				require.Equal(t, streamRequest{askRequest{"why"}, true}, streamed[0].Req)

				handleWords(srv, stream, "again")
				answersWords(t, srv, stream, "whole why", "again why")
				cresttest.Handle(srv, askWhole, func(context.Context, askRequest) (word, error) { return word{"another"}, nil })
				answersWords(t, srv, stream, "another", "again why")
			})
		}
	}
}

func handleWords(srv *cresttest.Server, stream *crest.Stream[streamRequest, word], says string) {
	cresttest.HandleStream(srv, stream, func(_ context.Context, req streamRequest, send func(crest.Event[word]) error) error {
		return send(crest.Event[word]{Data: word{says + " " + req.Question}})
	})
}

func answersWords(t *testing.T, srv *cresttest.Server, stream *crest.Stream[streamRequest, word], whole, streamed string) {
	t.Helper()
	c := client(t, srv)
	got, err := askWhole.Call(t.Context(), c, askRequest{"why"})
	require.NoError(t, err)
	require.Equal(t, whole, got.Text)
	for w, err := range stream.Call(t.Context(), c, streamRequest{askRequest: askRequest{"why"}}) {
		require.NoError(t, err)
		require.Equal(t, streamed, w.Text)
	}
}

// A fault of the one is none of the other; without the other a stream answers whatever is accepted.
func TestFaultOfOneOfTwo(t *testing.T) {
	stream := crest.NewStream[streamRequest, word](http.MethodPost, "/ask")
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	handleWords(srv, stream, "streamed")
	require.Equal(t, 200, send(t, srv, "POST", "/v1/ask", `{"question":"why","stream":true}`))
	cresttest.Handle(srv, askWhole, func(context.Context, askRequest) (word, error) { return word{"whole"}, nil })
	srv.Fail(-1, cresttest.Fault{Status: 418}, stream)
	c := client(t, srv)
	_, err := askWhole.Call(t.Context(), c, askRequest{"why"})
	require.NoError(t, err)
	for _, err := range stream.Call(t.Context(), c, streamRequest{askRequest: askRequest{"why"}}) {
		require.ErrorIs(t, err, crest.Status(418))
	}
	srv.Heal()
	srv.Fail(-1, cresttest.Fault{Status: 418}, askWhole)
	_, err = askWhole.Call(t.Context(), c, askRequest{"why"})
	require.ErrorIs(t, err, crest.Status(418))
	for _, err := range stream.Call(t.Context(), c, streamRequest{askRequest: askRequest{"why"}}) {
		require.NoError(t, err)
	}
	srv.Heal()
	require.Equal(t, 200, send(t, srv, "POST", "/v1/ask", `{"question":"why"}`), "what says nothing of streams is the endpoint's")
}

// A stream of application/json cannot be told from an endpoint.
func TestTwoThatAreTheSame(t *testing.T) {
	rows := crest.NewStream[crest.Empty, word](http.MethodGet, "/rows", crest.WithAccept("application/json"))
	whole := crest.Get[crest.Empty, []word]("/rows")
	w := &witness{TB: t}
	srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
	cresttest.HandleStream(srv, rows, func(context.Context, crest.Empty, func(crest.Event[word]) error) error { return nil })
	require.Empty(t, w.text())
	cresttest.Handle(srv, whole, func(context.Context, crest.Empty) ([]word, error) { return nil, nil })
	require.Contains(t, w.text(), "GET /rows is an endpoint and a stream of application/json")
}

// A cassette tells them apart as well: each answer is held to its own model.
func TestCassetteOfEndpointAndStream(t *testing.T) {
	stream := crest.NewStream[streamRequest, word](http.MethodPost, "/ask")
	for name, ops := range map[string][]cresttest.CassetteOption{
		"endpoint first": {cresttest.Of(askWhole), cresttest.OfStream(stream)}, "stream first": {cresttest.OfStream(stream), cresttest.Of(askWhole)},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeck(t, answers(answer(200, `{"text":"whole"}`, "Content-Type", "application/json"), answer(200, "data: {\"text\":\"streamed\"}\n\n", "Content-Type", "text/event-stream")), ops...)
			calls := func(c *crest.Client[*apiError]) {
				got, err := askWhole.Call(t.Context(), c, askRequest{"why"})
				require.NoError(t, err)
				require.Equal(t, "whole", got.Text)
				for w, err := range stream.Call(t.Context(), c, streamRequest{askRequest: askRequest{"why"}}) {
					require.NoError(t, err)
					require.Equal(t, "streamed", w.Text)
				}
			}
			require.Empty(t, d.run("record", calls))
			d.way = offline
			require.Empty(t, d.run("strict", calls))
		})
	}
}
