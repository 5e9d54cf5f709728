package crest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The Content-Type says how a stream is cut; an absent or an accepted one that says nothing is what was asked for first.
func TestStreamFormats(t *testing.T) {
	const one, two = `{"id":1,"name":"a"}`, `{"id":2,"name":"b"}`
	stream := "data: " + one + "\n\ndata: " + two + "\n\n"
	lines, array := one+"\n\n"+two+"\r\n", " [ "+one+" , "+two+" ] "
	for name, tt := range map[string]struct {
		contentType, body string
		accept            []string
		kind              crest.Kind // "" is no error
	}{
		"events":               {"text/event-stream", stream, nil, ""},
		"events, any charset":  {"Text/Event-Stream; charset=latin1", stream, nil, ""},
		"x-ndjson":             {"application/x-ndjson", lines, nil, ""},
		"ndjson":               {"application/ndjson", lines, nil, ""},
		"jsonl":                {"application/jsonl; charset=utf-8", lines, nil, ""},
		"json-lines":           {"application/json-lines", lines, nil, ""},
		"json-seq":             {"application/json-seq", "\x1e" + one + "\n\x1e" + two + "\n", nil, ""},
		"array":                {"application/json", array, nil, ""},
		"values":               {"application/vnd.api+json", one + two, nil, ""},
		"none":                 {"", stream, nil, ""},
		"none, lines":          {"", lines, []string{"application/x-ndjson"}, ""},
		"plain text, accepted": {"text/plain", lines, []string{"application/jsonl", "text/plain"}, ""},
		"anything":             {"application/octet-stream", array, []string{"application/json", "*/*"}, ""},
		"anything, a format":   {"application/jsonl", lines, []string{"application/json", "*/*"}, ""},
		"another":              {"text/html", "<p>sign in", nil, crest.KindContentType},
		"not accepted":         {"application/json", array, []string{"application/jsonl"}, crest.KindContentType},
		"no format":            {"application/x-thing", "x", []string{"application/x-thing"}, crest.KindContentType},
		"another charset":      {"application/json; charset=utf-16", array, nil, crest.KindDecode},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{answer: func(req *http.Request) *http.Response {
				return response(req, 200, tt.body, "Content-Type", tt.contentType)
			}}
			var opts []crest.EndpointOption
			want := "text/event-stream"
			if tt.accept != nil {
				opts, want = append(opts, crest.WithAccept(tt.accept...)), strings.Join(tt.accept, ", ")
			}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
			got, err := all(crest.NewStream[crest.Empty, thing](http.MethodGet, "/things", opts...).Call(t.Context(), c, crest.Empty{}))
			require.Equal(t, want, rec.all[0].Header.Get("Accept"))
			require.Equal(t, strings.HasPrefix(want, "text/event"), rec.all[0].Header.Get("Cache-Control") == "no-cache")
			if tt.kind != "" {
				fails(t, err, crest.ErrResponse, tt.kind, crest.SentYes)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []thing{{1, "a"}, {2, "b"}}, got)
		})
	}
}

// T says what becomes of the data.
func TestStreamData(t *testing.T) {
	type located struct {
		Limit int    `header:"X-Limit"`
		Body  []byte // as it is
	}
	c := func(contentType, body string) *crest.Client[*failure] {
		return newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, body, "Content-Type", contentType, "X-Limit", "7")))
	}
	lines := c("application/jsonl", "{\"id\":1,\"name\":\"a\"}\nnull\n\"x\"\n")
	texts, err := all(crest.NewStream[crest.Empty, string]("GET", "/").Call(t.Context(), lines, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []string{`{"id":1,"name":"a"}`, "null", `"x"`}, texts)
	raw, err := all(crest.NewStream[crest.Empty, []byte]("GET", "/").Call(t.Context(), lines, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte(texts[0]), []byte(texts[1]), []byte(texts[2])}, raw, "the bytes are the caller's")
	anything, err := all(crest.NewStream[crest.Empty, any]("GET", "/").Call(t.Context(), lines, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []any{map[string]any{"id": json.Number("1"), "name": "a"}, nil, "x"}, anything)
	nothing, err := all(crest.NewStream[crest.Empty, crest.Empty]("GET", "/").Call(t.Context(), lines, crest.Empty{}))
	require.NoError(t, err)
	require.Len(t, nothing, 3)

	pointers, err := all(crest.NewStream[crest.Empty, *thing]("GET", "/").Call(t.Context(), c("text/event-stream", "data: {\"name\":\"a\"}\n\ndata\n\ndata: null\n\n"), crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []*thing{{Name: "a"}, nil, nil}, pointers)
	withHeader, err := all(crest.NewStream[crest.Empty, located]("GET", "/").Call(t.Context(), c("text/event-stream", "data: a\n\ndata: bcd\n\n"), crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []located{{7, []byte("a")}, {7, []byte("bcd")}}, withHeader)
	slow := newClient(t, "https://api.example.com", crest.WithTransport(play(live("data: aaa\n\n", "data: bbb\n\n", "data: ccc\n\n"))))
	kept, err := all(crest.NewStream[crest.Empty, []byte]("GET", "/").Call(t.Context(), slow, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("aaa"), []byte("bbb"), []byte("ccc")}, kept, "what comes later does not overwrite it")
	type holder struct{ Body []byte }
	models, err := all(crest.NewStream[crest.Empty, holder]("GET", "/").Call(t.Context(), slow, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []holder{{[]byte("aaa")}, {[]byte("bbb")}, {[]byte("ccc")}}, models)
	forms, err := all(crest.NewStream[crest.Empty, url.Values]("GET", "/", crest.WithCodec(crest.Form())).Call(t.Context(), c("text/event-stream", "data: a=1\n\n"), crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []url.Values{{"a": {"1"}}}, forms, "the nearest codec reads events")
}

func TestStreamEvents(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithTransport(play(events("data: a\n\nid: 7\nevent: put\ndata: b\ndata: c\n\ndata: d\n\ndata: lost"))))
	got, err := all(getEvents.Events(t.Context(), c, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []crest.Event[string]{{"", "message", "a"}, {"7", "put", "b\nc"}, {"7", "message", "d"}}, got)
	require.Equal(t, "GET /events", getEvents.String())
}

// A line is an event of the id that the caller goes on from.
func TestStreamGoesOnFromAnID(t *testing.T) {
	server := play(events("data: a\n\n"))
	c := newClient(t, "https://api.example.com", crest.WithTransport(server))
	got, err := all(getEvents.Events(t.Context(), c, crest.Empty{}, crest.WithHeader("Last-Event-ID", "41")))
	require.NoError(t, err)
	require.Equal(t, []string{"41"}, server.headers("Last-Event-Id"))
	require.Equal(t, []crest.Event[string]{{"41", "message", "a"}}, got)
}

// R56: the first failure is the last pair, and the pieces before it were real.
func TestR56StreamFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		contentType, body string
		kind              crest.Kind
		before            int
		says              string
	}{
		"decode":         {"text/event-stream", "data: {\"name\":\"a\"}\n\ndata: {\n\ndata: {\"name\":\"b\"}\n\n", crest.KindDecode, 1, "piece 2 of the stream: "},
		"validation":     {"application/jsonl", "{\"name\":\"a\"}\n{\"name\":\"\"}\n", crest.KindValidation, 1, "piece 2 of the stream: "},
		"null":           {"application/json", `[null]`, crest.KindDecode, 0, "piece 1 of the stream: "},
		"empty":          {"text/event-stream", "data\n\n", crest.KindDecode, 0, "its data is empty"},
		"array, no end":  {"application/json", `[{"name":"a"},{"name":"b"}`, crest.KindTruncated, 2, "after piece 2 of the stream: unexpected EOF"},
		"array, garbage": {"application/json", `[{"name":"a"};`, crest.KindDecode, 1, "no comma"},
		"more after":     {"application/json", `[{"name":"a"}]}`, crest.KindDecode, 1, "more after the array"},
		"cut line":       {"application/jsonl", "{\"name\":\"a\"}\n{\"na", crest.KindDecode, 1, "piece 2"},
		"cut text":       {"application/json-seq", "\x1e{\"name\":\"a\"}\n\x1e{\"na", crest.KindTruncated, 1, ""},
		"no sequence":    {"application/json-seq", "{\"name\":\"a\"}\n", crest.KindDecode, 0, "record separator"},
		"a large line":   {"application/jsonl", "{\"name\":\"a\"}\n\"" + strings.Repeat("x", 50) + "\n", crest.KindTooLarge, 1, "after piece 1 of the stream: "},
		"a large event":  {"text/event-stream", "data: {\"name\":\"a\"}\n\ndata: " + strings.Repeat("x", 50) + "\n", crest.KindTooLarge, 1, "Bounds.Event"},
		"a large value":  {"application/json", "{\"name\":\"a\"}\"" + strings.Repeat("x", 50), crest.KindTooLarge, 1, "Bounds.Event"},
		"a large id":     {"text/event-stream", "id: " + strings.Repeat("x", 45) + "\n", crest.KindTooLarge, 0, "Bounds.Event"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, tt.body, "Content-Type", tt.contentType, "X-Request-Id", "r-1")),
				crest.WithBounds(crest.Bounds{Event: 40}))
			got, err := all(crest.NewStream[crest.Empty, thing](http.MethodGet, "/things").Call(t.Context(), c, crest.Empty{}))
			require.Len(t, got, tt.before)
			failed := fails(t, err, crest.ErrResponse, tt.kind, crest.SentYes)
			require.ErrorContains(t, err, tt.says)
			require.Equal(t, "GET /things", failed.Endpoint)
			require.Equal(t, "r-1", failed.RequestID)
			require.Len(t, failed.Attempts, 1)
		})
	}
}

// What fails before there is a stream fails as a call does; nothing is sent before the loop begins, and each loop sends anew.
func TestStreamBeforeTheBody(t *testing.T) {
	server := play(gives(503), givesBody(404, `{"code":"gone","message":"no such log"}`, "Content-Type", "application/json"), gives(204), events("data: a\n\n"))
	c := newClient(t, "https://api.example.com", crest.WithTransport(server), crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait}))
	loop := getEvents.Call(t.Context(), c, crest.Empty{})
	require.Zero(t, server.sent())
	_, err := all(loop)
	failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorIs(t, err, crest.Status(404))
	var model *failure
	require.ErrorAs(t, err, &model)
	require.Equal(t, "gone", model.Code)
	require.Len(t, failed.Attempts, 2)
	got, err := all(loop)
	require.NoError(t, err, "204: there is nothing to read")
	require.Empty(t, got)
	got, err = all(loop)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, got)
	require.Equal(t, 4, server.sent())

	var none *crest.Stream[crest.Empty, string]
	for name, s := range map[string]*crest.Stream[crest.Empty, string]{"nil": none, "zero": {}} {
		_, err = all(s.Call(t.Context(), c, crest.Empty{}))
		fails(t, err, crest.ErrRequest, "", crest.SentNo)
		require.ErrorContains(t, err, "crest.NewStream", name)
		require.Equal(t, "undeclared stream", s.String())
	}
	_, err = all(getEvents.Call(t.Context(), nil, crest.Empty{}))
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = all(getEvents.Call(ended, c, crest.Empty{}))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 4, server.sent())
}

// What a model says of the request holds for each loop, which has a copy of its own.
func TestStreamRequest(t *testing.T) {
	type request struct {
		Topic string `path:"topic"`
		Size  int    `query:"size" default:"10"`
		Word  string `query:"word" validate:"required"`
	}
	s := crest.NewStream[request, string](http.MethodGet, "/topics/{topic}")
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	loop := s.Call(t.Context(), c, request{Topic: "a b", Word: "x"})
	for range 2 {
		_, err := all(loop)
		require.NoError(t, err)
		require.Equal(t, "/topics/a%20b?size=10&word=x", rec.last(t).URL.RequestURI())
	}
	_, err := all(s.Call(t.Context(), c, request{Topic: "a"}))
	fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo)
	rec.none(t)
}

func TestStreamValidationModes(t *testing.T) {
	stream := crest.NewStream[crest.Empty, thing](http.MethodGet, "/")
	client := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, "{\"id\":1}\n{\"id\":2}\n", "Content-Type", "application/jsonl")))
	reported := 0
	for _, v := range []crest.Validation{{Mode: crest.Off}, {Mode: crest.Observe, Report: func(_ context.Context, err *crest.CallError) {
		require.Equal(t, crest.KindValidation, err.Kind)
		reported++
	}}} {
		got, err := all(stream.Call(t.Context(), client, crest.Empty{}, crest.WithValidation(v)))
		require.NoError(t, err)
		require.Len(t, got, 2)
	}
	require.Equal(t, 2, reported)
	_, err := all(stream.Call(t.Context(), client, crest.Empty{}, crest.WithStrictFields()))
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	strict := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, "{\"name\":\"a\",\"x\":1}\n", "Content-Type", "application/jsonl")))
	_, err = all(stream.Call(t.Context(), strict, crest.Empty{}, crest.WithStrictFields()))
	fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
}

// A marker ends a stream; where one is declared, its absence is an error.
func TestStreamDone(t *testing.T) {
	for name, tt := range map[string]struct {
		contentType, body string
		options           []crest.CallOption
		want              []string
		kind              crest.Kind
	}{
		"events":          {"text/event-stream", "data: a\n\ndata: [DONE]\n\ndata: b\n\n", nil, []string{"a"}, ""},
		"space around it": {"text/event-stream", "data:  [DONE] \n\ndata: b\n\n", nil, nil, ""},
		"lines":           {"application/jsonl", "1\n[DONE]\n{\n", nil, []string{"1"}, ""},
		"missing":         {"text/event-stream", "data: a\n\n", nil, []string{"a"}, crest.KindTruncated},
		"part of it":      {"text/event-stream", "data: a [DONE]\n\ndata: [DONE]\n", nil, []string{"a [DONE]"}, crest.KindTruncated},
		"missing lines":   {"application/jsonl", "1\n", nil, []string{"1"}, crest.KindTruncated},
		"the nearest":     {"text/event-stream", "data: [DONE]\n\ndata: end\n\n", []crest.CallOption{crest.WithDone("over", "end")}, []string{"[DONE]"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, tt.body, "Content-Type", tt.contentType)), crest.WithDone("[DONE]"))
			got, err := all(getEvents.Call(t.Context(), c, crest.Empty{}, tt.options...))
			require.Equal(t, tt.want, got)
			if tt.kind == "" {
				require.NoError(t, err)
				return
			}
			fails(t, err, crest.ErrResponse, tt.kind, crest.SentYes)
			require.ErrorContains(t, err, "without [DONE]")
		})
	}
}

func TestStreamMistakes(t *testing.T) {
	declare := func(method string, opts ...crest.EndpointOption) func() {
		return func() { crest.NewStream[crest.Empty, thing](method, "/x", opts...) }
	}
	for name, tt := range map[string]struct {
		declare func()
		want    string
	}{
		"route":          {func() { crest.NewStream[crest.Empty, thing]("GET", "x") }, "GET x: "},
		"live":           {func() { crest.NewStream[crest.Empty, io.ReadCloser]("GET", "/") }, "the pieces of a stream have no reader"},
		"HEAD":           {declare("HEAD"), "HEAD has no body to stream"},
		"POST":           {declare("POST", crest.WithReconnect()), "use an idempotent method, WithIdempotent or WithIdempotencyKey"},
		"not idempotent": {declare("GET", crest.WithReconnect(), crest.WithoutIdempotent()), "use an idempotent method"},
		"no marker":      {declare("GET", crest.WithDone()), "WithDone: no marker"},
		"empty marker":   {declare("GET", crest.WithDone("a", "")), "WithDone: a marker is empty"},
		"bound":          {declare("GET", crest.WithBounds(crest.Bounds{Event: -2})), "WithBounds"},
		"no stream":      {func() { crest.Get[crest.Empty, thing]("/x", crest.WithReconnect()) }, "crest.NewStream"},
		"no stream, end": {func() { crest.Get[crest.Empty, thing]("/x", crest.WithDone("x")) }, "crest.NewStream"},
	} {
		t.Run(name, func(t *testing.T) { require.Contains(t, panicText(t, tt.declare), tt.want) })
	}
	for _, fine := range []func(){
		declare("POST", crest.WithReconnect(), crest.WithIdempotent()), declare("POST", crest.WithReconnect(), crest.WithIdempotencyKey(crest.IdempotencyKey{})),
		declare("PUT", crest.WithReconnect()), declare("POST", crest.WithDone("x")),
	} {
		require.NotPanics(t, fine)
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithReconnect())
	_, err := all(crest.NewStream[crest.Empty, thing]("POST", "/x").Call(t.Context(), c, crest.Empty{}))
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.ErrorContains(t, err, "WithReconnect")
	rec.none(t)
	_, err = all(crest.NewStream[crest.Empty, thing]("POST", "/x").Call(t.Context(), c, crest.Empty{}, crest.WithIdempotent()))
	require.NoError(t, err)
}

// A broken connection is a typed error, whatever the format.
func TestStreamBroken(t *testing.T) {
	broken := errors.New("broken")
	for contentType, begun := range map[string]string{
		"text/event-stream": "data: a", "application/jsonl": "{", "application/json-seq": "\x1e{", "application/json": "[1",
	} {
		c := newClient(t, "https://api.example.com", crest.WithTransport(play(func(req *http.Request) (*http.Response, error) {
			resp := response(req, 200, "", "Content-Type", contentType)
			resp.Body = &body{ctx: req.Context(), pieces: []any{begun, broken}}
			return resp, nil
		})))
		_, err := all(getEvents.Call(t.Context(), c, crest.Empty{}))
		fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
		require.ErrorIs(t, err, broken)
	}
}

// S4.48: lines are pieces of a stream; of a body that the caller reads, the standard library reads what it always does.
func TestFeatureLines(t *testing.T) {
	text := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, "one\ntwo\nthree", "Content-Type", "text/plain")))
	lines, err := all(crest.NewStream[crest.Empty, string]("GET", "/", crest.WithAccept("application/x-ndjson", "text/plain")).Call(t.Context(), text, crest.Empty{}))
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two", "three"}, lines)

	body, err := download.Call(t.Context(), newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, "12345"))), crest.Empty{})
	require.NoError(t, err)
	defer body.Close()
	n, err := io.ReadFull(body, make([]byte, 10))
	require.Equal(t, 5, n)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
