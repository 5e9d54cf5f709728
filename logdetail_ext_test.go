package crest_test

import (
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type newThing struct {
	Trace string       `header:"X-Trace"`
	Key   crest.Secret `header:"X-Key"`
	Name  string       `json:"name"`
	Inner any          `json:"inner"`
}

var makeThing = crest.Post[newThing, any]("/things", crest.WithSuccess(200))

// echoing answers with the body of the request.
func echoing(header http.Header) crest.ClientOption {
	return crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		return &http.Response{
			StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, Header: header,
			ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(string(body))),
		}, err
	}))
}

func TestLogDetail(t *testing.T) {
	header := http.Header{
		"Content-Type": {"application/json"}, "Location": {"https://b.example/secret?x=1"}, "Link": {"</secret>; rel=next"}, "X-Long": {strings.Repeat("a\x01", 300)},
	}
	for name, tt := range map[string]struct {
		opts []crest.ClientOption
		call []crest.CallOption
		want map[string]any
	}{
		"nothing": {want: map[string]any{}},
		"bodies": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Body: 1000})},
			want: map[string]any{"request_body": `{"name":"Rex","inner":null}`, "response_body": `{"name":"Rex","inner":null}`},
		},
		"capped": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Body: 10})},
			want: map[string]any{"request_body": `{"name":"R… (27 bytes)`, "response_body": `{"name":"R… (27 bytes)`},
		},
		"fields hidden": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Body: 1000}), crest.WithRedact("NAME")},
			want: map[string]any{"request_body": `{"name":"[redacted]","inner":null}`, "response_body": `{"name":"[redacted]","inner":null}`},
		},
		"all hidden by the call": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Body: 1000})}, call: []crest.CallOption{crest.WithRedact("*")},
			want: map[string]any{"request_body": "[redacted]", "response_body": "[redacted]"},
		},
		"switched off by the call": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Body: 1000})}, call: []crest.CallOption{crest.WithLogDetail(crest.LogDetail{})},
			want: map[string]any{},
		},
		"headers": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Headers: []string{"x-trace", "X-Key", "Location", "Link", "X-Missing"}})},
			want: map[string]any{
				"request_header":  map[string]any{"X-Trace": "t-1"},
				"response_header": map[string]any{"Location": "https://b.example/[redacted]", "Link": "[redacted]"},
			},
		},
		"header hidden": {
			opts: []crest.ClientOption{crest.WithLogDetail(crest.LogDetail{Headers: []string{"X-Trace"}}), crest.WithRedact("x-trace")},
			want: map[string]any{"request_header": map[string]any{"X-Trace": "[redacted]"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log records
			c := newClient(t, "https://api.example.com", append(tt.opts, log.logger(slog.LevelDebug), echoing(header))...)
			_, err := makeThing.Call(t.Context(), c, newThing{Trace: "t-1", Key: crest.NewSecret("k"), Name: "Rex"}, tt.call...)
			require.NoError(t, err)
			got := map[string]any{}
			for key, value := range log.all(t)[0] {
				if strings.HasPrefix(key, "re") && !slices.Contains([]string{"reused", "request_id", "response_bytes"}, key) {
					got[key] = value
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// S5.38: a Secret hides the body that it stands in, on the way back as well.
func TestLogDetailSecrets(t *testing.T) {
	type login struct {
		User     string       `json:"user"`
		Password crest.Secret `json:"password"`
	}
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithLogDetail(crest.LogDetail{Body: 1000}), echoing(http.Header{"Content-Type": {"application/json"}}))
	_, err := crest.Post[login, login]("/login").Call(t.Context(), c, login{"jane", crest.NewSecret("hunter2")})
	require.NoError(t, err)
	_, err = makeThing.Call(t.Context(), c, newThing{Name: "x", Inner: map[string]any{"deep": []any{crest.NewSecret("hunter2")}}}, crest.WithRedact("deep"))
	require.NoError(t, err)
	text := log.take()
	require.NotContains(t, text, "hunter2")
	require.Contains(t, text, `"request_body":"[redacted]","response_body":"{\"name\":\"x\",\"inner\":{\"deep\":[\"[redacted]\"]}}"`)
}

// S5.38: what is hidden stays hidden when the call is tried again.
func TestLogDetailOfRetries(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithLogDetail(crest.LogDetail{Body: 1000}), crest.WithRedact("name"),
		crest.WithTransport(answers(`503 {"name":"hunter2"}`, `503 hunter2`, `200 {"name":"hunter2"}`)), crest.WithIdempotencyKey(crest.IdempotencyKey{}),
		crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return 0 }}))
	_, err := makeThing.Call(t.Context(), c, newThing{Name: "hunter2"})
	require.NoError(t, err)
	text := log.take()
	require.NotContains(t, text, "hunter2")
	require.Equal(t, 3, strings.Count(text, `"request_body":"{\"name\":\"[redacted]\"`))
}

// R21: what a server sent stands in one line, however long and whatever it holds.
func TestR21LogsAreOneLine(t *testing.T) {
	hostile := "\n\x1b[31mERROR forged\r\n" + strings.Repeat("\x00", 2000)
	var log sharedText
	c := newClient(t, "https://api.example.com", crest.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			require.NotContains(t, a.Value.String(), "\n")
			require.NotContains(t, a.Value.String(), "\x1b")
			return a
		},
	}))), crest.WithLogDetail(crest.LogDetail{Body: 100, Headers: []string{"X-Evil"}}), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 500, Status: "500 " + hostile, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Content-Type": {"text/plain"}, "X-Evil": {hostile}, "X-Request-Id": {hostile}}, Body: io.NopCloser(strings.NewReader(hostile)),
		}, nil
	})))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(500))
	text := log.take()
	require.Equal(t, 2, strings.Count(text, "\n"))
	require.Less(t, len(text), 8000)
	require.Contains(t, text, "forged")
}
