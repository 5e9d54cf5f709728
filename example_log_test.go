package crest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/crest-go/crest"
)

// printing is a logger for Examples: without what differs from run to run.
func printing(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Value.Kind() == slog.KindDuration {
			return slog.Attr{}
		}
		return a
	}}))
}

// One record for each call: the route and not the path, the query without its values. A retry says why, and how long it waits.
func ExampleWithLogger() {
	busy := true
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		if busy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		busy = false
	})
	type FindBooks struct {
		Shelf  int    `path:"shelf"`
		Author string `query:"author"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(server),
		crest.WithLogger(printing(slog.LevelInfo)),
		crest.WithRetry(crest.Retry{Backoff: func(int, error) time.Duration { return time.Millisecond }}))
	defer c.Close()

	_, err := crest.Get[FindBooks, crest.Empty]("/shelves/{shelf}/books").Call(context.Background(), c, FindBooks{Shelf: 7, Author: "Knuth"})
	fmt.Println(err)
	// Output:
	// level=INFO msg="crest: retry" endpoint="GET /shelves/{shelf}/books" attempt=2 cause="crest: GET /shelves/{shelf}/books: 503 Service Unavailable"
	// level=INFO msg="crest: call" endpoint="GET /shelves/{shelf}/books" method=GET route=/shelves/{shelf}/books host=api.example.com query="author=[redacted]" status=200 attempts=2
	// <nil>
}

// Bodies are shown on request, at Debug. What WithRedact names, and what has a Secret, is not in them.
func ExampleWithLogDetail() {
	type NewUser struct {
		Name     string `json:"name"`
		Birthday string `json:"birthday"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{"id":1,"birthday":"1990-01-02"}`)),
		crest.WithLogger(printing(slog.LevelDebug)),
		crest.WithLogDetail(crest.LogDetail{Body: 4 << 10, Headers: []string{"Content-Type"}}),
		crest.WithRedact("birthday"))
	defer c.Close()

	_, _ = crest.Post[NewUser, any]("/users").Call(context.Background(), c, NewUser{"Ann", "1990-01-02"})
	// Output:
	// level=DEBUG msg="crest: attempt" endpoint="POST /users" attempt=1 status=200 reused=false response_bytes=32 request_header.Content-Type=application/json request_body="{\"name\":\"Ann\",\"birthday\":\"[redacted]\"}" response_header.Content-Type=application/json response_body="{\"id\":1,\"birthday\":\"[redacted]\"}"
	// level=INFO msg="crest: call" endpoint="POST /users" method=POST route=/users host=api.example.com request_bytes=38 status=200 attempts=1 response_bytes=32
}

// An endpoint of which neither query nor body may be seen, in logs or in errors.
func ExampleWithRedact() {
	type Login struct {
		User string `json:"user"`
		Code string `json:"code"`
	}
	login := crest.Post[Login, crest.Empty]("/login", crest.WithRedact("*"))
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(403, `"the code 1234 of ann is wrong"`)),
		crest.WithLogger(printing(slog.LevelDebug)),
		crest.WithLogDetail(crest.LogDetail{Body: 4 << 10}))
	defer c.Close()

	_, _ = login.Call(context.Background(), c, Login{"ann", "1234"})
	// Output:
	// level=DEBUG msg="crest: attempt" endpoint="POST /login" attempt=1 status=403 reused=false response_bytes=31 request_body=[redacted] response_body=[redacted]
	// level=WARN msg="crest: call" endpoint="POST /login" method=POST route=/login host=api.example.com request_bytes=28 status=403 attempts=1 response_bytes=31 step=status sent=yes error="crest: POST /login: 403 Forbidden (no *crest.Problem: decode: json: at byte 31: string does not fit Go type map[string]json.RawMessage) (the body is not shown: WithRedact hides it, or fields that cannot be found in it)"
}

// What an API says of its own future reaches the program once for each endpoint.
func ExampleWithNotices() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Deprecation", "@1767225600")
		w.Header().Set("Sunset", "Thu, 31 Dec 2026 23:59:59 GMT")
		w.Header().Set("Link", `<https://api.example.com/migration>; rel="deprecation"`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(server),
		crest.WithNotices(func(_ context.Context, n crest.Notice) {
			fmt.Println(n.Endpoint, "is deprecated since", n.Deprecation.Format(time.DateOnly), "and ends", n.Sunset.Format(time.DateOnly))
			fmt.Println("see", n.Links[0].URL)
		}))
	defer c.Close()

	old := crest.Get[crest.Empty, crest.Empty]("/v1/books")
	for range 3 {
		_, _ = old.Call(context.Background(), c, crest.Empty{})
	}
	// Output:
	// GET /v1/books is deprecated since 2026-01-01 and ends 2026-12-31
	// see https://api.example.com/migration
}

// Where the time of each attempt went; the same is in a CallError.
func ExampleTiming() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	defer c.Close()

	r, _ := crest.Get[crest.Empty, crest.Empty]("/books").Do(context.Background(), c, crest.Empty{})
	for _, a := range r.Attempts {
		t := a.Timing
		fmt.Println(t.DNS+t.Connect+t.TLS+t.FirstByte+t.Body <= a.Duration, t.Reused)
	}
	// Output: true false
}
