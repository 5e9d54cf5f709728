package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type hostileRequest struct {
	ID     string   `path:"id"`
	Rest   string   `path:"rest"`
	Q      string   `query:"q"`
	List   []string `query:"list"`
	Header string   `header:"X-Value"`
	Cookie string   `cookie:"sid"`
}

// FuzzR13R14R20BindingStaysHome: whatever the values, what is sent parses back to the route's segments and
// the original values, at the base's origin, and holds no line that was not declared.
func FuzzR13R14R20BindingStaysHome(f *testing.F) {
	for _, s := range []string{"a", "a/b", "..", ".", "%2e%2e", "%252e%252e", "..;", `a\b`, "?x", "#f", "a%2fb", "//evil", "http://evil", "@evil", "\t\n", "é", "a b", "x\r\nY: z", "", "\x00", `""`, `"a"`, "[::1]", "a;b", "+", "a&b=c"} {
		f.Add(s, "x/"+s, s, s, s)
	}
	endpoint := crest.Get[hostileRequest, crest.Empty]("/pets/{id}/files/{rest...}?fixed=1")
	const base = "https://api.example.com/v1"
	var sent []byte
	c, err := crest.New[*crest.Problem](base, crest.WithTransport(fuzzTransport(func(req *http.Request) (*http.Response, error) {
		var wire bytes.Buffer
		if err := req.Write(&wire); err != nil {
			return nil, err
		}
		sent = wire.Bytes()
		return &http.Response{StatusCode: 204, Body: http.NoBody, Header: http.Header{}, Request: req}, nil
	})))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, id, rest, q, header, cookie string) {
		req := hostileRequest{ID: id, Rest: rest, Q: q, List: []string{q, id}, Header: header, Cookie: cookie}
		sent = nil
		_, err := endpoint.Call(context.Background(), c, req)
		if err != nil {
			require.ErrorIs(t, err, crest.ErrRequest)
			require.Nil(t, sent, "an error of the request, and yet something was sent")
			return
		}
		checkSent(t, sent, req)
	})
}

func checkSent(t *testing.T, wire []byte, req hostileRequest) {
	t.Helper()
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	require.NoError(t, err)
	require.Equal(t, "api.example.com", got.Host)
	target, err := url.ParseRequestURI(got.RequestURI)
	require.NoError(t, err)
	require.Empty(t, target.Host)
	segments := strings.Split(target.EscapedPath(), "/")
	require.Equal(t, []string{"", "v1", "pets"}, segments[:3])
	require.Equal(t, "files", segments[4])
	require.Equal(t, req.ID, unescape(t, segments[3]))
	require.Equal(t, req.Rest, unescape(t, strings.Join(segments[5:], "/")))
	for _, s := range segments[3:] {
		require.NotContains(t, []string{".", ".."}, unescape(t, s), "a dot segment")
	}
	query, err := url.ParseQuery(target.RawQuery)
	require.NoError(t, err)
	require.Equal(t, url.Values{"fixed": {"1"}, "q": {req.Q}, "list": {req.Q, req.ID}}, query)
	require.Equal(t, []string{req.Header}, got.Header["X-Value"])
	require.Equal(t, []string{"sid=" + req.Cookie}, got.Header["Cookie"], "as given: quotes are part of a value (RFC 6265, section 4.1.1)")
	require.Len(t, got.Header, 5, "User-Agent, Accept, Accept-Encoding, X-Value, Cookie and nothing else: %v", got.Header)
}

func unescape(t *testing.T, s string) string {
	t.Helper()
	text, err := url.PathUnescape(s)
	require.NoError(t, err)
	return text
}

// FuzzR13Routes: a route is refused at declaration, or every call of it stays at the base's origin and below its path.
func FuzzR13Routes(f *testing.F) {
	for _, s := range []string{"/pets", "//evil", "http://evil", `\\evil`, `/\evil`, "http:evil", "@evil", "/a\tb", "/a\nb", "/%2f%2fevil", "/a/../b", "/a?x=1#f", "/{", "/{}", "/é", "/a;b", "/:80", "/..;/x"} {
		f.Add(s)
	}
	c, err := crest.New[*crest.Problem]("https://api.example.com/v1")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, route string) {
		endpoint, err := crest.NewEndpointOf(http.MethodGet, route, reflect.TypeFor[crest.Empty](), reflect.TypeFor[crest.Empty]())
		if err != nil {
			return
		}
		p, err := endpoint.Prepare(context.Background(), c, nil)
		if err != nil {
			require.ErrorIs(t, err, crest.ErrRequest)
			return
		}
		u, err := url.Parse(p.URL().String())
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.Equal(t, "api.example.com", u.Host)
		require.True(t, strings.HasPrefix(u.EscapedPath(), "/v1/"), u.EscapedPath())
		for s := range strings.SplitSeq(u.Path, "/") {
			require.NotContains(t, []string{".", ".."}, s)
		}
	})
}

// FuzzAnswers: whatever a server answers, a call ends with a model or a typed error, and nothing panics.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "application/json", "", `{"id":1,"name":"x"}`)
	f.Add(404, "text/html", "", "<html>")
	f.Add(200, "application/json; charset=utf-16", "", "\xff\xfe{\x00}\x00")
	f.Add(200, "", "gzip", "\x1f\x8b\x08\x00")
	f.Add(200, "application/json", "deflate", "x\x9c")
	f.Add(204, "", "", "")
	f.Add(999, ";;;", "br", "\x00")
	endpoint := crest.Get[crest.Empty, fuzzModel]("/x")
	f.Fuzz(func(t *testing.T, status int, contentType, coding, body string) {
		c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fuzzTransport(func(req *http.Request) (*http.Response, error) {
			h := http.Header{"Content-Type": {contentType}, "Content-Encoding": {coding}, "Link": {contentType}, "Retry-After": {coding}}
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: h, Request: req, ContentLength: -1}, nil
		})), crest.WithRetry(crest.Retry{Max: -1})) // its waits would be real ones
		require.NoError(t, err)
		r, err := endpoint.Do(context.Background(), c, crest.Empty{})
		if err == nil {
			require.NotEmpty(t, r.Model.Name, "a nil error, and the model breaks its rules")
			_, _, _ = r.Links(), r.Cookies(), r.Location()
			return
		}
		var failed *crest.CallError
		require.True(t, errors.As(err, &failed))
		require.NotEmpty(t, failed.Error())
	})
}

type fuzzModel struct {
	ID   int               `json:"id"`
	Name string            `json:"name" validate:"required"`
	ETag string            `header:"ETag"`
	Tags crest.Opt[[]int]  `json:"tags,omitzero"`
	Any  map[string]any    `json:"any"`
	Link map[string]string `header:"X-Meta-*"`
}

// fuzzTransport answers from memory.
type fuzzTransport func(*http.Request) (*http.Response, error)

func (f fuzzTransport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
