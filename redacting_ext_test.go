package crest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// recordedRequest has Secrets wherever a model can have them.
type recordedRequest struct {
	Tenant crest.Secret            `path:"tenant"`
	Key    crest.Secret            `query:"key"`
	Header crest.Secret            `header:"X-Key"`
	Pin    crest.Secret            `json:"pin"`
	Pins   []crest.Secret          `json:"pins,omitempty"`
	Opt    crest.Opt[crest.Secret] `json:"opt,omitzero"`
	Deep   []recordedInner         `json:"deep,omitempty"`
	Name   string                  `json:"name"`
}

type recordedInner struct {
	Code  *crest.Secret
	Plain string          `json:"plain"`
	More  []recordedInner `json:"more,omitempty"`
}

type recordedAnswer struct {
	Token crest.Secret `json:"token"`
	Shown string       `header:"X-Shown"`
	Given crest.Secret `header:"X-Given"`
	Asks  string       `header:"WWW-Authenticate"`
	Name  string       `json:"name"`

	Version crest.Secret            `header:"Last-Modified"` // of a name that is shown everywhere else
	Place   crest.Opt[crest.Secret] `header:"Content-Location"`
}

type recordedFailure struct {
	Trace crest.Secret `json:"trace"`
}

func (*recordedFailure) Error() string { return "failed" }

type recordedRefusal struct {
	Reason crest.Secret `json:"reason"`
}

func (*recordedRefusal) Error() string { return "refused" }

// recordedAny can hold a Secret where no type says so.
type recordedAny struct {
	Any any `json:"any"`
}

// shared lies where its first field does.
var shared = struct {
	First struct{ N int }
	S     crest.Secret
}{S: crest.NewSecret("x")}

type recordedForm struct {
	Password crest.Secret `form:"pass"`
	User     string       `form:"user"`
}

type recordedMap struct {
	Body map[string]crest.Secret
}

type recordedText struct {
	Own ownMarshaler `json:"own"`
}

// ownMarshaler says nothing of where its Secret is.
type ownMarshaler struct{ S crest.Secret }

func (o ownMarshaler) MarshalJSON() ([]byte, error)  { return []byte(`"` + o.S.Reveal() + `"`), nil }
func (o *ownMarshaler) UnmarshalJSON(b []byte) error { o.S = crest.NewSecret(string(b)); return nil }

// keptMarshaler has its Secret where encoding/json does not look, and writes it all the same.
type keptMarshaler struct {
	kept  crest.Secret
	Other []int `json:"other"`
}

func (k keptMarshaler) MarshalJSON() ([]byte, error) {
	return []byte(`{"x":"` + k.kept.Reveal() + `"}`), nil
}
func (k *keptMarshaler) UnmarshalJSON(b []byte) error { return nil }

// tagMarshaler's Secret is not in the JSON of its fields.
type tagMarshaler struct {
	Kept crest.Secret `json:"-"`
}

func (k tagMarshaler) MarshalText() ([]byte, error)  { return []byte(k.Kept.Reveal()), nil }
func (k *tagMarshaler) UnmarshalText(b []byte) error { return nil }

type recordedKept struct {
	Own []keptMarshaler `json:"own"`
}

type recordedTagged struct {
	Own map[string]tagMarshaler `json:"own"`
}

// recordedXML has a Secret that JSON does not have.
type recordedXML struct {
	Token crest.Secret `json:"-" xml:"token"`
	Name  string       `json:"-" xml:"name"`
}

// Types that are made of themselves without a struct between.
type (
	recordedTree   map[string]recordedTree
	recordedList   []recordedList
	recordedSelf   []recordedSelf
	recordedCodes  []crest.Secret
	recordedNested struct {
		Tree  recordedTree  `json:"tree,omitempty"`
		List  *recordedList `json:"list,omitempty"`
		Self  recordedSelf  `json:"self,omitempty"`
		One   recordedCodes `json:"one"`
		Other recordedCodes `json:"other"`
	}
)

func (recordedSelf) MarshalText() ([]byte, error)  { return nil, nil }
func (*recordedSelf) UnmarshalText(b []byte) error { return nil }

// redactionIn is what a middleware of the call gets.
func redactionIn[Req any](t *testing.T, method, route string, req Req, opts ...crest.EndpointOption) (r crest.Redaction, seen *http.Request) {
	t.Helper()
	c, err := crest.New[*recordedFailure]("https://a.example", crest.WithTransport(fixed(404, "{}")), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			r, seen = crest.RedactionOf(req), req
			return next.RoundTrip(req)
		})
	}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = crest.NewEndpoint[Req, recordedAnswer](method, route, opts...).Call(t.Context(), c, req)
	require.ErrorIs(t, err, crest.Status(404))
	return r, seen
}

func newRecorded() recordedRequest {
	return recordedRequest{Tenant: crest.NewSecret("ten ant"), Key: crest.NewSecret("k3y"), Header: crest.NewSecret("h3ader"), Pin: crest.NewSecret("1")}
}

func TestR43RedactionOfBodies(t *testing.T) {
	requests := map[string]struct {
		of   func(t *testing.T, opts ...crest.EndpointOption) crest.Redaction
		opts []crest.EndpointOption
		body string
		kind string
		want string // "" for not to be shown
	}{
		"a Secret":                        {of: ofModel(newRecorded()), body: `{"pin": "1234", "name":"n"}`, want: `{"pin":"[redacted]","name":"n"}`},
		"in a list, an Opt":               {of: ofModel(newRecorded()), body: `{"pins":["12","34"],"opt":"56"}`, want: `{"pins":["[redacted]","[redacted]"],"opt":"[redacted]"}`},
		"deeper, by a Go name":            {of: ofModel(newRecorded()), body: `{"deep":[{"code":"1","plain":"p","more":[{"CODE":2}]}]}`, want: `{"deep":[{"code":"[redacted]","plain":"p","more":[{"CODE":"[redacted]"}]}]}`},
		"an object in the Secret's stead": {of: ofModel(newRecorded()), body: `{"pin":{"a":["1"]},"name":{"a":1}}`, want: `{"pin":{"[redacted]":["[redacted]"]},"name":{"a":1}}`},
		"located fields are elsewhere":    {of: ofModel(newRecorded()), body: `{"key":"shown","Tenant":"shown"}`, want: `{"key":"shown","Tenant":"shown"}`},
		"nothing hidden stays as it is":   {of: ofModel(newRecorded()), body: "{ \"name\":\t\"<n>\" }\n", want: "{ \"name\":\t\"<n>\" }\n"},
		"cut":                             {of: ofModel(newRecorded()), body: `{"pin":"12`},
		"another media type":              {of: ofModel(newRecorded()), body: `<pin>1</pin>`, kind: "application/xml"},
		"no body":                         {of: ofModel(newRecorded())},
		"an object said to be a form":     {of: ofModel(newRecorded()), body: `{"pin":"1"}`, kind: "application/x-www-form-urlencoded", want: `{"pin":"[redacted]"}`},
		"a form":                          {of: ofModel(recordedForm{Password: crest.NewSecret("x")}), body: "user=u&p%61ss=x", kind: "application/x-www-form-urlencoded", want: "user=u&p%61ss=[redacted]"},
		"an any without":                  {of: ofModel(recordedAny{[]any{"a", 1}}), body: `{"any":["a",1]}`, want: `{"any":["a",1]}`},
		"an any with":                     {of: ofModel(recordedAny{[]any{map[string]any{"a": crest.NewSecret("x")}}}), body: `{"any":[{"a":"x"}]}`},
		"beside its own first field":      {of: ofModel(recordedAny{[]any{&shared.First, &shared}}), body: `{"any":[1,{"First":1,"S":"x"}]}`},
		"a map":                           {of: ofModel(recordedMap{map[string]crest.Secret{"a": crest.NewSecret("x")}}), body: `{"a":"x"}`},
		"a marshaler of its own":          {of: ofModel(recordedText{ownMarshaler{crest.NewSecret("x")}}), body: `{"own":"x"}`},
		"a marshaler of what is hidden":   {of: ofModel(recordedKept{[]keptMarshaler{{kept: crest.NewSecret("x")}}}), body: `{"own":[{"x":"x"}]}`},
		"a text of what JSON leaves out":  {of: ofModel(recordedTagged{map[string]tagMarshaler{"a": {crest.NewSecret("x")}}}), body: `{"own":{"a":"x"}}`},
		"a list said to be a form":        {of: ofModel(newRecorded()), body: `[{"pin":"1"}]`, kind: "application/x-www-form-urlencoded", want: `[{"pin":"[redacted]"}]`},
		"types made of themselves":        {of: ofModel(recordedNested{Tree: recordedTree{"a": {}}}), body: `{"tree":{"a":{}},"one":["1"],"other":["2"]}`, want: `{"tree":{"a":{}},"one":["[redacted]"],"other":["[redacted]"]}`},
		"WithRedact too":                  {of: ofModel(newRecorded()), opts: []crest.EndpointOption{crest.WithRedact("NAME")}, body: `{"pin":"1","name":"n"}`, want: `{"pin":"[redacted]","name":"[redacted]"}`},
		"WithRedact of everything":        {of: ofModel(newRecorded()), opts: []crest.EndpointOption{crest.WithRedact("*")}, body: `{"name":"n"}`},
	}
	for name, tt := range requests {
		t.Run(name, func(t *testing.T) {
			if tt.kind == "" {
				tt.kind = "application/json; charset=utf-8"
			}
			given := tt.body
			got, ok := tt.of(t, tt.opts...).RequestBody([]byte(given), tt.kind)
			require.Equal(t, tt.want != "" || tt.body == "", ok)
			require.Equal(t, tt.want, string(got))
			require.Equal(t, tt.body, given)
		})
	}
}

// What is no plain form is not shown as one: readers differ in what they take for a pair.
func TestR43RedactionOfForms(t *testing.T) {
	r := ofModel(recordedForm{Password: crest.NewSecret("x")})(t, crest.WithRedact("tan"))
	for body, want := range map[string]string{
		"user=u&pass=x\r\n":                     "user=u&pass=[redacted]",
		" pass=x":                               "pass=[redacted]",
		"a[pass]=x&pass[]=x&a.tan=x&a%5Btan]=x": "a[pass]=[redacted]&pass[]=[redacted]&a.tan=[redacted]&a%5Btan]=[redacted]",
		"compass=n&pass":                        "compass=n&pass",
		"user=u;pass=x":                         "",
		"user=u\npass=x":                        "",
		"user=u&pass =x":                        "",
		"\ufeffpass=x":                          "",
		"p\x00a\x00s\x00s\x00=\x00x\x00":        "",
		"<input name=pass value=x>":             "",
	} {
		got, ok := r.RequestBody([]byte(body), "application/x-www-form-urlencoded")
		require.Equal(t, want != "", ok, body)
		require.Equal(t, want, string(got), body)
	}
}

// A value that holds itself is an error, whether there is a middleware or not.
func TestR43RedactionOfCycles(t *testing.T) {
	list, table := []any{1, 2}, map[string]any{}
	list[0], list[1], table["a"], table["b"] = list, list, table, table
	c := newClient(t, "https://a.example", crest.WithTransport(fixed(200, "{}")), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }))
	for _, cycle := range []any{list, table} {
		_, err := crest.Post[recordedAny, crest.Empty]("/x").Call(t.Context(), c, recordedAny{cycle})
		require.ErrorIs(t, err, crest.ErrRequest)
		require.ErrorContains(t, err, "a cycle")
	}
}

// A field that JSON leaves out may be one of another codec.
func TestR43RedactionOfOtherCodecs(t *testing.T) {
	var shown []byte
	ok := true
	c, err := crest.New[*crest.Problem]("https://a.example", crest.WithCodec(crest.XML()), crest.WithTransport(fixed(200, "<a><token>t</token><name>n</name></a>", "Content-Type", "text/xml")),
		crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				shown, ok = crest.RedactionOf(req).ResponseBody(200, []byte("<a><token>t</token></a>"), "text/xml")
				return next.RoundTrip(req)
			})
		}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	got, err := crest.NewEndpoint[crest.Empty, recordedXML]("GET", "/x").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "t", got.Token.Reveal())
	require.False(t, ok)
	require.Empty(t, shown)
}

func ofModel[Req any](req Req) func(t *testing.T, opts ...crest.EndpointOption) crest.Redaction {
	return func(t *testing.T, opts ...crest.EndpointOption) crest.Redaction {
		route := "/x"
		if _, located := any(req).(recordedRequest); located {
			route = "/{tenant}/x"
		}
		r, _ := redactionIn(t, "POST", route, req, opts...)
		return r
	}
}

func TestR43RedactionOfAnswers(t *testing.T) {
	r, _ := redactionIn(t, "POST", "/x", recordedAny{}, crest.WithErrors(crest.ErrorMap{409: crest.As[*recordedRefusal]()}))
	const body = `{"token":"t","trace":"r","reason":"q","name":"n"}`
	for status, want := range map[int]string{
		200: `{"token":"[redacted]","trace":"[redacted]","reason":"q","name":"n"}`,
		404: `{"token":"[redacted]","trace":"[redacted]","reason":"q","name":"n"}`,
		409: `{"token":"[redacted]","trace":"[redacted]","reason":"[redacted]","name":"n"}`,
	} {
		got, ok := r.ResponseBody(status, []byte(body), "application/json")
		require.True(t, ok)
		require.Equal(t, want, string(got), status)
	}
	_, ok := r.ResponseBody(200, []byte("data: "+body+"\n\n"), "text/event-stream")
	require.False(t, ok)
}

// The pieces of a stream have the Secrets of their model.
func TestR43RedactionOfStreams(t *testing.T) {
	var r crest.Redaction
	c := newClient(t, "https://a.example", crest.WithTransport(fixed(200, "", "Content-Type", "application/x-ndjson")), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			r = crest.RedactionOf(req)
			return next.RoundTrip(req)
		})
	}))
	for range crest.NewStream[crest.Empty, recordedInner]("GET", "/x").Call(t.Context(), c, crest.Empty{}) {
		t.Fatal("nothing was sent")
	}
	got, ok := r.ResponseBody(200, []byte("{\"code\":1}\n{\"plain\":2}\n"), "application/x-ndjson")
	require.True(t, ok)
	require.Equal(t, "{\"code\":\"[redacted]\"}\n{\"plain\":2}", string(got))
}

func TestR43RedactionOfURLs(t *testing.T) {
	r, seen := redactionIn(t, "POST", "/{tenant}/x", newRecorded(), crest.WithRedact("named", "limit"))
	require.Equal(t, "https://a.example/%5Bredacted%5D/x", r.URL(seen.URL))
	for name, tt := range map[string]struct {
		url, want string
		show      []string
	}{
		"allow-list":            {"https://a.example/p?page=2&id=7", "https://a.example/p?page=2&id=[redacted]", nil},
		"shown by name":         {"https://a.example/p?id=7&%69d=8&ID=9", "https://a.example/p?id=7&%69d=8&ID=[redacted]", []string{"id"}},
		"WithRedact wins":       {"https://a.example/p?named=7&limit=8&l%69mit=9", "https://a.example/p?named=[redacted]&limit=[redacted]&l%69mit=[redacted]", []string{"named", "limit"}},
		"a Secret wins":         {"https://a.example/p?key=k3y", "https://a.example/p?key=[redacted]", []string{"key"}},
		"a value alone":         {"https://a.example/p?secret", "https://a.example/p?[redacted]", []string{"secret"}},
		"another separator":     {"https://a.example/p?page=2;token=t&size=1;a=b", "https://a.example/p?page=[redacted]&size=[redacted]", []string{"size"}},
		"userinfo and fragment": {"https://u:p@a.example/p#f", "https://a.example/p", nil},
		"relative":              {"/p?id=7", "/p?id=[redacted]", nil},
		"the path's Secret":     {"https://b.example/v2/ten%20ant/y", "https://b.example/v2/%5Bredacted%5D/y", nil},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(tt.url)
			require.NoError(t, err)
			require.Equal(t, tt.want, r.URL(u, tt.show...))
		})
	}
	require.Empty(t, r.URL(nil))
}

func TestR43RedactionOfHeaders(t *testing.T) {
	r, seen := redactionIn(t, "POST", "/{tenant}/x", newRecorded(), crest.WithHeader("X-Who", "me"), crest.WithRedact("accept-language", "date"), crest.WithHeader("Accept-Language", "gsw"))
	got := r.RequestHeader(seen.Header)
	require.Equal(t, "[redacted]", got.Get("X-Who"))
	require.Equal(t, "[redacted]", got.Get("Accept-Language"), "WithRedact")
	require.Equal(t, "application/json", got.Get("Content-Type"))
	require.Equal(t, "me", seen.Header.Get("X-Who"), "a copy")
	require.NotContains(t, got, "X-Key", "attached below")

	answer := http.Header{
		"Content-Type": {"text/plain"}, "Etag": {`"1"`}, "Retry-After": {"5"}, "X-Request-Id": {"r1"}, "Date": {"today"}, "X-Shown": {"declared"},
		"Set-Cookie": {"a=1", "b=2"}, "X-Given": {"g"}, "X-Other": {"o"}, "Www-Authenticate": {`Digest nonce="n"`},
		"Location":         {"https://u:p@b.example/ten%20ant?id=7&key=k3y&page=2", "/p?id=8", "mailto:me@a.example", "http://[::1", "x?other=1"},
		"Content-Location": {"x?other=1"}, "Last-Modified": {"v"},
		"Link": {`<https://a.example/p?id=7&page=3>; rel="next"; title="t", </q?key=k>; rel=prev; anchor="/?s=1"`, `no link`, `<mailto:me@a.example>`},
	}
	require.Equal(t, http.Header{
		"Content-Type": {"text/plain"}, "Etag": {`"1"`}, "Retry-After": {"5"}, "X-Request-Id": {"r1"}, "Date": {"[redacted]"}, "X-Shown": {"declared"},
		"Set-Cookie": {"[redacted]", "[redacted]"}, "X-Given": {"[redacted]"}, "X-Other": {"[redacted]"}, "Www-Authenticate": {"[redacted]"},
		"Location":         {"https://b.example/%5Bredacted%5D?id=7&key=[redacted]&page=2", "/p?id=8", "[redacted]", "[redacted]", "x?other=[redacted]"},
		"Content-Location": {"[redacted]"}, "Last-Modified": {"[redacted]"},
		"Link": {`<https://a.example/p?id=7&page=3>; rel="next", </q?key=[redacted]>; rel="prev"`, "[redacted]", "[redacted]"},
	}, r.ResponseHeader(answer, "id", "key"))
	require.Nil(t, r.ResponseHeader(nil))
}

// A request of another library has its client's rules, and the parameters of OAuth 2 are known to be secrets.
func TestR43RedactionOfForeignRequests(t *testing.T) {
	var seen crest.Redaction
	c := newClient(t, "https://a.example", crest.WithTransport(fixed(200, "")), crest.WithRedact("who"), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			seen = crest.RedactionOf(req)
			return next.RoundTrip(req)
		})
	}))
	req, err := http.NewRequestWithContext(t.Context(), "POST", "https://a.example/token", nil)
	require.NoError(t, err)
	resp, err := crest.RoundTripper(c).RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	for name, tt := range map[string]struct {
		of   crest.Redaction
		want string
	}{
		"its client's": {seen, `{"access_token":"[redacted]","who":"[redacted]","scope":"s"}`},
		"zero":         {crest.Redaction{}, `{"access_token":"[redacted]","who":"me","scope":"s"}`},
		"of no client": {crest.RedactionOf(req.WithContext(context.Background())), `{"access_token":"[redacted]","who":"me","scope":"s"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := tt.of.ResponseBody(200, []byte(`{"access_token":"a","who":"me","scope":"s"}`), "application/json")
			require.True(t, ok)
			require.Equal(t, tt.want, string(got))
			form, ok := tt.of.RequestBody([]byte("client_secret=x&token=y&subject_token=z&scope=s"), "application/x-www-form-urlencoded")
			require.True(t, ok)
			require.Equal(t, "client_secret=[redacted]&token=[redacted]&subject_token=[redacted]&scope=s", string(form))
		})
	}
}

// A Redaction knows the credentials that it hides, and shows them to nobody.
func TestR43RedactionHidesItself(t *testing.T) {
	r, _ := redactionIn(t, "POST", "/{tenant}/x", newRecorded())
	text := strings.Join(append(shown(r), shown(&r)...), "\n")
	for _, secret := range []string{"ten ant", "ten%20ant", "k3y", "h3ader"} {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, fmt.Sprintf("%x", secret))
	}
}
