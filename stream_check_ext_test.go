package crest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// errorInside is a check as an SDK would write it.
var errorInside = crest.WithCheck(func(e *crest.Error) bool {
	var said struct {
		Error any `json:"error"`
	}
	return json.Unmarshal(e.Body, &said) == nil && said.Error != nil
})

// told is an API's error, as the body of an answer or as a piece of one.
type told struct {
	Detail struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (e *told) Error() string { return e.Detail.Message }

// A piece that the check finds is the failure that an answer would be, with the API's own model; the pieces before it were real, and what
// comes after is not read.
func TestStreamCheck(t *testing.T) {
	const good, bad = `{"id":1,"name":"a"}`, `{"error":{"message":"too many"}}`
	for name, tt := range map[string]struct{ contentType, body string }{
		"events":   {"text/event-stream", "data: " + good + "\n\nevent: error\ndata: " + bad + "\n\ndata: " + good + "\n\n"},
		"lines":    {"application/jsonl", good + "\n" + bad + "\n" + good + "\n"},
		"sequence": {"application/json-seq", "\x1e" + good + "\n\x1e" + bad + "\n\x1e" + good + "\n"},
		"array":    {"application/json", "[" + good + "," + bad + "," + good + "]"},
		"values":   {"application/vnd.x+json", good + bad + good},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := crest.New[*told]("https://api.example.com",
				crest.WithTransport(fixed(200, tt.body, "Content-Type", tt.contentType, "X-Request-Id", "r-1")))
			require.NoError(t, err)
			checksPieces[thing](t, c)
			checksPieces[*thing](t, c)
			checksPieces[string](t, c)
			checksPieces[[]byte](t, c)
			checksPieces[any](t, c)
			checksPieces[json.RawMessage](t, c)
			checksPieces[crest.Empty](t, c)
		})
	}
}

func checksPieces[T any](t *testing.T, c *crest.Client[*told]) {
	t.Helper()
	things := crest.NewStream[crest.Empty, T](http.MethodGet, "/things", errorInside)
	got, err := all(things.Call(t.Context(), c, crest.Empty{}))
	require.Len(t, got, 1)
	failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorIs(t, err, crest.Status(200))
	require.EqualError(t, err, "crest: GET /things: piece 2 of the stream: 200 OK: too many")
	require.Equal(t, "GET /things", failed.Endpoint)
	require.Equal(t, "r-1", failed.RequestID)
	require.Len(t, failed.Attempts, 1)
	model, ok := c.AsError(err)
	require.True(t, ok)
	require.Equal(t, "too many", model.Detail.Message)
	var answer *crest.Error
	require.ErrorAs(t, err, &answer)
	require.JSONEq(t, `{"error":{"message":"too many"}}`, string(answer.Body), "what comes later does not overwrite it")
	require.Equal(t, 200, answer.StatusCode)
	require.Equal(t, "r-1", answer.RequestID)
	require.Equal(t, 1, answer.Attempts)
	require.Equal(t, "https://api.example.com/things", answer.URL)
}

// The nearest check is asked, of each piece once, before it is decoded; not of the mark of the end.
func TestStreamCheckIsAsked(t *testing.T) {
	var asked []string
	note := func(fails bool) crest.Option {
		return crest.WithCheck(func(e *crest.Error) bool {
			asked = append(asked, string(e.Body)+" "+e.Header.Get("X-A"))
			return fails
		})
	}
	c := newClient(t, "https://api.example.com", note(true), crest.WithTransport(fixed(200, "data: {\"name\":\"a\"}\n\ndata: {}\n\ndata: [DONE]\n\n", "Content-Type", "text/event-stream", "X-A", "v")))
	things := crest.NewStream[crest.Empty, thing](http.MethodGet, "/things", crest.WithDone("[DONE]"))
	got, err := all(things.Call(t.Context(), c, crest.Empty{}, note(false)))
	require.Equal(t, []thing{{Name: "a"}}, got)
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	require.Equal(t, []string{`{"name":"a"} v`, "{} v"}, asked)

	asked = nil
	got, err = all(things.Call(t.Context(), c, crest.Empty{}))
	require.Empty(t, got)
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.Len(t, asked, 1)

	asked = nil
	texts, err := all(crest.NewStream[crest.Empty, string](http.MethodGet, "/things", crest.WithDone("[DONE]"), note(false)).Call(t.Context(), c, crest.Empty{}))
	require.NoError(t, err)
	require.Len(t, texts, 2)
	require.Len(t, asked, 2)
}

// The error map names the model, by the status of the answer; a body that is none is quoted; a Secret hides it.
func TestStreamCheckModels(t *testing.T) {
	type hidden struct {
		Key crest.Secret `json:"key"`
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, "data: oh no\n\n", "Content-Type", "text/event-stream")),
		crest.WithCheck(func(e *crest.Error) bool { return bytes.HasPrefix(e.Body, []byte("oh")) }))
	_, err := all(crest.NewStream[crest.Empty, thing]("GET", "/").Call(t.Context(), c, crest.Empty{}, crest.WithErrors(crest.ErrorMap{200: sentinel("exact")})))
	require.ErrorIs(t, err, marked("exact"))
	_, err = all(crest.NewStream[crest.Empty, thing]("GET", "/").Call(t.Context(), c, crest.Empty{}))
	require.EqualError(t, err, `crest: GET /: piece 1 of the stream: 200 OK (no *crest_test.failure: decode: json: not valid JSON at byte 1): "oh no"`)
	_, err = all(crest.NewStream[crest.Empty, hidden]("GET", "/").Call(t.Context(), c, crest.Empty{}))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.NotContains(t, err.Error(), "oh no")
	_, err = all(crest.NewStream[crest.Empty, thing]("GET", "/", crest.WithRedact("*")).Call(t.Context(), c, crest.Empty{}))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.NotContains(t, err.Error(), "oh no")
}

// What the server says is the end: nothing is gone on with.
func TestStreamCheckEndsAReconnect(t *testing.T) {
	server := play(events("id: 1\ndata: {\"error\":{\"message\":\"too many\"}}\n\n"))
	c := newClient(t, "https://api.example.com", crest.WithTransport(server))
	_, err := all(getEvents.Call(t.Context(), c, crest.Empty{}, crest.WithReconnect(), errorInside))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.Equal(t, 1, server.sent())
}

// A function that panics leaves nothing open.
func TestStreamCheckPanics(t *testing.T) {
	opened := live("data: a\n\n")
	var open *body
	c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		resp, err := opened(req)
		open = resp.Body.(*body)
		return resp, err
	})))
	require.PanicsWithValue(t, "of the check", func() {
		_, _ = all[string](oneLoop(c, crest.WithCheck(func(*crest.Error) bool { panic("of the check") })))
	})
	require.True(t, open.closed)
}

func oneLoop(c crest.Caller, opts ...crest.CallOption) iter.Seq2[string, error] {
	return getEvents.Call(context.Background(), c, crest.Empty{}, opts...)
}
