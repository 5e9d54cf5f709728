package cresttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

// run stands in for one run of a test that has a cassette.
type run struct {
	mu       sync.Mutex
	said     []string
	cleanups []func()
}

func (r *run) Helper()      {}
func (r *run) Name() string { return "TestLibrary/part" }
func (r *run) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *run) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// end ends the test, and returns what it was told.
func (r *run) end() string {
	for _, f := range r.cleanups {
		f()
	}
	r.cleanups = nil
	return strings.Join(r.said, "\n")
}

type cdQuery struct {
	ID    int64        `path:"id"`
	Page  int          `query:"page,omitzero"`
	Who   string       `query:"who,omitzero"`
	Key   crest.Secret `header:"X-Key" validate:"required"`
	Named int          `query:"named,omitzero"`
}

type cd struct {
	ID    int64        `json:"id" validate:"gt=0"`
	Title string       `json:"title"`
	Code  crest.Secret `json:"code,omitzero"`
	Short string       `json:"short,omitzero" validate:"omitempty,len=2"`
	Same  string       `json:"same,omitzero" validate:"omitempty,eqfield=Title"`
}

type track struct {
	Name string `json:"name" validate:"required"`
}

type cdMissing struct {
	Message string `json:"message"`
	At      int    `json:"at"`
}

func (e *cdMissing) Error() string { return e.Message }

type cdFiled struct {
	Title string       `json:"title"`
	Pin   crest.Secret `json:"pin,omitzero"`
}

var (
	getCD   = crest.Get[cdQuery, cd]("/cds/{id}", crest.WithErrors(crest.ErrorMap{404: crest.As[*cdMissing]()}))
	fileCD  = crest.Post[cdFiled, cd]("/cds")
	watchCD = crest.NewStream[crest.Empty, track](http.MethodGet, "/cds/new")
	readCD  = crest.Get[crest.Empty, io.ReadCloser]("/cds/cover")
)

// shop is an API that the tests record.
func shop(t testing.TB) *cresttest.Server {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, getCD, func(_ context.Context, req cdQuery) (cd, error) {
		if req.ID > 99 {
			return cd{}, &cdMissing{"no such cd", 7}
		}
		return cd{ID: req.ID, Title: fmt.Sprint("Title ", req.Page, req.Who)}, nil
	})
	cresttest.Handle(srv, fileCD, func(_ context.Context, req cdFiled) (cd, error) { return cd{ID: 8, Title: req.Title}, nil })
	cresttest.HandleStream(srv, watchCD, func(_ context.Context, _ crest.Empty, send func(crest.Event[track]) error) error {
		return errors.Join(send(crest.Event[track]{ID: "1", Data: track{"So What"}}), send(crest.Event[track]{ID: "2", Data: track{"=== Blue"}}))
	})
	return srv
}

// deck is a cassette in a file, with an API behind it.
type deck struct {
	t    *testing.T
	file string
	way  http.RoundTripper
	opts []cresttest.CassetteOption
}

func newDeck(t *testing.T, way http.RoundTripper, opts ...cresttest.CassetteOption) *deck {
	t.Setenv("CREST_CASSETTES", "")
	t.Setenv("CI", "")
	all := append([]cresttest.CassetteOption{cresttest.Of(getCD), cresttest.Of(fileCD), cresttest.OfStream(watchCD), cresttest.Of(readCD)}, opts...)
	return &deck{t, filepath.Join(t.TempDir(), "deep", "cds.http"), way, all}
}

// run is one run of a test; mode is the variable's value.
func (d *deck) run(mode string, test func(c *crest.Client[*apiError])) (said string) {
	d.t.Setenv("CREST_CASSETTES", mode)
	r := &run{}
	c, err := crest.New[*apiError]("https://shop.example/v1", crest.WithTransport(d.way), crest.WithBearer(crest.NewSecret("t0ken")), crest.WithHeader("X-Who", "wh0"),
		crest.WithMiddleware(cresttest.Cassette(r, d.file, d.opts...)))
	require.NoError(d.t, err)
	test(c)
	require.NoError(d.t, c.Close())
	return r.end()
}

func (d *deck) text() string {
	text, err := os.ReadFile(d.file)
	require.NoError(d.t, err)
	return string(text)
}

func (d *deck) write(text string) {
	require.NoError(d.t, os.MkdirAll(filepath.Dir(d.file), 0o755))
	require.NoError(d.t, os.WriteFile(d.file, []byte(text), 0o600))
}

// offline fails every request.
var offline = roundTrip(func(req *http.Request) (*http.Response, error) { return nil, errors.New("the network was asked") })

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func ask(id int64) cdQuery { return cdQuery{ID: id, Page: 2, Who: "me", Key: crest.NewSecret("k3y")} }

func TestCassette(t *testing.T) {
	d := newDeck(t, shop(t).Transport())
	calls := func(c *crest.Client[*apiError]) {
		got, err := getCD.Call(t.Context(), c, ask(7))
		require.NoError(t, err)
		require.Equal(t, cd{ID: 7, Title: "Title 2me"}, got)
		_, err = getCD.Call(t.Context(), c, ask(100))
		missing, ok := errors.AsType[*cdMissing](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 7, missing.At)
		filed, err := fileCD.Call(t.Context(), c, cdFiled{"Kind of Blue", crest.NewSecret("p1n")})
		require.NoError(t, err)
		require.Equal(t, "Kind of Blue", filed.Title)
		var events []crest.Event[track]
		for e, err := range watchCD.Events(t.Context(), c, crest.Empty{}) {
			require.NoError(t, err)
			events = append(events, e)
		}
		require.Len(t, events, 2)
		require.Equal(t, "2", events[1].ID)
	}
	require.Empty(t, d.run("", calls))
	require.Equal(t, recordedShop, d.text())
	info, err := os.Stat(d.file)
	require.NoError(t, err)
	require.EqualValues(t, 0o644, info.Mode().Perm())

	d.way = offline
	require.Empty(t, d.run("", calls))
	require.Empty(t, d.run("strict", calls))
	require.Equal(t, recordedShop, d.text(), "playing writes nothing")
}

const recordedShop = `# crest cassette 1

=== GET /cds/{id}
# hidden in the query: who (cresttest.ShowQuery shows what no WithRedact names)
# hidden headers: X-Who
GET /v1/cds/7?page=2&who=[redacted] HTTP/1.1
Accept: application/json
Host: shop.example

=== answer
HTTP/1.1 200 OK
Content-Type: application/json

{"id":7,"title":"Title 2me"}
=== GET /cds/{id}
# hidden in the query: who (cresttest.ShowQuery shows what no WithRedact names)
# hidden headers: X-Who
GET /v1/cds/100?page=2&who=[redacted] HTTP/1.1
Accept: application/json
Host: shop.example

=== answer
HTTP/1.1 404 Not Found
Content-Type: application/json

{"message":"no such cd","at":7}
=== POST /cds
# hidden headers: X-Who
# hidden in the body: what is a Secret in the model or named by WithRedact
POST /v1/cds HTTP/1.1
Accept: application/json
Content-Type: application/json
Host: shop.example

{"title":"Kind of Blue","pin":"[redacted]"}
=== answer
HTTP/1.1 200 OK
Content-Type: application/json

{"id":8,"title":"Kind of Blue"}
=== GET /cds/new
# hidden headers: X-Who
GET /v1/cds/new HTTP/1.1
Accept: text/event-stream
Cache-Control: no-cache
Host: shop.example

=== answer
HTTP/1.1 200 OK
Content-Type: text/event-stream

id: 1
data: {"name":"So What"}

id: 2
data: {"name":"=== Blue"}


`

func TestCassetteModes(t *testing.T) {
	none := func(*crest.Client[*apiError]) {}
	one := func(want error) func(c *crest.Client[*apiError]) {
		return func(c *crest.Client[*apiError]) {
			_, err := getCD.Call(t.Context(), c, ask(7))
			require.ErrorIs(t, err, want)
		}
	}
	for name, tt := range map[string]struct {
		mode, ci string
		file     bool
		calls    func(c *crest.Client[*apiError])
		want     []string // of what the test is told
	}{
		"played in part":              {"", "", true, one(nil), nil},
		"played in part, with CI=0":   {"", "0", true, one(nil), nil},
		"played in part, strict":      {"strict", "", true, one(nil), []string{"cds.http:15: GET /cds/{id} (GET /v1/cds/100?page=2&who=[redacted]) was not played", "cds.http:27: POST /cds", ":41: GET /cds/new", "CREST_CASSETTES=record go test -run '^TestLibrary$'"}},
		"played in part, CI":          {"", "true", true, one(nil), []string{"was not played"}},
		"no file, strict":             {"strict", "", false, one(cresttest.ErrCassette), []string{"no such file", "CREST_CASSETTES=record go test -run '^TestLibrary$'"}},
		"no file, CI":                 {"", "1", false, none, []string{"no such file"}},
		"a word that is none":         {"recrod", "", true, one(cresttest.ErrCassette), []string{`the variable CREST_CASSETTES is "recrod"`}},
		"nothing to record":           {"record", "", false, none, nil},
		"recorded in CI where wanted": {"record", "true", true, one(nil), nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeck(t, shop(t).Transport())
			if tt.file {
				d.write(recordedShop)
			}
			t.Setenv("CI", tt.ci)
			said := d.run(tt.mode, tt.calls)
			require.Equal(t, len(tt.want) == 0, said == "", said)
			for _, want := range tt.want {
				require.Contains(t, said, want)
			}
			_, err := os.Stat(d.file)
			require.Equal(t, tt.file, err == nil)
			entries, _ := os.ReadDir(filepath.Dir(d.file))
			require.LessOrEqual(t, len(entries), 1, "no temporary file is left")
		})
	}
}

// A request that finds no answer fails its call and the test, once.
func TestCassetteWithoutTheRequest(t *testing.T) {
	d := newDeck(t, offline)
	d.write(recordedShop)
	said := d.run("", func(c *crest.Client[*apiError]) {
		_, err := getCD.Call(t.Context(), c, ask(8))
		require.ErrorIs(t, err, cresttest.ErrCassette)
		require.ErrorIs(t, err, crest.ErrTransport)
		_, err = getCD.Call(t.Context(), c, ask(7))
		require.NoError(t, err)
		_, err = getCD.Call(t.Context(), c, ask(7))
		require.ErrorIs(t, err, cresttest.ErrCassette, "each is played once")
	})
	require.Equal(t, 2, strings.Count(said, "has no answer left"), said)
	require.Contains(t, said, "has no answer left for GET /cds/{id} (GET /v1/cds/8?page=2&who=[redacted]): it still has GET /cds/{id} (GET /v1/cds/7?page=2&who=[redacted]) in line 3, GET /cds/{id}")
	require.Contains(t, said, "record anew with CREST_CASSETTES=record go test -run '^TestLibrary$'")
	require.NotContains(t, said, "k3y")
}

// The body chooses among exchanges of one target, and then the order does.
func TestCassetteMatching(t *testing.T) {
	d := newDeck(t, offline)
	file := "# crest cassette 1\n"
	for i, title := range []string{"a", "b", "a", "c"} {
		file += fmt.Sprintf("=== POST /cds\nPOST /v1/cds HTTP/1.1\nContent-Type: application/json\n\n{\"title\":%q}\n=== answer\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"id\":%d}\n", title, i+1)
	}
	d.write(file)
	require.Empty(t, d.run("strict", func(c *crest.Client[*apiError]) {
		var got []int64
		for _, title := range []string{"c", "a", "a", "z"} {
			one, err := fileCD.Call(t.Context(), c, cdFiled{Title: title})
			require.NoError(t, err)
			got = append(got, one.ID)
		}
		require.Equal(t, []int64{4, 1, 3, 2}, got)
	}))
	require.Empty(t, d.run("strict", func(c *crest.Client[*apiError]) {
		var all sync.WaitGroup
		var mu sync.Mutex
		got := map[int64]bool{}
		for range 4 {
			all.Go(func() {
				one, err := fileCD.Call(context.WithoutCancel(t.Context()), c, cdFiled{Title: "a"})
				mu.Lock()
				defer mu.Unlock()
				got[one.ID] = err == nil
			})
		}
		all.Wait()
		require.Equal(t, map[int64]bool{1: true, 2: true, 3: true, 4: true}, got)
	}))
}

// Recorded by several goroutines, each exchange is whole.
func TestCassetteRecordsAtOnce(t *testing.T) {
	d := newDeck(t, shop(t).Transport())
	calls := func(c *crest.Client[*apiError]) {
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				got, err := getCD.Call(context.WithoutCancel(t.Context()), c, ask(int64(i+1)))
				if err != nil || got.ID != int64(i+1) {
					panic(fmt.Sprint(got, err))
				}
			})
		}
		all.Wait()
	}
	require.Empty(t, d.run("record", calls))
	require.Equal(t, 20, strings.Count(d.text(), "=== answer"))
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// What the models do not accept is told when the file is loaded.
func TestCassetteCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		old, new string
		want     []string // nil for nothing
	}{
		"as recorded":                  {"", "", nil},
		"a rule of the answer":         {`{"id":7,`, `{"id":-7,`, []string{"cds.http:3: GET /cds/{id} (GET /v1/cds/7", "the model does not accept the answer", "validation", "gt"}},
		"a type of the answer":         {`{"id":7,`, `{"id":"7",`, []string{"cds.http:3:", "does not accept the answer", "decode"}},
		"an answer of another type":    {"Content-Type: application/json\n\n{\"id\":7", "Content-Type: text/html\n\n{\"id\":7", []string{":3:", "cannot be read from text"}},
		"an error model":               {`"at":7}`, `"at":"7"}`, []string{"cds.http:15:", "does not accept the answer", "404"}},
		"an undeclared failure":        {"404 Not Found", "409 Conflict", nil},
		"a failure without a body":     {`{"message":"no such cd","at":7}`, "", nil},
		"a piece of a stream":          {`{"name":"So What"}`, `{"name":""}`, []string{"cds.http:41: GET /cds/new", "validation"}},
		"what was read in part":        {"=== answer\nHTTP/1.1 200 OK\nContent-Type: text/event-stream\n\nid: 1\ndata: {\"name\":\"So What\"}", "=== answer (partial)\nHTTP/1.1 200 OK\nContent-Type: text/event-stream\n\nid: 1\ndata: {\"name\":\"\"}", nil},
		"a query beside a hidden one":  {"cds/7?page=2", "cds/7?page=two", []string{"cds.http:3:", "does not accept the request", "page"}},
		"a query without marks":        {"cds/7?page=2&who=[redacted]", "cds/7?page=two", []string{"cds.http:3:", "does not accept the request", "page"}},
		"a path beside a hidden query": {"/cds/7?", "/cds/seven?", []string{":3:", "does not accept the request"}},
		"a path without marks":         {"/cds/7?page=2&who=[redacted]", "/cds/seven", []string{":3:", "does not accept the request"}},
		"another route":                {"GET /v1/cds/7?", "GET /v1/dvds/7?", []string{":3:", "does not accept the request", "route"}},
		"another method":               {"GET /v1/cds/7?", "PUT /v1/cds/7?", []string{":3:", "route"}},
		"a hidden number":              {"page=2", "page=[redacted]", nil},
		"a body of a request":          {`{"title":"Kind of Blue","pin":"[redacted]"}`, `{"title":7}`, []string{"cds.http:27: POST /cds", "does not accept the request"}},
		"a hidden number in an answer": {`{"id":8,`, `{"id":"[redacted]",`, nil},
		"a type beside a Secret":       {`{"id":8,"title":"Kind of Blue"}`, `{"id":"8","title":"Kind of Blue","code":"[redacted]"}`, []string{"cds.http:27: POST /cds", "does not accept the answer", `field "id" at byte 9`}},
		"a rule beside a Secret":       {`{"id":8,"title":"Kind of Blue"}`, `{"code":"[redacted]","id":-8,"title":"Kind of Blue"}`, []string{"cds.http:27: POST /cds", "does not accept the answer", "ID fails gt=0"}},
		"a request beside a Secret":    {`{"title":"Kind of Blue","pin":"[redacted]"}`, `{"pin":"[redacted]","title":7}`, []string{"cds.http:27: POST /cds", "does not accept the request", "title"}},
		"hidden text and number":       {`{"id":8,"title":"Kind of Blue"}`, `{"id":"[redacted]","title":"Kind of Blue","code":"[redacted]"}`, nil},
		"a hidden text with a rule":    {`{"id":8,"title":"Kind of Blue"}`, `{"id":8,"title":"[redacted]","short":"[redacted]"}`, nil},
		"hidden for another's rule":    {`{"id":8,"title":"Kind of Blue"}`, `{"id":8,"title":"[redacted]","same":"Kind of Blue"}`, nil},
		"another content type":         {"Content-Type: application/json\n\n{\"id\":8", "Content-Type: text/html\n\n{\"code\":\"[redacted]\",\"id\":8", []string{"cds.http:27:", "cannot be read from text"}},
		"a hidden body":                {`{"id":8,"title":"Kind of Blue"}`, `[redacted]`, nil},
		"a hidden stream":              {"id: 1\ndata: {\"name\":\"So What\"}\n\nid: 2\ndata: {\"name\":\"=== Blue\"}\n\n", "[redacted]\n", []string{"cds.http:41: GET /cds/new", "the body is hidden, and would be played as a stream without pieces: write them by hand"}},
		"an event that has no end":     {"id: 1\ndata: {\"name\":\"So What\"}\n\nid: 2\ndata: {\"name\":\"=== Blue\"}\n\n", "data: {\"name\":\"So What\"}\n", []string{"cds.http:41: GET /cds/new", "the last event has no empty line behind it, and is lost: two empty lines follow it in the file"}},
		"a stream of comments":         {"id: 1\ndata: {\"name\":\"So What\"}\n\nid: 2\ndata: {\"name\":\"=== Blue\"}\n\n", ": nothing new\n\nid: 7\n", nil},
		"an operation of nobody":       {"=== POST /cds", "=== POST /tapes", []string{"cds.http:27: POST /tapes", "add cresttest.Of", "the cassette is of GET /cds/{id}, POST /cds, GET /cds/new, GET /cds/cover"}},
		"of another URL":               {"=== GET /cds/{id}\n# hidden in the query: who (cresttest.ShowQuery shows what no WithRedact names)\n# hidden headers: X-Who\nGET /v1/cds/100", "=== GET /cds/{id} (elsewhere)\nGET /v1/new/100", nil},
		"of another URL, its answer":   {"=== GET /cds/{id}\n# hidden in the query: who (cresttest.ShowQuery shows what no WithRedact names)\n# hidden headers: X-Who\nGET /v1/cds/100?page=2&who=[redacted] HTTP/1.1\nAccept: application/json\nHost: shop.example\n\n=== answer\nHTTP/1.1 404 Not Found", "=== GET /cds/{id} (elsewhere)\nGET /v1/x/100 HTTP/1.1\n=== answer\nHTTP/1.1 200 OK", []string{"does not accept the answer"}},
		"a foreign one":                {"=== POST /cds", "=== POST /oauth (foreign)", nil},
		"no cassette":                  {"# crest cassette 1", "# cassette", []string{"cds.http:1: the file is no cassette"}},
		"a broken line":                {"Host: shop.example", "Host shop.example", []string{"cds.http:8: the line is no header"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeck(t, offline)
			require.Contains(t, recordedShop, tt.old)
			d.write(strings.Replace(recordedShop, tt.old, tt.new, 1))
			said := d.run("", func(*crest.Client[*apiError]) {})
			require.Equal(t, len(tt.want) == 0, said == "", said)
			for _, want := range tt.want {
				require.Contains(t, said, want)
			}
		})
	}
}
