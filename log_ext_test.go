package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// records are what a logger wrote, without the time.
type records struct{ sharedText }

// logger writes all levels from the given one to the records.
func (r *records) logger(from slog.Level) crest.ClientOption {
	return crest.WithLogger(slog.New(slog.NewJSONHandler(&r.sharedText, &slog.HandlerOptions{Level: from})))
}

// all takes the records, oldest first.
func (r *records) all(t *testing.T) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(r.take()) {
		var one map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &one))
		delete(one, "time")
		list = append(list, one)
	}
	return list
}

// answers is a transport that gives one answer after the other, and the last one again.
func answers(list ...string) inMemory {
	n := 0
	return func(req *http.Request) (*http.Response, error) {
		status, body, _ := strings.Cut(list[min(n, len(list)-1)], " ")
		n++
		if status == "refused" {
			return nil, errors.New("refused by the test")
		}
		code := map[string]int{"200": 200, "404": 404, "503": 503}[status]
		return &http.Response{
			StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(body)),
			Header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"r-1"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

type findThing struct {
	ID    int          `path:"id"`
	Page  int          `query:"page"`
	Owner string       `query:"owner"`
	Key   crest.Secret `header:"X-Key"`
}

var findThings = crest.Get[findThing, thing]("/things/{id}")

func TestLogCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log records
		rt := answers("200 " + thingJSON)
		c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return rt(req)
		})))
		_, err := findThings.Call(t.Context(), c, findThing{ID: 7, Page: 2, Owner: "jane", Key: crest.NewSecret("k")})
		require.NoError(t, err)
		require.Equal(t, []map[string]any{
			{"level": "DEBUG", "msg": "crest: attempt", "endpoint": "GET /things/{id}", "attempt": 1.0, "status": 200.0, "duration": 1e9, "reused": false, "request_id": "r-1", "response_bytes": float64(len(thingJSON))},
			{
				"level": "INFO", "msg": "crest: call", "endpoint": "GET /things/{id}", "method": "GET", "route": "/things/{id}",
				"host": "api.example.com", "query": "page=2&owner=[redacted]", "status": 200.0, "attempts": 1.0, "duration": 1e9,
				"request_id": "r-1", "response_bytes": float64(len(thingJSON)),
			},
		}, log.all(t))
	})
}

// S1.39: one retry makes two records, with the attempt's number, the cause and the wait.
func TestLogRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log records
		c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(answers(`503 {"message":"busy"}`, "200 "+thingJSON)),
			crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return time.Second }}))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		all := log.all(t)
		require.Len(t, all, 2)
		require.Equal(t, map[string]any{
			"level": "INFO", "msg": "crest: retry", "endpoint": "GET /thing", "attempt": 2.0, "wait": 1e9,
			"cause": "crest: GET /thing: 503 Service Unavailable: busy",
		}, all[0])
		require.Equal(t, "crest: call", all[1]["msg"])
		require.Equal(t, 2.0, all[1]["attempts"])
		require.Equal(t, 1e9, all[1]["wait"])
	})
}

func TestLogFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		req    findThing
		ctx    func() context.Context
		want   map[string]any
		absent []string
	}{
		"status":    {answer: `404 {"message":"no such thing"}`, want: map[string]any{"step": "status", "status": 404.0, "sent": "yes", "request_id": "r-1", "response_bytes": 27.0, "attempts": 1.0, "error": "crest: GET /things/{id}: 404 Not Found: no such thing"}},
		"transport": {answer: "refused", want: map[string]any{"step": "transport", "attempts": 1.0, "sent": "maybe"}, absent: []string{"status", "request_id", "response_bytes"}},
		"decode":    {answer: `200 {"id":"x"}`, want: map[string]any{"step": "response", "kind": "decode", "status": 200.0, "request_id": "r-1", "response_bytes": 10.0}},
		"request":   {req: findThing{Key: crest.NewSecret("a\nb")}, want: map[string]any{"step": "request", "sent": "no", "attempts": 0.0}, absent: []string{"status", "duration", "host"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log records
			c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(answers(tt.answer)))
			_, err := findThings.Call(t.Context(), c, tt.req)
			require.Error(t, err)
			all := log.all(t)
			require.Len(t, all, 1)
			require.Equal(t, "WARN", all[0]["level"])
			require.Equal(t, err.Error(), all[0]["error"])
			require.Subset(t, all[0], tt.want)
			for _, key := range tt.absent {
				require.NotContains(t, all[0], key)
			}
		})
	}
}

// Each attempt has the name and the size of its own answer, and none if it had no answer: one before counts for nothing.
func TestLogAttemptsAnswers(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithTransport(answers(`503 {"message":"busy"}`, "refused", `200 {"id":"x"}`)),
		crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return 0 }, If: func(error) bool { return true }}))
	_, err := findThings.Call(t.Context(), c, findThing{})
	require.ErrorIs(t, err, crest.KindDecode)
	var ids, sizes []any
	for _, r := range log.all(t) {
		if r["msg"] != "crest: retry" {
			ids, sizes = append(ids, r["request_id"]), append(sizes, r["response_bytes"])
		}
	}
	require.Equal(t, []any{"r-1", nil, "r-1", "r-1"}, ids)
	require.Equal(t, []any{18.0, nil, 10.0, 10.0}, sizes, "three attempts and the call")
}

// S2.16: a call that a limiter lets wait says so when it begins; one that it refuses fails, with one record.
func TestLogLimiterWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log records
		c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(answers("200 "+thingJSON)), crest.WithRateLimit(1, time.Hour))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Len(t, log.all(t), 1)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = getThing.Call(ctx, c, crest.Empty{})
		require.ErrorIs(t, err, crest.ErrLimited)
		all := log.all(t)
		require.Len(t, all, 1)
		require.Equal(t, "limited", all[0]["step"])

		done := make(chan error, 1)
		go func() {
			_, err := getThing.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(2*time.Hour))
			done <- err
		}()
		synctest.Wait()
		all = log.all(t)
		require.Len(t, all, 1)
		require.Subset(t, all[0], map[string]any{"level": "INFO", "msg": "crest: waiting for rate limit", "endpoint": "GET /thing"})
		require.InDelta(t, float64(time.Hour), all[0]["wait"], float64(time.Minute))
		require.NoError(t, <-done)
		require.InDelta(t, float64(time.Hour), log.all(t)[0]["wait"], float64(time.Minute))
	})
}

// slowLimiter is not crest's own.
type slowLimiter time.Duration

func (l slowLimiter) Wait(context.Context) error { time.Sleep(time.Duration(l)); return nil }

func TestLogForeignLimiterWait(t *testing.T) {
	for wait, want := range map[time.Duration]int{time.Millisecond: 1, time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			var log records
			c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(answers("200 "+thingJSON)), crest.WithLimiter(slowLimiter(wait)))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			all := log.all(t)
			require.Len(t, all, want)
			require.Equal(t, want == 2, all[0]["msg"] == "crest: waiting for rate limit")
		})
	}
}

// S2.17, S4.25: the first call of a closed client is told, the others fail like it.
func TestLogClosedClient(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithTransport(answers("200 "+thingJSON)))
	p, err := getThing.Prepare(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	for range 3 {
		_, err = p.Send(t.Context())
		require.ErrorIs(t, err, crest.ErrClosed)
		_, err = getThing.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.ErrClosed)
	}
	require.Equal(t, []map[string]any{{"level": "WARN", "msg": "crest: the client was closed, and is called again", "endpoint": "GET /thing"}}, log.all(t))
}

func TestLogRefusedCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log records
		rt := answers("200 " + thingJSON)
		c := newClient(t, "https://api.example.com", log.logger(slog.LevelWarn), crest.WithCookieJar(new(crest.Jar)), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			resp, err := rt(req)
			resp.Header["Set-Cookie"] = []string{"good=1", "bad,one=SECRET", "=2"}
			return resp, err
		})))
		var told []any
		for range 5 {
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			for _, r := range log.all(t) {
				require.Equal(t, "api.example.com", r["host"])
				told = append(told, r["refused"])
			}
			time.Sleep(25 * time.Second)
		}
		require.Equal(t, []any{2.0, 6.0}, told, "once a minute")
	})
}

func TestLogLiveBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log records
		c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(answers("200 "+thingJSON)))
		body, err := crest.Get[crest.Empty, io.ReadCloser]("/file").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		all := log.all(t)
		require.Len(t, all, 1)
		require.NotContains(t, all[0], "response_bytes")
		time.Sleep(time.Minute)
		_, err = io.Copy(io.Discard, body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		require.NoError(t, body.Close())
		require.Equal(t, []map[string]any{
			{"level": "INFO", "msg": "crest: body ended", "endpoint": "GET /file", "received_bytes": float64(len(thingJSON)), "duration": float64(time.Minute)},
		}, log.all(t))
	})
}

// The records of calls that are no plain calls: a stream, a download, pages.
func TestLogOtherCalls(t *testing.T) {
	var log records
	list := `[{"id":1,"name":"a"},{"id":2,"name":"b"}]`
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelInfo), crest.WithTransport(answers("200 "+list)))
	for name, tt := range map[string]struct {
		call func() error
		want []any
	}{
		"stream": {func() (err error) {
			for _, e := range crest.NewStream[crest.Empty, thing](http.MethodGet, "/list", crest.WithAccept("application/json")).Call(t.Context(), c, crest.Empty{}) {
				err = errors.Join(err, e)
			}
			return err
		}, []any{"crest: call", "crest: body ended"}},
		"download": {func() error {
			_, err := crest.Download(t.Context(), c, crest.Get[crest.Empty, io.ReadCloser]("/list"), crest.Empty{}, new(bytes.Buffer))
			return err
		}, []any{"crest: call", "crest: body ended"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, tt.call())
			var got []any
			for _, r := range log.all(t) {
				require.Equal(t, "GET /list", r["endpoint"])
				if r["msg"] == "crest: body ended" {
					require.Equal(t, float64(len(list)), r["received_bytes"])
				}
				got = append(got, r["msg"])
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestLogMistakes(t *testing.T) {
	for want, o := range map[string]crest.ClientOption{
		"WithLogger: the logger is nil":                              crest.WithLogger(nil),
		"WithRedact: a name is empty":                                crest.WithRedact("a", ""),
		"the field Body is -1, and negative":                         crest.WithLogDetail(crest.LogDetail{Body: -1}),
		"a name in Headers is empty":                                 crest.WithLogDetail(crest.LogDetail{Headers: []string{""}}),
		"the header Set-Cookie holds credentials and is never shown": crest.WithLogDetail(crest.LogDetail{Headers: []string{"set-cookie"}}),
	} {
		_, err := crest.New[*failure]("https://api.example.com", o)
		require.ErrorContains(t, err, want)
	}
}

// What a live body broke off with is in its record.
func TestLogBrokenBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log records
		c, end := (&pipes{serve: func(conn net.Conn, in *bufio.Reader) {
			_ = readRequest(in)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		}}).client(t, log.logger(slog.LevelInfo))
		defer end()
		body, err := crest.Get[crest.Empty, io.ReadCloser]("/file").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, body)
		require.ErrorIs(t, err, crest.KindTruncated)
		require.NoError(t, body.Close())
		all := log.all(t)
		require.Len(t, all, 2)
		require.Subset(t, all[1], map[string]any{"level": "WARN", "msg": "crest: body ended", "received_bytes": 3.0, "error": err.Error()})
	})
}

func TestLogUpgrade(t *testing.T) {
	var log records
	var far net.Conn
	c := newClient(t, "http://api.example.com", log.logger(slog.LevelInfo), pipe(0, &far))
	conn, err := crest.Get[crest.Empty, io.ReadCloser]("/echo", crest.WithUpgrade("line/1")).Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 101.0, log.all(t)[0]["status"])
	go func() { _, _ = io.CopyN(far, far, 5) }()
	_, err = io.WriteString(conn.(io.Writer), "hello")
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 5))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Subset(t, log.all(t)[0], map[string]any{"msg": "crest: body ended", "endpoint": "GET /echo", "received_bytes": 5.0, "sent_bytes": 5.0})
}

// What a handler does not take is hardly gathered.
func TestLogWithoutTakersIsCheap(t *testing.T) {
	discard := crest.WithLogger(slog.New(slog.DiscardHandler))
	count := func(opts ...crest.ClientOption) float64 {
		c := newClient(t, "https://api.example.com", append(opts, crest.WithTransport(answers("200 "+thingJSON)))...)
		return testing.AllocsPerRun(200, func() { _, _ = getThing.Call(t.Context(), c, crest.Empty{}) })
	}
	require.LessOrEqual(t, count(discard)-count(), 3.0, "a handler that takes nothing costs the events")
}
