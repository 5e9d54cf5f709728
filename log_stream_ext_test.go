package crest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// What a loop over a stream returned is in the record of its body, whatever it was: the call had succeeded, with the header.
func TestLogStreamFailures(t *testing.T) {
	type row struct {
		Name string `json:"name" validate:"required"`
	}
	never := crest.WithRetry(crest.Retry{Max: -1})
	for name, tt := range map[string]struct {
		body string
		opts []crest.CallOption
		want map[string]any
	}{
		"no mark of the end":  {"data: {\"name\":\"a\"}\n\n", []crest.CallOption{crest.WithDone("[DONE]")}, map[string]any{"step": "response", "kind": "truncated"}},
		"decode":              {"data: {\"name\":7}\n\n", nil, map[string]any{"step": "response", "kind": "decode"}},
		"decode, more behind": {"data: {\"name\":7}\n\ndata: {}\n\n", nil, map[string]any{"step": "response", "kind": "decode"}},
		"validation":          {"data: {}\n\n", nil, map[string]any{"step": "response", "kind": "validation"}},
		"a check":             {"data: {\"name\":\"a\"}\n\ndata: {\"error\":1,\"message\":\"too many\"}\n\n", []crest.CallOption{errorInside}, map[string]any{"step": "status"}},
		"too large":           {"data: {\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n\n", []crest.CallOption{crest.WithBounds(crest.Bounds{Event: 20})}, map[string]any{"step": "response", "kind": "too large"}},
		"reconnects no more":  {"data: {\"name\":\"a\"}\n\n", []crest.CallOption{crest.WithReconnect(), never}, map[string]any{"step": "response", "kind": "truncated"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log records
			c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithStats(),
				crest.WithTransport(fixed(200, tt.body, "Content-Type", "text/event-stream")))
			_, err := all(crest.NewStream[crest.Empty, row](http.MethodGet, "/rows").Call(t.Context(), c, crest.Empty{}, tt.opts...))
			require.Error(t, err)
			records := log.all(t)
			require.Len(t, records, 2)
			require.Equal(t, "INFO", records[0]["level"])
			tt.want["level"], tt.want["msg"], tt.want["error"] = "WARN", "crest: body ended", err.Error()
			require.Subset(t, records[1], tt.want)
			require.EqualValues(t, 1, only(t, c).Broken, "the figures say the same")
		})
	}
}

// A stream that was read to its end, or that the loop left, has not failed.
func TestLogStreamWithoutFailure(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(play(events("data: a\n\ndata: b\n\n"))))
	for range getEvents.Call(t.Context(), c, crest.Empty{}) {
	}
	for range getEvents.Call(t.Context(), c, crest.Empty{}) {
		break
	}
	for _, r := range log.all(t) {
		require.Equal(t, "INFO", r["level"], r)
		require.NotContains(t, r, "error")
	}
}

// A connection that is mended is no failure: the loop knows nothing of it, and the record of the retry has the cause. What ends it is one.
func TestLogStreamReconnect(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo),
		crest.WithTransport(play(events("id: 1\ndata: a\n\n"), events("id: 2\ndata: b\n\n"), events("data: c\n\n"))),
		crest.WithRetry(crest.Retry{Max: 3, Backoff: noWait}))
	_, err := all(getEvents.Call(t.Context(), c, crest.Empty{}, crest.WithReconnect(),
		crest.WithCheck(func(e *crest.Error) bool { return bytes.Contains(e.Body, []byte("c")) })))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	var ends []any
	for _, r := range log.all(t) {
		if r["msg"] == "crest: body ended" {
			ends = append(ends, r["level"])
		}
	}
	require.Equal(t, []any{"INFO", "INFO", "WARN"}, ends)
}

// A cancelled loop says so, also where the context ended while the loop had its piece in hand.
func TestLogStreamCancelled(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(play(events("data: a\n\ndata: b\n\n"))))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var failed error
	for _, err := range getEvents.Call(ctx, c, crest.Empty{}) {
		failed = err
		cancel(errors.New("enough of it"))
	}
	require.ErrorIs(t, failed, context.Canceled)
	end := log.all(t)[1]
	require.Subset(t, end, map[string]any{"level": "WARN", "msg": "crest: body ended", "step": "transport", "error": failed.Error()})
}

// An answered 401 is no attempt of its own; its number stands beside the redirects, and in the record of the attempt that it was part of.
func TestLogChallenges(t *testing.T) {
	var log records
	i := &issuer{}
	server := play(gives(401), givesBody(200, thingJSON, "Content-Type", "application/json"), givesBody(200, thingJSON, "Content-Type", "application/json"))
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithTransport(server), crest.WithBearer(i.source()))
	for range 2 {
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	all := log.all(t)
	require.Len(t, all, 4)
	for _, r := range all[:2] {
		require.Equal(t, 1.0, r["challenges"], r)
		require.Equal(t, 200.0, r["status"])
	}
	for _, r := range all[2:] {
		require.NotContains(t, r, "challenges")
	}
}

// Redirects and retries are none of them; each attempt has its own.
func TestLogChallengesOfAttempts(t *testing.T) {
	var log records
	i := &issuer{}
	moved := func(req *http.Request) (*http.Response, error) {
		return response(req, 307, "", "Location", "/there"), nil
	}
	server := play(gives(401), gives(503), moved, givesBody(200, thingJSON, "Content-Type", "application/json"))
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithTransport(server), crest.WithBearer(i.source()),
		crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait}))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	attempts, last := log.ofAttempts(t, "challenges")
	require.Equal(t, []any{1.0, nil}, attempts)
	require.NotContains(t, last, "challenges")
	require.Equal(t, 1.0, last["redirects"])
}

// A redirect stands in the record of the attempt that followed it, also when a later attempt met none.
func TestLogRedirectsOfAttempts(t *testing.T) {
	var log records
	moved := func(req *http.Request) (*http.Response, error) {
		return response(req, 307, "", "Location", "/there"), nil
	}
	server := play(moved, moved, gives(503), givesBody(200, thingJSON, "Content-Type", "application/json"))
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithTransport(server), crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait}))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	attempts, last := log.ofAttempts(t, "redirects")
	require.Equal(t, []any{2.0, nil}, attempts)
	require.NotContains(t, last, "redirects")
}

// ofAttempts is what the records of a call's attempts have under key, and the record of the call.
func (r *records) ofAttempts(t *testing.T, key string) (of []any, call map[string]any) {
	for _, one := range r.all(t) {
		switch one["msg"] {
		case "crest: attempt":
			of = append(of, one[key])
		case "crest: call":
			call = one
		}
	}
	require.NotNil(t, call, "the record of the call")
	return of, call
}
