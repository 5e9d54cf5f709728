package cresttest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

// answers is a transport that gives each request the next answer.
func answers(list ...func(req *http.Request) (*http.Response, error)) roundTrip {
	next := 0
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_ = req.Body.Close()
		}
		next++
		return list[(next-1)%len(list)](req)
	}
}

func answer(status int, body string, headers ...string) func(req *http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h[headers[i]] = append(h[headers[i]], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
	}
}

// Bodies come back byte by byte, and stand as text where they can.
func TestCassetteBodies(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"empty":                     {"", "\nContent-Type: text/plain\n"},
		"text":                      {"a b", "\nContent-Type: text/plain\n\na b\n"},
		"a line break at the end":   {"a\n", "\nContent-Type: text/plain\n\na\n\n"},
		"line breaks alone":         {"\n\n", "\nContent-Type: text/plain\n\n\n\n\n"},
		"a comment and a header":    {"# a\nA: b", "\nContent-Type: text/plain\n\n# a\nA: b\n"},
		"what looks like a marker":  {"a\n=== answer\nb", "=== answer (base64)\nHTTP/1.1 200 OK\nContent-Type: text/plain\n\nYQo9PT0gYW5zd2VyCmI=\n"},
		"a marker first":            {"=== b", "(base64)"},
		"no marker":                 {"====\n ===", "\n\n====\n ===\n"},
		"line breaks of Windows":    {"a\r\nb\r\n", "=== answer (crlf)\nHTTP/1.1 200 OK\nContent-Type: text/plain\n\na\nb\n\n"},
		"line breaks of both kinds": {"a\r\nb\n", "(base64)"},
		"a carriage return":         {"a\rb", "(base64)"},
		"bytes":                     {"\x00\xff", "(base64)"},
		"text that runs backwards":  {"a\u202Eb", "(base64)"},
		"many bytes":                {strings.Repeat("\x00", 100), "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAA"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := crest.Get[crest.Empty, []byte]("/raw")
			d := newDeck(t, answers(answer(200, tt.body, "Content-Type", "text/plain")), cresttest.Of(crest.Get[crest.Empty, rawAnswer]("/raw")))
			calls := func(c *crest.Client[*apiError]) {
				for range 2 { // a body that ends the file, and one that does not
					got, err := raw.Call(t.Context(), c, crest.Empty{})
					require.NoError(t, err)
					require.Equal(t, tt.body, string(got))
				}
			}
			require.Empty(t, d.run("record", calls))
			require.Contains(t, d.text(), tt.want)
			d.way = offline
			require.Empty(t, d.run("strict", calls))
		})
	}
}

type rawAnswer struct{ Body []byte }

// A coding is undone, so that the file can be read; one that is not known stays.
func TestCassetteCodings(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write([]byte(`{"id":7}`))
	require.NoError(t, errors.Join(err, w.Close()))
	d := newDeck(t, answers(answer(200, zipped.String(), "Content-Type", "application/json", "Content-Encoding", "gzip", "Content-Length", "99", "Date", "today")))
	packed := crest.Post[cdFiled, cd]("/cds", crest.WithCompression("gzip"))
	calls := func(c *crest.Client[*apiError]) {
		got, err := packed.Call(t.Context(), c, cdFiled{Title: "packed"})
		require.NoError(t, err)
		require.EqualValues(t, 7, got.ID)
	}
	require.Empty(t, d.run("record", calls))
	require.Contains(t, d.text(), "HTTP/1.1\nAccept: application/json\nContent-Type: application/json\nHost: shop.example\n\n{\"title\":\"packed\"}\n")
	require.Contains(t, d.text(), "HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"id\":7}\n")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// What a server or a caller puts into a header or a path cannot end a line.
func TestCassetteHostileHeaders(t *testing.T) {
	d := newDeck(t, answers(answer(200, `{"id":7}`, "Content-Type", "application/json", "Server", "a\r\n\r\n=== GET /x\n# b\u202E", "Retry-After", "  1 ", "X\n=== y", "z")),
		cresttest.Of(crest.Get[pathRequest, cd]("/cds/by/{name}")))
	calls := func(c *crest.Client[*apiError]) {
		_, err := crest.Get[pathRequest, cd]("/cds/by/{name}").Call(t.Context(), c, pathRequest{"a b\n=== c/é"})
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://shop.example/raw", nil)
		require.NoError(t, err)
		req.URL.RawQuery = "a b\n=== c=d"
		resp, err := crest.RoundTripper(c).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	require.Empty(t, d.run("record", calls))
	require.Contains(t, d.text(), "GET /v1/cds/by/a%20b%0A%3D%3D%3D%20c%2F%C3%A9 HTTP/1.1\n")
	require.Contains(t, d.text(), "Retry-After: 1\nServer: a    === GET /x # b\n\n")
	require.Contains(t, d.text(), "GET /raw?a%20b%0A=[redacted] HTTP/1.1\n")
	require.Equal(t, 4, strings.Count(d.text(), "\n=== "))
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

type pathRequest struct {
	Name string `path:"name"`
}

// Retries, redirects and requests of other libraries are exchanges like others.
func TestCassetteOfMoreThanOneRequest(t *testing.T) {
	d := newDeck(t, answers(
		answer(503, "later", "Retry-After", "0"),
		answer(302, "", "Location", "/v1/other/7?code=s3cr3t"),
		answer(200, `{"id":7}`, "Content-Type", "application/json", "Set-Cookie", "a=s3cr3t"),
		answer(200, `{"access_token":"s3cr3t"}`, "Content-Type", "application/json"),
	))
	calls := func(c *crest.Client[*apiError]) {
		got, err := getCD.Do(t.Context(), c, ask(7), crest.WithRetry(crest.Retry{Backoff: func(int, error) time.Duration { return 0 }}))
		require.NoError(t, err)
		require.EqualValues(t, 7, got.Model.ID)
		require.Len(t, got.Attempts, 2)
		require.Len(t, got.History, 1)
		req, err := http.NewRequestWithContext(t.Context(), "POST", "https://shop.example/oauth/token", strings.NewReader("client_secret=s3cr3t&scope=s"))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := crest.RoundTripper(c).RoundTrip(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		require.Contains(t, string(body), "access_token")
	}
	require.Empty(t, d.run("record", calls))
	require.NotContains(t, d.text(), "s3cr3t")
	require.Contains(t, d.text(), "HTTP/1.1 302 Found\nLocation: /v1/other/7?code=[redacted]\n")
	require.Contains(t, d.text(), "=== GET /cds/{id} (elsewhere)\n# hidden in the query: code (cresttest.ShowQuery shows what no WithRedact names)\n")
	require.Contains(t, d.text(), "=== POST /oauth/token (foreign)\n")
	require.Contains(t, d.text(), "\n\nclient_secret=[redacted]&scope=s\n")
	require.Contains(t, d.text(), "# hidden headers: Set-Cookie\n")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

func TestCassetteShowQuery(t *testing.T) {
	d := newDeck(t, shop(t).Transport(), cresttest.ShowQuery("who"))
	calls := func(c *crest.Client[*apiError]) {
		for _, who := range []string{"me", "you"} {
			req := ask(7)
			req.Who = who
			got, err := getCD.Call(t.Context(), c, req)
			require.NoError(t, err)
			require.Equal(t, "Title 2"+who, got.Title)
		}
	}
	require.Empty(t, d.run("record", calls))
	require.Contains(t, d.text(), "GET /v1/cds/7?page=2&who=you HTTP/1.1\n")
	require.NotContains(t, d.text(), "hidden in the query")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// Pages by links whose cursors are hidden go in their order.
func TestCassettePages(t *testing.T) {
	pages := crest.NewPager[pet](crest.Get[pageRequest, []pet]("/pets"), crest.Paging{Link: "next"})
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, pages.Endpoint(), func(ctx context.Context, req pageRequest) ([]pet, error) {
		if len(req.Cursor) < 2 {
			cresttest.ReplyOf(ctx).Header.Set("Link", fmt.Sprintf(`</v1/pets?cursor=%sx>; rel="next"`, req.Cursor))
		}
		return []pet{{ID: int64(len(req.Cursor) + 1)}}, nil
	})
	d := newDeck(t, srv.Transport(), cresttest.Of(pages.Endpoint()))
	calls := func(c *crest.Client[*apiError]) {
		var got []int64
		for p, err := range pages.Items(t.Context(), c, pageRequest{}) {
			require.NoError(t, err)
			got = append(got, p.ID)
		}
		require.Equal(t, []int64{1, 2, 3}, got)
	}
	require.Empty(t, d.run("record", calls))
	require.Contains(t, d.text(), `Link: </v1/pets?cursor=[redacted-1]>; rel="next"`)
	require.Contains(t, d.text(), `Link: </v1/pets?cursor=[redacted-2]>; rel="next"`, "else the pager would take it for a loop")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// What has no answer, or one that broke off, cannot be played.
func TestCassetteLeavesOut(t *testing.T) {
	lost := func(*http.Request) (*http.Response, error) { return nil, errors.New("the line is cut") }
	cut := func(req *http.Request) (*http.Response, error) {
		resp, err := answer(200, "")(req)
		resp.ContentLength, resp.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader(`{"id":7`), brokenReader{}))
		return resp, err
	}
	d := newDeck(t, answers(lost, cut, answer(200, `{"id":7}`, "Content-Type", "application/json")))
	require.Empty(t, d.run("record", func(c *crest.Client[*apiError]) {
		_, err := getCD.Call(t.Context(), c, ask(7), crest.WithRetry(crest.Retry{Max: -1}))
		require.ErrorContains(t, err, "the line is cut", "the caller's error is the transport's")
		_, err = getCD.Call(t.Context(), c, ask(7))
		require.NoError(t, err, "a retry mends it")
	}))
	require.Contains(t, d.text(), "# crest cassette 1\n# not recorded: a request of GET /cds/{id} had no answer\n# not recorded: a request of GET /cds/{id} had an answer that broke off\n\n=== GET")
	require.Equal(t, 1, strings.Count(d.text(), "=== answer"))
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A body is recorded as far as the caller has read it.
func TestCassettePartialBody(t *testing.T) {
	d := newDeck(t, answers(answer(200, strings.Repeat("0123456789", 20_000), "Content-Type", "image/x")))
	calls := func(c *crest.Client[*apiError]) {
		body, err := readCD.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		_, err = io.ReadFull(body, make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, body.Close())
	}
	require.Empty(t, d.run("record", calls))
	require.Contains(t, d.text(), "=== answer (partial)\n")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// Bodies are bounded: the caller gets all of it, the test is told.
func TestCassetteBounds(t *testing.T) {
	large := strings.Repeat("x", 10<<20+1)
	d := newDeck(t, answers(answer(200, large, "Content-Type", "text/plain")))
	said := d.run("record", func(c *crest.Client[*apiError]) {
		body, err := readCD.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		data, err := io.ReadAll(body)
		require.NoError(t, errors.Join(err, body.Close()))
		require.Len(t, data, len(large))
	})
	require.Contains(t, said, "the answer of GET /cds/cover has more than 10 MiB")
}

// An operation that the cassette was not given is told when it is recorded.
func TestCassetteRecordsKnownOperations(t *testing.T) {
	d := newDeck(t, answers(answer(200, "x")))
	said := d.run("record", func(c *crest.Client[*apiError]) {
		_, err := crest.Get[crest.Empty, string]("/other").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	})
	require.Contains(t, said, "GET /other was recorded into")
	require.Contains(t, said, "add cresttest.Of; the cassette is of GET /cds/{id}")
}

// What the answer's model keeps secret is there, with a mark.
func TestCassetteKeepsDeclaredHeaders(t *testing.T) {
	type answered struct {
		Session crest.Secret `header:"X-Session" validate:"required"`
		Shown   int          `header:"X-Shown"`
		Cookie  string       `cookie:"sid" validate:"required"`
	}
	login := crest.Get[crest.Empty, answered]("/login")
	d := newDeck(t, answers(answer(200, "", "X-Session", "s3cr3t", "X-Shown", "7", "Set-Cookie", "sid=s3cr3t; Path=/", "Set-Cookie", "other=s3cr3t")), cresttest.Of(login))
	calls := func(c *crest.Client[*apiError]) {
		got, err := login.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, 7, got.Shown)
	}
	require.Empty(t, d.run("record", calls))
	require.Contains(t, d.text(), "HTTP/1.1 200 OK\nSet-Cookie: sid=[redacted]\nX-Session: [redacted]\nX-Shown: 7\n")
	require.NotContains(t, d.text(), "s3cr3t")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// Of what differs each time the answer has what its model reads, also to HEAD.
func TestCassetteKeepsWhatModelsRead(t *testing.T) {
	type size struct {
		Size int64 `header:"Content-Length" validate:"required"`
	}
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		ask := crest.NewEndpoint[crest.Empty, size](method, "/size")
		d := newDeck(t, answers(answer(200, "1234567", "Content-Length", "7", "Date", "today")), cresttest.Of(ask))
		calls := func(c *crest.Client[*apiError]) {
			got, err := ask.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.EqualValues(t, 7, got.Size)
		}
		require.Empty(t, d.run("record", calls))
		require.Contains(t, d.text(), "HTTP/1.1 200 OK\nContent-Length: 7\n")
		d.way = offline
		require.Empty(t, d.run("strict", calls))
	}
}

// What is hidden in a Location does not stand in the body of the redirect.
func TestCassetteHidesBodiesOfRedirects(t *testing.T) {
	get := crest.Get[crest.Empty, track]("/tracks/1")
	d := newDeck(t, answers(
		answer(302, `<a href="/v1/b">`, "Content-Type", "text/html", "Location", "/v1/b"),
		answer(302, `<a href="/v1/c?key=s3cr3t">`, "Content-Type", "text/html", "Location", "/v1/c?key=s3cr3t"),
		answer(302, "", "Location", "/v1/d?key=s3cr3t"),
		answer(200, `{"name":"So What"}`, "Content-Type", "application/json", "Location", "/v1/tracks/1?key=s3cr3t"),
	), cresttest.Of(get))
	calls := func(c *crest.Client[*apiError]) {
		got, err := get.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, "So What", got.Name)
	}
	require.Empty(t, d.run("record", calls))
	require.NotContains(t, d.text(), "s3cr3t")
	require.Contains(t, d.text(), `<a href="/v1/b">`)
	require.Equal(t, 1, strings.Count(d.text(), "\n\n[redacted]\n"))
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}

// A challenge is answered when it is played as it was when it was recorded.
func TestCassetteOfDigest(t *testing.T) {
	get := crest.Get[crest.Empty, track]("/tracks/1", crest.WithDigest("ann", crest.NewSecret("s3cr3t")))
	d := newDeck(t, answers(
		answer(401, "", "Www-Authenticate", `Basic realm="s3cr3t"`, "Www-Authenticate", `DIGEST realm="s3cr3t", nonce="s3cr3t", qop="auth-int, auth", algorithm=SHA-256, opaque="s3cr3t"`),
		answer(200, `{"name":"So What"}`, "Content-Type", "application/json"),
	), cresttest.Of(get))
	calls := func(c *crest.Client[*apiError]) {
		got, err := get.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, "So What", got.Name)
	}
	require.Empty(t, d.run("record", calls))
	require.NotContains(t, d.text(), "s3cr3t")
	require.Contains(t, d.text(), "Unauthorized\nWww-Authenticate: Digest realm=\"[redacted]\", nonce=\"[redacted]\", qop=\"auth-int, auth\", algorithm=SHA-256\n\n")
	d.way = offline
	require.Empty(t, d.run("strict", calls))
}
