package har_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

type order struct {
	Shop string `path:"shop"`
	Item string `json:"item"`
}

type receipt struct {
	ID int `json:"id"`
}

// All that is to be known of a request and its answer is in its entry.
func TestRecorder(t *testing.T) {
	rec := &har.Recorder{Body: 1 << 10, ShowQuery: []string{"trace"}}
	before := time.Now().Add(-time.Second)
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "r7")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"id":7}`))
	}, crest.WithQuery("trace", "a b"), crest.WithQuery("key", "hidden"))
	_, err := crest.Post[order, receipt]("/shops/{shop}/orders").Call(t.Context(), c, order{"north", "lamp"})
	require.NoError(t, err)

	e := one(t, rec)
	started, err := time.Parse(time.RFC3339, e.StartedDateTime)
	require.NoError(t, err)
	require.WithinRange(t, started, before, time.Now())
	require.Equal(t, "POST", e.Request.Method)
	require.Contains(t, e.Request.URL, "/shops/north/orders?")
	require.ElementsMatch(t, []named{{Name: "trace", Value: "a b"}, {Name: "key", Value: "[redacted]"}}, e.Request.QueryString)
	require.Equal(t, "HTTP/1.1", e.Request.HTTPVersion)
	require.Equal(t, "application/json", e.Request.PostData.MimeType)
	require.Equal(t, `{"item":"lamp"}`, e.Request.PostData.Text)
	require.EqualValues(t, len(`{"item":"lamp"}`), e.Request.BodySize)
	require.Equal(t, "crest/"+crest.Version, header(e.Request.Headers, "User-Agent"))
	require.Equal(t, 201, e.Response.Status)
	require.Equal(t, "Created", e.Response.StatusText)
	require.Equal(t, "HTTP/1.1", e.Response.HTTPVersion)
	require.Equal(t, "r7", header(e.Response.Headers, "X-Request-Id"))
	require.Equal(t, "application/json", e.Response.Content.MimeType)
	require.Equal(t, `{"id":7}`, e.Response.Content.Text)
	require.EqualValues(t, 8, e.Response.Content.Size)
	require.EqualValues(t, 8, e.Response.BodySize)
	require.Equal(t, "127.0.0.1", e.ServerIPAddress)
	require.NotEmpty(t, e.Connection)
	require.Empty(t, e.Comment)
	require.Equal(t, []any{"POST /shops/{shop}/orders", 1, 1, ""}, []any{e.Endpoint, e.Attempt, e.Hop, e.ErrorText})
	require.Positive(t, e.Timings.Connect)
	require.EqualValues(t, -1, e.Timings.SSL)
	require.Positive(t, e.Timings.Wait)

	_, err = crest.Get[crest.Empty, receipt]("/again", crest.WithSuccess(201)).Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	again := entries(t, rec)[1]
	require.EqualValues(t, -1, again.Timings.Connect, "the connection was open")
	require.Equal(t, e.Connection, again.Connection)
	require.Nil(t, again.Request.PostData)
	require.Zero(t, again.Request.BodySize)
}

// Over TLS, and with HTTP/2.
func TestRecorderTLS(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
			server.EnableHTTP2 = h2
			server.StartTLS()
			defer server.Close()
			rec := &har.Recorder{Body: 10}
			c := client(t, rec, server.URL, crest.WithTLS(server.Client().Transport.(*http.Transport).TLSClientConfig))
			_, err := crest.Post[string, string]("/").Call(t.Context(), c, "hello")
			require.NoError(t, err)
			e := one(t, rec)
			require.Equal(t, name, e.Response.HTTPVersion)
			require.Equal(t, name, e.Request.HTTPVersion)
			require.Positive(t, e.Timings.SSL)
			require.Greater(t, e.Timings.Connect, e.Timings.SSL)
			require.Equal(t, "hello", e.Response.Content.Text)
		})
	}
}

// There is an entry for each request that went out.
func TestRecorderRetriesAndRedirects(t *testing.T) {
	rec := &har.Recorder{Body: 1 << 10}
	n := 0
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) {
		switch n++; n {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			http.Redirect(w, r, "/there?limit=5&key=hidden#part", http.StatusFound)
		}
	}, crest.WithRetry(crest.Retry{Backoff: func(int, error) time.Duration { return 0 }}))
	_, err := crest.Get[crest.Empty, crest.Empty]("/here").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	var got []string
	for _, e := range entries(t, rec) {
		got = append(got, fmt.Sprint(e.Endpoint, " ", e.Attempt, e.Hop, " ", e.Response.Status, " ", e.Response.RedirectURL))
	}
	require.Equal(t, []string{"GET /here 1 1 503 ", "GET /here 2 1 302 /there?limit=5&key=[redacted]", "GET /here 2 2 200 "}, got)
	require.NotContains(t, written(t, rec), "hidden", "not in the body of the redirect either")
}

// What fails is recorded with its reason, and comes to the caller as without a recorder.
func TestRecorderFailures(t *testing.T) {
	refuse := errors.New("refused")
	for name, tt := range map[string]struct {
		answer inMemory
		err    string
		text   string
	}{
		"error":  {func(*http.Request) (*http.Response, error) { return nil, refuse }, "refused", "refused"},
		"silent": {func(*http.Request) (*http.Response, error) { return nil, nil }, "neither a response nor an error", "neither a response nor an error"},
		"long":   {func(*http.Request) (*http.Response, error) { return nil, errors.New(long(5000) + "end") }, "crest crest", "crest"},
		"body": {func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 200, "")
			resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("abc"), broken{refuse})), -1
			return resp, nil
		}, "refused", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Body: 10}
			with := client(t, rec, "http://a.example", crest.WithTransport(tt.answer), never)
			without := client(t, nil, "http://a.example", crest.WithTransport(tt.answer), never)
			get := crest.Get[crest.Empty, string]("/")
			_, err := get.Call(t.Context(), with, crest.Empty{})
			_, want := get.Call(t.Context(), without, crest.Empty{})
			require.ErrorContains(t, err, tt.err)
			require.EqualError(t, err, want.Error())
			require.Equal(t, errors.Is(want, refuse), errors.Is(err, refuse))
			e := one(t, rec)
			require.Contains(t, e.ErrorText, tt.text)
			require.Less(t, len(e.ErrorText), 1100)
			if name != "body" {
				require.Zero(t, e.Response.Status)
				require.Equal(t, "there was no answer", e.Comment)
				return
			}
			require.Equal(t, "the body of the answer broke off", e.Comment)
			require.Equal(t, "abc", e.Response.Content.Text)
		})
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// A request that crest refuses below the recorder is told, with the time that it waited.
func TestRecorderLimiter(t *testing.T) {
	rec := &har.Recorder{}
	slow := limiter(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	c := client(t, rec, "http://a.example", crest.WithLimiter(slow), never)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := crest.Get[crest.Empty, crest.Empty]("/").Call(ctx, c, crest.Empty{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	e := one(t, rec)
	require.NotEmpty(t, e.ErrorText)
	require.Positive(t, e.SlotWait)
	require.GreaterOrEqual(t, e.Timings.Blocked, e.SlotWait-0.002)
}

type limiter func(ctx context.Context) error

func (l limiter) Wait(ctx context.Context) error { return l(ctx) }

// A panic passes.
func TestRecorderPanic(t *testing.T) {
	rec := &har.Recorder{}
	c := client(t, rec, "http://a.example", crest.WithTransport(inMemory(func(*http.Request) (*http.Response, error) { panic("secret") })))
	require.PanicsWithValue(t, "secret", func() {
		_, _ = crest.Get[crest.Empty, crest.Empty]("/").Call(t.Context(), c, crest.Empty{})
	})
	require.Equal(t, "a transport or a middleware panicked", one(t, rec).ErrorText)
}

// The oldest are dropped.
func TestRecorderMax(t *testing.T) {
	for name, tt := range map[string]struct {
		max, calls int
		want       string
	}{
		"less":    {3, 2, "/0 /1"},
		"full":    {3, 3, "/0 /1 /2"},
		"more":    {3, 5, "/2 /3 /4"},
		"one":     {1, 3, "/2"},
		"default": {0, 1002, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &har.Recorder{Max: tt.max}
			c := client(t, rec, "http://a.example", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) { return answer(req, 200, ""), nil })))
			type get struct {
				N int `path:"n"`
			}
			for i := range tt.calls {
				_, err := crest.Get[get, crest.Empty]("/{n}").Call(t.Context(), c, get{i})
				require.NoError(t, err)
			}
			var got []string
			for _, e := range entries(t, rec) {
				got = append(got, strings.TrimPrefix(e.Request.URL, "http://a.example"))
			}
			if tt.max == 0 {
				require.Len(t, got, 1000)
				require.Equal(t, "/2", got[0])
				return
			}
			require.Equal(t, tt.want, strings.Join(got, " "))
			rec.Reset()
			require.Empty(t, entries(t, rec))
		})
	}
}

// Calls, archives and resets at the same time.
func TestRecorderConcurrent(t *testing.T) {
	rec := &har.Recorder{Max: 7, Body: 16}
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				got, err := crest.Post[string, string]("/").Call(t.Context(), c, long(i+n))
				if err != nil || got != long(i+n) {
					t.Errorf("%q, %v", got, err)
				}
				if n%5 == i {
					entries(t, rec)
				}
				if n == 13 && i == 0 {
					rec.Reset()
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, entries(t, rec), 7)
}

// A writer's error ends the archive.
func TestRecorderWriteErrors(t *testing.T) {
	rec := everything(t)
	whole := len(written(t, rec))
	full := errors.New("full")
	for _, room := range []int{0, 10, whole / 2, whole - 1} {
		n, err := rec.WriteTo(&small{room, full})
		require.ErrorIs(t, err, full)
		require.EqualValues(t, room, n)
	}
}

type small struct {
	room int
	err  error
}

func (s *small) Write(p []byte) (int, error) {
	if len(p) > s.room {
		n := s.room
		s.room = 0
		return n, s.err
	}
	s.room -= len(p)
	return len(p), nil
}

// Requests of other libraries are recorded by the rules of the client.
func TestRecorderForeign(t *testing.T) {
	rec := &har.Recorder{Body: 100}
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"hidden","n":1}`))
	}, crest.WithRedact("page"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, baseOf(t, c)+"/token?page=1&limit=2", strings.NewReader("x"))
	require.NoError(t, err)
	req.Host = "other.example"
	resp, err := crest.RoundTripper(c).RoundTrip(req)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	e := one(t, rec)
	require.Empty(t, e.Endpoint)
	require.Equal(t, []named{{Name: "page", Value: "[redacted]"}, {Name: "limit", Value: "2"}}, e.Request.QueryString)
	require.Equal(t, "other.example", header(e.Request.Headers, "Host"))
	require.NotContains(t, written(t, rec), "hidden")
}

// baseOf is where a client leads to.
func baseOf(t testing.TB, c *crest.Client[*failure]) string {
	p, err := crest.Get[crest.Empty, crest.Empty]("/").Prepare(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	return strings.TrimSuffix(p.URL().String(), "/")
}
