package httpbin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	upstream "github.com/mccutchen/go-httpbin/v2/httpbin"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/httpbin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient returns a client of a real httpbin on a socket of its own.
func newClient(t *testing.T, opts ...crest.ClientOption) *httpbin.Client {
	t.Helper()
	server := httptest.NewServer(upstream.New())
	c, err := httpbin.New(server.URL, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		server.Close()
	})
	return c
}

func TestGetSendsTypedQueryAndHeaders(t *testing.T) {
	c := newClient(t)
	echo, err := c.Get(t.Context(), httpbin.GetRequest{
		Name: "a&b=c é", Tags: []string{"x", "y z"}, Page: 2,
		Since: time.Date(2026, 11, 5, 23, 0, 0, 0, time.UTC), TraceID: "t-1",
	})
	require.NoError(t, err)
	require.Equal(t, "GET", echo.Method)
	require.Equal(t, map[string][]string{
		"name": {"a&b=c é"}, "tag": {"x", "y z"}, "page": {"2"}, "since": {"2026-11-05"},
	}, echo.Args)
	require.Equal(t, []string{"t-1"}, echo.Headers["X-Trace-Id"])
	require.Equal(t, []string{"httpbin-sdk/1.0.0 crest/" + crest.Version}, echo.Headers["User-Agent"])
}

func TestGetLeavesOutWhatIsZero(t *testing.T) {
	echo, err := newClient(t).Get(t.Context(), httpbin.GetRequest{Name: "n"})
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"name": {"n"}}, echo.Args)
	require.NotContains(t, echo.Headers, "X-Trace-Id")
}

func TestPost(t *testing.T) {
	c := newClient(t)
	order := httpbin.Order{Item: "lamp", Count: 3, Notes: []string{"fragile"}}
	receipt, err := c.Post(t.Context(), order)
	require.NoError(t, err)
	require.Equal(t, order, receipt.Order)
	require.Equal(t, []string{"application/json"}, receipt.Headers["Content-Type"])

	_, err = c.Post(t.Context(), httpbin.Order{Item: "lamp", Count: 101})
	require.ErrorIs(t, err, crest.ErrRequest)
	require.ErrorIs(t, err, crest.KindValidation)
}

func TestPostForm(t *testing.T) {
	login := httpbin.Login{Name: "ann", Password: crest.NewSecret("p&ss")}
	got, err := newClient(t).PostForm(t.Context(), login)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"name": {"ann"}, "password": {"p&ss"}}, got)
	require.NotContains(t, fmt.Sprintf("%+v", login), "p&ss")
}

func TestPatchTellsUnsetNullAndValueApart(t *testing.T) {
	c := newClient(t)
	for name, test := range map[string]struct {
		change httpbin.Change
		body   string
	}{
		"all unset":      {httpbin.Change{}, `{}`},
		"null and value": {httpbin.Change{Title: crest.Null[string](), Done: crest.Some(false)}, `{"title":null,"done":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			echo, err := c.Patch(t.Context(), test.change)
			require.NoError(t, err)
			require.Equal(t, test.body, echo.Data)
			require.Equal(t, test.change, echo.Change)
		})
	}
}

func TestResponseHeaders(t *testing.T) {
	c := newClient(t)
	got, err := c.ResponseHeaders(t.Context(), httpbin.HeadersRequest{ETag: `"v7"`, Remaining: 41, Served: "node-3"})
	require.NoError(t, err)
	require.Equal(t, httpbin.ReturnedHeaders{ETag: `"v7"`, Remaining: 41, Served: crest.Some("node-3")}, got)

	got, err = c.ResponseHeaders(t.Context(), httpbin.HeadersRequest{ETag: "x"})
	require.NoError(t, err)
	require.True(t, got.Served.IsZero())
}

func TestCookies(t *testing.T) {
	got, err := newClient(t).Cookies(t.Context(), httpbin.CookiesRequest{Session: crest.NewSecret("s1"), Theme: "dark"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"session": "s1", "theme": "dark"}, got)
}

func TestWhoami(t *testing.T) {
	c := newClient(t)
	_, err := c.Whoami(t.Context())
	missing, ok := errors.AsType[*httpbin.Unauthorized](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "Bearer", missing.Challenge)
	require.Equal(t, "Unauthorized", missing.Text)

	who, err := c.Whoami(t.Context(), crest.WithBearer(crest.NewSecret("t0ken")))
	require.NoError(t, err)
	require.True(t, who.Authenticated)
	require.Equal(t, "t0ken", who.Token.Reveal())
}

func TestStatus(t *testing.T) {
	c := newClient(t)
	require.NoError(t, c.Status(t.Context(), 204))

	err := c.Status(t.Context(), 406)
	picky, ok := errors.AsType[*httpbin.NotAcceptable](err)
	require.True(t, ok, "%v", err)
	require.Contains(t, picky.Accept, "image/png")

	err = c.Status(t.Context(), 418)
	pot, ok := errors.AsType[*httpbin.Teapot](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "I'm a teapot!", pot.Body)
	require.Equal(t, "http://tools.ietf.org/html/rfc2324", pot.MoreInfo)

	err = c.Status(t.Context(), 503)
	require.ErrorIs(t, err, crest.Status(503))
	require.ErrorIs(t, err, crest.Status(crest.Status5XX))
	require.EqualError(t, err, "crest: GET /status/{code}: 503 Service Unavailable (4 attempts)")

	require.NoError(t, c.Status(t.Context(), 302), "httpbin redirects to /redirect/1, and that leads on to /get")
}

func TestAPIErrorModel(t *testing.T) {
	_, err := newClient(t).Bytes(t.Context(), 1<<30, 1)
	require.ErrorIs(t, err, crest.Status(http.StatusBadRequest))
	said, ok := errors.AsType[*httpbin.Error](err)
	require.True(t, ok, "%v", err)
	require.Contains(t, said.Detail, "invalid byte count")
}

func TestDocument(t *testing.T) {
	c := newClient(t)
	doc, fresh, err := c.Document(t.Context(), httpbin.DocumentRequest{Tag: "v1"})
	require.NoError(t, err)
	require.True(t, fresh)
	require.Equal(t, `"v1"`, doc.ETag)
	require.Contains(t, doc.URL, "/etag/v1")
	require.WithinDuration(t, time.Now(), doc.Modified, time.Hour)

	again, fresh, err := c.Document(t.Context(), httpbin.DocumentRequest{Tag: "v1", Known: doc.ETag})
	require.NoError(t, err)
	require.False(t, fresh)
	require.Equal(t, `"v1"`, again.ETag)
	require.Empty(t, again.URL)
}

func TestSlides(t *testing.T) {
	show, err := newClient(t).Slides(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Sample Slide Show", show.Title)
	require.Len(t, show.Slides, 2)
	require.Len(t, show.Slides[1].Items, 3)
}

func TestBytes(t *testing.T) {
	body, err := newClient(t).Bytes(t.Context(), 1000, 1)
	require.NoError(t, err)
	data, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Len(t, data, 1000)
}

func TestDelayIsCutShortByATimeout(t *testing.T) {
	c := newClient(t)
	_, err := c.Delay(t.Context(), time.Millisecond)
	require.NoError(t, err)

	_, err = c.Delay(t.Context(), 9*time.Second, crest.WithTimeout(20*time.Millisecond))
	require.ErrorIs(t, err, crest.KindTimeout)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestTheRest(t *testing.T) {
	c := newClient(t)
	id, err := c.NewID(t.Context())
	require.NoError(t, err)
	require.Len(t, id, 36)

	zipped, err := c.Gzip(t.Context())
	require.NoError(t, err)
	require.True(t, zipped.Gzipped)

	text, err := c.Robots(t.Context())
	require.NoError(t, err)
	require.Contains(t, text, "User-agent")
}

func TestZeroClientGivesAnError(t *testing.T) {
	_, err := (&httpbin.Client{}).NewID(t.Context())
	require.ErrorIs(t, err, crest.ErrRequest)
	_, err = (*httpbin.Client)(nil).NewID(t.Context())
	require.ErrorIs(t, err, crest.ErrRequest)
}
