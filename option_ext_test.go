package crest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// three makes a client, an endpoint and call options of one option each; nil leaves a level out.
func three(t *testing.T, rec *recorder, client, endpoint, call crest.Option) error {
	t.Helper()
	base := []crest.ClientOption{crest.WithTransport(rec)}
	if client != nil {
		base = append(base, client)
	}
	var own []crest.EndpointOption
	if endpoint != nil {
		own = append(own, endpoint)
	}
	var opts []crest.CallOption
	if call != nil {
		opts = append(opts, call)
	}
	_, err := crest.Get[crest.Empty, crest.Empty]("/x", own...).Call(t.Context(), newClient(t, "https://api.example.com", base...), crest.Empty{}, opts...)
	return err
}

func TestNearestLevelWins(t *testing.T) {
	header := func(v string) crest.Option { return crest.WithHeader("x-level", v) }
	query := func(v string) crest.Option { return crest.WithQuery("level", v) }
	cookie := func(v string) crest.Option { return crest.WithCookie("level", v) }
	bearer := func(v string) crest.Option { return crest.WithBearer(crest.NewSecret(v)) }
	tests := map[string]struct {
		with    func(string) crest.Option
		without crest.Option
		read    func(seen) []string
	}{
		"header":        {header, crest.WithoutHeader("X-LEVEL"), func(s seen) []string { return s.Header["X-Level"] }},
		"query":         {query, crest.WithoutQuery("level"), func(s seen) []string { return s.URL.Query()["level"] }},
		"cookie":        {cookie, crest.WithoutCookie("level"), func(s seen) []string { return cookieValues(s, "level") }},
		"authorization": {bearer, crest.WithoutHeader("authorization"), func(s seen) []string { return s.Header["Authorization"] }},
		"user agent":    {func(v string) crest.Option { return crest.WithHeader("User-Agent", v) }, nil, func(s seen) []string { return s.Header["User-Agent"] }},
		"accept":        {func(v string) crest.Option { return crest.WithAccept("text/" + v) }, nil, func(s seen) []string { return s.Header["Accept"] }},
	}
	decorate := map[string]func(string) string{
		"authorization": func(v string) string { return "Bearer " + v }, "accept": func(v string) string { return "text/" + v },
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := func(v string) []string {
				if f := decorate[name]; f != nil {
					v = f(v)
				}
				return []string{v}
			}
			client, endpoint, call := tt.with("client"), tt.with("endpoint"), tt.with("call")
			for levels, c := range map[string]struct {
				client, endpoint, call crest.Option
				want                   string
			}{
				"client":           {client, nil, nil, "client"},
				"endpoint":         {nil, endpoint, nil, "endpoint"},
				"call":             {nil, nil, call, "call"},
				"client, endpoint": {client, endpoint, nil, "endpoint"},
				"client, call":     {client, nil, call, "call"},
				"all":              {client, endpoint, call, "call"},
			} {
				rec := &recorder{}
				require.NoError(t, three(t, rec, c.client, c.endpoint, c.call))
				require.Equal(t, want(c.want), tt.read(rec.last(t)), levels)
			}
			if tt.without == nil {
				return
			}
			for levels, c := range map[string]struct {
				client, endpoint, call crest.Option
				want                   string
			}{
				"removed by endpoint":         {client, tt.without, nil, ""},
				"removed by call":             {client, endpoint, tt.without, ""},
				"removed, then given again":   {client, tt.without, call, "call"},
				"removed where there is none": {nil, nil, tt.without, ""},
				"removed farther away":        {tt.without, endpoint, nil, "endpoint"},
			} {
				rec := &recorder{}
				require.NoError(t, three(t, rec, c.client, c.endpoint, c.call))
				got := tt.read(rec.last(t))
				if c.want == "" {
					require.Empty(t, got, levels)
				} else {
					require.Equal(t, want(c.want), got, levels)
				}
			}
		})
	}
}

func cookieValues(s seen, name string) []string {
	var values []string
	for _, c := range s.CookiesNamed(name) {
		values = append(values, c.Value)
	}
	return values
}

// Different keys of all levels come together, in order.
func TestFieldsMergeByKey(t *testing.T) {
	rec := &recorder{}
	all := func(level string) []crest.Option {
		return []crest.Option{crest.WithHeader("X-"+level, "1", "2"), crest.WithQuery(level, "a b", "c&d=e"), crest.WithCookie(level, "v")}
	}
	c := newClient(t, "https://api.example.com", append(levelled[crest.ClientOption](all("client")), crest.WithTransport(rec))...)
	e := crest.Get[crest.Empty, crest.Empty]("/x", levelled[crest.EndpointOption](all("endpoint"))...)
	_, err := e.Call(t.Context(), c, crest.Empty{}, levelled[crest.CallOption](all("call"))...)
	require.NoError(t, err)
	got := rec.last(t)
	require.Equal(t, "client=a%20b&client=c%26d%3De&endpoint=a%20b&endpoint=c%26d%3De&call=a%20b&call=c%26d%3De", got.URL.RawQuery)
	require.Equal(t, "client=v; endpoint=v; call=v", got.Header.Get("Cookie"))
	for _, level := range []string{"Client", "Endpoint", "Call"} {
		require.Equal(t, []string{"1", "2"}, got.Header["X-"+level])
	}
}

// The model wins over client and endpoint, the call over the model.
func TestModelAndOptions(t *testing.T) {
	type request struct {
		H string       `header:"X-H,omitzero"`
		Q string       `query:"q,omitzero"`
		C string       `cookie:"c,omitzero"`
		S crest.Secret `header:"X-S,omitzero"`
		K crest.Secret `query:"k,omitzero"`
		D crest.Secret `cookie:"d,omitzero"`
	}
	full := request{"model", "model", "model", crest.NewSecret("model"), crest.NewSecret("model"), crest.NewSecret("model")}
	set := func(v string) []crest.Option {
		return []crest.Option{
			crest.WithHeader("X-H", v), crest.WithQuery("q", v), crest.WithCookie("c", v),
			crest.WithHeader("X-S", v), crest.WithQuery("k", v), crest.WithCookie("d", v),
		}
	}
	unset := []crest.Option{
		crest.WithoutHeader("X-H"), crest.WithoutQuery("q"), crest.WithoutCookie("c"),
		crest.WithoutHeader("X-S"), crest.WithoutQuery("k"), crest.WithoutCookie("d"),
	}
	for name, tt := range map[string]struct {
		client, endpoint, call []crest.Option
		model                  request
		want                   []string
	}{
		"model over client":   {set("client"), nil, nil, full, []string{"model"}},
		"model over endpoint": {nil, set("endpoint"), nil, full, []string{"model"}},
		"call over model":     {nil, nil, set("call"), full, []string{"call"}},
		"unset by the call":   {set("client"), nil, unset, full, nil},
		"zero model, client":  {set("client"), nil, nil, request{}, []string{"client"}},
		"client unset":        {unset, nil, nil, full, []string{"model"}},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", append(levelled[crest.ClientOption](tt.client), crest.WithTransport(rec))...)
			e := crest.Get[request, crest.Empty]("/x", levelled[crest.EndpointOption](tt.endpoint)...)
			_, err := e.Call(t.Context(), c, tt.model, levelled[crest.CallOption](tt.call)...)
			require.NoError(t, err)
			got := rec.last(t)
			for what, values := range map[string][]string{
				"header": got.Header["X-H"], "query": got.URL.Query()["q"], "cookie": cookieValues(got, "c"),
				"secret header": got.Header["X-S"], "secret query": got.URL.Query()["k"], "secret cookie": cookieValues(got, "d"),
			} {
				require.Equal(t, tt.want, values, what)
			}
		})
	}
}

func levelled[O any](opts []crest.Option) []O {
	var out []O
	for _, o := range opts {
		out = append(out, any(o).(O))
	}
	return out
}

// Where Authorization comes from is decided by the nearest level, whichever of the four ways it uses.
func TestAuthorizationOneSource(t *testing.T) {
	type withField struct {
		A string `header:"Authorization,omitzero"`
	}
	bearer := func(v string) crest.Option { return crest.WithBearer(crest.NewSecret(v)) }
	header := func(v string) crest.Option { return crest.WithHeader("Authorization", v) }
	for name, tt := range map[string]struct {
		client, endpoint, call crest.Option
		model, want            string
	}{
		"client bearer, call header":   {bearer("a"), nil, header("b"), "", "b"},
		"client header, call bearer":   {header("a"), nil, bearer("b"), "", "Bearer b"},
		"client header, endpoint both": {header("a"), bearer("b"), nil, "", "Bearer b"},
		"model over client":            {bearer("a"), nil, nil, "model", "model"},
		"call over model":              {bearer("a"), nil, bearer("b"), "model", "Bearer b"},
		"call header over model":       {bearer("a"), nil, header("b"), "model", "b"},
		"without scheme":               {crest.WithAuthorization("", crest.NewSecret("raw")), nil, nil, "", "raw"},
		"other scheme":                 {crest.WithAuthorization("OAuth", crest.NewSecret("x")), nil, nil, "", "OAuth x"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			e := crest.Get[withField, crest.Empty]("/x", levelled[crest.EndpointOption](some(tt.endpoint))...)
			c := newClient(t, "https://api.example.com", append(levelled[crest.ClientOption](some(tt.client)), crest.WithTransport(rec))...)
			_, err := e.Call(t.Context(), c, withField{tt.model}, levelled[crest.CallOption](some(tt.call))...)
			require.NoError(t, err)
			require.Equal(t, []string{tt.want}, rec.last(t).Header["Authorization"])
		})
	}
	_, err := crest.New[*failure]("https://api.example.com", bearer("a"), header("b"))
	require.ErrorContains(t, err, "at one level: keep one of them")
}

func some(o crest.Option) []crest.Option {
	if o == nil {
		return nil
	}
	return []crest.Option{o}
}

func TestAutomaticHeaders(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	_, err := crest.Post[thing, thing]("/x").Call(t.Context(), c, thing{1, "x"}, crest.WithSuccess(204))
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"gzip, deflate"}, "Content-Type": {"application/json"}, "User-Agent": {"crest/" + crest.Version},
	}, rec.last(t).Header)
	_, err = crest.Post[thing, thing]("/x").Call(t.Context(), c, thing{1, "x"}, crest.WithSuccess(204), crest.WithoutHeader("Accept"),
		crest.WithoutHeader("Accept-Encoding"), crest.WithoutHeader("Content-Type"), crest.WithHeader("Host", "other.example:8080"))
	require.NoError(t, err)
	got := rec.last(t)
	require.Equal(t, "other.example:8080", got.Host)
	require.Equal(t, "api.example.com", got.URL.Host)
	require.Empty(t, got.Header.Values("Accept"))
	require.Empty(t, got.Header.Values("Accept-Encoding"))
	require.Empty(t, got.Header.Values("Content-Type"))
	_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithHeader("Host", "a/b"))
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
}

// What WithoutHeader takes away does not come back from net/http.
func TestWithoutHeaderOnTheWire(t *testing.T) {
	var got http.Header
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.WriteHeader(204)
	}))
	_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithoutHeader("User-Agent"), crest.WithoutHeader("Accept"), crest.WithoutHeader("Accept-Encoding"))
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestErrorMapsMergeByKey(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(404, `{"message":"m"}`, "Content-Type", "application/json")),
		crest.WithErrors(crest.ErrorMap{404: sentinel("client 404"), 409: sentinel("client 409")}))
	e := crest.Get[crest.Empty, thing]("/x", crest.WithErrors(crest.ErrorMap{404: sentinel("endpoint 404"), crest.Status4XX: sentinel("endpoint 4xx")}))
	_, err := e.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, marked("endpoint 404"))
	_, err = e.Call(t.Context(), c, crest.Empty{}, crest.WithErrors(crest.ErrorMap{404: sentinel("call 404")}))
	require.ErrorIs(t, err, marked("call 404"))
	_, err = getThing.Call(t.Context(), c, crest.Empty{}, crest.WithErrors(crest.ErrorMap{500: sentinel("call 500")}))
	require.ErrorIs(t, err, marked("client 404"))
}

// marked is an error that can be compared.
type marked string

func (m marked) Error() string { return string(m) }

func sentinel(text string) crest.ErrorModel {
	return crest.ErrorFunc(func(*crest.Error) error { return marked(text) })
}

// R25: what an option was given is copied; nothing of a client's configuration is aliased into a request, whatever becomes of that.
func TestR25ConfigurationIsCopied(t *testing.T) {
	values := append(make([]string, 0, 8), "a", "b") // with spare capacity
	success := []int{204}
	accept := []string{"text/plain"}
	errors := crest.ErrorMap{500: sentinel("first")}
	scribble := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			mine := req.Clone(req.Context())
			for name := range mine.Header {
				mine.Header[name][0] = "scribbled"
				mine.Header[name] = append(mine.Header[name], "more")
			}
			for name := range req.Header {
				req.Header[name][0] += "!" // against the rules of RoundTripper, and yet only this request may suffer
				_ = append(req.Header[name], "spare")
			}
			return next.RoundTrip(req)
		})
	}
	middleware := []crest.Middleware{scribble}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithHeader("X-Many", values...), crest.WithQuery("many", values...),
		crest.WithSuccess(success...), crest.WithAccept(accept...), crest.WithErrors(errors), crest.WithMiddleware(middleware...))
	values[0], values[1], success[0], accept[0], middleware[0] = "changed", "changed", 500, "changed/changed", nil
	delete(errors, 500)
	for i := range 3 {
		_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithHeader(fmt.Sprintf("X-Call-%d", i), "v"), crest.WithQuery("call", "v"))
		require.NoError(t, err)
		got := rec.last(t)
		require.Equal(t, []string{"a!", "b"}, got.Header["X-Many"])
		require.Equal(t, []string{"a", "b"}, got.URL.Query()["many"])
		require.Equal(t, []string{"text/plain!"}, got.Header["Accept"])
		require.Equal(t, 1, countPrefix(got.Header, "X-Call-"), "a header of another call")
	}
}

// A middleware option keeps what it was given: a later change of the slice changes no call.
func TestR25MiddlewareSliceIsCopied(t *testing.T) {
	ran := 0
	list := []crest.Middleware{func(next http.RoundTripper) http.RoundTripper {
		ran++
		return next
	}}
	option := crest.WithMiddleware(list...)
	list[0] = nil
	c := newClient(t, "https://api.example.com", crest.WithTransport(&recorder{}))
	_, err := ping.Call(t.Context(), c, crest.Empty{}, option)
	require.NoError(t, err)
	require.Equal(t, 1, ran)
}

func countPrefix(h http.Header, prefix string) int {
	n := 0
	for name := range h {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

// R25 as a property: many requests of one client, each with its own additions, stay apart.
func TestR25RequestsStayApart(t *testing.T) {
	spare := append(make([]string, 0, 16), "base")
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithHeader("X-List", spare...), crest.WithQuery("list", spare...))
	e := crest.Get[struct {
		Mine string `header:"X-Mine"`
		Q    string `query:"mine"`
	}, crest.Empty]("/x?fixed=1")
	var running sync.WaitGroup
	for i := range 50 {
		running.Go(func() {
			own := fmt.Sprint(i)
			req := struct {
				Mine string `header:"X-Mine"`
				Q    string `query:"mine"`
			}{own, own}
			_, _ = e.Call(context.Background(), c, req, crest.WithHeader("X-Own", own, own), crest.WithQuery("own", own))
		})
	}
	running.Wait()
	seenOwn := map[string]bool{}
	for _, got := range rec.all {
		own := got.Header.Get("X-Mine")
		seenOwn[own] = true
		require.Equal(t, []string{own, own}, got.Header["X-Own"])
		require.Equal(t, []string{"base"}, got.Header["X-List"])
		require.Equal(t, url.Values{"fixed": {"1"}, "mine": {own}, "own": {own}, "list": {"base"}}, got.URL.Query())
	}
	require.Len(t, seenOwn, 50)
}

// R26: a call leaves nothing behind on its client or its endpoint.
func TestR26CallsLeaveNothingBehind(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithHeader("X-A", "client"))
	other := newClient(t, "https://other.example.com/v2", crest.WithTransport(rec), crest.WithHeader("X-A", "other"))
	plain := func() seen {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		return rec.last(t)
	}
	before := plain()
	for _, o := range []crest.CallOption{
		crest.WithHeader("X-A", "call"), crest.WithoutHeader("User-Agent"), crest.WithQuery("q", "1"), crest.WithCookie("c", "1"),
		crest.WithBearer(crest.NewSecret("t")), crest.WithURL("https://elsewhere.example.com/x"), crest.WithAccept("text/plain"), crest.WithSuccess(500),
	} {
		_, _ = ping.Call(t.Context(), c, crest.Empty{}, o)
		_, err := ping.Call(t.Context(), other, crest.Empty{}) // the endpoint remembers the client that called last
		require.NoError(t, err)
		rec.last(t)
		after := plain()
		require.Equal(t, before.Header, after.Header)
		require.Equal(t, before.URL.String(), after.URL.String())
	}
	require.True(t, slices.Equal(before.Header["X-A"], []string{"client"}))
}
