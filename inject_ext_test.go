package crest_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type placed struct {
	Path   string `path:"id"`
	Query  string `query:"q,omitzero"`
	Header string `header:"X-Value,omitzero"`
	Cookie string `cookie:"sid,omitzero"`
}

// wired sends req and returns the bytes that net/http would put on the wire, nil if there are none.
func wired(t *testing.T, call func(c crest.Caller) error) ([]byte, error) {
	t.Helper()
	var sent []byte
	c := newClient(t, "https://api.example.com/v1", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		var wire bytes.Buffer
		if err := req.Write(&wire); err != nil {
			return nil, err
		}
		sent = wire.Bytes()
		return response(req, 204, ""), nil
	})))
	return sent, func() error { return call(c) }()
}

// R13: whatever a route is, it is refused at declaration or stays below the base.
func TestR13Routes(t *testing.T) {
	for _, route := range []string{
		"", "pets", "//evil", "///evil", "http://evil", "https://evil/x", `\\evil`, `/\evil`, `\/evil`, "http:evil", "@evil", "/a\tb", "/a\nb", "/a\r\nX: y",
		"/a b", "/../x", "/a/../../x", "/./x", "/%2e%2e/x", "/a#f", "/{}", "/{", "/}", "/{a}{a}", "/{a...}/b", "?x=1", "u:p@evil", "/\x00", "/\x7f",
	} {
		require.Panics(t, func() { crest.Get[crest.Empty, crest.Empty](route) }, "%q", route)
	}
	for _, route := range []string{"/", "/%2f%2fevil", "/:80", "/@evil", "/a;b", "/é", "/http://evil"} {
		func() {
			defer func() { _ = recover() }() // refused is fine as well
			e := crest.Get[crest.Empty, crest.Empty](route)
			wire, err := wired(t, func(c crest.Caller) error { _, err := e.Call(t.Context(), c, crest.Empty{}); return err })
			require.NoError(t, err)
			req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
			require.NoError(t, err)
			require.Equal(t, "api.example.com", req.Host)
			require.True(t, strings.HasPrefix(req.RequestURI, "/v1/"), req.RequestURI)
		}()
	}
}

// R13, R14: a path value is one segment, escaped once; what would climb is an error that names the field, never the value.
func TestR14PathValues(t *testing.T) {
	get := crest.Get[placed, crest.Empty]("/pets/{id}/x")
	for value, want := range map[string]string{
		"a/b": "a%2Fb", `a\b`: "a%5Cb", "?x": "%3Fx", "#f": "%23f", "a%2fb": "a%252fb", "..;": "..%3B", "...": "...", "a b": "a%20b", "é": "%C3%A9",
		"//evil": "%2F%2Fevil", "http://evil": "http%3A%2F%2Fevil", "@evil": "%40evil", "\t": "%09", "\r\nX: y": "%0D%0AX%3A%20y", "{id}": "%7Bid%7D",
		"": "", ".": "", "..": "", "%2e%2e": "", "%2E": "", "%252e%252e": "", "../..": "", "..%2f..": "", "a/../b": "",
	} {
		wire, err := wired(t, func(c crest.Caller) error { _, err := get.Call(t.Context(), c, placed{Path: value}); return err })
		if want == "" {
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, "placed.Path")
			require.Nil(t, wire)
			continue
		}
		require.NoError(t, err, "%q", value)
		require.True(t, strings.HasPrefix(string(wire), "GET /v1/pets/"+want+"/x HTTP/1.1\r\nHost: api.example.com\r\n"), "%q: %s", value, wire)
	}
}

// R20: each place with each byte: what is sent has no line that was not declared, and parses back to the value.
func TestR20EveryByteInEveryPlace(t *testing.T) {
	get := crest.Get[placed, crest.Empty]("/{id}")
	places := map[string]struct {
		req  func(v string) (placed, []crest.CallOption)
		read func(*http.Request) string
	}{
		"path":  {func(v string) (placed, []crest.CallOption) { return placed{Path: v}, nil }, func(r *http.Request) string { return lastSegment(r) }},
		"query": {func(v string) (placed, []crest.CallOption) { return placed{Path: "x", Query: v}, nil }, func(r *http.Request) string { return r.URL.Query().Get("q") }},
		"header": {func(v string) (placed, []crest.CallOption) { return placed{Path: "x", Header: v}, nil }, func(r *http.Request) string {
			return r.Header.Get("X-Value")
		}},
		"cookie": {func(v string) (placed, []crest.CallOption) { return placed{Path: "x", Cookie: v}, nil }, cookieValue},
		"option header": {func(v string) (placed, []crest.CallOption) {
			return placed{Path: "x"}, []crest.CallOption{crest.WithHeader("X-Value", v)}
		}, func(r *http.Request) string { return r.Header.Get("X-Value") }},
		"option query": {func(v string) (placed, []crest.CallOption) {
			return placed{Path: "x"}, []crest.CallOption{crest.WithQuery("q", v)}
		}, func(r *http.Request) string { return r.URL.Query().Get("q") }},
		"option query key": {func(v string) (placed, []crest.CallOption) {
			return placed{Path: "x"}, []crest.CallOption{crest.WithQuery(v, "1")}
		}, func(r *http.Request) string {
			for k := range r.URL.Query() {
				return k
			}
			return ""
		}},
		"option cookie": {func(v string) (placed, []crest.CallOption) {
			return placed{Path: "x"}, []crest.CallOption{crest.WithCookie("sid", v)}
		}, cookieValue},
		"Host": {func(v string) (placed, []crest.CallOption) {
			return placed{Path: "x"}, []crest.CallOption{crest.WithHeader("Host", v)}
		}, func(r *http.Request) string { return r.Host }},
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			refused := 0
			for c := range 256 {
				value := "v" + string([]byte{byte(c)}) + "w"
				req, opts := place.req(value)
				wire, err := wired(t, func(c crest.Caller) error { _, err := get.Call(t.Context(), c, req, opts...); return err })
				if err != nil {
					fails(t, err, crest.ErrRequest, "", crest.SentNo)
					require.NotContains(t, err.Error(), value)
					require.Nil(t, wire)
					refused++
					continue
				}
				got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
				require.NoError(t, err, "byte %#x", c)
				require.Equal(t, value, place.read(got), "byte %#x", c)
				require.LessOrEqual(t, len(got.Header), 5, "%v", got.Header)
			}
			require.Equal(t, strings.Contains(name, "path") || strings.Contains(name, "query"), refused == 0, "%d bytes were refused", refused)
		})
	}
}

func lastSegment(r *http.Request) string {
	escaped := r.URL.EscapedPath()
	text, _ := url.PathUnescape(escaped[strings.LastIndexByte(escaped, '/')+1:])
	return text
}

func cookieValue(r *http.Request) string {
	c, err := r.Cookie("sid")
	if err != nil {
		return ""
	}
	return c.Value
}
