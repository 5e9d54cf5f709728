package cresttest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

type searchRequest struct {
	Tags   []string          `query:"tags,style=deepObject"`
	Filter map[string]string `query:"filter,style=deepObject"`
}

var search = crest.Get[searchRequest, crest.Empty]("/search")

// send makes a request that no endpoint makes and returns the status.
func send(t *testing.T, srv *cresttest.Server, method, target, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://fake"+target, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := srv.Transport().RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// What nobody declared fails the test, with a message that says what it was.
func TestServerIsStrict(t *testing.T) {
	tests := map[string]struct {
		method, target, body string
		status               int
		want                 string
	}{
		"no endpoint":        {"GET", "/v1/dogs", "", 404, "no endpoint takes GET /v1/dogs: it has GET /pets/{id}, POST /pets, GET /search"},
		"another method":     {"DELETE", "/v1/pets/7", "", 404, "no endpoint takes DELETE"},
		"outside the prefix": {"GET", "/pets/7", "", 404, "is not below the server's prefix /v1"},
		"half the prefix":    {"GET", "/v1pets/7", "", 404, "is not below the server's prefix /v1"},
		"no number":          {"GET", "/v1/pets/rex", "", 400, `getPetRequest.ID (path:"id") is not an integer`},
		"invalid":            {"GET", "/v1/pets/-1", "", 400, "ID"},
		"no body":            {"POST", "/v1/pets", "", 400, "the request has no body"},
		"not JSON":           {"POST", "/v1/pets", "{", 400, "the body cannot be read"},
		"R35 index":          {"GET", "/v1/search?tags[9999999]=x", "", 400, "has indexes that are not 0, 1, 2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
			rex(srv)
			cresttest.Handle(srv, addPet, func(_ context.Context, req pet) (pet, error) { return req, nil })
			cresttest.Handle(srv, search, func(context.Context, searchRequest) (crest.Empty, error) { return crest.Empty{}, nil })
			require.Equal(t, tt.status, send(t, srv, tt.method, tt.target, tt.body))
			require.Contains(t, w.text(), tt.want)
		})
	}
}

func TestHandlerErrors(t *testing.T) {
	twice := crest.Get[crest.Empty, pet]("/twice", crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound](), 410: crest.As[*notFound]()}))
	class := crest.Get[crest.Empty, pet]("/class", crest.WithErrors(crest.ErrorMap{crest.Status4XX: crest.As[*notFound]()}))
	both := crest.Get[crest.Empty, pet]("/both", crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound](), crest.AnyStatus: crest.As[*notFound]()}))
	tests := map[string]struct {
		endpoint *crest.Endpoint[crest.Empty, pet]
		err      error
		status   int
		said     string // by the test
	}{
		"class":           {class, &notFound{}, 400, ""},
		"exact first":     {both, &notFound{}, 404, ""},
		"several":         {twice, &notFound{}, 501, "the ErrorMap has *cresttest_test.notFound for the statuses [404 410]: answer with a *crest.Error"},
		"which one":       {twice, &crest.Error{StatusCode: 410, Model: &notFound{}}, 410, ""},
		"undeclared":      {class, errors.New("oops"), 501, "no entry of the endpoint's ErrorMap is for a *errors.errorString"},
		"problem":         {class, &crest.Problem{Status: 422, Title: "no"}, 422, ""},
		"status":          {class, crest.Status(418), 418, ""},
		"body":            {class, &crest.Error{StatusCode: 503, Body: []byte("later"), Header: http.Header{"x-why": {"rest"}}}, 503, ""},
		"no status in it": {class, &crest.Error{}, 501, "is no status"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
			cresttest.Handle(srv, tt.endpoint, func(context.Context, crest.Empty) (pet, error) { return pet{}, tt.err })
			_, err := tt.endpoint.Call(t.Context(), client(t, srv), crest.Empty{})
			require.ErrorIs(t, err, crest.Status(tt.status))
			if tt.said == "" {
				require.Empty(t, w.text())
			}
			require.Contains(t, w.text(), tt.said)
		})
	}
}

// A mistake of the test is told once, whatever the client tries again; of a model that only the client's map knows with the mend.
func TestHandlerMistakeIsToldOnce(t *testing.T) {
	failures := crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound]()})
	w := &witness{TB: t}
	srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
	c := client(t, srv, failures, crest.WithRetry(crest.Retry{Max: 3, Backoff: func(int, error) time.Duration { return 0 }}))
	bare := crest.Get[crest.Empty, pet]("/bare")
	cresttest.Handle(srv, bare, func(context.Context, crest.Empty) (pet, error) { return pet{}, &notFound{} })
	_, err := bare.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(501))
	require.Len(t, w.said, 1)
	require.Contains(t, w.text(), "a map that was given to crest.New is not known here: give failures := crest.WithErrors(…) to the endpoints as well")
	require.Len(t, cresttest.Calls(srv, bare), 1)

	shared := crest.Get[crest.Empty, pet]("/shared", failures)
	cresttest.Handle(srv, shared, func(context.Context, crest.Empty) (pet, error) { return pet{}, &notFound{} })
	_, err = shared.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(404))
	require.Len(t, w.said, 1)
}

// Of routes that fit one request the most literal is asked.
func TestMostLiteralRouteFirst(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	type rest struct {
		Path string `path:"path"`
	}
	type part struct {
		Name string `path:"name"`
	}
	all := crest.Get[rest, string]("/{path...}")
	under := crest.Get[rest, string]("/pets/{path...}")
	one := crest.Get[part, string]("/pets/{name}")
	dotted := crest.Get[part, string]("/pets/{name}.json")
	mine := crest.Get[crest.Empty, string]("/pets/mine")
	sorted := crest.Get[crest.Empty, string]("/pets/mine?sort=name")
	cresttest.Handle(srv, all, func(_ context.Context, req rest) (string, error) { return "all " + req.Path, nil })
	cresttest.Handle(srv, under, func(_ context.Context, req rest) (string, error) { return "under " + req.Path, nil })
	cresttest.Handle(srv, one, func(_ context.Context, req part) (string, error) { return "one " + req.Name, nil })
	cresttest.Handle(srv, dotted, func(_ context.Context, req part) (string, error) { return "dotted " + req.Name, nil })
	cresttest.Handle(srv, mine, func(context.Context, crest.Empty) (string, error) { return "mine", nil })
	cresttest.Handle(srv, sorted, func(context.Context, crest.Empty) (string, error) { return "sorted", nil })
	c := client(t, srv)
	for route, want := range map[string]string{
		"/pets/mine": "mine", "/pets/mine?sort=name": "sorted", "/pets/x": "one x", "/pets/x.json": "dotted x", "/pets/x/y": "under x/y", "/a/b": "all a/b",
	} {
		got, err := crest.Get[crest.Empty, string](route).Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err, route)
		require.Equal(t, want, got, route)
	}
}

// A second Handle replaces the first; what was called stays.
func TestHandleAgain(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	rex(srv)
	c := client(t, srv)
	_, err := getPet.Call(t.Context(), c, getPetRequest{ID: 1})
	require.NoError(t, err)
	cresttest.Handle(srv, getPet, func(ctx context.Context, req getPetRequest) (pet, error) {
		cresttest.ReplyOf(ctx).Status = 203
		cresttest.ReplyOf(ctx).Header.Set("X-Was", cresttest.ReplyOf(ctx).Request.Header.Get("User-Agent"))
		return pet{ID: req.ID, Name: "Tom"}, nil
	})
	got, err := getPet.Do(t.Context(), c, getPetRequest{ID: 2})
	require.NoError(t, err)
	require.Equal(t, "Tom", got.Model.Name)
	require.Equal(t, 203, got.StatusCode)
	require.Contains(t, got.Header.Get("X-Was"), "crest")
	require.Len(t, cresttest.Calls(srv, getPet), 2)
	require.NotNil(t, cresttest.ReplyOf(t.Context()))
}

// A status that has no body takes none along.
func TestReplyWithoutBody(t *testing.T) {
	e := crest.Get[getPetRequest, pet]("/pets/{id}", crest.WithSuccess(200, 304))
	for _, status := range []int{304, 204} {
		srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
		cresttest.Handle(srv, e, func(ctx context.Context, _ getPetRequest) (pet, error) {
			cresttest.ReplyOf(ctx).Status = status
			return pet{ID: 7, ETag: "1"}, nil
		})
		got, err := e.Do(t.Context(), client(t, srv), getPetRequest{ID: 7}, crest.WithSuccess(status))
		require.NoError(t, err)
		require.Equal(t, status, got.StatusCode)
		require.Equal(t, pet{ETag: "1"}, got.Model)
	}
}

// The same server answers on a socket.
func TestServerURL(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	rex(srv)
	c, err := crest.New[*apiError](srv.URL(), crest.WithBearer(crest.NewSecret("t"))) // over plain http, to the loopback
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	got, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
	require.NoError(t, err)
	require.Equal(t, "Rex", got.Name)
	require.Equal(t, "Bearer t", cresttest.Calls(srv, getPet)[0].Header.Get("Authorization"))
	require.Equal(t, srv.URL(), srv.URL())
}

// And below a server of the test's own.
func TestServerAsHandler(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	rex(srv)
	secure := httptest.NewTLSServer(srv)
	defer secure.Close()
	c, err := crest.New[*apiError](secure.URL+"/v1", crest.WithTransport(secure.Client().Transport))
	require.NoError(t, err)
	got, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
	require.NoError(t, err)
	require.Equal(t, "Rex", got.Name)
}

// A HEAD has the header fields of a GET and no body.
func TestHead(t *testing.T) {
	type facts struct {
		Size string `header:"X-Size"`
		Body []pet
	}
	head := crest.Head[getPetRequest, facts]("/pets/{id}")
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	rex(srv)
	cresttest.Handle(srv, head, func(context.Context, getPetRequest) (facts, error) { return facts{"7", []pet{{ID: 1}}}, nil })
	got, err := head.Call(t.Context(), client(t, srv), getPetRequest{ID: 7})
	require.NoError(t, err)
	require.Equal(t, facts{Size: "7"}, got)
}

// A handler that panics fails the test; one that ends with the client does not.
func TestHandlersThatDoNotAnswer(t *testing.T) {
	w := &witness{TB: t}
	srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	cresttest.Handle(srv, getPet, func(ctx context.Context, req getPetRequest) (pet, error) {
		switch req.ID {
		case 1:
			panic("no pets today")
		case 3:
			runtime.Goexit() // as a require in the handler does
		}
		cancel()
		<-ctx.Done()
		ended <- ctx.Err()
		return pet{}, ctx.Err()
	})
	_, err := getPet.Call(ctx, client(t, srv), getPetRequest{ID: 2})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
	_, err = getPet.Call(t.Context(), client(t, srv), getPetRequest{ID: 3})
	require.ErrorIs(t, err, crest.KindDisconnected)
	require.Empty(t, w.text())
	_, err = getPet.Call(t.Context(), client(t, srv), getPetRequest{ID: 1})
	require.ErrorIs(t, err, crest.KindDisconnected)
	require.Contains(t, w.text(), "the handler of GET /v1/pets/1 panicked: no pets today")
}

// Credentials go to the server as they would go to the API, whose base is https.
func TestCredentialsAreSeen(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	rex(srv)
	_, err := getPet.Call(t.Context(), client(t, srv, crest.WithBearer(crest.NewSecret("hunter2"))), getPetRequest{ID: 1})
	require.NoError(t, err)
	require.Equal(t, "Bearer hunter2", cresttest.Calls(srv, getPet)[0].Header.Get("Authorization"))
}
